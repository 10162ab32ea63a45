"""What is remembered of conversations, and which calls belong to one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.request import asked
from dd0c_route.brain.sessions import Sessions, conversation_of
from dd0c_route.types import Conversation, Target
from tests.proxy.examples import call

A, B = Target("p", "a"), Target("p", "b")
SECOND = 1_000_000_000
SAID = Conversation(1, (1, 2, 3), frozenset())


def key_of(body: dict[str, Any] | None = None, headers: dict[str, str] | None = None, **changes: Any) -> int:
    sent = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    given_ = {"model": "m", "messages": [{"role": "user", "content": "Fix it."}], **(body or {})}
    one = call(json.dumps(given_).encode(), headers=sent, **changes)
    return conversation_of(one, asked(one)).key


# --- memory -------------------------------------------------------------------------------------------------------


def test_who_answered_last_is_remembered_and_what_each_has_cached() -> None:
    sessions = Sessions(10, 60.0)
    sessions.answered(SAID, A, SECOND, 1000)
    sessions.answered(SAID, B, 2 * SECOND, 1500)

    session = sessions.of(1, 3 * SECOND)
    assert session is not None
    assert session.target == B
    assert {target: warm.tokens for target, warm in session.warm.items()} == {A: 1000, B: 1500}


def test_an_answer_that_has_begun_binds_and_leaves_what_was_cached() -> None:
    sessions = Sessions(10, 60.0)
    sessions.answered(SAID, A, SECOND, 1000)
    sessions.answered(SAID, B, 2 * SECOND)

    session = sessions.of(1, 3 * SECOND)
    assert session is not None
    assert session.target == B
    assert set(session.warm) == {A}


def test_what_a_conversation_used_stays_in_mind() -> None:
    sessions = Sessions(10, 60.0)
    sessions.answered(Conversation(1, (), frozenset({"vision"})), A, SECOND)
    sessions.answered(SAID, A, SECOND)

    session = sessions.of(1, SECOND)
    assert session is not None
    assert session.uses == {"vision"}


def test_a_conversation_is_forgotten_after_its_time() -> None:
    sessions = Sessions(10, 60.0)
    sessions.answered(SAID, A, 0, 1000)
    assert sessions.of(1, 60 * SECOND) is not None
    assert sessions.of(1, 61 * SECOND) is None


@given(st.lists(st.integers(0, 30)))
def test_never_more_are_kept_than_agreed_and_the_latest_are(keys: list[int]) -> None:
    sessions = Sessions(5, 60.0)
    for key in keys:
        sessions.answered(Conversation(key, (), frozenset()), A, SECOND)
    assert len(sessions) <= 5
    latest = list(dict.fromkeys(reversed(keys)))[:5]
    assert all(sessions.of(key, SECOND) is not None for key in latest)


# --- whose call it is -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "named",
    [
        {"session": "s1"},
        {"headers": {"x-claude-code-session-id": "s1"}},
        {"headers": {"session-id": "s1"}},
        {"headers": {"x-session-affinity": "s1"}},
        {"headers": {"x-opencode-session": "s1"}},
        {"headers": {"x-kilocode-taskid": "s1"}},
        {"headers": {"x-client-session-id": "s1"}},
        {"body": {"prompt_cache_key": "s1"}},
        {"body": {"metadata": {"user_id": "user_1_session_s1"}}},
    ],
)
def test_a_named_conversation_is_the_same_whatever_is_said_in_it(named: dict[str, Any]) -> None:
    body = named.pop("body", {})
    other = {"messages": [{"role": "user", "content": "Something else."}]}
    assert key_of(body, **named) == key_of({**body, **other}, **named)
    assert key_of(body, **named) != key_of()


def test_without_a_name_it_goes_by_system_tools_and_opening() -> None:
    more = [{"role": "user", "content": "Fix it."}, {"role": "assistant", "content": "Done."},
            {"role": "user", "content": "Thanks."}]  # fmt: skip
    assert key_of() == key_of({"messages": more})
    assert key_of() != key_of({"messages": [{"role": "user", "content": "Break it."}]})
    assert key_of() != key_of({"tools": [{"type": "function"}]})
    assert key_of() != key_of({"system": "Be brief."})


def test_threads_of_a_session_are_their_own() -> None:
    session = {"session-id": "s1", "thread-id": "s1"}
    assert key_of(headers=session) != key_of(headers={**session, "thread-id": "t2"})


def test_subagents_side_calls_other_models_and_other_callers_are_their_own() -> None:
    session = {"x-claude-code-session-id": "s1"}
    keys = {
        key_of(headers=session),
        key_of(headers={**session, "x-claude-code-agent-id": "a1"}),
        key_of(headers={**session, "x-dd0c-kind": "title"}),
        key_of({"model": "n"}, headers=session),
        key_of(headers=session, key_id="k1"),
    }
    assert len(keys) == 5


def test_who_asked_for_a_call_is_known_by_its_id_within_its_conversation() -> None:
    sessions = Sessions(2, 60.0)
    sessions.called(1, ("c1", "c2"), A)
    sessions.called(2, ("c1",), B)
    assert sessions.caller(2, ("c1",)) == B
    assert sessions.caller(1, ("other", "c2")) == A
    assert sessions.caller(1, ("c1",)) is None  # it was the oldest, and two are kept
    assert sessions.caller(1, ()) is None
