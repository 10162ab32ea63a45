from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dd0c_route.proxy.form import MOST_CHARS, checks_of, form_label
from dd0c_route.types import Call, Usage
from dd0c_route.wire.answer import Output
from dd0c_route.wire.body import split

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


def a_call(**fields: Any) -> Call:
    body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "Go."}], **fields})
    return Call(
        id="dd_1", at_ns=0, started_ns=0, dialect="openai", api=fields.pop("api", "openai.chat"), method="POST",
        path="/chat/completions", query="", headers=[], body=body, fields=split(body), model="m",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "output", "failed"),
    [
        ({}, Output("Fine."), set()),
        ({}, Output(""), {"answered"}),
        ({}, Output("I'm sorry, but I can't help with that."), {"unrefused"}),
        ({"response_format": {"type": "json_object"}}, Output("no json"), {"json"}),
        ({"response_format": {"type": "json_object"}}, Output('{"a": 1}'), set()),
        ({"tools": [TOOL]}, Output("", "", 'look{"x":1}'), set()),
        ({"tools": [TOOL], "tool_choice": "required"}, Output("No."), {"tool_call"}),
    ],
)
def test_what_was_asked_for_is_checked(fields: dict[str, Any], output: Output, failed: set[str]) -> None:
    checks = checks_of(a_call(**fields), output, Usage(output=5))
    assert {name for name, passed in checks.items() if not passed} == failed
    assert form_label(a_call(**fields), checks, "").score == (0.0 if failed else 1.0)


def test_an_answer_at_its_limit_was_cut() -> None:
    call = a_call(max_tokens=500)
    assert checks_of(call, Output("word " * 400), Usage(output=500))["complete"] is False
    assert checks_of(call, Output("word " * 400), Usage(output=400))["complete"] is True


def test_nothing_is_said_of_long_answers_and_of_other_apis() -> None:
    assert checks_of(a_call(), Output("x" * (MOST_CHARS + 1)), Usage()) == {}
    embeddings = msgspec.structs.replace(a_call(), api="openai.embeddings")
    assert checks_of(embeddings, Output("x"), Usage()) == {}
