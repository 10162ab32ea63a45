"""What Claude's tokenizer makes of a text before it looks for tokens: normal form, runs, and marks at their borders.

The rules are those that PyPI's `ctok` 1.3.0 (MIT, Sander Land) found by measuring `count_tokens`; this is another
implementation of them, for speed and for Python 3.11. What is known of single characters is a table of the vocabulary
file ("kinds"), made by `scripts/pack_vocabularies.py`.

A word is written with its begin, its end and its case as marks: `Hello` is TITLE BEGIN hello END. A single space
between an END and a BEGIN is not written at all.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

# Private-use characters, which Claude strips from a text: no text can hold them.
BEGIN, END, TITLE, CAPITALS = "\ue000", "\ue001", "\ue002", "\ue003"

_SURROGATES = re.compile("[\ud800-\udfff]")
_STRIPPED = re.compile("[\x01-\x08\x0b-\x1f\x7f\x80-\x9f\ue000-\uf8ff]")  # controls and private use
_SPACES = re.compile("[\x00\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f]")  # read like a space
_QUOTES = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
_SARA_AM = ("\u0e4d\u0e32", "\u0e33")  # composed by Claude, though not by Unicode's normal form C

# Pairs of cases that Unicode 16 has and the interpreter's data may not have.
_NEW_PAIRS = {"\u1c89": "\u1c8a", "\ua7cb": "\u0264"}
_NEW_LOWER = frozenset(_NEW_PAIRS.values())
_NO_CAPITAL = "\u03f4"  # a capital for Unicode, but not for Claude
_SHARP_S, _DOTTED_I = "\u1e9e", "\u0130"
_SIGMA, _FINAL_SIGMA = "\u03c3", "\u03c2"  # Claude's capitals are lowered one by one: no sigma is final

# What an apostrophe binds into the word ahead of it, unless that word ends in a circled letter.
_CONTRACTIONS = r"(?<=')(?<![\u24b6-\u24e9]')(?:[stdm]|ll|re|ve)"


def normal(text: str, *, fold_quotes: bool) -> str:
    """The text as the tokenizer reads it. *fold_quotes*: curly quotes are straight ones (Claude 3)."""
    if text.isascii():
        return _STRIPPED.sub("", text).replace("\0", " ")
    text = unicodedata.normalize("NFC", _SURROGATES.sub("\ufffd", text))
    text = _STRIPPED.sub("", text).replace(*_SARA_AM)
    if fold_quotes:
        text = text.translate(_QUOTES)
    return _SPACES.sub(" ", text)


class Runs:
    """Cuts a normal text into words and what stands between them, and marks the latter; made from a table of kinds.

    Attributes:
        units: A word, or all that stands between two words, with the `'s` that may end it.
        word: A character of a word.
        stray: A mark that opens a word, for want of a letter to sit on.
        seam: Where a text can be cut in two: between a space and a word.
    """

    def __init__(self, kinds: Mapping[str, list[int]]) -> None:
        of = {kind: _ranges(codes) for kind, codes in kinds.items()}
        word = of["word"] + of["mark"]
        digits = of["digit"] + of["foreign_digit"]
        numbers = of["decimal"] + of["number"]
        rest = of["punctuation"] + digits + of["space"] + of["symbol"] + numbers + word
        self.units = re.compile(f"[{word}]+|[^{word}]+(?:{_CONTRACTIONS}(?![{word}]))?")
        self.word = re.compile(f"[{word}]")
        self.stray = re.compile(f"[{of['mark']}]")
        self.seam = re.compile(f"(?<= )(?=[{word}])")
        self._run = re.compile(
            f"(?P<punctuation>[{of['punctuation']}]+)|(?P<digit>[{digits}]+)|(?P<space>[{of['space']}]+)"
            f"|(?P<symbol>[{of['symbol']}][{of['symbol']}{of['selector']}]*)"
            f"|(?P<number>[{numbers}][{numbers}{of['selector']}]*)"
            f"|(?P<word>[{word}]+)|(?P<letter>[^{rest}]+)"
        )
        self._selector = re.compile(f"[{of['selector']}]")
        self._border_digit = re.compile(f"[{of['foreign_digit']}{numbers}]")
        self._one_kind_of_number = re.compile(f"[{of['decimal']}]+|[{of['number']}]+")

    def marked(self, between: str, *, first: bool = False, last: bool = False, after_begin: bool = False) -> str:
        """What stands between two words, with its marks.

        *first* and *last*: the text begins or ends here, there is no word on that side. *after_begin*: the begin of the
        text stands behind a begin mark, which counts as a space before it.
        """
        runs = [(match.lastgroup or "", match[0]) for match in self._run.finditer(between)]
        final = len(runs) - 1
        opener = final - (runs[final][0] == "word")  # the last run before a word
        opens = runs[opener][1] == "'" and not (last and opener == final)  # an apostrophe of its own, as in 'tis
        head = " " if first and after_begin else ""
        bodies = [head, *(body for _, body in runs), ""]
        begins = [
            bodies[i].endswith(" ") and self._begins(kind, body) and not (opens and i == opener)
            for i, (kind, body) in enumerate(runs)
        ]
        ends = [
            bodies[i + 2][:1] == " " and bodies[i + 2][:2] != "  " and self._ends(kind, body)
            for i, (kind, body) in enumerate(runs)
        ]
        marked = []
        if head and not begins[0] and bodies[1][0] != " ":
            marked.append(" " if opens and opener == 0 else BEGIN)
        for i, (kind, body) in enumerate(runs):
            if kind == "word":  # a contraction, bound by the apostrophe unless that is bound to what is before it
                bound = runs[i - 1][1] == "'" and (i < 2 or not self._ends(*runs[i - 2]))
                marked.append(f"{'' if bound else BEGIN}{body}{END}")
            elif body == " " and (ends[i - 1] if i else not first) and (begins[i + 1] if i < final else not last):
                pass  # the seam between an end and a begin
            else:
                marked.append(f"{BEGIN if begins[i] else ''}{body}{END if ends[i] else ''}")
        return "".join(marked)

    def _begins(self, kind: str, body: str) -> bool:
        """Whether a run marks its begin where it borders a space."""
        if kind in ("punctuation", "symbol"):
            return True
        if kind == "letter":
            return self._selector.match(body) is not None
        return self._has_border(kind, body, body[0])

    def _ends(self, kind: str, body: str) -> bool:
        """Whether a run marks its end where it borders a space."""
        if kind in ("punctuation", "symbol"):
            return True
        if kind in ("letter", "number") and self._selector.match(body[-1]):
            return True
        return self._has_border(kind, body, body[-1])

    def _has_border(self, kind: str, body: str, border: str) -> bool:
        if kind == "number" and not self._one_kind_of_number.fullmatch(body):
            return False
        return kind in ("number", "digit") and self._border_digit.match(border) is not None


def _ranges(codes: list[int]) -> str:
    """The inside of a character class."""
    pairs = zip(codes[::2], codes[1::2], strict=True)
    return "".join([f"\\u{first:04x}-\\u{last:04x}" for first, last in pairs])


def marked_word(word: str, least_capitals: int | None) -> str:
    """A word with its marks. *least_capitals*: from how many capitals on a word is marked as such; None for never."""
    if word.isascii():
        if word.islower():
            return f"{BEGIN}{word}{END}"
        if least_capitals is not None and len(word) >= least_capitals and word.isupper():
            return f"{CAPITALS}{BEGIN}{word.lower()}{END}"
        if word[0].isupper() and (len(word) == 1 or word[1:].islower()):
            return f"{TITLE}{BEGIN}{word.lower()}{END}"
        return f"{BEGIN}{word}{END}"
    mark, body = _cased(word, least_capitals)
    return f"{mark}{BEGIN}{body}{END}"


def _cased(word: str, least_capitals: int | None) -> tuple[str, str]:
    """The mark of the whole word's case, and the word without its capitals; or the word as it is."""
    if _SHARP_S in word:
        return "", word
    if _DOTTED_I in word:
        rest = word[1:].replace(_DOTTED_I, "")
        if word[0] == _DOTTED_I or not _is_capital(word[0]) or any(map(_is_capital, rest)):
            return "", word
        return TITLE, "".join([char if char == _DOTTED_I else _lower(char) for char in word])
    capitals = [_is_capital(char) for char in word]
    if least_capitals is not None and len(word) >= least_capitals and _all_capitals(word, capitals):
        return CAPITALS, "".join(map(_lower, word)).replace(_FINAL_SIGMA, _SIGMA)
    if capitals[0] and not any(capitals[1:]):
        return TITLE, "".join(map(_lower, word))
    return "", word


def _all_capitals(word: str, capitals: list[bool]) -> bool:
    """Nothing but capitals, and at least one; symbols that are no letters do not count."""
    return any(capitals) and all(
        capital or (not _is_lower(char) and char not in _NEW_LOWER and unicodedata.category(char)[0] not in "LM")
        for char, capital in zip(word, capitals, strict=True)
    )


def _is_capital(char: str) -> bool:
    return char in _NEW_PAIRS or (char.isupper() and _lower(char) != char)


def _is_lower(char: str) -> bool:
    return char in _NEW_LOWER or char.islower()


def _lower(char: str) -> str:
    return char if char == _NO_CAPITAL else _NEW_PAIRS.get(char) or char.lower()
