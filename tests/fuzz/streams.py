"""What cuts a provider's bytes: server-sent events, AWS frames, Google's JSON arrays."""

from __future__ import annotations

import json
import re

from dd0c_route.wire import eventstream, loose, sse
from tests.fuzz.target import Target, body_of, bounds, chosen, cut, pieces, with_body
from tests.wire.examples import ANTHROPIC, CHAT, frame

LONGEST, TAIL = 300, 64
LONGEST_FRAME = 400
_LINE = re.compile(rb"\r\n|\n|\r")


def check_sse(data: bytes) -> None:
    """Any cut gives the same events, held memory is bounded, and short events are what the specification says."""
    body = body_of(data)
    with bounds(sse, MAX_EVENT_BYTES=LONGEST, TAIL_BYTES=TAIL):
        whole = sse.SseParser()
        events = whole.feed(body) + whole.close()
        parser, in_pieces = sse.SseParser(), []
        for piece in pieces(data):
            in_pieces += parser.feed(piece)
            assert sum(map(len, parser._held)) <= LONGEST + 8 + len(piece), "more is held than one event"
        in_pieces += parser.close()
    assert in_pieces == events, "where the bytes are cut changes the events"
    assert all(event.end <= len(body) for event in events)
    assert all(len(event.data) <= LONGEST for event in events)
    assert [event.end for event in events] == sorted({event.end for event in events})
    if all(event.whole for event in events):
        assert [(event.data, event.event) for event in events] == _as_specified(body)


def _as_specified(body: bytes) -> list[tuple[bytes, bytes]]:
    """WHATWG HTML, "Interpreting an event stream", line by line; an event without its blank line counts, too."""
    found: list[tuple[bytes, bytes]] = []
    data: list[bytes] = []
    name = b""
    for line in [*_LINE.split(body.removeprefix(b"\xef\xbb\xbf")), b""]:
        field, _, value = line.partition(b":")
        if not line:
            if joined := b"\n".join(data):
                found.append((joined, name))
            data, name = [], b""
        elif field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return found


def _sse_seeds() -> list[bytes]:
    bodies = [
        CHAT,
        ANTHROPIC,
        b"\xef\xbb\xbfdata: a\r\n\r\nevent: b\rdata\rdata:\r\rid: 1\n: comment\n\n",
        b"data: " + b"x" * 400 + b"\n\ndata: y\n\n",
        b"data: a\r\r\ndata: b\n\r\nretry: 1\n\n\n\ndata:  two\n\n",
    ]
    return [cut(0, body) for body in bodies] + [cut(0, body, 2, 3, 1) for body in bodies]


def check_aws(data: bytes) -> None:
    """Any cut gives the same frames and the same fault; memory is bounded; sound frames come back as they were."""
    made: list[bytes] = []
    body = body_of(data)
    if chosen(data) & 1:
        body, made = _frames(body)
        data = with_body(data, body)
    checks = bool(chosen(data) & 2)
    with bounds(eventstream, MAX_FRAME_BYTES=LONGEST_FRAME):
        whole, fault = _read(eventstream.EventStreamParser(checks=checks), [body])
        parts, fault_in_parts = _read(eventstream.EventStreamParser(checks=checks), list(pieces(data)))
    assert (whole, fault) == (parts, fault_in_parts)
    assert sum(len(one.payload) for one in whole) <= len(body)
    if made and fault is None:
        assert [one.payload for one in whole] == made


def _read(parser: eventstream.EventStreamParser, chunks: list[bytes]) -> tuple[list[eventstream.Frame], str | None]:
    found: list[eventstream.Frame] = []
    try:
        for chunk in chunks:
            found.extend(parser.feed(chunk))
            assert len(parser._held) < LONGEST_FRAME, "a whole frame is held"
    except eventstream.EventStreamError as error:
        return found, str(error)
    return found, None


def _frames(data: bytes) -> tuple[bytes, list[bytes]]:
    """Frames with the right lengths and checksums around whatever *data* has for their headers and payloads."""
    frames, payloads, at = b"", [], 0
    while at + 2 <= len(data):
        name_end = at + 2 + data[at] % 32
        end = name_end + data[at + 1] % 128
        payloads.append(data[name_end:end])
        frames += eventstream.frame_of(data[at + 2 : name_end], payloads[-1], fault=bool(data[at] & 128))
        at = end
    return frames, payloads


def _aws_seeds() -> list[bytes]:
    frames = frame("chunk", b'{"a":1}') + frame("throttlingException", b"{}", "exception") + frame("x", b"")
    return [cut(0, frames), cut(2, frames, 1, 2, 200), cut(2, frames[:-1] + b"!"), cut(3, b"\x05\x03chunk{}!\x80\x01x")]


def check_arrays(data: bytes) -> None:
    """The elements of an array are what JSON says; of one that is cut, whole elements come out as they were."""
    body = body_of(data)
    elements = loose.elements_of(body)
    behind = 0
    for element, end in elements:
        assert behind < end <= len(body)
        assert body[:end].endswith(element)
        behind = end
    if loose.is_array(body) and _is_text(body):
        assert [json.loads(element) for element, _ in elements] == json.loads(body)
    if body.startswith(b"["):
        at = int.from_bytes(data[1:3], "big") % (len(body) + 1)
        before = [one for one in loose.elements_of(body[:at]) if one[0].endswith((b"}", b"]", b'"'))]
        assert set(before) <= set(elements)
    assert isinstance(loose.object_in_tail(body, "usageMetadata"), dict)
    loose.value_of(body)
    loose.fields_of(body)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _array_seeds() -> list[bytes]:
    chunk = {"candidates": [{"content": {"parts": [{"text": "é😀"}]}}], "usageMetadata": {"promptTokenCount": 3}}
    bodies = [
        json.dumps([chunk, chunk]).encode(),
        json.dumps([chunk, chunk], ensure_ascii=False, indent=1).encode(),
        b'[{"a":"\\"]"},\r\n[1,[2]], "x" ,null,1.5e3]',
        b'{"b":{"usageMetadata" : {"x":{}}}',
    ]
    return [cut(0, body) for body in bodies]


SSE = Target(
    check_sse, _sse_seeds, (b"data: ", b"data", b"event:", b"id:", b"\r\n\r\n", b"\n\n", b"\r\r", b"\xef\xbb\xbf")
)
AWS = Target(check_aws, _aws_seeds, (b":event-type", b":exception-type", b":message-type", b"\x07\x00\x05event"))
ARRAYS = Target(check_arrays, _array_seeds, (b'"usageMetadata":{', b"[{", b"},{", b"}]", b'"\\ud83d"', b"1e9"))
