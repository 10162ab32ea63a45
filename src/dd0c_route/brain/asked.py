"""Where in a text the question stands: what is about it, and what is said in passing, is left outside.

Such sentences are dropped at either end only, and whole. Where nothing else would be left, all of it is the question.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

_ENDS = (b". ", b"! ", b"? ", b": ")  # of sentences; white space is single by then
_AROUND = 2  # bytes kept before the first word and after the last, such as "$\\" and "?)"
_OPTION = re.compile(rb"\b[A-Ja-j][.):]")  # begins something to choose from, which is never about the question
# Plain words that speak of the speaker, or call out: "I have been at this for hours." "Good morning!"
_PASSING = rb"(?=[^.:!?]*(?:\b(?:I|me|my|we)\b|!))[A-Za-z ,'-]{1,120}"
_FIRST = re.compile(_PASSING + rb"[.:!] ", re.IGNORECASE)
_LAST = re.compile(_PASSING + rb"[.!]+", re.IGNORECASE)
_MOST = 3  # sentences in passing at either end

Edges = NDArray[np.int64]


def asked_within(data: bytes, of_it: NDArray[np.bool_], edges: Edges) -> tuple[int, int]:
    """From where to where.

    Args:
        data: Without runs of white space.
        of_it: Which words are more than words about a question, (words,).
        edges: Where words begin and end, in turn, (2 * words,).
    """
    low, high = _without_passing(data)
    own = of_it.nonzero()[0]
    own = own[(edges[2 * own] >= low) & (edges[2 * own + 1] <= high)]
    if not len(own):
        return 0, len(data)
    first, last = int(edges[2 * int(own[0])]), int(edges[2 * int(own[-1]) + 1])
    head = max(low, 1 + max(data.rfind(end, low, first) for end in _ENDS))
    start = int(edges[2 * int(edges[::2].searchsorted(head))])
    low, head = start - _signs(data[:start][: -_AROUND - 1 : -1]), max(low, head)
    return (
        low if not _OPTION.search(data, 0, head) else 0,
        last + _signs(data[last : last + _AROUND]) if not _OPTION.search(data, last) else len(data),
    )


def _without_passing(data: bytes) -> tuple[int, int]:
    low, high = 0, len(data)
    for _ in range(_MOST):
        if not (found := _FIRST.match(data, low)):
            break
        low = found.end()
    for _ in range(_MOST):
        before = max(data.rfind(end, low, high - 1) for end in _ENDS)
        if before < 0 or not _LAST.fullmatch(data, before + 2, high):
            break
        high = before + 1
    return low, high


def _signs(data: bytes) -> int:
    """How many bytes there are before a space."""
    return len(data.partition(b" ")[0])
