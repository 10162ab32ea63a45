"""The messages of a request as far as time allows: all of a short one, the beginning and the last ones of a long one.

Quotes inside of a JSON text are always escaped, so `},{"` can only stand between two objects: that is how messages are
found from the end without reading what lies before them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

WHOLE_BYTES = 12 << 10  # read message by message
TAIL_BYTES = 14 << 10  # of a longer one: looked through for its last messages
HEAD_BYTES = 4 << 10
DECODED_BYTES = 10 << 10  # of the last messages
_MOST_TRIES = 32
_MOST_MESSAGES = 8  # that are decoded of a long list
_MOST_LAST = 48  # that are kept of a short one
_PROBES, _PROBE_BYTES = 16, 64
_EMBEDDED = re.compile(rb"[A-Za-z0-9+/=_-]{64}")
SEALS_BYTES = 32 << 10  # from the end, looked through for sealed thoughts: 40 µs
_SEALED = (b'ignature"', b'encrypted_content"', b'"redacted', b'"reasoning')  # one of them stands in each
# Inside of a text the quotes would be escaped, and what a tool calls a signature is rarely so long.
_SEAL = re.compile(
    rb'"(?:(?:signature|thoughtSignature|thought_signature|encrypted_content|redactedContent)"\s*:\s*"[\w+/=-]{24}'
    rb'|reasoning_content"\s*:\s*"[^"]|reasoning_details"\s*:\s*\[\s*\{|redacted_thinking"|type"\s*:\s*"reasoning")'
)
_BETWEEN = re.compile(rb"\}\s*,\s*\{\s*\"")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_LIST = msgspec.json.Decoder(list[Raw])


class Excerpt(Struct, frozen=True):
    """What was read of a list of messages.

    Attributes:
        first: The first messages, undecoded, as far as they are short.
        last: The last messages, decoded, oldest first; empty where even the last one is too long, or nothing is there.
        total: How many messages there are; of a long list an estimate.
        head, tail: The first and last bytes of the list.
        embedded: Somewhere in a long list is something that looks like a file.
        sealed: Near the end of a long list are thoughts that only their model can read (see `uses`).
        cut: Not everything was looked at.
    """

    first: tuple[bytes, ...] = ()
    last: tuple[dict[str, Any], ...] = ()
    total: int = 0
    head: bytes = b""
    tail: bytes = b""
    embedded: bool = False
    sealed: bool = False
    cut: bool = False


def ends(raw: Raw, size: int) -> bytes:
    """A field as it was written; of a long one, *size* bytes of either end."""
    view = memoryview(raw)
    return bytes(view) if len(view) <= 2 * size else bytes(view[:size]) + bytes(view[-size:])


def excerpt(raw: Raw) -> Excerpt:
    """Read the field that holds a request's messages: a list of them, or a text."""
    view = memoryview(raw)
    if len(view) <= WHOLE_BYTES:
        return _whole(bytes(view))
    head, tail = bytes(view[:HEAD_BYTES]), bytes(view[-TAIL_BYTES:])
    sealed = is_sealed(view[-SEALS_BYTES:])
    if head.lstrip()[:1] != b"[":
        return Excerpt((), (), 1, head, tail, sealed=sealed, cut=True)
    found = list(_from_the_end(tail))
    last = tuple([message for message, _ in reversed(found)])
    total = round(len(view) * len(found) / sum([size for _, size in found])) if found else 1
    first, embedded = tuple(_from_the_start(head)), _embedded(view)
    return Excerpt(first, last, total, head, tail, embedded, sealed, cut=True)


def _whole(data: bytes) -> Excerpt:
    try:
        messages = _LIST.decode(data)
    except UNREADABLE:
        value = _decoded(data)
        if isinstance(value, str):
            return Excerpt((data,), ({"role": "user", "content": value},), 1, data, data)
        return Excerpt(head=data, tail=data)
    last = [message for raw in messages[-_MOST_LAST:] if isinstance(message := _decoded(raw), dict)]
    first = tuple([bytes(raw) for raw in messages[:2]])
    return Excerpt(first, tuple(last), len(messages), data, data)


def _from_the_end(tail: bytes) -> Iterator[tuple[dict[str, Any], int]]:
    """The last messages and their sizes, the very last first."""
    end = tail.rstrip().removesuffix(b"]")
    left, tries, found = DECODED_BYTES, _MOST_TRIES, 0
    behind = at = len(end)
    while tries and left > 0 and found < _MOST_MESSAGES:
        at = _boundary_before(end, at)
        if at < 0:
            return
        tries -= 1
        message = end[at + 1 : behind].lstrip(b", \t\r\n")
        left -= len(message)
        value = _decoded(message)
        if isinstance(value, dict):
            yield value, len(message)
            found += 1
            behind = at + 1
            end = end[:behind]


def _boundary_before(data: bytes, at: int) -> int:
    """Where the last `}` before *at* stands that another object follows; -1 where none does."""
    found = max(data.rfind(b'},{"', 0, at), data.rfind(b'}, {"', 0, at))
    if found >= 0:
        return found
    spread = data[max(0, at - WHOLE_BYTES // 2) : at]  # written with line breaks
    return max((at - len(spread) + match.start() for match in _BETWEEN.finditer(spread)), default=-1)


def _from_the_start(head: bytes) -> Iterator[bytes]:
    """The first two messages, or as much of one as there is."""
    begin = head.find(b"[") + 1
    at = begin
    for _ in range(2):
        for _ in range(_MOST_TRIES // 4):
            match = _BETWEEN.search(head, at)
            if match is None:
                yield head[begin:].lstrip(b", \t\r\n")
                return
            at = match.start() + 1
            if isinstance(_decoded(head[begin:at].lstrip(b", \t\r\n")), dict):
                yield head[begin:at].lstrip(b", \t\r\n")
                begin = at
                break


def is_sealed(messages: Raw | memoryview) -> bool:
    """Whether thoughts that only their model can read stand in *messages*: 1.2 µs a kilobyte."""
    found = bytes(messages)
    return any(name in found for name in _SEALED) and _SEAL.search(found) is not None


def _embedded(view: memoryview) -> bool:
    """Whether slices, spread evenly, fall into something that is no text: images, sound, documents."""
    step = max(1, (len(view) - _PROBE_BYTES) // _PROBES)
    return any(
        _EMBEDDED.fullmatch(view[at : at + _PROBE_BYTES]) is not None
        for at in range(step // 2, len(view) - _PROBE_BYTES, step)
    )


def _decoded(data: bytes | Raw) -> Any:
    try:
        return msgspec.json.decode(data)
    except UNREADABLE:
        return None
