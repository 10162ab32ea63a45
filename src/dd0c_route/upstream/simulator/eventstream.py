"""AWS event stream frames. Source: smithy's "Amazon Event Stream" specification (prelude, headers, CRCs)."""

from __future__ import annotations

import struct
import zlib

_STRING = 7  # the type of a header's value


def frame(event: str, payload: bytes) -> bytes:
    """One event message with a JSON payload: both checksums are valid."""
    headers = b"".join(
        struct.pack(">B", len(name)) + name + struct.pack(">BH", _STRING, len(value)) + value
        for name, value in (
            (b":event-type", event.encode()),
            (b":content-type", b"application/json"),
            (b":message-type", b"event"),
        )
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))
