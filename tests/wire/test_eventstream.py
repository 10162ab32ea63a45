"""AWS event streams."""

from __future__ import annotations

import struct
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.wire.eventstream import EventStreamError, EventStreamParser, Frame
from tests.wire.examples import cuts, frame

STREAM = frame("a", b"one") + frame("b", b"") + frame("badThing", b"{}", message_type="exception")
FRAMES = [
    Frame(b"a", b"one", False, len(frame("a", b"one"))),
    Frame(b"b", b"", False, len(frame("a", b"one") + frame("b", b""))),
    Frame(b"badThing", b"{}", True, len(STREAM)),
]


@given(cuts(STREAM))
def test_frames_do_not_depend_on_where_the_bytes_are_cut(pieces: list[bytes]) -> None:
    parser = EventStreamParser()
    assert [event for piece in pieces for event in parser.feed(piece)] == FRAMES


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_refused(data: bytes) -> None:
    try:
        list(EventStreamParser().feed(data))
    except EventStreamError:
        return


@given(st.binary(max_size=60))
def test_damaged_headers_give_no_name_and_no_error(headers: bytes) -> None:
    prelude = struct.pack(">II", 16 + len(headers), len(headers))
    (found,) = EventStreamParser().feed(prelude + struct.pack(">I", crc32(prelude)) + headers + b"\0\0\0\0")
    assert found.payload == b""


def test_headers_of_every_type_are_passed_over() -> None:
    values = b"".join(
        b"\x01" + bytes([97 + kind, kind]) + b"\0" * size
        for kind, size in ((0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (6, 2), (8, 8), (9, 16))
    )
    headers = values + b"\x0b:event-type\x07\x00\x02ok"
    prelude = struct.pack(">II", 16 + len(headers), len(headers))
    (found,) = EventStreamParser().feed(prelude + struct.pack(">I", crc32(prelude)) + headers + b"\0\0\0\0")
    assert found.name == b"ok"


def test_a_length_beyond_the_bound_is_refused_before_anything_is_held() -> None:
    prelude = struct.pack(">II", 0x7FFFFFFF, 0)
    with pytest.raises(EventStreamError, match="no frame at byte 0"):
        list(EventStreamParser().feed(prelude + struct.pack(">I", crc32(prelude))))
