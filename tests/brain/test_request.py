"""What the brain sees of a request, in every dialect and at any length."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.excerpt import TAIL_BYTES, WHOLE_BYTES
from dd0c_route.brain.request import TURN_CHARS, Asked, asked
from tests.proxy.examples import call

API = {"messages": "openai.chat", "contents": "gemini.generate", "input": "openai.responses"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALLED = {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "look", "arguments": '{"a": 1}'}}]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "42"}


def read(body: dict[str, Any], headers: dict[str, str] | None = None, **changes: Any) -> Asked:
    api = next((api for name, api in API.items() if name in body), "openai.chat")
    sent = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    return asked(call(json.dumps({"model": "m", **body}).encode(), api=api, headers=sent, **changes))


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


# --- the last user turn -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "system", "content": "Be brief."}, user("How far?")]},
        {"messages": [user([{"type": "text", "text": "How far?"}])]},
        {"messages": [user("No."), {"role": "assistant", "content": "Well."}, user("How far?")]},
        {"system": [{"type": "text", "text": "Be brief."}], "messages": [user("How far?")]},
        {"contents": [{"role": "user", "parts": [{"text": "How far?"}]}]},
        {"contents": [{"parts": [{"text": "How far?"}]}]},
        {"input": "How far?"},
        {"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "How far?"}]}]},
        {"messages": [user("How far?"), CALLED, RESULT], "tools": [TOOL]},
    ],
)
def test_the_last_turn_of_the_user_is_found_in_every_dialect(body: dict[str, Any]) -> None:
    seen = read(body)
    assert (seen.turn, seen.turn_chars) == ("How far?", 8)


def test_a_long_turn_keeps_its_ends() -> None:
    text = "a" * 3000 + "b" * 3000
    seen = read({"messages": [user(text)]})
    assert seen.turn == "a" * TURN_CHARS + "\n" + "b" * TURN_CHARS
    assert seen.turn_chars == 6000


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_very_long_conversation_is_read_from_its_end(separators: tuple[str, str]) -> None:
    turns = [message for i in range(500) for message in (user(f'No {i}: {{"role": "x"}}, {{"'), {"role": "assistant",
             "content": "Well. " * 20})]  # fmt: skip
    body = json.dumps({"model": "m", "messages": [*turns, user("How far?")]}, separators=separators).encode()
    seen = asked(call(body))
    assert len(body) > WHOLE_BYTES
    assert seen.turn == "How far?"
    assert not seen.in_tool_loop
    assert 700 < seen.depth < 1400


def test_of_a_turn_longer_than_what_is_read_both_ends_are_kept() -> None:
    seen = read({"messages": [user("Begin. " + "x y " * TAIL_BYTES + "The end?")]})
    assert seen.turn.startswith("Begin. x y")
    assert seen.turn.endswith("The end?")


@given(st.binary(max_size=200))
def test_any_value_of_messages_is_read_without_a_fault(data: bytes) -> None:
    try:
        json.loads(data)
    except ValueError:
        data = json.dumps(data.decode("latin-1")).encode()
    asked(call(b'{"model":"m","messages":' + data + b"}"))


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [user("a"), CALLED, RESULT, {**RESULT, "tool_call_id": "c2"}]},
        {"messages": [user("a"), user([{"type": "tool_result", "tool_use_id": "c1"},
                                       {"type": "tool_result", "tool_use_id": "c2"}])]},
        {"messages": [user("a"), user([{"toolResult": {"toolUseId": "c1"}}, {"toolResult": {"toolUseId": "c2"}}])]},
        {"input": [{"type": "function_call_output", "id": "fco_1", "call_id": "c1"},
                   {"type": "function_call_output", "call_id": "c2"}]},
        {"contents": [{"role": "user", "parts": [{"functionResponse": {"id": "c1", "name": "f"}},
                                                 {"functionResponse": {"id": "c2", "name": "f"}}]}]},
    ],
)  # fmt: skip
def test_the_calls_are_known_whose_results_are_brought(body: dict[str, Any]) -> None:
    assert sorted(read(body).call_ids) == ["c1", "c2"]


@pytest.mark.parametrize("id", [None, 5, [], ""])
def test_results_of_calls_without_an_id_bring_none(id: Any) -> None:
    assert read({"messages": [user("a"), CALLED, {**RESULT, "tool_call_id": id}]}).call_ids == ()
    assert read({"contents": [{"role": "user", "parts": [{"functionResponse": id}]}]}).call_ids == ()


def test_what_was_called_and_answered_earlier_is_not_brought_again() -> None:
    assert read({"messages": [user("a"), CALLED, RESULT, {"role": "assistant", "content": "So."}]}).call_ids == ()
    later = {"role": "assistant", "tool_calls": [{"id": "c2", "function": {"name": "look", "arguments": "{}"}}]}
    assert read({"messages": [user("a"), CALLED, RESULT, later, {**RESULT, "tool_call_id": "c2"}]}).call_ids == ("c2",)


# --- limits and caches ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({"max_tokens": 9}, 9),
        ({"max_completion_tokens": 8, "max_tokens": 9}, 8),
        ({"generationConfig": {"maxOutputTokens": 7}}, 7),
        ({"inferenceConfig": {"maxTokens": 6}}, 6),
        ({"options": {"num_predict": 5}}, 5),
        ({"max_tokens": "9"}, None),
        ({}, None),
    ],
)
def test_the_limit_of_the_answer_is_read(body: dict[str, Any], limit: int | None) -> None:
    assert read({"messages": [user("a")], **body}).max_output == limit


@pytest.mark.parametrize(
    ("mark", "cache"), [({"type": "ephemeral"}, "5m"), ({"type": "ephemeral", "ttl": "1h"}, "1h"), (None, "")]
)
def test_what_is_asked_of_the_cache_is_read(mark: Any, cache: str) -> None:
    marked = {"cache_control": mark} if mark else {}
    assert read({"messages": [user([{"type": "text", "text": "a", **marked}])]}).cache == cache
    assert read({"system": [{"type": "text", "text": "a", **marked}], "messages": [user("a")]}).cache == cache
    pointed = [{"text": "a"}, {"cachePoint": {"type": "default", **mark}}] if mark else [{"text": "a"}]
    assert read({"messages": [user(pointed)]}).cache == cache
    assert read({"system": pointed, "messages": [user("a")]}).cache == cache


# --- hashes -----------------------------------------------------------------------------------------------------------


def test_the_prefix_stays_as_a_conversation_grows_beyond_what_is_read_whole() -> None:
    system = {"role": "system", "content": "You are an agent. " * 40}
    opening = [system, user("Fix it."), {"role": "assistant", "content": "Well. " * 40}]
    long = [*opening, *([user("More. " * 50), {"role": "assistant", "content": "Well. " * 50}] * 50), user("And?")]
    short = read({"messages": opening, "tools": [TOOL]})
    assert read({"messages": long, "tools": [TOOL]}).prefix_hashes == short.prefix_hashes
    assert read({"messages": long, "tools": [TOOL, TOOL]}).prefix_hashes != short.prefix_hashes
    other = [{**system, "content": "You are a poet. "}, *long[1:]]
    assert read({"messages": other, "tools": [TOOL]}).prefix_hashes != short.prefix_hashes


def test_marks_that_move_along_are_no_part_of_the_prefix() -> None:
    def body(mark: dict[str, Any]) -> dict[str, Any]:
        billing = {"type": "text", "text": f"x-anthropic-billing-header: cc_version={len(mark)}"}
        return {"system": [billing], "messages": [user([{"type": "text", "text": "a", **mark}])]}

    marked = body({"cache_control": {"type": "ephemeral"}})
    assert read(marked).prefix_hashes == read(body({})).prefix_hashes
