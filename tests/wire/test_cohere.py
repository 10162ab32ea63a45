"""Cohere's chat, v1 and v2, and embeddings."""

from __future__ import annotations

import json

from dd0c_route.types import Media, ServerTools, Usage
from dd0c_route.wire.answer import Output
from tests.wire.examples import SSE, named, read, read_json

USAGE = {
    "billed_units": {"input_tokens": 65, "output_tokens": 63},
    "tokens": {"input_tokens": 508, "output_tokens": 86, "reasoning_tokens": 28},
    "cached_tokens": 144,
}
CALL = {"name": "look", "arguments": "{}"}


def test_the_invoice_stands_beside_what_was_processed() -> None:
    report = read_json("cohere.chat", id="x", message={"content": []}, usage=USAGE).reported
    assert report is not None
    assert report.usage == Usage(input=364, cache_read=144, output=58, reasoning=28)
    assert report.billed == Usage(input=65, output=63)


def test_a_stream_is_read_whole() -> None:
    stream = (
        named("message-start", delta={"message": {"content": [], "tool_calls": [], "tool_plan": ""}})
        + named("tool-plan-delta", delta={"message": {"tool_plan": "I will"}})
        + named("content-start", delta={"message": {"content": {"type": "thinking", "thinking": ""}}})
        + named("content-delta", delta={"message": {"content": {"thinking": " hm"}}})
        + named("content-delta", delta={"message": {"content": {"text": "Hi"}}})
        + named("tool-call-start", delta={"message": {"tool_calls": {"function": {**CALL, "arguments": ""}}}})
        + named("tool-call-delta", delta={"message": {"tool_calls": {"function": {"arguments": "{}"}}}})
    )
    assert read("cohere.chat", SSE, stream).reported is None
    meter = read("cohere.chat", SSE, stream + named("message-end", delta={"finish_reason": "COMPLETE", "usage": USAGE}))
    assert meter.output_at() == Output("Hi", "I will hm", "look{}")
    assert meter.finished
    assert meter.reported is not None
    assert meter.reported.final


def test_a_whole_message_is_read_by_its_parts() -> None:
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Hi"}]
    meter = read_json("cohere.chat", message={"content": content, "tool_calls": [{"function": CALL}]}, usage=USAGE)
    assert meter.output_at() == Output("Hi", "hm", "look{}")


def test_version_1_has_its_text_at_the_top_and_its_usage_in_meta() -> None:
    calls = [{"name": "look", "parameters": {"a": 1}}]
    meter = read_json("cohere.chat", text="Hi", tool_calls=calls, meta=USAGE, finish_reason="COMPLETE")
    assert meter.output_at() == Output(text="Hi", tools='look{"a":1}')
    assert meter.reported is not None


def test_version_1_streams_lines() -> None:
    lines = [
        {"event_type": "text-generation", "text": "Hi"},
        {"event_type": "stream-end", "finish_reason": "COMPLETE", "response": {"meta": USAGE}},
    ]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    meter = read("cohere.chat", "application/stream+json", body)
    assert meter.output_at().text == "Hi"
    assert meter.finished
    assert meter.reported is not None


def test_embeddings_are_billed_by_units_alone() -> None:
    report = read_json("cohere.embeddings", embeddings=[], meta={"billed_units": {"input_tokens": 2}}).reported
    assert report is not None
    assert report.usage == Usage(input=2)


def test_errors_are_a_message_or_a_reason() -> None:
    assert read_json("cohere.chat", message="secret").error == "error"
    assert read_json("cohere.chat", message={"content": []}, finish_reason="ERROR_TOXIC").error == "ERROR_TOXIC"


def test_images_and_the_searches_of_a_rerank_are_told() -> None:
    usage = {"billed_units": {"input_tokens": 267}, "tokens": {"input_tokens": 293, "image_tokens": 259}}
    report = read_json("cohere.chat", message={"content": []}, usage=usage).reported
    assert report is not None
    assert report.media == Media(input_image=259)
    reranked = read_json("cohere.chat", results=[], meta={"billed_units": {"search_units": 2}}).reported
    assert reranked is not None
    assert reranked.server_tools == ServerTools(search_units=2)
