"""Content codings, undone for the meter."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]  # it ships no types
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.wire.encoding import Decoder, EncodingError, decoded
from dd0c_route.wire.meter import meter_for
from tests.wire.examples import CHAT, SSE, cuts, read, reading


def bare_deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip members": ("gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
    "zlib": ("deflate", zlib.compress),
    "bare deflate": ("deflate", bare_deflate),
    "br": ("br", lambda data: brotli.compress(data, quality=5)),
    "zstd": ("zstd", zstandard.compress),
    "zstd frames": ("zstd", lambda data: zstandard.compress(data[:9]) + zstandard.compress(data[9:])),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoded_answer_is_metered_like_a_plain_one(name: str) -> None:
    coding, encode = ENCODERS[name]
    body = encode(CHAT)
    plain = reading(read("openai.chat", SSE, CHAT))
    assert reading(read("openai.chat", SSE, body, coding)) == plain
    assert reading(read("openai.chat", SSE, [body[at : at + 1] for at in range(len(body))], coding)) == plain


@given(st.sampled_from(list(ENCODERS)), st.binary(max_size=2000), st.data())
def test_what_was_encoded_is_decoded_whatever_the_cuts(name: str, data: bytes, draw: st.DataObject) -> None:
    coding, encode = ENCODERS[name]
    decoder = Decoder(coding)
    pieces = draw.draw(cuts(encode(data)))
    assert b"".join(out for piece in pieces for out in decoder.feed(piece)) == data


@pytest.mark.parametrize("name", ["gzip", "zlib", "br", "zstd"])
def test_a_bomb_is_refused_before_it_takes_memory(name: str) -> None:
    coding, encode = ENCODERS[name]
    bomb = encode(b"\0" * (64 << 20))
    sizes: list[int] = []
    with pytest.raises(EncodingError, match="decode to more"):
        sizes.extend(map(len, Decoder(coding).feed(bomb)))
    assert sum(sizes) < 40 << 20
    assert max(sizes, default=0) <= 8 << 20  # none where the first piece is too much already


@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_streams_behind_one_another_end_although_each_is_longer_than_a_piece(
    coding: str, encode: Callable[[bytes], bytes]
) -> None:
    data = encode(b" " * (1 << 20)) * 3  # zlib then shows the next stream as its own unread rest, for ever
    assert sum(map(len, Decoder(coding).feed(data))) == 3 << 20
    assert len(decoded(coding, data, 3 << 20)) == 3 << 20
    with pytest.raises(EncodingError, match="more than"):
        decoded(coding, data, (3 << 20) - 1)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@given(data=st.binary(min_size=1, max_size=200))
def test_bytes_that_are_not_encoded_stop_the_metering_only(coding: str, data: bytes) -> None:
    read("openai.chat", SSE, [data, data], coding)


def test_an_unknown_coding_is_a_fault_and_not_an_error() -> None:
    meter = read("openai.chat", SSE, CHAT, "gzip, br")
    assert meter.fault == "content coding 'gzip, br' is not known"
    assert meter.reported is None


def test_places_in_an_encoded_body_are_interpolated() -> None:
    body = gzip.compress(CHAT)
    meter = read("openai.chat", SSE, body, "gzip")
    assert meter.output_at(len(body)) == meter.output_at()
    assert meter.output_at(0).text == ""
    assert meter.output_at().text.startswith(meter.output_at(len(body) // 2).text)


def test_identity_is_no_coding() -> None:
    assert meter_for("openai.chat", SSE, " Identity ").fault is None
