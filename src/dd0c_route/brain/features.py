"""What the brain sees of a text: hashed words, word pairs and word stems, and some seventy surface features.

All of it is computed on bytes by a fixed number of numpy calls over at most `MAX_BYTES` bytes, so it takes the same
time for any length. Case, white space and polite framing do not count: they say nothing about how hard a question is.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dd0c_route.brain.asked import asked_within

SPAN = 1000  # characters kept of either end of a text
_ENDS = 1300  # characters of either end in which these are, unless there is much white space
MAX_BYTES = 3 * SPAN  # of the kept text in UTF-8; of scripts that need more the tail is cut
BUCKETS = 1 << 16
STEM = 5  # letters: "multiply" and "multiplied" share a stem

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

# Words that wrap a question. Dropped before anything is hashed, so that "Please, …" and "… Thanks!" change little.
FRAMING = (
    "please kindly thanks thank you hello hi hey dear sir madam could would can i me my your help appreciate "
    "appreciated advance greetings good morning afternoon evening regards cheers want like need"
)
# Words about a question rather than of it. A sentence at either end that has no others is dropped as a whole, as in
# "Important, expert level. …" and "… Think step by step. What would you answer?"
ABOUT = (
    "here is are was have has a an the that this these it of for to and or in on with from about so but be by at as s "
    "m ve following question questions query problem task topic prompt request asked ask asking quick simple easy "
    "basic trivial much hard difficult complex advanced expert level reasoning important urgent very really carefully "
    "careful answer answers reply response respond solution think thinking step steps take time give final end brief "
    "concise short let know what would which how do does did great day nice just some one more now out only tell say "
    "us assistant helpful context note below above work re"
)
# Groups of words whose share among all words is a surface feature.
WORD_GROUPS = {
    "which": "which",
    "what": "what",
    "how": "how",
    "why": "why",
    "who": "who when where",
    "not": "not except false incorrect least never neither nor cannot",
    "if": "if suppose given let assume then",
    "calculate": "calculate compute find solve evaluate determine simplify factor convert",
    "following": "following",
    "most": "most best likely",
    "all": "all none every each",
    "statement": "statement statements scenario scenarios true",
    "person": "he she his her him man woman patient plaintiff defendant court",
    "unit": "kg cm mm km mol hz joule watt volt ohm degrees degree meters seconds hours minutes",
    "write": "write create generate implement function program essay story list",
    "explain": "explain describe discuss compare analyze summarize translate",
    "code": "def return import print class int string array self none null const var void",
    "choice": "options choices answer choose correct option question",
}

_MULTIPLIER = 0x9E3779B97F4A7C15
_INVERSE = pow(_MULTIPLIER, -1, 1 << 64)
_PAIR = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX = np.uint64(0xD6E8FEB86659FD93)


def _powers(base: int) -> NDArray[np.uint64]:
    values = [1]
    for _ in range(MAX_BYTES):
        values.append(values[-1] * base % (1 << 64))
    return np.array(values, np.uint64)


_UP, _DOWN = _powers(_MULTIPLIER), _powers(_INVERSE)

_LOWER = np.arange(256, dtype=np.uint8)
_LOWER[65:91] += 32
_LOWER[48:58] = 48  # all digits look alike: "17" and "42" are both a number of two digits
_IS_WORD = np.zeros(256, np.bool_)
_IS_WORD[97:123] = _IS_WORD[48] = _IS_WORD[128:] = True
# For `bytes.translate`, many times faster than an index: whether a byte belongs to a word, and what it is in a hash,
# where none is nought (255 would be; there is none in UTF-8).
_WORDLY = _IS_WORD[_LOWER].tobytes()
_SPREAD = (_LOWER + np.uint8(1)).tobytes()

_SYMBOLS = [
    "?",
    ".",
    ",",
    ":;",
    "\"'`",
    "()",
    "[]",
    "{}",
    "=",
    "+",
    "*",
    "/",
    "^",
    "<>",
    "\\",
    "$",
    "%",
    "_",
    "-",
    "!",
    "#@|&~",
]


def _class_table() -> Floats:
    table = np.zeros((256, len(_SYMBOLS) + 2), np.float32)
    for column, symbols in enumerate(_SYMBOLS):
        table[[ord(symbol) for symbol in symbols], column] = 1
    table[48:58, -2] = table[128:, -1] = 1
    return table


_CLASSES = _class_table()


class Reading(NamedTuple):
    """One text, as the brain sees it.

    Attributes:
        buckets: int64, shape (k,): distinct buckets of its words, pairs of words and stems, ascending.
        counts: float32, shape (k,): how often each occurs.
        surface: float32, shape (len(SURFACE),).
    """

    buckets: NDArray[np.int64]
    counts: Floats
    surface: Floats


def cut(text: str) -> str:
    """*text* without runs of white space, its first and last `SPAN` characters; the same for what was cut before."""
    if len(text) > 2 * _ENDS:
        head, tail = " ".join(text[:_ENDS].split()), " ".join(text[-_ENDS:].split())
        if min(len(head), len(tail)) > SPAN:
            return f"{head[:SPAN].rstrip()} {tail[-SPAN:].lstrip()}"
    if len(text) > 8 * SPAN:
        text = f"{text[: 4 * SPAN]} {text[-4 * SPAN :]}"
    text = " ".join(text.split())
    return text if len(text) <= 2 * SPAN + 1 else f"{text[:SPAN].rstrip()} {text[-SPAN:].lstrip()}"


def read(text: str) -> Reading:
    """The features of *text*; any text has some, the empty one too."""
    data = cut(text).encode("utf-8", "replace")[:MAX_BYTES]
    edges = _edges(data)
    starts, ends = edges[::2], edges[1::2]
    sums = np.zeros(len(data) + 1, np.uint64)
    np.add.accumulate(np.frombuffer(data.translate(_SPREAD), np.uint8) * _DOWN[: len(data)], out=sums[1:])
    before = sums.take(starts)
    words = (sums.take(ends) - before) * _UP.take(starts)
    bucket = _bucket(words)
    low, high = asked_within(data, _IS_OF_IT.take(bucket), edges)
    plain = _IS_PLAIN.take(bucket)
    plain[: starts.searchsorted(low)] = plain[ends.searchsorted(high, "right") :] = False
    kept = plain.nonzero()[0]
    words, before, starts, ends = words.take(kept), before.take(kept), starts.take(kept), ends.take(kept)
    stems = (sums.take(np.minimum(starts + STEM, ends)) - before) * _UP.take(starts) + np.uint64(STEM)
    hashed = _bucket(np.concatenate((words, words[:-1] * _PAIR + words[1:], stems)))
    groups = np.bincount(_GROUP.take(hashed[: len(words)]), minlength=len(WORD_GROUPS) + 1)
    buckets, counts = _counted(hashed)
    surface = _surface(data[low:high], starts - low, ends - low, groups, len(buckets))
    return Reading(buckets, counts, surface)


def _counted(hashed: NDArray[np.uint16]) -> tuple[NDArray[np.int64], Floats]:
    """The distinct ones, ascending, and how often each occurs."""
    hashed.sort()
    differ = np.empty(len(hashed) + 1, np.bool_)
    differ[0] = differ[-1] = True
    np.not_equal(hashed[1:], hashed[:-1], out=differ[1:-1])
    firsts = differ.nonzero()[0]  # and where the last ones end
    counts = (firsts[1:] - firsts[:-1]).astype(np.float32)
    return hashed.take(firsts[:-1]).astype(np.int64), counts


def _edges(data: bytes) -> NDArray[np.int64]:
    """Where words begin and end, in turn."""
    inside = np.frombuffer(b"\0%b\0" % data.translate(_WORDLY), np.bool_)
    edges: NDArray[np.int64] = (inside[1:] != inside[:-1]).nonzero()[0]
    return edges


def _bucket(hashes: NDArray[np.uint64]) -> NDArray[np.uint16]:
    mixed = (hashes ^ (hashes >> np.uint64(32))) * _MIX
    return (mixed >> np.uint64(48)).astype(np.uint16)


def _bucket_of(word: str) -> int:
    value = sum(
        (_LOWER[byte].item() + 1) * _MULTIPLIER**0 * pow(_INVERSE, i, 1 << 64) for i, byte in enumerate(word.encode())
    )
    return int(_bucket(np.array([value % (1 << 64)], np.uint64))[0])


def _word_tables() -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.uint8]]:
    plain = np.ones(BUCKETS, np.bool_)
    plain[[_bucket_of(word) for word in FRAMING.split()]] = False
    of_it = plain.copy()
    of_it[[_bucket_of(word) for word in ABOUT.split()]] = False
    groups = np.zeros(BUCKETS, np.uint8)
    for number, words in enumerate(WORD_GROUPS.values(), start=1):
        groups[[_bucket_of(word) for word in words.split()]] = number
    return plain, of_it, groups


_IS_PLAIN, _IS_OF_IT, _GROUP = _word_tables()

_LAST = 200  # bytes at the end in which the question itself usually stands
_OPTION_LETTERS = np.zeros(256, np.bool_)
_OPTION_LETTERS[[*range(65, 75), *range(97, 107)]] = True
_OPTION_ENDS = np.zeros(256, np.bool_)
_OPTION_ENDS[[ord("."), ord(")"), ord(":")]] = True
_IS_DIGIT = bytes(48 <= byte <= 57 for byte in range(256))  # for `bytes.translate`

SURFACE = (
    *("bytes", "words", "word_length", "distinct", "longest_word", "long_words", "very_long_words"),
    *("single_letters", "numbers", "number_digits", "longest_number"),
    *(f"share {symbols}" for symbols in [*_SYMBOLS, "digits", "beyond ascii"]),
    *(f"count {symbols}" for symbols in [*_SYMBOLS, "digits", "beyond ascii"]),
    *(f"words {name}" for name in WORD_GROUPS),
    *("options", "stem_length", "option_length", "option_longest", "option_spread", "options_with_digits"),
    *("last_digits", "last_words", "last_symbols"),
)


def _surface(
    data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64], groups: NDArray[np.int64], distinct: int
) -> Floats:
    n, words = len(data), len(starts)
    out = np.zeros(len(SURFACE), np.float32)
    if not words:
        return out
    raw = np.frombuffer(data, np.uint8)
    lengths = ends - starts
    of_length = np.bincount(lengths).tolist()  # how many words are so long
    first = raw.take(starts)
    numbers = lengths[(first - np.uint8(48)) < 10].tolist()
    single = lengths == 1
    out[:11] = (
        *(math.log1p(n), math.log1p(words), int(lengths.sum()) / words, distinct / (3 * words), len(of_length) - 1),
        *(sum(of_length[9:]) / words, sum(of_length[13:]) / words, of_length[1] / words),
        *(math.log1p(len(numbers)), sum(numbers) / max(1, len(numbers)), max(numbers, default=0)),
    )
    classes = np.bincount(raw, minlength=256).astype(np.float32) @ _CLASSES
    width, at = len(classes), 11
    out[at : at + width] = classes * (100 / n)
    out[at + width : at + 2 * width] = np.log1p(classes)
    at += 2 * width
    out[at : at + len(WORD_GROUPS)] = np.minimum(groups[1:], 5)
    at += len(WORD_GROUPS)
    out[at : at + 6] = _options(data, raw, starts[single])
    last = data[-_LAST:]
    symbols = len(last) - last.translate(_WORDLY).count(1)
    out[at + 6 :] = last.translate(_IS_DIGIT).count(1), words - int(starts.searchsorted(n - _LAST, "right")), symbols
    return out


def _options(data: bytes, raw: Bytes, starts: NDArray[np.int64]) -> tuple[float, ...]:
    """Of "… A. one B. two": how many, where they start, how long they are, how many have digits.

    Args:
        starts: Of the words of one byte.
    """
    after = raw.take(starts + 1, mode="clip")
    marks = starts[_OPTION_LETTERS.take(raw.take(starts)) & _OPTION_ENDS.take(after)]
    if len(marks) < 2:
        return (0, math.log1p(len(raw)), 0, 0, 0, 0)
    begins, digits = marks.tolist(), data.translate(_IS_DIGIT)  # few: plain numbers are quicker than arrays
    parts = list(zip(begins, [*begins[1:], len(data)], strict=True))
    mean = (len(data) - begins[0]) / len(parts)
    variance = sum([(end - begin - mean) ** 2 for begin, end in parts]) / len(parts)
    with_digits = sum([digits.find(1, begin, end) >= 0 for begin, end in parts])
    return (
        *(len(parts), math.log1p(begins[0]), math.log1p(mean), math.log1p(max(end - begin for begin, end in parts))),
        *(math.sqrt(variance) / (mean + 1), with_digits / len(parts)),
    )
