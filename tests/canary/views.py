"""What else a blob of bytes may say: compressions, codings and escapes undone, broken text joined again.

The undoing is generous: junk that comes of it holds no canary, and one way too many costs time only.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import html
import io
import quopri
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator

import brotli  # type: ignore[import-untyped]
import zstandard

MAX_PLAIN_BYTES = 64 << 20  # of one compressed run; more than anything that a test stores
_MIN_RUN = 16  # characters of a coded run; twelve bytes are that long in base64
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % _MIN_RUN)
_BASE32 = re.compile(rb"[A-Z2-7]{20,}|(?<![a-z2-7])(?=[a-z]*[2-7][a-z]*[2-7])[a-z2-7]{20,}")
_HEX = re.compile(rb"[0-9A-Fa-f]{24,}")
_SPACED_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}[ :,-]){11,}[0-9A-Fa-f]{2}")
_STANDARD = bytes.maketrans(b"-_", b"+/")
_ESCAPE = re.compile(
    rb"\\+u(?:\{0*)?(?:00)?([0-9A-Fa-f]{2})\}?|\\+x([0-9A-Fa-f]{2})|\\+U000000([0-9A-Fa-f]{2})|\\+([0-3][0-7]{2})"
)
_BACKSLASHES = re.compile(rb"\\+(?=[\"'/\\])")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
# What may stand between two halves of one text: white space, written line ends, quotes, commas, brackets, the size
# line of a chunk, the name of a field of an event stream, characters that nobody sees.
_BETWEEN = re.compile(
    rb"\r\n[0-9A-Fa-f]{1,8}\r\n|\n(?:data|event|id): ?|\\+[nrt]|[\s\"'`,;()\[\]{}|<>\\\x00-\x1f]+"
    rb"|\xc2\xad|\xe2\x80[\x8b-\x8f]|\xe2\x81\xa0|\xef\xbb\xbf"
)
_FOLD = re.compile(rb"\s*[\r\n]\s*[>#|]*\s*")
_GZIP, _ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")

View = tuple[str, bytes]


def views(blob: bytes) -> Iterator[View]:
    """What *blob* says with one layer undone, each with the name of the layer."""
    for name, undo in WAYS.items():
        for said in undo(blob):
            if said and said != blob:
                yield name, said


def _inflated(blob: bytes, bits: int) -> bytes:
    decoder = zlib.decompressobj(bits)
    said = b""
    with contextlib.suppress(zlib.error):  # what came out before the fault counts too
        for at in range(0, len(blob), 1 << 12):
            said += decoder.decompress(blob[at : at + (1 << 12)], MAX_PLAIN_BYTES)
            if decoder.eof or len(said) > MAX_PLAIN_BYTES:
                break
    return said


def _gzip(blob: bytes) -> Iterator[bytes]:
    for at in _all(blob, _GZIP):
        yield _inflated(blob[at:], 31)


def _deflate(blob: bytes) -> Iterator[bytes]:
    for match in _ZLIB.finditer(blob):
        if int.from_bytes(match.group(), "big") % 31 == 0:
            yield _inflated(blob[match.start() :], 15)
    if len(blob) < 1 << 16:
        yield _inflated(blob, -15)  # without a mark of its own: only where the blob begins with it


def _br(blob: bytes) -> Iterator[bytes]:
    decoder = brotli.Decompressor()
    said = b""
    with contextlib.suppress(brotli.error):
        for at in range(0, len(blob), 64):
            said += decoder.process(blob[at : at + 64])
            if decoder.is_finished() or len(said) > MAX_PLAIN_BYTES:
                break
    yield said


def _zstd(blob: bytes) -> Iterator[bytes]:
    for at in _all(blob, _ZSTD):
        with contextlib.suppress(zstandard.ZstdError):
            yield zstandard.ZstdDecompressor().decompressobj().decompress(blob[at:])


def _zip(blob: bytes) -> Iterator[bytes]:
    if blob.startswith(b"PK\x03\x04"):
        faults = (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError, zlib.error)
        with contextlib.suppress(*faults), zipfile.ZipFile(io.BytesIO(blob)) as archive:
            for name in archive.namelist():
                yield name.encode() + b"\n" + archive.read(name)


def _all(blob: bytes, mark: bytes) -> Iterator[int]:
    at = blob.find(mark)
    while at >= 0:
        yield at
        at = blob.find(mark, at + 1)


def _runs(
    pattern: re.Pattern[bytes], offsets: int, decode: Callable[[bytes], bytes]
) -> Callable[[bytes], Iterator[bytes]]:
    """Every run of *pattern*, decoded as if it began 0, 1 … characters later."""

    def undo(blob: bytes) -> Iterator[bytes]:
        runs = pattern.findall(blob)
        for offset in range(offsets if runs else 0):
            yield b"\n".join([decode(run[offset:]) for run in runs])

    return undo


def _base64(run: bytes) -> bytes:
    whole = run[: len(run) - 1 if len(run) % 4 == 1 else len(run)].translate(_STANDARD)
    return base64.b64decode(whole + b"=" * (-len(whole) % 4))


def _base32(run: bytes) -> bytes:
    return base64.b32decode(run[: len(run) & ~7].upper()) + _rest32(run[len(run) & ~7 :].upper())


def _rest32(rest: bytes) -> bytes:
    """The whole bytes of an unpadded end: 5 bits a character."""
    bits = "".join(f"{b'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.index(letter):05b}" for letter in rest)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) & ~7, 8))


def _hex(run: bytes) -> bytes:
    return binascii.unhexlify(run[: len(run) & ~1])


def _spaced_hex(blob: bytes) -> Iterator[bytes]:
    yield b"\n".join([binascii.unhexlify(re.sub(rb"[^0-9A-Fa-f]", b"", run)) for run in _SPACED_HEX.findall(blob)])


def _percent(blob: bytes) -> Iterator[bytes]:
    said = blob
    for _ in range(3):
        if b"%" not in said:
            return
        said = _PERCENT.sub(lambda match: binascii.unhexlify(match[1]), said)
        yield said


def _escapes(blob: bytes) -> Iterator[bytes]:
    if b"\\" in blob:
        yield _BACKSLASHES.sub(b"", _ESCAPE.sub(_escaped, blob))


def _escaped(match: re.Match[bytes]) -> bytes:
    octal = match[4]
    return bytes([int(octal, 8)]) if octal else binascii.unhexlify(match[1] or match[2] or match[3])


def _html(blob: bytes) -> Iterator[bytes]:
    if b"&" in blob:
        yield html.unescape(blob.decode("latin-1")).encode("latin-1", "replace")


def _utf16(blob: bytes) -> Iterator[bytes]:
    if b"\0" in blob:
        yield blob.replace(b"\0", b"")


def _joined(blob: bytes) -> Iterator[bytes]:
    yield _BETWEEN.sub(b"", blob)


def _unfolded(blob: bytes) -> Iterator[bytes]:
    yield _FOLD.sub(b"", blob)  # a line that ends in the middle of an escape keeps its backslash


def _quoted_printable(blob: bytes) -> Iterator[bytes]:
    if b"=" in blob:
        yield quopri.decodestring(blob)


WAYS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gzip,
    "deflate": _deflate,
    "br": _br,
    "zstd": _zstd,
    "zip": _zip,
    "percent": _percent,
    "escapes": _escapes,
    "html": _html,
    "utf-16": _utf16,
    "joined": _joined,
    "unfolded": _unfolded,
    "quoted-printable": _quoted_printable,
    "base64": _runs(_BASE64, 4, _base64),
    "base32": _runs(_BASE32, 8, _base32),
    "hex": _runs(_HEX, 2, _hex),
    "spaced hex": _spaced_hex,
}
