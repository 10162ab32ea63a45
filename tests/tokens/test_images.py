from __future__ import annotations

import base64
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.tokens.images import pixels


def png(width: int, height: int) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)) + b"x" * 90


def jpeg(width: int, height: int, before: bytes = b"", marker: int = 0xC0) -> bytes:
    frame = struct.pack(">BBHBHHB", 0xFF, marker, 17, 8, height, width, 3) + b"\x01\x11\x00" * 3
    return b"\xff\xd8" + before + frame + b"\xff\xda" + b"x" * 90


def segment(marker: int, length: int) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, length) + b"\0" * (length - 2)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0" * 90


def webp(kind: bytes, rest: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + b"\0\0\0\0" + rest + b"\0" * 90


def webp_extended(width: int, height: int) -> bytes:
    return webp(b"VP8X", b"\0" * 4 + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


def webp_lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + (width - 1 | (height - 1) << 14).to_bytes(4, "little"))


def webp_lossy(width: int, height: int) -> bytes:
    return webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height))


@pytest.mark.parametrize("write", [png, jpeg, gif, webp_extended, webp_lossless, webp_lossy])
@given(width=st.integers(1, 0x3FFF), height=st.integers(1, 0x3FFF))
def test_the_size_stands_in_the_first_bytes(write: object, width: int, height: int) -> None:
    assert callable(write)
    data = base64.b64encode(write(width, height)).decode()
    assert pixels(data) == pixels(f"data:image/any;base64,{data}") == (width, height)


def test_a_photograph_may_have_a_thumbnail_and_a_profile_before_its_size() -> None:
    before = segment(0xE1, 0xFFF0) + segment(0xE2, 0xFFF0) + b"\xff\xff\xff\x01" + segment(0xC4, 200)
    assert pixels(base64.b64encode(jpeg(4000, 3000, before, marker=0xC2)).decode()) == (4000, 3000)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_base64_may_have_lines_or_no_padding_or_be_safe_for_addresses(ends: str) -> None:
    data = base64.b64encode(jpeg(300, 200, segment(0xE0, 16))).decode()
    lines = ends.join(data[i : i + 60] for i in range(0, len(data), 60))
    safe = base64.urlsafe_b64encode(jpeg(300, 200, segment(0xE0, 16))).decode().rstrip("=")
    assert pixels(lines) == pixels(data.rstrip("=")) == pixels(safe) == (300, 200)


def test_the_placeholder_of_a_stored_body_is_the_image_that_was_left_out() -> None:
    left_out = '__OMITTED__{"bytes": 4277, "sha256": "00", "w": 640, "h": 480, "fmt": "PNG"}'
    assert pixels(left_out) == pixels("data:image/png;base64," + left_out) == (640, 480)
    assert pixels('__OMITTED__{"bytes": 18810, "sha256": "00", "fmt": "PDF", "pages": 1}') is None
    assert pixels('__OMITTED__{"w": "a"}') is pixels("__OMITTED__") is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "https://example.org/cat.png",
        "data:image/png;base64,",
        "é" * 100,
        base64.b64encode(png(0, 10)).decode(),
        base64.b64encode(b"%PDF-1.4" + b"x" * 100).decode(),
        base64.b64encode(b"\xff\xd8" + segment(0xE0, 16)).decode(),
    ],
)
def test_what_shows_no_size_has_none(value: str) -> None:
    assert pixels(value) is None


@given(st.text() | st.binary().map(lambda data: base64.b64encode(data).decode()))
def test_any_text_is_read(value: str) -> None:
    pixels(value)


def test_a_size_behind_too_many_segments_is_not_looked_for() -> None:
    assert pixels(base64.b64encode(jpeg(300, 200, b"\xff\x01" * 100)).decode()) is None
