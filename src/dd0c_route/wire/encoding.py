"""Content codings, undone for metering only: the client gets the bytes as they came."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

MAX_DECODED_BYTES = 256 << 20  # of one answer; what is beyond is not metered
_PIECE_BYTES = 256 << 10  # decoded at a time
_FREE_BYTES = 4 << 20  # up to here any ratio is fine
_MAX_RATIO = 200  # text compresses to a tenth, JSON of blanks to a hundredth; a bomb to a thousandth
_ZSTD_SLICE_BYTES = 256  # zstd has no bound on output: 64 blocks of 128 KiB at worst


class EncodingError(ValueError):
    """The body cannot be decoded, or decodes to more than anybody's answer."""


class _Step(Protocol):
    """Decode some more; yield bounded pieces."""

    def __call__(self, data: bytes, /) -> Iterator[bytes]: ...


class Decoder:
    """Decode a body chunk by chunk.

    Raises:
        EncodingError: From the constructor, where *coding* is not one of gzip, deflate, br, zstd.
    """

    def __init__(self, coding: str) -> None:
        make = _STEPS.get(coding)
        if make is None:
            raise EncodingError(f"content coding {coding[:40]!r} is not known")
        self._step = make()
        self._taken = 0
        self._given = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what *data* decodes to, in pieces of bounded size.

        Raises:
            EncodingError: Not this coding, or a bomb.
        """
        self._taken += len(data)
        try:
            for piece in self._step(data):
                self._given += len(piece)
                if self._given > MAX_DECODED_BYTES or self._given > _FREE_BYTES + self._taken * _MAX_RATIO:
                    raise EncodingError(f"{self._taken} bytes decode to more than {self._given}")
                yield piece
        except EncodingError:
            raise
        except Exception as error:  # brotli and zstandard have exception types of their own, not imported here
            raise EncodingError(f"the body is not what its content coding says: {type(error).__name__}") from error


def decoded(coding: str, body: bytes, most_bytes: int) -> bytes:
    """A whole *body* without its *coding*, for those who read it in one go.

    Raises:
        EncodingError: It cannot be decoded, or to more than *most_bytes*.
    """
    pieces: list[bytes] = []
    size = 0
    for piece in Decoder(coding).feed(body):
        pieces.append(piece)
        size += len(piece)
        if size > most_bytes:
            raise EncodingError(f"it decodes to more than {most_bytes} bytes")
    return b"".join(pieces)


def _inflate(make: Callable[[bytes], zlib._Decompress]) -> _Step:
    inflater: zlib._Decompress | None = None

    def step(data: bytes) -> Iterator[bytes]:
        nonlocal inflater
        while data:
            if inflater is None:
                inflater = make(data)
            yield inflater.decompress(data, _PIECE_BYTES)
            while inflater.unconsumed_tail and not inflater.eof:  # at its end zlib may leave there what is not its own
                yield inflater.decompress(inflater.unconsumed_tail, _PIECE_BYTES)
            data = inflater.unused_data
            if inflater.eof:
                inflater = None  # gzip members may follow one another

    return step


def _gzip() -> _Step:
    return _inflate(lambda data: zlib.decompressobj(31))


def _deflate() -> _Step:
    # "deflate" means zlib, but some servers send it bare; a zlib header has method 8 in its first byte.
    return _inflate(lambda data: zlib.decompressobj(15 if data[0] & 15 == 8 else -15))


def _brotli() -> _Step:
    import brotli  # type: ignore[import-untyped]  # it ships no types

    inflater = brotli.Decompressor()

    def step(data: bytes) -> Iterator[bytes]:
        yield inflater.process(data, output_buffer_limit=_PIECE_BYTES)
        while not inflater.can_accept_more_data():
            yield inflater.process(b"", output_buffer_limit=_PIECE_BYTES)

    return step


def _zstd() -> _Step:
    import zstandard

    inflater = zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj(read_across_frames=True)

    def step(data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), _ZSTD_SLICE_BYTES):
            yield inflater.decompress(data[at : at + _ZSTD_SLICE_BYTES])

    return step


_STEPS: dict[str, Callable[[], _Step]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
