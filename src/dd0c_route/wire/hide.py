"""Hiding the usage chunk that the router asked for and the client did not."""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw, Struct

from dd0c_route.wire.loose import UNREADABLE
from dd0c_route.wire.sse import blank_line_end, data_and_name

MAX_HELD_BYTES = 64 << 10  # a usage chunk takes one or two thousand; a longer event is let through as it is

_NO_CHOICE = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_HAS_CHOICE = re.compile(rb'"choices"\s*:\s*\[\s*[^\s\]]')  # inside a string the quotes would be escaped
_EDGE_BYTES = 3  # a blank line has at most four


class _Chunk(Struct, gc=False):
    choices: list[Raw]
    usage: Raw


_CHUNK = msgspec.json.Decoder(_Chunk)


class UsageChunkFilter:
    """Pass an OpenAI chat stream on without its usage chunk: the events with no choice and a usage that is not null.

    Whole events pass at once. The beginning of one is held back only as long as it may still become that chunk.
    """

    def __init__(self) -> None:
        self._held = b""  # the beginning of an event that may be the chunk
        self._edge: bytes | None = None  # within an event that is being passed on: its last bytes

    def feed(self, data: bytes) -> bytes:
        """Consume *data*; return what may go to the client now."""
        passed = b""
        if self._edge is not None:
            seam = self._edge + data
            behind = blank_line_end(seam)
            if behind < 0:
                self._edge = seam[-_EDGE_BYTES:]
                return data
            taken = behind - len(self._edge)
            passed, data, self._edge = data[:taken], data[taken:], None
        data = self._held + data
        kept, tail = _without_usage_chunks(data)
        if _may_be_usage_chunk(tail):
            self._held = tail
            return passed + kept
        self._held, self._edge = b"", tail[-_EDGE_BYTES:]
        return passed + kept + tail

    def end(self) -> bytes:
        """The stream is over: what was held, unless it is the chunk without its blank line."""
        held, self._held = self._held, b""
        return _shown(held)


def _without_usage_chunks(data: bytes) -> tuple[bytes, bytes]:
    """The whole events of *data* without the usage chunks among them, and the beginning of the next event."""
    if b"\r" not in data and _NO_CHOICE.search(data) is None:  # nearly always
        newline = data.rfind(b"\n\n")
        return (data[: newline + 2], data[newline + 2 :]) if newline >= 0 else (b"", data)
    kept: list[bytes] = []
    at = 0
    while (behind := blank_line_end(data, at)) >= 0:
        kept.append(_shown(data[at:behind]))
        at = behind
    return b"".join(kept), data[at:]


def _may_be_usage_chunk(beginning: bytes) -> bool:
    return len(beginning) <= MAX_HELD_BYTES and _HAS_CHOICE.search(beginning) is None


def _shown(event: bytes) -> bytes:
    """*event*, or of the usage chunk only the blank lines that stood before it."""
    if not _is_usage_chunk(event):
        return event
    return event[: len(event) - len(event.lstrip(b"\r\n"))]


def _is_usage_chunk(event: bytes) -> bool:
    if _NO_CHOICE.search(event) is None:
        return False
    try:
        chunk = _CHUNK.decode(data_and_name(event)[0])
    except UNREADABLE:
        return False
    return not chunk.choices and bytes(chunk.usage).strip() != b"null"
