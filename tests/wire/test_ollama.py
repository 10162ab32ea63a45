"""Ollama's own API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.types import Usage
from dd0c_route.wire.answer import Output
from tests.wire.examples import JSON, read, read_json

LAST = {"model": "q", "done": True, "prompt_eval_count": 21, "eval_count": 3}


def lines(*chunks: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(chunk).encode() + b"\n" for chunk in chunks)


@pytest.mark.parametrize("content_type", ["application/x-ndjson", JSON])
def test_a_stream_is_lines_of_json_whatever_its_type_says(content_type: str) -> None:
    body = lines(
        {"model": "q", "message": {"thinking": "hm"}, "done": False},
        {"model": "q", "message": {"content": "Hi"}, "done": False},
        {**LAST, "message": {"content": ""}},
    )
    meter = read("ollama", content_type, body)
    assert meter.output_at() == Output(text="Hi", reasoning="hm")
    assert (meter.finished, meter.served_model) == (True, "q")
    assert meter.reported is not None
    assert (meter.reported.usage, meter.reported.final) == (Usage(input=21, output=3), True)


def test_generate_has_its_text_at_the_top() -> None:
    assert read_json("ollama", response="Hi", thinking="hm", **LAST).output_at() == Output(text="Hi", reasoning="hm")


def test_tool_calls_are_output() -> None:
    call = {"function": {"name": "look", "arguments": {"a": 1}}}
    assert read_json("ollama", message={"tool_calls": [call]}, **LAST).output_at() == Output(tools='look{"a":1}')


def test_a_prompt_without_a_count_is_flagged() -> None:
    report = read_json("ollama", done=True, eval_count=79).reported
    assert report is not None
    assert (report.usage, report.consistent) == (Usage(output=79), False)


def test_an_error_has_no_type() -> None:
    assert read_json("ollama", error="secret").error == "error"
