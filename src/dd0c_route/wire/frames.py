"""How a body is cut into the pieces that a dialect reads: events, lines, AWS frames, or one whole JSON text."""

from __future__ import annotations

import re
from typing import Protocol

from dd0c_route.wire.answer import Answer, Dialect
from dd0c_route.wire.eventstream import EventStreamParser
from dd0c_route.wire.loose import elements_of, fields_of, is_array, object_in_tail
from dd0c_route.wire.sse import MAX_EVENT_BYTES, TAIL_BYTES, SseEvent, SseParser

_BLANK = b"\xef\xbb\xbf \t\r\n"
LOOKED_AT_BYTES = 4096  # that begin a body: blanks beyond it begin nothing
_SSE_START = re.compile(rb"(?:data|event|id|retry)?:")


class Frames(Protocol):
    """Takes a body's bytes and shows the dialect what it may read."""

    def feed(self, data: bytes) -> None: ...

    def end(self) -> None:
        """The body is complete, or cut."""


def frames_for(content_type: str, head: bytes, answer: Answer, dialect: Dialect) -> Frames | None:
    """The cutting that fits a body beginning with *head*; None where it is nothing that a dialect could read.

    The first bytes overrule the type: JSON errors come as `text/event-stream`, streams as `text/plain`.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/vnd.amazon.eventstream":
        return AwsFrames(answer, dialect)
    if kind.endswith(("ndjson", "jsonl", "jsonlines", "stream+json")):
        return LineFrames(answer, dialect)
    start = head[:LOOKED_AT_BYTES].lstrip(_BLANK)
    if start.startswith((b"{", b"[")):
        return JsonFrames(answer, dialect)
    if kind == "text/event-stream" or _SSE_START.match(start):
        return SseFrames(answer, dialect)
    return None


def is_blank(head: bytes) -> bool:
    """Whether *head* does not show yet what follows."""
    return not head.strip(_BLANK)


class SseFrames:
    """Server-sent events."""

    def __init__(self, answer: Answer, dialect: Dialect) -> None:
        self._answer = answer
        self._dialect = dialect
        self._parser = SseParser()

    def feed(self, data: bytes) -> None:
        self._read(self._parser.feed(data))

    def end(self) -> None:
        self._read(self._parser.close())

    def _read(self, events: list[SseEvent]) -> None:
        answer, read = self._answer, self._dialect.event
        for event in events:
            answer.at = event.end
            if event.whole:
                read(answer, event.data, event.event)
            else:
                _read_tail(answer, self._dialect, event.data)


class AwsFrames:
    """AWS event streams. A damaged frame raises `EventStreamError`."""

    def __init__(self, answer: Answer, dialect: Dialect) -> None:
        self._answer = answer
        self._dialect = dialect
        self._parser = EventStreamParser()

    def feed(self, data: bytes) -> None:
        for frame in self._parser.feed(data):
            self._answer.at = frame.end
            if frame.fault:
                self._answer.error = frame.name.decode("utf-8", "replace")[:100]
            else:
                self._dialect.event(self._answer, frame.payload, frame.name)

    def end(self) -> None:
        """Nothing: half a frame says nothing."""


class LineFrames:
    """JSON lines. A line beyond the bound is passed over."""

    def __init__(self, answer: Answer, dialect: Dialect) -> None:
        self._answer = answer
        self._dialect = dialect
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._fed = 0

    def feed(self, data: bytes) -> None:
        at, start = self._fed, 0
        self._fed += len(data)
        while (newline := data.find(b"\n", start)) >= 0:
            self._hold(data[start:newline])
            start = newline + 1
            self._end_line(at + start)
        self._hold(data[start:])

    def end(self) -> None:
        self._end_line(self._fed)

    def _hold(self, piece: bytes) -> None:
        self._held_bytes += len(piece)
        if self._held_bytes > MAX_EVENT_BYTES:
            self._held.clear()
        elif piece:
            self._held.append(piece)

    def _end_line(self, end: int) -> None:
        line = b"".join(self._held).strip() if self._held_bytes <= MAX_EVENT_BYTES else b""
        self._held.clear()
        self._held_bytes = 0
        if line:
            self._answer.at = end
            self._dialect.event(self._answer, line, b"")


class JsonFrames:
    """One JSON text, read when it is complete; of one beyond the bound, the usage near its end."""

    def __init__(self, answer: Answer, dialect: Dialect) -> None:
        self._answer = answer
        self._dialect = dialect
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._is_whole = True

    def feed(self, data: bytes) -> None:
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > MAX_EVENT_BYTES:
            rest = b"".join(self._held)[-TAIL_BYTES:]
            self._held, self._held_bytes = [rest], len(rest)
            self._is_whole = False

    def end(self) -> None:
        data = b"".join(self._held)
        self._held.clear()
        if self._is_whole:
            read_json(self._answer, self._dialect, data)
        else:
            _read_tail(self._answer, self._dialect, data)
            if data.rstrip().endswith((b"}", b"]")):  # as far as that shows of so long a text
                self._answer.closed = True


def read_json(answer: Answer, dialect: Dialect, data: bytes) -> None:
    """Read a body that is one JSON text, or looks like it."""
    answer.at = len(data.rstrip())
    if dialect.usual_body(answer, data):
        answer.finished = True
        return
    text = data.strip(_BLANK)
    if text.startswith(b"["):
        _read_array(answer, dialect, data)
    elif (fields := fields_of(text)) is not None:
        dialect.body(answer, fields)
        answer.finished = True
    elif b"\n" in text:  # JSON lines under the type of JSON
        lines = LineFrames(answer, dialect)
        lines.feed(data)
        lines.end()


def _read_array(answer: Answer, dialect: Dialect, data: bytes) -> None:
    """Gemini without `alt=sse`: an array of what would be events, perhaps cut."""
    if not dialect.has_arrays:
        return
    for element, end in elements_of(data):
        answer.at = end
        dialect.event(answer, element, b"")
    answer.finished = is_array(data.strip(_BLANK))


def _read_tail(answer: Answer, dialect: Dialect, tail: bytes) -> None:
    usage = object_in_tail(tail, dialect.usage_key)
    if usage:
        answer.usage = usage
        answer.closed = True
