"""AWS event streams (`application/vnd.amazon.eventstream`): length-prefixed frames with typed headers.

A frame is total length (4 bytes), header length (4), CRC of these (4), headers, payload, CRC of all (4).
Source: Smithy 2.0, "Amazon Event Stream Specification".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from zlib import crc32

from msgspec import Struct

MAX_FRAME_BYTES = 24 << 20  # the specification's largest payload and headers together

_PRELUDE = struct.Struct(">III")
_CRC_BYTES = 4
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # header value type: bytes of the value
_COUNTED = (6, 7)  # bytes and text, behind a length of two bytes


class Frame(Struct, frozen=True, gc=False):
    """One frame.

    Attributes:
        name: Its event or exception type.
        fault: It carries an exception or an error, not an event.
        end: Offset in the stream just behind the frame.
    """

    name: bytes
    payload: bytes
    fault: bool
    end: int


class EventStreamError(ValueError):
    """The bytes are not frames; nothing behind them can be found."""


def frame_of(name: bytes, payload: bytes, *, fault: bool = False) -> bytes:
    """One frame with the JSON *payload* of the event, or exception, *name*."""
    key = b":exception-type" if fault else b":event-type"
    fields = (
        (key, name),
        (b":content-type", b"application/json"),
        (b":message-type", b"exception" if fault else b"event"),
    )
    headers = b"".join(
        [b"%c%b\x07%b%b" % (len(field), field, len(value).to_bytes(2, "big"), value) for field, value in fields]
    )
    start = struct.pack(">II", _PRELUDE.size + len(headers) + len(payload) + _CRC_BYTES, len(headers))
    frame = b"".join((start, crc32(start).to_bytes(4, "big"), headers, payload))
    return frame + crc32(frame).to_bytes(4, "big")


class EventStreamParser:
    """Turn byte chunks, cut anywhere, into frames. Holds at most one frame.

    Args:
        checks: Look at each frame's own checksum too. Where the bytes go on as they are, that is the client's business.
    """

    def __init__(self, *, checks: bool = False) -> None:
        self._checks = checks
        self._held = bytearray()
        self._start = 0

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """Consume *chunk*; yield the frames it completed.

        Raises:
            EventStreamError: A prelude is damaged, or, where that is checked, a frame.
        """
        held = self._held
        held += chunk
        while len(held) >= _PRELUDE.size:
            total, header_bytes, crc = _PRELUDE.unpack_from(held)
            least = _PRELUDE.size + header_bytes + _CRC_BYTES
            if crc32(held[:8]) != crc or not least <= total <= MAX_FRAME_BYTES:
                raise EventStreamError(f"no frame at byte {self._start}")
            if len(held) < total:
                break
            if self._checks and crc32(held[: total - _CRC_BYTES]) != int.from_bytes(
                held[total - _CRC_BYTES : total], "big"
            ):
                raise EventStreamError(f"a damaged frame at byte {self._start}")
            payload_at = _PRELUDE.size + header_bytes
            name, fault = _name(bytes(held[_PRELUDE.size : payload_at]))
            payload = bytes(held[payload_at : total - _CRC_BYTES])
            del held[:total]
            self._start += total
            yield Frame(name, payload, fault, self._start)


def _name(headers: bytes) -> tuple[bytes, bool]:
    """The frame's type, and whether it is an exception; damaged headers give no name."""
    values: dict[bytes, bytes] = {}
    at = 0
    while at + 2 <= len(headers):
        behind = at + 1 + headers[at]
        if behind >= len(headers):
            break
        key, kind = headers[at + 1 : behind], headers[behind]
        at = behind + 1
        if kind in _COUNTED:
            size = int.from_bytes(headers[at : at + 2], "big")
            at += 2
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            break
        values[key] = headers[at : at + size]
        at += size
    if values.get(b":message-type", b"event") == b"event":
        return values.get(b":event-type", b""), False
    return values.get(b":exception-type") or values.get(b":error-code") or b"error", True
