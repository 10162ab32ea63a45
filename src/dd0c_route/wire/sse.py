"""Server-sent events: bytes, cut anywhere, become whole events (WHATWG HTML, "event stream")."""

from __future__ import annotations

import re

from msgspec import Struct

MAX_EVENT_BYTES = 16 << 20  # an image inside `response.completed` takes megabytes; a bound, not a tuning knob
TAIL_BYTES = 64 << 10  # what is kept of an event beyond the bound: usage stands near the end

_SLACK = 4  # the longest line ends that can stand undecided behind an event
_EOL = re.compile(rb"\r\n|\n|\r")
_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_BOM = b"\xef\xbb\xbf"


class SseEvent(Struct, frozen=True, gc=False):
    """One event.

    Attributes:
        data: The joined `data` lines; the last `TAIL_BYTES` of the event where it is not *whole*.
        event: The event's name, or empty.
        end: Offset in the stream just behind the event's blank line.
        whole: False for an event longer than `MAX_EVENT_BYTES`.
    """

    data: bytes
    event: bytes
    end: int
    whole: bool = True


def blank_line_end(data: bytes, start: int = 0) -> int:
    """Where the first blank line behind *start* ends, or -1 while there is none or a CR at the end leaves it open."""
    match = _BLANK_LINE.search(data, start)
    if match is None or (match.end() == len(data) and data.endswith(b"\r")):
        return -1  # an LF that belongs to the CR may follow
    return match.end()


def data_and_name(block: bytes) -> tuple[bytes, bytes]:
    """The joined `data` lines and the name of one event, given without its blank line."""
    data: list[bytes] = []
    name = b""
    for line in _EOL.split(block) if b"\r" in block else block.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return (data[0] if len(data) == 1 else b"\n".join(data)), name


class SseParser:
    """Turn byte chunks into events; where the bytes are cut changes nothing. Holds at most one event."""

    def __init__(self) -> None:
        self._held: list[bytes] = []  # the event whose end we have not seen
        self._held_bytes = 0
        self._dropped = 0  # bytes of that event that are no longer held
        self._edge = b""  # the last bytes held, where a blank line may have begun
        self._start = 0  # offset of that event in the stream

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Consume *chunk*; return the events it completed, oldest first."""
        if self._held:
            seam = self._edge + chunk
            if _BLANK_LINE.search(seam) is None:  # a long event in many chunks is joined once, not for each
                self._hold(chunk, seam)
                return []
            self._held.append(chunk)
            chunk = b"".join(self._held)
            self._held.clear()
        events: list[SseEvent] = []
        if b"\r" not in chunk:
            tail = self._split(chunk, b"\n\n", events)
        elif chunk.count(b"\r\n") == chunk.count(b"\r") == chunk.count(b"\n"):
            tail = self._split(chunk, b"\r\n\r\n", events)
        else:
            tail = self._split_mixed(chunk, events)
        self._held_bytes = 0
        if tail:
            self._hold(tail, tail)
        return events

    def close(self) -> list[SseEvent]:
        """The stream is over: the event that it ends in, if any, although its blank line is missing."""
        block = b"".join(self._held)
        self._held.clear()
        event = self._event(block.rstrip(b"\r\n"), self._start + self._dropped + len(block))
        self._dropped = 0
        return [event] if event else []

    def _hold(self, piece: bytes, seam: bytes) -> None:
        self._held.append(piece)
        self._held_bytes += len(piece)
        self._edge = seam[-3:]
        if self._held_bytes > MAX_EVENT_BYTES + _SLACK:
            rest = b"".join(self._held)[-2 * TAIL_BYTES :]
            self._dropped += self._held_bytes - len(rest)
            self._held, self._held_bytes = [rest], len(rest)

    def _split(self, data: bytes, blank_line: bytes, events: list[SseEvent]) -> bytes:
        """The common case, line ends of one kind: one split in C."""
        *blocks, tail = data.split(blank_line)
        for block in blocks:
            end = self._start + self._dropped + len(block) + len(blank_line)
            if block.startswith(b"data: ") and b"\n" not in block and self._dropped + len(block) <= MAX_EVENT_BYTES:
                if len(block) > 6:
                    events.append(SseEvent(block[6:], b"", end))
            elif event := self._event(block, end):
                events.append(event)
            self._start, self._dropped = end, 0
        return tail

    def _split_mixed(self, data: bytes, events: list[SseEvent]) -> bytes:
        at = 0
        while (behind := blank_line_end(data, at)) >= 0:
            end = self._start + self._dropped + behind - at
            if event := self._event(data[at:behind].rstrip(b"\r\n"), end):
                events.append(event)
            self._start, self._dropped, at = end, 0, behind
        return data[at:]

    def _event(self, block: bytes, end: int) -> SseEvent | None:
        if self._dropped or len(block) > MAX_EVENT_BYTES:
            return SseEvent(block[-TAIL_BYTES:], b"", end, whole=False)
        data, name = data_and_name(block.removeprefix(_BOM) if self._start == 0 else block)
        return SseEvent(data, name, end) if data else None
