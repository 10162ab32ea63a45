from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.proxy.judge import MOST_CHARS, Verdict, judge_call, score, verdict
from dd0c_route.types import Call, Dialect, Target

CALL = Call(
    id="dd_1", at_ns=0, started_ns=0, dialect="openai", api="openai.chat", method="POST", path="/chat/completions",
    query="", headers=[(b"authorization", b"Bearer synthetic")], body=b"{}", fields={}, model="gpt-4o",
    key_id="0a0a0a0a", tags={"team": "core"},
)  # fmt: skip


def question(
    dialect: Dialect = "openai", request: str = "What?", first: str = "This.", second: str = "That."
) -> Call:  # fmt: skip
    return judge_call(CALL, dialect, Target("acme", "judge-1"), request, first, second)


@pytest.mark.parametrize(
    ("dialect", "api", "path"),
    [
        ("openai", "openai.chat", "/chat/completions"),
        ("anthropic", "anthropic.messages", "/messages"),
        ("gemini", "gemini.generate", "/models/judge-1:generateContent"),
    ],
)
def test_it_is_asked_in_its_own_dialect_and_knows_no_names(dialect: Any, api: str, path: str) -> None:
    call = question(dialect)
    assert (call.api, call.path, call.model) == (api, path, "judge-1")
    assert (call.tags, call.key_id) == (CALL.tags, CALL.key_id)
    assert not any(name == b"authorization" for name, _ in call.headers)
    body = call.body.decode()
    assert "gpt-4o" not in body
    assert body.index("What?") < body.index("This.") < body.index("That.")


@given(st.text(), st.text(), st.text())
def test_whatever_stands_in_the_texts_the_question_is_one(request: str, first: str, second: str) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in (request, first, second)]
    asked = msgspec.json.decode(question("openai", *texts).body)["messages"][1]["content"]
    assert asked.endswith("Which answer is better: FIRST, SECOND or TIE?")


def test_a_placeholder_in_an_answer_is_no_placeholder() -> None:
    assert "$first and $$" in question(second="$first and $$").body.decode()


def test_a_long_answer_is_shown_by_its_ends() -> None:
    body = question(first="a" * 50_000 + "the end").body
    assert len(body) < MOST_CHARS + 3_000
    assert b"the end" in body


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FIRST", "first"),
        ("second.", "second"),
        ("The first one is wrong, so: **SECOND**", "second"),
        ("Tie", "tie"),
        ("Both", None),
        ("firstly", None),
        ("", None),
    ],
)
def test_the_last_of_the_three_words_counts(text: str, said: str | None) -> None:
    assert verdict(text) == said


@pytest.mark.parametrize(
    ("one", "turned", "expected"),
    [
        ("first", "second", 0.0),  # the model asked for is better, wherever it stands
        ("second", "first", 1.0),
        ("tie", "tie", 1.0),
        ("first", "first", 1.0),  # only the place is better
        ("second", "second", 1.0),
        ("first", "tie", 0.5),
        ("tie", "first", 1.0),
    ],
)
def test_only_what_holds_in_both_orders_counts_whole(one: Verdict, turned: Verdict, expected: float) -> None:
    assert score(one, turned) == expected
