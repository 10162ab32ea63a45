"""Streams and answers of Google's: what their SDKs rely on, and what recorded ones look like."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.errors import UpstreamInvalid
from dd0c_route.wire.neutral import Opening
from dd0c_route.wire.neutral.fold import answer_of
from dd0c_route.wire.neutral.form import (
    Begin,
    CallBegin,
    CallDelta,
    CallEnd,
    Done,
    Fault,
    Stop,
    TextDelta,
    ThinkingDelta,
    ToolCall,
)
from dd0c_route.wire.neutral.gemini import GEMINI

OPENING = Opening("dd_1", "a-model", 1_700_000_000)
ARRAY = Opening("dd_1", "a-model", 1_700_000_000, as_array=True)


def chunk(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts)}, **fields}], "responseId": "r1"}


def read(*chunks: dict[str, Any]) -> Any:
    reader = GEMINI.reader()
    data = b"".join(b"data: " + json.dumps(one).encode() + b"\r\n\r\n" for one in chunks)
    return answer_of(reader.feed(data) + reader.end())


def test_a_client_without_alt_sse_gets_one_json_array() -> None:
    writer = GEMINI.writer(ARRAY)
    data = writer.feed([Begin(), TextDelta("a"), TextDelta("b"), Stop("stop"), Done()]) + writer.end()

    assert [one["candidates"][0]["content"]["parts"][0]["text"] for one in json.loads(data)] == ["a", "b", ""]


def test_an_error_ends_an_array_too() -> None:
    writer = GEMINI.writer(ARRAY)
    data = writer.feed([Begin(), TextDelta("a"), Fault(503, "overloaded", "later")]) + writer.end()

    assert json.loads(data)[-1] == {"error": {"code": 503, "message": "later", "status": "UNAVAILABLE"}}


def test_calls_that_come_mixed_go_out_whole() -> None:
    writer = GEMINI.writer(OPENING)
    data = writer.feed(
        [Begin(), CallBegin(0, "a", "x"), CallDelta(0, '{"a"'), CallBegin(1, "b", "y"), CallDelta(1, '{"b":'),
         CallDelta(0, ":1}"), CallDelta(1, "2}"), CallEnd(1), Stop("tools"), Done()]
    )  # fmt: skip
    calls = [part for part in answer_of(GEMINI.reader().feed(data)).parts if isinstance(part, ToolCall)]

    assert [(call.id, call.name, call.arguments) for call in calls] == [("b", "y", '{"b":2}'), ("a", "x", '{"a":1}')]


def test_another_models_signature_is_not_shown_as_googles() -> None:
    writer = GEMINI.writer(OPENING)
    data = writer.feed([Begin(), ThinkingDelta("Hm", "c2ln", "messages"), ThinkingDelta("", "c2ln", "messages", True)])

    assert b"thoughtSignature" not in data
    assert data.count(b"data: ") == 1


def test_calls_without_ids_get_ones_of_their_own() -> None:
    answer = read(chunk(*[{"functionCall": {"name": "a", "args": {}}}] * 2, finishReason="STOP"))
    ids = [part.id for part in answer.parts]

    assert len(set(ids)) == 2
    assert answer.stop == "tools"


def test_arguments_come_as_they_were_written() -> None:
    data = b'data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"a","args":{"n": 1e400}}}]}}]}\n\n'
    (call,) = answer_of(GEMINI.reader().feed(data)).parts

    assert isinstance(call, ToolCall)
    assert call.arguments == '{"n": 1e400}'


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("STOP", "stop"),
        (1, "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "filter"),
        (99, "broken"),
        ("MALFORMED_FUNCTION_CALL", "broken"),
        ("NEW", "broken"),
    ],
)
def test_why_it_ended(reason: str | int, stop: str) -> None:
    assert read(chunk({"text": "a"}, finishReason=reason)).stop == stop


@pytest.mark.parametrize(("parts", "stop"), [([{"functionCall": {"name": "f"}}], "tools"), ([{"text": "a"}], "broken")])
def test_a_call_that_was_not_expected_is_a_call_where_there_is_one(parts: list[dict[str, object]], stop: str) -> None:
    assert read(chunk(*parts, finishReason="UNEXPECTED_TOOL_CALL")).stop == stop


def test_a_prompt_that_is_blocked_ends_in_a_filter() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}

    assert read(blocked).stop == "filter"
    assert GEMINI.read_answer(json.dumps(blocked).encode()).stop == "filter"


def test_the_usage_of_a_stream_that_is_cut_is_that_of_its_last_chunk() -> None:
    counts = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}
    usage = read({**chunk({"text": "a"}), "usageMetadata": counts}).usage

    assert (usage.input, usage.output) == (4, 2)


def test_a_stream_as_an_array_is_an_answer_too() -> None:
    body = json.dumps([chunk({"text": "a"}), chunk({"text": "b"}, finishReason="STOP")]).encode()

    assert "".join(part.text for part in GEMINI.read_answer(body).parts if hasattr(part, "text")) == "ab"


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b'{"candidates": []}'])
def test_an_answer_that_is_none_is_the_providers_fault(body: bytes) -> None:
    with pytest.raises(UpstreamInvalid):
        GEMINI.read_answer(body)


def test_a_key_that_is_refused_is_told_from_a_bad_request() -> None:
    details = [{"reason": "API_KEY_INVALID"}]
    error = {"code": 400, "message": "no", "status": "INVALID_ARGUMENT", "details": details}
    fault = GEMINI.read_error(400, json.dumps([{"error": error}]).encode())

    assert (fault.status, fault.kind) == (401, "authentication")
