"""Tokenizers that merge bytes: `tiktoken` over OpenAI's vocabularies, which we ship, and over others (`extras`).

An `Encoding` is made from bytes that are on the disk. Nothing here imports `tiktoken.load`, which would fetch them.
"""

from __future__ import annotations

import unicodedata
from binascii import a2b_base64
from collections.abc import Iterator

from dd0c_route.tokens.vocabulary import load_vocabulary

# How each encoding splits a text before it merges bytes. Source: tiktoken 0.14.0, tiktoken_ext/openai_public.py.
_SPLITS = {
    "cl100k_base": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
        r"|\s+(?!\S)|\s"
    ),
    "o200k_base": (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
    "p50k_base": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",
}
ENCODINGS = frozenset(_SPLITS)

# tiktoken's pattern engine gives up on about a million characters without a split, and takes 60 ms for these.
_PART_CHARS = 1 << 17
_SEARCH_CHARS = 1 << 13  # how far before its end a part may be cut
_CUT_SLACK = 4  # tokens that a cut within a word may add or take; seen on random texts: 2

Ranks = dict[bytes, int]  # a token's bytes -> which of two possible merges comes first: the lower


class BytePairCounter:
    """Counts with one encoding. Thread-safe; `tiktoken` works without the interpreter's lock.

    Args:
        name: What the encoding is called.
        split: How a text is split before bytes are merged: a pattern of `tiktoken`.
        ranks: The vocabulary, every single byte included.
        composed: Whether characters are composed first (Unicode's NFC).
    """

    quick_bytes = 1200  # 0.1 ms

    def __init__(self, name: str, split: str, ranks: Ranks, *, composed: bool = False) -> None:
        # Imported when needed: the import takes 0.1 s, and its regular expressions 3 MB.
        import tiktoken

        # No special tokens: in a message they are text like any other.
        encoding = tiktoken.Encoding(name, pat_str=split, mergeable_ranks=ranks, special_tokens={})
        self._encode = encoding.encode_ordinary
        self._composed = composed

    def count(self, text: str) -> tuple[int, int]:
        """The tokens of *text*, and by how many that may be wrong: 0 unless the text has no place to be cut."""
        tokens = slack = 0
        for part, inside in _parts(unicodedata.normalize("NFC", text) if self._composed else text):
            tokens += len(self._encode(part))
            slack += _CUT_SLACK * inside
        return tokens, slack


def shipped_counter(name: str) -> BytePairCounter:
    """The counter of one of `ENCODINGS`."""
    return BytePairCounter(name, _SPLITS[name], ranks_of(load_vocabulary(name)))


def ranks_of(content: bytes) -> Ranks:
    """Read a `.tiktoken` file: a line is a token's bytes in base64, and its rank."""
    # A loop, not `dict(zip(map(…)))`: between its steps other threads can run.
    ranks = {}
    for line in content.splitlines():
        token, rank = line.split()
        ranks[a2b_base64(token)] = int(rank)
    return ranks


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """Cut a long text where a token surely ends; and whether a part was cut elsewhere, for want of such a place.

    No token of these encodings holds a space, a tab or the like behind a character that is none.
    """
    start = 0
    while len(text) - start > _PART_CHARS:
        end = start + _PART_CHARS
        cut = next((at for at in _spaces(text, end - _SEARCH_CHARS, end) if not text[at - 1].isspace()), 0)
        yield text[start : cut or end], not cut
        start = cut or end
    yield text[start:], False


def _spaces(text: str, start: int, end: int) -> Iterator[int]:
    while (end := text.rfind(" ", start, end)) > 0:
        yield end
