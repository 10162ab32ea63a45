"""How a journal record looks on disk, and how records are found again, whatever happened to the file.

A record is `kind (4 bytes) | payload length (u32) | CRC-32 of kind and payload (u32) | payload (JSON)`, little-endian.
All kinds begin with `MAGIC`, so that reading can go on behind a damaged stretch.
"""

from __future__ import annotations

import struct
from zlib import crc32

import msgspec

MAGIC = b"dd0"
INTENT, SETTLE, DELIVER, AUDIT, LABEL, RESET = b"dd0i", b"dd0s", b"dd0d", b"dd0a", b"dd0l", b"dd0r"
MAX_PAYLOAD_BYTES = 8 << 20  # an entry has a few KB; a longer "length" is damage, not data

_HEADER = struct.Struct("<4sII")
HEADER_BYTES = _HEADER.size
_SEEDS = {kind: crc32(kind) for kind in (INTENT, SETTLE, DELIVER, AUDIT, LABEL, RESET)}
_encoder = msgspec.json.Encoder()


class Record(msgspec.Struct, frozen=True, gc=False):
    """One whole record; *end* is the offset behind it, in the bytes that were scanned."""

    kind: bytes
    payload: bytes
    end: int


class Scan(msgspec.Struct, frozen=True):
    """What a stretch of bytes holds.

    Attributes:
        records: The whole records, oldest first.
        end: Offset up to which everything is understood (behind the last whole record or a skipped stretch).
        wanted: Bytes from *end* on that the next record needs to be whole, as far as its header tells.
        skipped: Damaged bytes that were passed over.
    """

    records: list[Record]
    end: int
    wanted: int
    skipped: int


def frame_into(frame: bytearray, kind: bytes, value: msgspec.Struct) -> None:
    """Make *frame* the whole record of *value*; the buffer is reused from record to record."""
    _encoder.encode_into(value, frame, HEADER_BYTES)
    checksum = crc32(memoryview(frame)[HEADER_BYTES:], _SEEDS[kind])
    _HEADER.pack_into(frame, 0, kind, len(frame) - HEADER_BYTES, checksum)


def scan(data: bytes, *, complete: bool) -> Scan:
    """Read the records in *data*, which begins at a record's first byte.

    Args:
        complete: Nothing will be appended any more. Then what is not a record is passed over (`skipped`);
            otherwise it may be a record that is being written, and reading stops before it.
    """
    records: list[Record] = []
    at, skipped, wanted = 0, 0, 0
    while at < len(data):
        found = _record_at(data, at)
        if isinstance(found, Record):
            records.append(found)
            at = found.end
            continue
        if not complete:
            wanted = found
            break
        following = _next_record(data, at + 1)
        skipped += following - at
        at = following
    return Scan(records, at, wanted, skipped)


def _record_at(data: bytes, at: int) -> Record | int:
    """The whole record at *at*, or the bytes it needs to be one (0: it can never become one)."""
    if at + HEADER_BYTES > len(data):
        return HEADER_BYTES
    kind, length, checksum = _HEADER.unpack_from(data, at)
    seed = _SEEDS.get(kind)
    if seed is None or length > MAX_PAYLOAD_BYTES:
        return 0
    start = at + HEADER_BYTES
    end = start + length
    if end > len(data):
        return HEADER_BYTES + int(length)
    payload = data[start:end]
    return Record(kind, payload, end) if crc32(payload, seed) == checksum else 0


def _next_record(data: bytes, start: int) -> int:
    """Offset of the first whole record at or behind *start*; the end of *data* where there is none."""
    at = data.find(MAGIC, start)
    while at >= 0:
        if isinstance(_record_at(data, at), Record):
            return at
        at = data.find(MAGIC, at + 1)
    return len(data)
