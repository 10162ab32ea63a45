"""How a body is cut into what a dialect reads."""

from __future__ import annotations

import json

import pytest

from dd0c_route.types import Usage
from dd0c_route.wire import frames, sse
from tests.wire.examples import CHAT, CHAT_USAGE, JSON, SSE, read


@pytest.mark.parametrize("content_type", [SSE, "text/plain", "", JSON, "TEXT/EVENT-STREAM"])
def test_events_are_known_by_their_first_bytes(content_type: str) -> None:
    meter = read("openai.chat", content_type, [b"\n", b"\n ", CHAT])
    assert meter.finished
    assert meter.reported is not None


def test_a_json_error_under_the_type_of_a_stream_is_read() -> None:
    assert read("openai.chat", SSE, b' {"error": {"type": "oops"}}').error == "oops"


@pytest.mark.parametrize("body", [b"RIFF....WAVE", b"<html>", b"\xff\xfe", b"plain words"])
def test_a_body_that_no_dialect_reads_is_not_held(body: bytes) -> None:
    meter = read("openai.chat", "application/octet-stream", [body] * 3)
    assert meter.fault == "the body is neither JSON nor events"
    assert not meter.finished


def test_a_json_body_beyond_the_bound_is_searched_for_usage_near_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_EVENT_BYTES", 10_000)
    body = json.dumps({"data": ["x" * 100] * 1000, "model": "m", "usage": CHAT_USAGE}).encode()
    meter = read("openai.embeddings", JSON, [body[at : at + 999] for at in range(0, len(body), 999)])
    assert meter.reported is not None
    assert meter.reported.usage == Usage(input=7, output=3)


def test_an_event_beyond_the_bound_is_searched_for_usage_near_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 10_000)
    event = {"type": "response.completed", "response": {"output": ["x" * 20_000], "usage": CHAT_USAGE, "user": None}}
    stream = b"event: response.completed\ndata: " + json.dumps(event).encode() + b"\n\n"
    report = read("openai.responses", SSE, stream).reported
    assert report is not None
    assert report.usage == Usage(input=7, output=3)


def test_a_line_beyond_the_bound_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_EVENT_BYTES", 1000)
    long_line = json.dumps({"response": "x" * 2000}).encode() + b"\n"
    body = long_line + b'{"response":"Hi"}\n' + long_line + b'{"done":true,"eval_count":1,"prompt_eval_count":2}'
    meter = read("ollama", "application/x-ndjson", [body[at : at + 77] for at in range(0, len(body), 77)])
    assert meter.output_at().text == "Hi"
    assert meter.finished
