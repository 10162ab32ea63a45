"""OpenAI's tokenizers: `tiktoken` over the vocabularies that OpenAI publishes.

An `Encoding` is made from the bytes that we ship. Nothing here imports `tiktoken.load`, which would fetch them.
"""

from __future__ import annotations

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


class BytePairCounter:
    """Counts with one encoding. Thread-safe; `tiktoken` works without the interpreter's lock."""

    quick_chars = 4000  # 0.1 to 1 ms

    def __init__(self, name: str) -> None:
        # Imported when needed: the import takes 0.1 s, and its regular expressions 3 MB.
        import tiktoken

        # A loop, not `dict(zip(map(…)))`: between its steps other threads can run.
        ranks = {}
        for line in load_vocabulary(name).splitlines():
            token, rank = line.split()
            ranks[a2b_base64(token)] = int(rank)
        # No special tokens: in a message they are text like any other.
        encoding = tiktoken.Encoding(name, pat_str=_SPLITS[name], mergeable_ranks=ranks, special_tokens={})
        self._encode = encoding.encode_ordinary

    def count(self, text: str) -> tuple[int, int]:
        """The tokens of *text*, and by how many that may be wrong: 0 unless the text has no place to be cut."""
        tokens = slack = 0
        for part, inside in _parts(text):
            tokens += len(self._encode(part))
            slack += _CUT_SLACK * inside
        return tokens, slack


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
