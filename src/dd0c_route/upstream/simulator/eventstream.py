"""AWS event stream frames. Source: smithy's "Amazon Event Stream" specification (prelude, headers, CRCs)."""

from __future__ import annotations

import struct
import zlib

_STRING = 7  # the type of a header's value


def frame(event: str, payload: bytes, *, exception: bool = False) -> bytes:
    """One event message, or exception, with a JSON payload: both checksums are valid."""
    kind = b"exception" if exception else b"event"
    headers = b"".join(
        struct.pack(">B", len(name)) + name + struct.pack(">BH", _STRING, len(value)) + value
        for name, value in (
            (b":%b-type" % kind, event.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", kind),
        )
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))
