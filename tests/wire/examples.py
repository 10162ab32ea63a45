"""Small streams and bodies written by hand, and the ways to cut and feed them."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable
from typing import Any
from zlib import crc32

from hypothesis import strategies as st

from dd0c_route.wire.meter import Meter, meter_for

SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"
AWS = "application/vnd.amazon.eventstream"


def chunk(content: str = "", **fields: Any) -> bytes:
    """One chunk of an OpenAI chat stream."""
    body = {"id": "c", "model": "m-1", "choices": [{"index": 0, "delta": {"content": content}}], **fields}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def named(name: str, **fields: Any) -> bytes:
    """One event with a name, which is its type too."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


def frame(name: str, payload: bytes, message_type: str = "event") -> bytes:
    """One frame of an AWS event stream."""
    key = ":event-type" if message_type == "event" else ":exception-type"
    headers = b""
    for header, value in ((key, name), (":content-type", "application/json"), (":message-type", message_type)):
        headers += bytes([len(header)]) + header.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return message + struct.pack(">I", crc32(message))


def invoke_frame(body: dict[str, Any]) -> bytes:
    """One chunk of `invoke-with-response-stream`."""
    return frame("chunk", json.dumps({"bytes": base64.b64encode(json.dumps(body).encode()).decode()}).encode())


CHAT_USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
CHAT = b"".join(
    [
        b'data: {"id":"","model":"","choices":[],"prompt_filter_results":[]}\n\n',
        chunk(""),
        chunk("Gr\u00fc"),
        chunk("\u00df dich \U0001f600"),
        chunk("", choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]),
        chunk(choices=[], usage=CHAT_USAGE),
        b"data: [DONE]\n\n",
    ]
)
ANTHROPIC = b"".join(
    [
        named(
            "message_start",
            message={"model": "claude-x", "content": [], "usage": {"input_tokens": 12, "output_tokens": 1}},
        ),
        named("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}),
        named("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"}),
        named("ping"),
        named("content_block_delta", index=1, delta={"type": "text_delta", "text": "Hello"}),
        named("content_block_start", index=2, content_block={"type": "tool_use", "name": "look", "input": {}}),
        named("content_block_delta", index=2, delta={"type": "input_json_delta", "partial_json": '{"a":1}'}),
        named("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9}),
        named("message_stop"),
    ]
)


def cuts(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """Ways to cut *data* into pieces."""
    places = st.lists(st.integers(0, len(data)), max_size=12)
    return places.map(lambda at: [data[a:b] for a, b in zip([0, *sorted(at)], [*sorted(at), len(data)], strict=True)])


def read(api: str, content_type: str, pieces: bytes | Iterable[bytes], coding: str = "") -> Meter:
    """A meter that has read a body to its end; given as one piece, it reads the same as a whole."""
    meter = meter_for(api, content_type, coding)
    for piece in [pieces] if isinstance(pieces, bytes) else pieces:
        meter.feed(piece)
    meter.end()
    if isinstance(pieces, bytes):
        at_once = meter_for(api, content_type, coding)
        at_once.whole(pieces)
        assert reading(at_once) == reading(meter)
    return meter


def read_json(api: str, **fields: Any) -> Meter:
    """A meter that has read a JSON answer."""
    return read(api, JSON, json.dumps(fields).encode())


def reading(meter: Meter) -> tuple[Any, ...]:
    """All that a meter can say."""
    return (
        meter.finished,
        meter.reported,
        meter.served_model,
        meter.error,
        meter.has_output,
        meter.output_at(),
        meter.fault,
    )
