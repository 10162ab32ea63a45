"""Claude's tokenizers, from Claude 3 on: the least number of pieces that cover a text.

The vocabularies are those of PyPI's `ctok` 1.3.0, measured and unofficial. No piece reaches over the border of a run
with its marks, so a text's tokens are the sum over its words and over what stands between them; most of these come
again and again, and are looked up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from dd0c_route.tokens.claude_text import BEGIN, CAPITALS, END, TITLE, Runs, marked_word, normal
from dd0c_route.tokens.vocabulary import load_vocabulary

# The generation, its vocabulary, and whether the text follows upon a begin mark of the message around it.
_GENERATIONS = {
    "claude_3": ("claude_3", True),
    "claude_4_7": ("claude_4_7", True),
    "claude_4_8": ("claude_4_7", False),
}
GENERATIONS = frozenset(_GENERATIONS)

_CHUNK_CHARS = 1 << 18  # of a text, cut into units at once
_KEPT = 1 << 16  # the tokens of that many different units are kept
_WALKED = 24  # characters of a piece that are looked for one by one
_STRETCH = 384  # of one character repeated; above, each longest piece is one token more (a test shows that it is)


_REPEATED = re.compile(rf"(.)\1{{{_STRETCH},}}", re.DOTALL)


class _Meta(Struct, frozen=True):
    fold_quotes: bool
    allcaps_min: int | None


class _Vocabulary(Struct, frozen=True):
    """A vocabulary file. Byte prefixes are hexadecimal: beginnings of characters that are tokens."""

    meta: _Meta
    kinds: dict[str, list[int]]
    pieces: list[str]
    byte_prefixes: list[str]


class _Kept(dict[str, int]):
    """Counts what is missing, and starts anew when it has become too large."""

    def __init__(self, count: Callable[[str], int]) -> None:
        super().__init__()
        self._count = count

    def __missing__(self, key: str) -> int:
        if len(self) >= _KEPT:
            self.clear()
        self[key] = tokens = self._count(key)
        return tokens


class _Pieces:
    """The least number of pieces that cover a marked text; what no piece covers is spelled in bytes."""

    def __init__(self, pieces: list[str], byte_prefixes: list[str]) -> None:
        known: dict[str, bool] = {}  # the ends of pieces -> whether that is a piece itself
        long: dict[str, set[int]] = {}  # last character -> lengths of pieces too long to be walked
        for piece in pieces:
            for start in range(max(0, len(piece) - _WALKED), len(piece)):
                known.setdefault(piece[start:], False)
            if len(piece) > _WALKED:
                long.setdefault(piece[-1], set()).add(len(piece))
        known |= dict.fromkeys(pieces, True)
        self._known = known
        self._long = {last: tuple(sorted(lengths)) for last, lengths in long.items()}
        self._pairs = frozenset(piece[i : i + 2] for piece in pieces for i in range(len(piece) - 1))
        self._repeated = {piece[0]: len(piece) for piece in sorted(pieces, key=len) if len(set(piece)) == 1}
        self._bytes = {bytes.fromhex(prefix) for prefix in byte_prefixes}
        self._bytes |= {piece.encode() for piece in pieces if len(piece) == 1}
        self._spelled = _Kept(self._spell)
        self.tokens = _Kept(self._tile)

    def sum(self, marked: str) -> int:
        """The tokens of a text of many runs: it is cut where no piece can reach across, and each part looked up."""
        pairs, tokens = self._pairs, self.tokens
        total = start = 0
        for at in range(1, len(marked)):
            if marked[at - 1 : at + 1] not in pairs:
                total += tokens[marked[start:at]]
                start = at
        return total + tokens[marked[start:]]

    def _tile(self, marked: str) -> int:
        """By dynamic programming: `least[i]` tokens cover the first *i* characters."""
        if self._known.get(marked):
            return 1
        spared = 0
        if len(marked) > _STRETCH:
            marked, spared = self._shortened(marked)
        known, long, spelled = self._known, self._long, self._spelled
        least = [0]
        for end in range(1, len(marked) + 1):
            last = marked[end - 1]
            tokens = least[-1] + (1 if known.get(last) else spelled[last])
            start = end - 2
            bound = max(-1, end - 1 - _WALKED)
            while start > bound:
                is_piece = known.get(marked[start:end])
                if is_piece is None:
                    break
                if is_piece and least[start] < tokens:
                    tokens = least[start] + 1
                start -= 1
            else:
                for length in long.get(last, ()):
                    if length <= end and known.get(marked[end - length : end]) and least[end - length] < tokens:
                        tokens = least[end - length] + 1
            least.append(tokens)
        return least[-1] + spared

    def _shortened(self, marked: str) -> tuple[str, int]:
        """Without most of what is one character repeated, and the tokens of what was taken out."""
        spared = 0

        def shorten(stretch: re.Match[str]) -> str:
            nonlocal spared
            longest = self._repeated.get(stretch[1], 1)
            if (times := (len(stretch[0]) - _STRETCH) // longest) <= 0:
                return stretch[0]
            spared += times * self.tokens[stretch[1] * longest]
            return stretch[0][times * longest :]

        return _REPEATED.sub(shorten, marked), spared

    def _spell(self, char: str) -> int:
        """The tokens of a character that is no piece: of its bytes, beginnings of characters are single tokens."""
        if char in (BEGIN, END, TITLE, CAPITALS):
            return 1
        spelled = char.encode()
        least = [0]
        for end in range(1, len(spelled) + 1):
            starts = [start for start in range(end) if end - start == 1 or spelled[start:end] in self._bytes]
            least.append(1 + min(least[start] for start in starts))
        return least[-1]


class ClaudeCounter:
    """Counts with one generation's vocabulary. Thread-safe: what two threads count at once, both keep."""

    quick_bytes = 640  # 0.05 ms; of punctuation alone 0.25

    def __init__(self, name: str) -> None:
        vocabulary, self._after_begin = _GENERATIONS[name]
        document = msgspec.json.decode(load_vocabulary(vocabulary), type=_Vocabulary)
        self._meta = document.meta
        self._runs = Runs(document.kinds)
        self._pieces = _Pieces(document.pieces, document.byte_prefixes)
        self._units = _Kept(self._unit)

    def count(self, text: str) -> tuple[int, int]:
        """The tokens of *text* as the content of one message, and by how many that may be wrong: always 0."""
        if not text:
            return 0, 0
        whole = normal(text, fold_quotes=self._meta.fold_quotes)
        body = whole.rstrip("\n")
        tokens = self._last_newlines(len(whole) - len(body))
        if self._after_begin and text[0] == " " and body[:1] == " " and body[1:2] != " ":
            body = body[1:]  # it stands in the begin mark of the message
        if not body:
            return tokens + self._after_begin, 0
        for chunk, first, last in self._chunks(body):
            tokens += self._chunk(chunk, first, last)
        return tokens, 0

    def _last_newlines(self, count: int) -> int:
        """Newlines at the end join the two that end every message, one token of which is not the text's."""
        return self._pieces.tokens["\n" * (count + 2)] - 1 if count else 0

    def _chunks(self, body: str) -> Iterator[tuple[str, bool, bool]]:
        """Parts of a long text, and whether each is the first and the last."""
        start = 0
        while (cut := self._runs.seam.search(body, start + _CHUNK_CHARS)) is not None:
            yield body[start : cut.start()], start == 0, False
            start = cut.start()
        yield body[start:], start == 0, True

    def _chunk(self, chunk: str, first: bool, last: bool) -> int:
        units = self._runs.units.findall(chunk)
        tokens = 0
        if first and not self._is_word(units[0][0]):
            only = len(units) == 1 and not self._is_word(units[0][-1])
            tokens += self._between(units.pop(0), first=True, last=last and only)
        if last and units and not self._is_word(units[-1][-1]):
            tokens += self._between(units.pop(), last=True)
        tokens_of = self._units
        return tokens + sum([tokens_of[unit] * times for unit, times in Counter(units).items()])

    def _is_word(self, char: str) -> bool:
        return self._runs.word.match(char) is not None

    def _unit(self, unit: str) -> int:
        """The tokens of a word, or of what stands between two."""
        if not self._is_word(unit[0]):
            return self._between(unit)
        if self._runs.stray.match(unit):
            return self._pieces.tokens[f"{BEGIN}{unit}{END}"]
        return self._pieces.tokens[marked_word(unit, self._meta.allcaps_min)]

    def _between(self, unit: str, *, first: bool = False, last: bool = False) -> int:
        marked = self._runs.marked(unit, first=first, last=last, after_begin=first and self._after_begin)
        return self._pieces.sum(marked) if marked else 0
