"""A text as its reader would see it: escapes undone, wrapped lines joined, coded runs decoded.

A key written as `%73k-…`, `\\u0073k-…` or broken over two lines is still a key. A `View` is the undone text together
with the way back: where each of its characters stands in the original.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator

# Repetitions are bounded: without it, a text of backslashes alone would cost the square of its length.
_ESCAPE = re.compile(
    r"%(?:25){0,4}([0-9A-Fa-f]{2})"  # percent, also doubled
    r"|\\{1,8}(?:u00|x)([0-9A-Fa-f]{2})"  # JSON, Python, also inside another JSON string
    r"|&#x0{0,4}([0-9A-Fa-f]{2});"  # HTML
    r"|&#0{0,4}(\d{2,3});"
    r"|\\{1,8}([nrt])"  # a line end within a string: what follows it starts a word
    r"|\x1b\[[0-9;]{0,16}[A-Za-z]"  # a terminal's colours
    r"|[\x00\xad\u200b-\u200f\u2060\ufeff]"  # UTF-16 read as bytes; characters that nobody sees
)
_INVISIBLE = re.compile(r"[\x00\xad\u200b-\u200f\u2060\ufeff]")
# A line that breaks inside a long unbroken word and goes on, perhaps indented, quoted or escaped. Surely the same word
# where what follows has digits or capitals within and is no date; perhaps the same word where it has not.
_WRAP = r"(?<=[A-Za-z0-9_+/=.:-]{12})[\"']?[ \t]*\\?\r?\n[ \t>#|]*[\"']?"
_SURE_WRAP = re.compile(
    _WRAP + r"(?=[A-Za-z0-9_+/=.-]{8})(?=[A-Za-z0-9_+/=.-]{0,40}(?:[0-9]|[a-z][A-Z]))(?!\d{4}-\d\d-)"
)
_ANY_WRAP = re.compile(_WRAP + r"(?=[A-Za-z0-9_+/=.-])")
# Text in base64 shows: each fourth character stands for a byte below 0x80. So does text in hex. Six of them tell.
_CODED = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:"
    r"(?P<hex>(?:[2-7][0-9A-Fa-f]){16,}(?![A-Za-z0-9+/_-]))|(?:[A-Za-f][A-Za-z0-9+/_-]{3}){6}[A-Za-z0-9+/_-]*)"
)
_STANDARD = str.maketrans("-_", "+/")
MIN_CODED_CHARS = 24  # of the shortest run that `decoded` looks at
MIN_WORD_CHARS = 14  # the shortest hit of a format in `rules.toml` without a space is longer
_WORD_BYTES = bytes(b if chr(b).isascii() and (chr(b).isalnum() or chr(b) in "_+/.~=-") else 32 for b in range(256))
_WORD = re.compile(r"[A-Za-z0-9_+/.~=-]+")
_MAX_DECODED_CHARS = 64 << 10  # of one coded run; an image is longer, a header never is


class View:
    """*text* with what *pattern* matches replaced, and the way back."""

    def __init__(self, text: str, pattern: re.Pattern[str], undo: Callable[[re.Match[str]], str]) -> None:
        self._original = text
        self._pattern = pattern
        self._undo = undo
        self.text = pattern.sub(undo, text)
        self._known_steps: tuple[list[int], list[int]] | None = None

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that `text[start:end]` came from."""
        undone, original = self._steps()
        return _moved(start, undone, original), _moved(end, undone, original)

    def _steps(self) -> tuple[list[int], list[int]]:
        """Where the two texts go out of step: offsets in the undone text and in the original, both rising."""
        if self._known_steps is not None:  # a text with many secrets asks as often
            return self._known_steps
        undone, original = [0], [0]
        for match in self._pattern.finditer(self._original):
            before = undone[-1] + match.start() - original[-1]
            undone += [before, before + len(self._undo(match))]
            original += [match.start(), match.end()]
        self._known_steps = undone, original
        return self._known_steps


def _moved(offset: int, undone: list[int], original: list[int]) -> int:
    step = bisect_right(undone, offset) - 1
    return original[step] + offset - undone[step]


def unescaped(text: str) -> View | None:
    """*text* with its escapes undone, or None where there are none."""
    suspicious = "%" in text or "\\" in text or "&#" in text or "\0" in text or "\x1b" in text
    if not suspicious and (text.isascii() or not _INVISIBLE.search(text)):
        return None
    view = View(text, _ESCAPE, _character)
    return view if view.text != text else None


def unwrapped(text: str, *, surely: bool) -> View | None:
    """*text* with broken words joined again, or None where no line breaks inside a word.

    Args:
        surely: Join only where what follows looks like more of a credential; else wherever a word could go on.
    """
    pattern = _SURE_WRAP if surely else _ANY_WRAP
    return View(text, pattern, lambda _: "") if "\n" in text and pattern.search(text) else None


def is_word(text: str) -> bool:
    """Whether *text* could stand within one word of `long_words`."""
    return _WORD.fullmatch(text) is not None


def long_words(text: str) -> str:
    """The words of *text* long enough to be, or to hide, a credential, joined by spaces.

    Most lines have none or few, so what is asked of every line is asked of these: ten times less text.
    """
    words = text.encode("utf-8", "surrogatepass").translate(_WORD_BYTES).split()
    return b" ".join([word for word in words if len(word) >= MIN_WORD_CHARS]).decode("ascii")


_NO_LETTER = bytes(b if chr(b).isascii() and chr(b).isalnum() else 32 for b in range(256))


def heads(words: str) -> list[bytes]:
    """The runs of letters and digits in *words* (`long_words`): what a format begins with is one of them."""
    return words.encode().translate(_NO_LETTER).split()


def decoded(words: str) -> Iterator[tuple[str, str]]:
    """Each run of base64 or hex in *words* that decodes to text, and that text."""
    for match in _CODED.finditer(words):
        run = match.group()
        sample = run[:_MAX_DECODED_CHARS]
        if match.group("hex"):
            raw = bytes.fromhex(sample[: len(sample) & ~1])
        else:
            if len(sample) % 4 == 1:  # nothing is coded in one character
                sample = sample[:-1]
            raw = base64.b64decode(sample.translate(_STANDARD) + "=" * (-len(sample) % 4))
        yield run, raw.decode("utf-8", "replace")


def _character(match: re.Match[str]) -> str:
    percent, backslash, html_hex, html, control = match.groups()
    if code := percent or backslash or html_hex:
        return chr(int(code, 16))
    if html:
        return chr(int(html))
    return "\n" if control else ""
