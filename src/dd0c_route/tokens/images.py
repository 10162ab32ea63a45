"""How large an embedded image is, read from the first bytes of its file. Nothing is decoded beyond those."""

from __future__ import annotations

import binascii
import re

import msgspec
from msgspec import Struct

# A photograph's size may stand behind its thumbnail and colour profile; each of those segments has at most 64 KiB.
_HEAD_BYTES = 256 << 10
_FIRST_BYTES = 64  # the size of every other format stands in these
_JPEG_SEGMENTS = 64
_DATA_URL = re.compile(r"data:[^,]{0,200},", re.I)
_PLACEHOLDER = "__OMITTED__"
_PLACEHOLDER_CHARS = 1_000
_URL_SAFE = str.maketrans("-_", "+/")
# Frame headers of the Huffman and arithmetic kinds; C4, C8 and CC in their midst are tables.
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_BARE = frozenset((0x01, *range(0xD0, 0xD8)))  # markers without a length


class _Omitted(Struct):
    w: int = 0
    h: int = 0


def pixels(value: str) -> tuple[int, int] | None:
    """Width and height of the image in *value*: base64 of PNG, JPEG, GIF or WebP, bare or as a data URL.

    A stored body may carry a placeholder where a binary was left out: `__OMITTED__{"w": 640, "h": 480, …}`; it is read
    as the image that it stands for.

    Returns:
        Pixels, as stored (a rotation in the metadata is not applied); None for an address and for what is not known.

    Source: PNG (W3C, "IHDR"), GIF89a ("Logical Screen Descriptor"), RFC 9649 (WebP), ITU-T T.81 B.2.2 (JPEG).
    """
    if match := _DATA_URL.match(value):
        start = match.end()
    elif value.startswith(("http:", "https:", "gs:", "file:")):
        return None
    else:
        start = 0
    if value.startswith(_PLACEHOLDER, start):
        return _omitted(value[start + len(_PLACEHOLDER) : start + _PLACEHOLDER_CHARS])
    head = _decoded(value, start, _FIRST_BYTES)
    size = _jpeg(_decoded(value, start, _HEAD_BYTES)) if head.startswith(b"\xff\xd8") else _size(head)
    return size if size and size[0] > 0 and size[1] > 0 else None


def _omitted(text: str) -> tuple[int, int] | None:
    try:
        omitted = msgspec.json.decode(text, type=_Omitted)
    except msgspec.DecodeError:
        return None
    return (omitted.w, omitted.h) if omitted.w > 0 and omitted.h > 0 else None


def _decoded(value: str, start: int, length: int) -> bytes:
    """The first bytes; some writers of base64 break its lines, and some leave the padding away."""
    text = re.sub(r"[\s=]+", "", value[start : start + length * 4 // 3 + length // 16]).translate(_URL_SAFE)
    try:
        return binascii.a2b_base64(text[: len(text) // 4 * 4])
    except ValueError:  # not ASCII, or not base64
        return b""


def _size(head: bytes) -> tuple[int, int] | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if head.startswith((b"GIF87a", b"GIF89a")):
        return int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    return None


def _webp(head: bytes) -> tuple[int, int] | None:
    match head[12:16]:
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(head[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
    return None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    """Walk the segments up to the frame header."""
    at = 2
    for _ in range(_JPEG_SEGMENTS):
        while head[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        if len(head) < at + 9 or head[at] != 0xFF:
            return None
        marker = head[at + 1]
        if marker in _JPEG_SIZES:
            return int.from_bytes(head[at + 7 : at + 9], "big"), int.from_bytes(head[at + 5 : at + 7], "big")
        at += 2 if marker in _JPEG_BARE else 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None
