"""A few slices of long JSON, spread evenly, around the files that are embedded in it: in bounded time at any length.

What looks like a file, and stands where no dialect has one, is text without spaces.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_SLICES = 9
_SLICE_BYTES = 128
# Evenly, and in step with nothing that repeats: multiples of the golden ratio.
_SPREAD = sorted((0.5 + i * 0.6180339887) % 1 for i in range(_SLICES))
# Where dialects carry a file's bytes or a thought's; inside of a text the quotes are escaped.
_PLACE = (
    r'(?<!\\)"(?:(?:data|url|image_url|file_url|file_data|fileData|bytes|signature|thoughtSignature|thought_signature'
    r'|encrypted_content|redactedContent)"\s*:\s*"|images"\s*:\s*\[\s*"|data:[^"]{1,120},'
    r'|image_generation_call"[^{}]{0,120}"result"\s*:\s*")'
)
FILE_TEXT = re.compile(rf"({_PLACE})[A-Za-z0-9+/=_-]{{200,}}")
_PLACED = re.compile(rf"{_PLACE}[A-Za-z0-9+/=_-]*$".encode())
_FILE = re.compile(rb"[A-Za-z0-9+/=_-]{48}")
_OTHER_FILE = re.compile(rb"pdf|audio|video|document|JVBERi0")
_THOUGHT = re.compile(rb"ignature\"|encrypted_content|redacted")
_BASE64 = re.compile(rb"[A-Za-z0-9+/=_-]{60,}")  # embedded files; no prose has such words
_TORN = re.compile(rb"^u?[0-9a-fA-F]{1,4}(?=\\u[0-9a-fA-F]{4})|\\(?:u[0-9a-fA-F]{0,3})?$")  # escapes that a slice cuts
_PROBE_BYTES = 48
_NEAR_BYTES, _NEAR_CHUNKS = 32 << 10, 3  # so far an edge is looked for byte by byte: 8 µs
_BEFORE_BYTES = 160  # of what stands before a file, and of its beginning, which may be that of a data URL
_MOST_FILES = 3  # that are cut out, at 30 µs each
_MOST_RUNS = 6  # that look like files, and may be text without spaces


class Slices(NamedTuple):
    """What slices of long fields show.

    Attributes:
        json: The slices, as they were written.
        times: How many times as much there is, without files.
        images, files: How many are embedded.
        sealed: Characters of earlier thoughts that only the provider can read.
    """

    json: str
    times: float
    images: int
    files: int
    sealed: int


class _Part(NamedTuple):
    """A piece of a field; *is_text*: it looks like a file, and stands where none can."""

    data: memoryview
    is_text: bool = False


class _Cut(NamedTuple):
    """An embedded file that was cut out: `images`, `files` or `sealed`, and its length."""

    kind: str
    size: int


def slices_of(fields: Sequence[memoryview]) -> Slices:
    """Look at slices of *fields*, which are JSON."""
    parts, cuts = _without_files(fields)
    total = sum([len(part.data) for part in parts])
    places = _places(parts)
    pieces = [(_slice(parts[index].data, at), parts[index].is_text) for index, at in places]
    images = sum([cut.kind == "images" for cut in cuts])
    if len(cuts) == _MOST_FILES:  # more of the kind, as many as the slices that still fall into one tell
        share = sum([_is_run(parts[index], at) for index, at in places]) / _SLICES
        images += round(share * total * _MOST_FILES / sum([cut.size for cut in cuts]))
    return Slices(
        b"".join([piece if is_text else _BASE64.sub(b"", piece) for piece, is_text in pieces]).decode(
            "utf-8", "ignore"
        ),
        total / max(1, sum([len(piece) for piece, _ in pieces])),
        images,
        sum([cut.kind == "files" for cut in cuts]),
        sum([cut.size for cut in cuts if cut.kind == "sealed"]),
    )


def _without_files(fields: Sequence[memoryview]) -> tuple[list[_Part], list[_Cut]]:
    """The parts of *fields* around embedded files that are long enough for a slice to fall into, and these."""
    parts, cuts = [_Part(raw) for raw in fields], list[_Cut]()
    for _ in range(_MOST_RUNS):
        found = next(((index, at) for index, at in _places(parts) if _is_run(parts[index], at)), None)
        if found is None or len(cuts) == _MOST_FILES:
            break
        index, at = found
        part = parts[index].data
        start, end = _edge(part, at, -_PROBE_BYTES), _edge(part, at, _PROBE_BYTES)
        kind = _kind(part[max(0, start - _BEFORE_BYTES) : min(start + _BEFORE_BYTES, end)])
        text = [_Part(part[start:end], is_text=True)] if kind is None else []
        parts[index : index + 1] = [_Part(part[:start]), *text, _Part(part[end:])]
        if kind is not None:
            cuts.append(_Cut(kind, end - start))
    return [part for part in parts if len(part.data)], cuts


def _kind(before: memoryview) -> str | None:
    """Of a file, by what stands *before* it and by its beginning; None where no dialect has one."""
    if _PLACED.search(before) is None:
        return None
    if _THOUGHT.search(before):
        return "sealed"
    return "files" if _OTHER_FILE.search(before) else "images"


def _slice(part: memoryview, at: int) -> bytes:
    return _TORN.sub(b"", bytes(part[at : at + _SLICE_BYTES]))


def _places(parts: list[_Part]) -> list[tuple[int, int]]:
    """Where the slices begin, as if *parts* were one: in which of them, and where there."""
    total = sum([len(part.data) for part in parts])
    if total <= _SLICES * _SLICE_BYTES:
        ats = list(range(0, total, _SLICE_BYTES))
    else:
        ats = [int(share * (total - _SLICE_BYTES)) for share in _SPREAD]
    places: list[tuple[int, int]] = []
    before = 0
    for index, part in enumerate(parts):
        while len(places) < len(ats) and ats[len(places)] - before < len(part.data):
            places.append((index, ats[len(places)] - before))
        before += len(part.data)
    return places


def _is_run(part: _Part, at: int) -> bool:
    return not part.is_text and _is_file(part.data, at)


def _is_file(part: memoryview, at: int) -> bool:
    return _FILE.fullmatch(part[at : at + _PROBE_BYTES]) is not None


def _edge(part: memoryview, at: int, step: int) -> int:
    """How far a file reaches from *at*, forwards or backwards: to its quote, or, of a long one, to a few bytes.

    By steps that double, then halve: two long files with little between them may be taken for one.
    """
    for _ in range(_NEAR_CHUNKS):
        chunk = bytes(part[at : at + _NEAR_BYTES] if step > 0 else part[max(0, at - _NEAR_BYTES) : at])
        quote = chunk.find(b'"') if step > 0 else chunk.rfind(b'"')
        if quote >= 0:
            return at + quote if step > 0 else at - len(chunk) + quote + 1
        at += len(chunk) if step > 0 else -len(chunk)
    inside, outside = at, at + step
    while 0 <= outside <= len(part) - _PROBE_BYTES and _is_file(part, outside):
        inside, step = outside, step * 2
        outside += step
    outside = min(max(outside, 0), len(part))
    while abs(outside - inside) > _PROBE_BYTES:
        middle = (inside + outside) // 2
        if _is_file(part, middle):
            inside = middle
        else:
            outside = middle
    return inside if step < 0 else min(inside + _PROBE_BYTES, len(part))
