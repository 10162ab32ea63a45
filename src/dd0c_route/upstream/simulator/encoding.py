"""Content encodings for answers: each piece is flushed, so that it can be read when it arrives."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Literal

import brotli  # type: ignore[import-untyped]  # the package ships no types
import zstandard
from msgspec.structs import replace

from dd0c_route.upstream.simulator.answer import Answer

Encoding = Literal["gzip", "deflate", "br", "zstd"]


def encoded(answer: Answer, encoding: Encoding) -> Answer:
    """The same answer, its body encoded."""
    datas = _flushed((piece.data for piece in answer.pieces), encoding)
    pieces = [replace(piece, data=data) for piece, data in zip(answer.pieces, datas, strict=False)]
    end = b"".join(datas)  # what the encoder says after the last piece belongs to it
    pieces[-1] = replace(pieces[-1], data=pieces[-1].data + end)
    return replace(answer, pieces=tuple(pieces), headers=(*answer.headers, (b"content-encoding", encoding.encode())))


def _flushed(datas: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """One stretch for each of *datas*, and one more at the end."""
    if encoding == "br":
        brotli_encoder = brotli.Compressor()
        for data in datas:
            yield brotli_encoder.process(data) + brotli_encoder.flush()
        yield brotli_encoder.finish()
    elif encoding == "zstd":
        zstd_encoder = zstandard.ZstdCompressor().compressobj()
        for data in datas:
            yield zstd_encoder.compress(data) + zstd_encoder.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        yield zstd_encoder.flush()
    else:
        # zlib: 31 writes a gzip frame, 15 the zlib frame that HTTP calls deflate.
        zlib_encoder = zlib.compressobj(wbits=31 if encoding == "gzip" else 15)
        for data in datas:
            yield zlib_encoder.compress(data) + zlib_encoder.flush(zlib.Z_SYNC_FLUSH)
        yield zlib_encoder.flush()
