"""The search that everything else here relies on finds a canary in every writing, and nothing where there is none."""

from __future__ import annotations

import base64
import codecs
import gzip
import hashlib
import html
import io
import json
import quopri
import random
import string
import urllib.parse
import zipfile
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.canary.search import WINDOW, Canary, Scan

KEY = "sk-proj-" + "".join(random.Random(1).choices(string.ascii_letters + string.digits, k=48))  # synthetic
CANARY = Canary("slot", KEY, KEY.removeprefix("sk-proj-"))
SCAN = Scan([CANARY])


def _zip(plain: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member", plain)
    return sink.getvalue()


def _raw_deflate(plain: bytes) -> bytes:
    return zlib.compress(plain, wbits=-15)


def _all_percent(plain: bytes) -> bytes:
    return "".join(f"%{byte:02x}" for byte in plain).encode()


def _u_escapes(plain: bytes) -> bytes:
    return "".join(f"\\u{byte:04x}" for byte in plain).encode()


def _octal(plain: bytes) -> bytes:
    return "".join(f"\\{byte:03o}" for byte in plain).encode()


def _lines(plain: bytes) -> bytes:
    return b"\n    ".join(plain[at : at + 7] for at in range(0, len(plain), 7))


def _literals(plain: bytes) -> bytes:
    return b'"\n  + "'.replace(b"+", b"").join(plain[at : at + 5] for at in range(0, len(plain), 5))


def _chunks(plain: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (plain[:9], plain[9:20], plain[20:]))


def _events(plain: bytes) -> bytes:
    return b"\n".join(b"data: " + plain[at : at + 8] for at in range(0, len(plain), 8))


def _joiners(plain: bytes) -> bytes:
    return "\u200b".join(plain.decode("latin-1")).encode()


# What an encoder makes of bytes, by name.
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "upper": bytes.upper,
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "raw deflate": _raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "zip": _zip,
    "base64": base64.b64encode,
    "base64 without padding": lambda plain: base64.b64encode(plain).rstrip(b"="),
    "base64 for addresses": base64.urlsafe_b64encode,
    "base64 in lines": base64.encodebytes,
    "base32": base64.b32encode,
    "base32 without padding": lambda plain: base64.b32encode(plain).rstrip(b"="),
    "hex": lambda plain: plain.hex().encode(),
    "HEX": lambda plain: plain.hex().upper().encode(),
    "hex with colons": lambda plain: plain.hex(":").encode(),
    "percent": lambda plain: urllib.parse.quote(plain).encode(),
    "percent, all of it": _all_percent,
    "percent twice": lambda plain: urllib.parse.quote(_all_percent(plain)).encode(),
    "percent three times": lambda plain: urllib.parse.quote(urllib.parse.quote(_all_percent(plain))).encode(),
    "JSON": lambda plain: json.dumps(plain.decode("latin-1")).encode(),
    "JSON in JSON": lambda plain: json.dumps(json.dumps({"a": plain.decode("latin-1")})).encode(),
    "unicode escapes": _u_escapes,
    "unicode escapes in JSON": lambda plain: json.dumps(_u_escapes(plain).decode()).encode(),
    "octal escapes": _octal,
    "repr": lambda plain: repr(plain).encode(),
    "HTML": lambda plain: html.escape(plain.decode("latin-1")).encode("latin-1"),
    "HTML, all of it": lambda plain: "".join(f"&#{byte};" for byte in plain).encode(),
    "HTML, in hex": lambda plain: "".join(f"&#x{byte:X};" for byte in plain).encode(),
    "UTF-16LE": lambda plain: plain.decode("latin-1").encode("utf-16-le"),
    "UTF-16BE": lambda plain: plain.decode("latin-1").encode("utf-16-be"),
    "UTF-32": lambda plain: plain.decode("latin-1").encode("utf-32"),
    "lines": _lines,
    "literals": _literals,
    "characters": lambda plain: repr(list(plain.decode("latin-1"))).encode(),
    "chunks": _chunks,
    "events": _events,
    "invisible joiners": _joiners,
    "quoted printable": lambda plain: quopri.encodestring(plain, quotetabs=True),
}


@pytest.mark.parametrize("encoder", ENCODERS)
@given(before=st.text(string.printable, max_size=30), after=st.text(string.printable, max_size=30))
def test_a_canary_is_found_in_every_writing(encoder: str, before: str, after: str) -> None:
    # What stands around it within the same code moves it to every alignment; a word's end keeps it a word.
    plain = f"{before} {KEY} {after}".encode()
    blob = ENCODERS[encoder](plain)
    assert any(hit.form == "itself" for hit in SCAN.find(blob)), (encoder, blob)


@pytest.mark.parametrize("outer", ["gzip", "br", "zstd", "base64", "hex", "percent", "JSON", "HTML", "lines"])
@pytest.mark.parametrize("inner", ["base64", "base32", "hex", "percent, all of it", "unicode escapes", "UTF-16LE"])
def test_a_canary_is_found_in_a_writing_within_a_writing(outer: str, inner: str) -> None:
    blob = ENCODERS[outer](b"before " + ENCODERS[inner](KEY.encode()) + b" after")
    assert SCAN.find(blob)


@given(start=st.integers(0, len(CANARY.random) - WINDOW), noise=st.binary(max_size=64))
def test_twelve_characters_are_enough(start: int, noise: bytes) -> None:
    assert SCAN.find(noise + CANARY.random[start : start + WINDOW].encode() + noise)


@given(start=st.integers(0, len(CANARY.random) - WINDOW + 1))
def test_eleven_characters_are_not(start: int) -> None:
    assert not SCAN.find(b"<" + CANARY.random[start : start + WINDOW - 1].encode() + b">")


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256"])
def test_a_digest_is_found_raw_in_hex_and_in_base64(name: str) -> None:
    digest = hashlib.new(name, KEY.encode(), usedforsecurity=False).digest()
    for blob in (b"\x00" * 5 + digest, digest.hex().encode(), digest.hex().upper().encode(), base64.b64encode(digest)):
        assert [hit.form for hit in SCAN.find(b"key=" + blob)] == [name]


def test_what_lies_anywhere_in_a_file_is_found() -> None:
    pages = random.Random(2).randbytes(100_000)
    assert SCAN.find(pages + gzip.compress(KEY.encode()) + pages)
    assert SCAN.find(pages + zstandard.ZstdCompressor().compress(b"x" * 100 + KEY.encode()) + pages)
    assert SCAN.find(pages + KEY.encode() + pages)


def test_each_of_many_canaries_is_told_by_its_slot() -> None:
    dice = random.Random(3)
    keys = ["".join(dice.choices("0123456789abcdef", k=32)) for _ in range(60)]
    scan = Scan([Canary.of(f"slot {number}", key) for number, key in enumerate(keys)])
    assert {hit.slot for hit in scan.find("\n".join(keys).encode())} == {f"slot {number}" for number in range(60)}
    assert [hit.slot for hit in scan.find(base64.b64encode(keys[7].encode()))] == ["slot 7"]


@given(st.binary(max_size=400))
def test_what_holds_none_is_silent_and_no_bytes_break_the_search(noise: bytes) -> None:
    assert SCAN.find(noise) == []
    assert SCAN.find(codecs.encode(noise, "base64")) == []
