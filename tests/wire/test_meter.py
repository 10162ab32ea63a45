"""The meter as the relay uses it: any cuts, any bytes, any moment."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.types import Usage
from dd0c_route.wire.meter import _DIALECTS, meter_for
from dd0c_route.wire.sse import SseParser
from tests.wire.examples import (
    ANTHROPIC,
    AWS,
    CHAT,
    CHAT_USAGE,
    JSON,
    SSE,
    chunk,
    cuts,
    invoke_frame,
    read,
    read_json,
    reading,
)

NDJSON = "application/x-ndjson"
NAMES = [
    *("choices", "delta", "content", "text", "usage", "model", "error", "type", "message", "event", "output", "item"),
    *("candidates", "parts", "usageMetadata", "iterations", "content_block", "tool_calls", "function", "response"),
    *(
        "prompt_tokens",
        "input_tokens",
        "totalTokenCount",
        "billed_units",
        "bytes",
        "start",
        "done",
        "results",
        "x_groq",
    ),
]
ODD_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["message_start", "message_delta", "response.completed", "content_block_start", "error"])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=25,
)


@pytest.mark.parametrize(("api", "stream"), [("openai.chat", CHAT), ("anthropic.messages", ANTHROPIC)])
@given(data=st.data())
def test_cuts_do_not_matter(api: str, stream: bytes, data: st.DataObject) -> None:
    assert reading(read(api, SSE, data.draw(cuts(stream)))) == reading(read(api, SSE, stream))


@given(
    st.sampled_from([*_DIALECTS, "unknown"]),
    st.sampled_from([SSE, JSON, NDJSON, AWS, ""]),
    st.sampled_from(["", "gzip", "br"]),
    st.lists(
        st.binary(max_size=300) | st.sampled_from([b"data: ", b"\n\n", b"{", b"[", b"\r", b"event: x\n"]), max_size=9
    ),
)
def test_no_bytes_make_it_raise(api: str, content_type: str, coding: str, pieces: list[bytes]) -> None:
    reading(read(api, content_type, pieces, coding))


@given(st.sampled_from([*_DIALECTS, "unknown"]), ODD_JSON)
def test_no_type_in_the_json_makes_it_raise(api: str, value: object) -> None:
    text = json.dumps(value).encode()
    reading(read(api, JSON, text))
    reading(read(api, SSE, b"event: content_block_delta\ndata: " + text + b"\n\n"))
    reading(read(api, NDJSON, text + b"\n"))
    if isinstance(value, dict):
        reading(read(api, AWS, invoke_frame(value)))


def test_output_at_is_exact_at_every_byte() -> None:
    meter = read("openai.chat", SSE, CHAT)
    for place in range(len(CHAT) + 1):
        seen = meter_for("openai.chat", SSE, "")
        parser = SseParser()
        seen.feed(CHAT[: parser.feed(CHAT[:place])[-1].end] if CHAT[:place].count(b"\n\n") else b"")
        assert meter.output_at(place) == seen.output_at()


def test_a_json_body_is_delivered_when_its_last_byte_is() -> None:
    body = b'{"choices":[{"message":{"content":"Hi"}}]}\n'
    meter = read("openai.chat", JSON, body)
    assert meter.output_at(len(body) - 2).text == ""
    assert meter.output_at(len(body) - 1).text == "Hi"


def test_a_json_body_that_was_cut_is_not_finished() -> None:
    meter = read("openai.chat", JSON, b'{"choices":[{"message":{"content":"Hi')
    assert (meter.finished, meter.reported, meter.has_output) == (False, None, False)


def test_a_damaged_frame_stops_the_metering_and_keeps_what_was_read() -> None:
    meter = read("bedrock.invoke", AWS, invoke_frame({"generation": "Hi"}) + b"\0" * 40 + invoke_frame({}))
    assert meter.fault is not None
    assert meter.output_at().text == "Hi"


def test_output_is_seen_with_its_first_piece() -> None:
    meter = meter_for("openai.chat", SSE, "")
    meter.feed(chunk(""))
    assert not meter.has_output
    meter.feed(chunk("a"))
    assert meter.has_output


@pytest.mark.parametrize("count", [-3, 5.5, 1e30, 99999999999999999999999, "12", True, [12], {"a": 12}])
@pytest.mark.parametrize("prompt_tokens", [7, None])
def test_a_count_that_is_no_number_is_no_zero(count: object, prompt_tokens: int | None) -> None:
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": count}
    body = json.dumps({"choices": [{"message": {"content": "Hello."}}], "usage": usage}).encode()
    meter = meter_for("openai.chat", "application/json", "")
    meter.whole(body)

    reported = meter.reported
    if prompt_tokens is None:
        assert reported is None
    else:
        assert reported is not None
        assert (reported.usage, reported.final, reported.consistent) == (Usage(input=prompt_tokens), False, False)


def test_an_answer_that_nobody_counted_is_seen() -> None:
    body = {"choices": [{"message": {"content": "Hello."}}], "usage": {"prompt_tokens": 7, "completion_tokens": None}}
    meter = meter_for("openai.chat", "application/json", "")
    meter.whole(json.dumps(body).encode())
    assert meter.reported is not None
    assert (meter.reported.final, meter.reported.consistent) == (True, False)


@pytest.mark.parametrize("usage", [{}, {"input_tokens": None}, {"service_tier": "standard"}])
def test_a_report_without_a_count_is_none(usage: dict[str, object]) -> None:
    body = {"model": "claude-haiku-4-5", "content": [{"type": "text", "text": "Hello."}], "usage": usage}
    meter = meter_for("anthropic.messages", "application/json", "")
    meter.whole(json.dumps(body).encode())
    assert meter.reported is None


@pytest.mark.parametrize("fault", ['"logprobs": -Infinity', '"p": NaN', r'"half": "\ud83d"'])
def test_what_python_writes_and_json_does_not_know_costs_no_answer(fault: str) -> None:
    body = json.dumps({"choices": [{"message": {"content": "Hello."}}], "usage": CHAT_USAGE})
    meter = meter_for("openai.chat", "application/json", "")
    meter.whole(f"{body[:-1]}, {fault}}}".encode())
    assert meter.reported is not None
    assert meter.reported.usage == Usage(input=7, output=3)
    assert meter.output_at().text == "Hello."


def test_an_unknown_api_is_metered_where_usage_looks_like_openais() -> None:
    report = read_json("unknown", data=[], usage=CHAT_USAGE).reported
    assert report is not None
    assert report.usage == Usage(input=7, output=3)


def test_memory_stays_within_a_quarter_mebibyte_beyond_the_text() -> None:
    piece = chunk("word")
    meter = meter_for("openai.chat", SSE, "")
    meter.feed(piece)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(20_000):
            meter.feed(piece)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    text_bytes = 4 * 20_000
    assert after - before < 1.2 * text_bytes + (256 << 10)  # a growing buffer is an eighth longer than its content


@pytest.mark.parametrize(
    ("api", "kind", "body", "cut_short"),
    [
        ("openai.chat", "text/event-stream", b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n', True),
        ("openai.chat", "text/event-stream", b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n', False),
        ("openai.chat", "text/event-stream", b"data: [DONE]\n\n", False),
        ("anthropic.messages", "text/event-stream", b'event: ping\ndata: {"type":"ping"}\n\n', True),
        ("anthropic.messages", "text/event-stream", b'event: error\ndata: {"type":"error","error":{}}\n\n', False),
        ("gemini.generate", "text/event-stream", b'data: {"candidates":[]}\n\n', True),
        ("gemini.generate", "text/event-stream", b'data: {"candidates":[{"finishReason":"STOP"}]}\n\n', False),
        ("gemini.generate", "application/json", b'{"candidates":[', True),
        ("openai.chat", "application/json", b"", True),
        ("unknown", "text/event-stream", b"data: {}\n\n", False),
        ("unknown", "application/json", b'{"a":', True),
        ("openai.chat", "application/json", b'{"choices":[]}', False),
        ("unknown", "image/png", b"\x89PNG", False),
    ],
)
def test_half_an_answer_shows_where_its_api_has_an_end(api: str, kind: str, body: bytes, cut_short: bool) -> None:
    meter = meter_for(api, kind, "")
    meter.feed(body)
    meter.end()
    assert meter.cut_short is cut_short


def sse(*events: Mapping[str, object]) -> bytes:
    return b"".join(
        f"event: {event.get('type', 'message')}\ndata: {json.dumps(event)}\n\n".encode() for event in events
    )


def called(id: str) -> dict[str, object]:
    return {"id": id, "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("api", "answer"),
    [
        ("openai.chat", {"choices": [{"message": {"tool_calls": [called("c1"), called("c2")]}}]}),
        ("anthropic.messages", {"content": [{"type": "tool_use", "id": id, "name": "f"} for id in ("c1", "c2")]}),
        ("openai.responses", {"output": [{"type": "function_call", "id": "fc", "call_id": id} for id in ("c1", "c2")]}),
        ("bedrock.converse", {"output": {"message": {"content": [{"toolUse": {"toolUseId": "c1"}},
                                                                  {"toolUse": {"toolUseId": "c2"}}]}}}),
        ("gemini.generate", {"candidates": [{"content": {"parts": [{"functionCall": {"id": "c1", "name": "f"}},
                                                                    {"functionCall": {"id": "c2"}}]}}]}),
        ("cohere.chat", {"message": {"tool_calls": [called("c1"), called("c2")]}}),
    ],
)  # fmt: skip
def test_the_ids_of_tool_calls_are_known(api: str, answer: dict[str, object]) -> None:
    assert read_json(api, **answer).call_ids == ("c1", "c2")


@pytest.mark.parametrize(
    ("api", "stream"),
    [
        ("openai.chat", sse(*({"choices": [{"delta": {"tool_calls": [call]}}]} for call in
                              (called("c1"), {"function": {"arguments": "1"}}, called("c1"), called("c2"))))),
        ("anthropic.messages", sse(*({"type": "content_block_start", "content_block": {"type": "tool_use", "id": id}}
                                     for id in ("c1", "c2")))),
        ("openai.responses", sse(*({"type": "response.output_item.added", "item": {"type": "function_call",
                                    "call_id": id}} for id in ("c1", "c2")))),
    ],
)  # fmt: skip
def test_the_ids_of_tool_calls_are_known_from_a_stream(api: str, stream: bytes) -> None:
    assert read(api, SSE, stream).call_ids == ("c1", "c2")


def test_of_many_calls_a_bounded_number_is_kept() -> None:
    answer = {"message": {"tool_calls": [called(str(number)) for number in range(1000)]}}
    assert len(read_json("openai.chat", choices=[answer]).call_ids) == 32


def test_a_body_that_is_no_answer_is_not_decoded_to_its_end() -> None:
    body = gzip.compress(b" " * (16 << 20)) * 16
    meter = meter_for("openai.chat", "application/json", "gzip")
    meter.whole(body)
    assert meter.is_no_answer
    assert not meter.has_output
