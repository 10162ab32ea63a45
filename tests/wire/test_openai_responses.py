"""OpenAI's Responses API."""

from __future__ import annotations

from typing import Any

import pytest

from dd0c_route.types import Usage
from dd0c_route.wire.answer import Output
from tests.wire.examples import SSE, named, read, read_json

USAGE = {"input_tokens": 5, "output_tokens": 6, "total_tokens": 11}


@pytest.mark.parametrize("last", ["response.completed", "response.incomplete"])
def test_usage_comes_with_the_last_event_only(last: str) -> None:
    begun = named("response.created", response={"model": "gpt-x", "service_tier": "auto", "usage": None})
    piece = named("response.output_text.delta", delta="Hi")
    cut = read("openai.responses", SSE, begun + piece)
    assert (cut.reported, cut.finished, cut.served_model) == (None, False, "gpt-x")
    whole = read(
        "openai.responses",
        SSE,
        begun + piece + named(last, response={"model": "gpt-x", "service_tier": "flex", "usage": USAGE}),
    )
    assert whole.finished
    assert whole.reported is not None
    assert whole.reported.usage == Usage(input=5, output=6)
    assert whole.reported.service_tier == "flex"
    assert whole.output_at().text == "Hi"


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        ("response.output_text.delta", Output(text="x")),
        ("response.refusal.delta", Output(text="x")),
        ("response.reasoning_summary_text.delta", Output(reasoning="x")),
        ("response.reasoning_text.delta", Output(reasoning="x")),
        ("response.function_call_arguments.delta", Output(tools="x")),
        ("response.custom_tool_call_input.delta", Output(tools="x")),
        ("response.code_interpreter_call_code.delta", Output(tools="x")),
        ("response.audio.delta", Output()),
    ],
)
def test_each_delta_is_a_piece_of_its_kind(kind: str, output: Output) -> None:
    assert read("openai.responses", SSE, named(kind, delta="x")).output_at() == output


def test_a_called_tool_is_named_once_and_finished_items_repeat_nothing() -> None:
    item = {"type": "function_call", "name": "look", "arguments": '{"a":1}'}
    stream = (
        named("response.output_item.added", item={**item, "arguments": ""})
        + named("response.function_call_arguments.delta", delta='{"a":1}')
        + named("response.function_call_arguments.done", arguments='{"a":1}')
        + named("response.output_item.done", item=item)
    )
    assert read("openai.responses", SSE, stream).output_at() == Output(tools='look{"a":1}')


def test_a_body_is_read_by_its_items() -> None:
    output: list[dict[str, Any]] = [
        {"type": "reasoning", "summary": [{"text": "hm"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
        {"type": "function_call", "name": "look", "arguments": "{}"},
    ]
    meter = read_json("openai.responses", model="gpt-x", output=output, usage=USAGE, error=None)
    assert meter.output_at() == Output("Hi", "hm", "look{}")
    assert meter.finished
    assert meter.error is None


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (named("response.failed", response={"error": {"code": "server_error", "message": "secret"}}), "server_error"),
        (named("response.failed", response={}), "error"),
        (named("error", code="rate_limit_exceeded", message="secret"), "rate_limit_exceeded"),
    ],
)
def test_an_error_is_known_by_its_code(event: bytes, kind: str) -> None:
    assert read("openai.responses", SSE, event).error == kind
