"""Each check fails what it is for, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw
from msgspec.json import encode

from dd0c_route.brain.checks import Expected, Said, Verdict, agree, check, checks_for, expected, said
from dd0c_route.brain.checks.odds import after, rates_of
from dd0c_route.brain.checks.said import ToolCall
from tests.brain.checks.answers import APIS, answer, request

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
TOOLS = {"look_up": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}}


def failed(wanted: Expected, text: str = "", *calls: ToolCall, ending: Any = "") -> tuple[str, ...]:
    return check(wanted, Said(text, calls, ending)).failed


def test_every_answer_can_be_put_to_the_same_three_checks() -> None:
    assert checks_for(Expected()) == {"answered", "complete", "unrefused"}
    assert check(Expected(), Said("Yes.")) == Verdict((), ("answered", "complete", "unrefused"))


def test_nothing_is_no_answer_and_a_call_is_one() -> None:
    assert failed(Expected(), " \n") == ("answered",)
    assert failed(Expected(tools=TOOLS), "", ToolCall("look_up", {"id": 1})) == ()


def test_an_answer_that_was_cut_is_at_fault_unless_the_caller_allowed_little() -> None:
    assert failed(Expected(), "So", ending="cut") == ("complete",)
    assert failed(Expected(output_limit=4096), "So", ending="cut") == ("complete",)
    assert failed(Expected(output_limit=5), "So", ending="cut") == ()


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I\u2019m sorry, but I can\u2019t help with that.",
        "  Es tut mir leid, aber ich kann Ihnen dabei nicht helfen.",
    ],
)
def test_a_phrase_of_refusal_is_one_in_its_first_words(text: str) -> None:
    assert failed(Expected(), text) == ("unrefused",)
    assert failed(Expected(), "A" * 200 + text) == ()


def test_the_providers_own_word_for_a_refusal_counts() -> None:
    assert failed(Expected(), "Well", ending="refused") == ("unrefused",)


@pytest.mark.parametrize("text", ['{"a": 1', "Sure: {}", '```json\n{"a": 1}\n```'])
def test_json_that_callers_cannot_parse_is_none(text: str) -> None:
    assert failed(Expected(json=True), text) == ("json",)
    assert failed(Expected(json=True, schema=SCHEMA), text) == ("schema",)


def test_json_must_fit_its_schema() -> None:
    assert failed(Expected(json=True, schema=SCHEMA), '{"a": 1}') == ()
    assert failed(Expected(json=True, schema=SCHEMA), '{"a": "1"}') == ("schema",)
    assert failed(Expected(json=True), '{"a": "1"}') == ()


@pytest.mark.parametrize(
    ("call", "fails"),
    [
        (ToolCall("look_up", {"id": 1}), False),
        (ToolCall("look_up", {}), True),
        (ToolCall("look_up", {"id": "one"}), True),
        (ToolCall("look_up", None), True),
        (ToolCall("lookup", {"id": 1}), True),
    ],
)
def test_a_call_names_a_tool_and_brings_its_arguments(call: ToolCall, fails: bool) -> None:
    assert failed(Expected(tools=TOOLS), "", call) == (("tool_call",) if fails else ())


def test_where_a_tool_must_be_called_words_are_not_enough() -> None:
    assert failed(Expected(tools=TOOLS), "Let me see.") == ()
    assert failed(Expected(tools=TOOLS, must_call=True), "Let me see.") == ("tool_call",)


@pytest.mark.parametrize("api", APIS)
def test_it_is_the_same_in_every_dialect(api: str) -> None:
    fields = {name: Raw(encode(value)) for name, value in request(api, SCHEMA, TOOLS, limit=999).items()}
    wanted, good, bad = expected(api, fields), said(api, answer(api, '{"a": 1}')), said(api, answer(api, "{}"))

    assert wanted is not None
    assert good is not None
    assert bad is not None
    assert check(wanted, good).failed == ()
    assert check(wanted, bad).failed == ("schema",)


def test_a_verdict_moves_the_odds_by_each_of_its_checks() -> None:
    verdict = Verdict(failed=("schema",), passed=("answered",))
    by_hand = after(after(0.9, rates_of("schema").failed()), rates_of("answered").passed())

    assert verdict.p_good(0.9) == by_hand < 0.1
    assert Verdict((), ("schema",)).p_good(0.9) > 0.9


def test_answers_agree_in_what_they_say_and_not_in_how_it_is_set() -> None:
    assert agree(Said("The answer is 7."), Said("the answer\nis 7. "))
    assert not agree(Said("7"), Said("8"))
    assert not agree(Said("", (ToolCall("f", {"a": 1}),)), Said("", (ToolCall("f", {"a": 2}),)))
