"""What was counted beside what was true, and the shares and errors that follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.accuracy.cases import Case
from dd0c_route.types import Count

ENOUGH = 10  # cases of a repository or a class that are worth a share of their own


class Measured(NamedTuple):
    """One case counted; what others count is None where they cannot."""

    case: Case
    ours: Count
    litellm: float | None = None
    claude_2: float | None = None
    length: float | None = None


class Errors(NamedTuple):
    """How a list of counts differs from the truth. Shares are 0..1, errors relative to the truth."""

    exact: float
    within: float
    near: float
    middle: float
    most: float
    sum: float


def errors(pairs: Sequence[tuple[float, int]]) -> Errors:
    """Of (count, truth): shares exact, within 1 %, within 1 % or two tokens; median, 95 of 100, and that of the sum."""
    found = sorted(abs(count - truth) / truth for count, truth in pairs)
    return Errors(
        share(count == truth for count, truth in pairs),
        share(abs(count - truth) <= truth * 0.01 for count, truth in pairs),
        share(abs(count - truth) <= max(2, truth * 0.01) for count, truth in pairs),
        median(found),
        found[min(len(found) - 1, len(found) * 95 // 100)],
        sum(count for count, _ in pairs) / sum(truth for _, truth in pairs) - 1,
    )


def share(claims: Iterable[bool]) -> float:
    found = list(claims)
    return sum(found) / len(found) if found else 0.0


def pairs_of(found: Iterable[Measured], who: str = "ours") -> list[tuple[float, int]]:
    """(count, truth) of our own count, or of another's; without the cases that he cannot count."""
    if who == "ours":
        return [(one.ours.tokens, one.case.truth) for one in found]
    return [(value, one.case.truth) for one in found if (value := getattr(one, who)) is not None]


def least(found: Iterable[Measured], field: str) -> tuple[float, str]:
    """The smallest share *field* of `Errors` among repositories with enough cases, and which one it is.

    A mean hides a repository whose habits nobody looked at; the next one that we have not seen may be like it.
    """
    by_source: dict[str, list[Measured]] = defaultdict(list)
    for one in found:
        by_source[one.case.source].append(one)
    shares = [
        (getattr(errors(pairs_of(some)), field), source) for source, some in by_source.items() if len(some) >= ENOUGH
    ]
    return min(shares, default=(1.0, ""))


def in_band(one: Measured) -> bool:
    low, high = one.ours.band
    return low <= one.case.truth <= high


def width(one: Measured) -> float:
    """Of the band, relative to the truth."""
    low, high = one.ours.band
    return (high - low) / one.case.truth
