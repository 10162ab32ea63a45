"""Corrections of estimated counts, learned from what providers reported. Pure.

A provider's frame around tools, a host's default prompt or a vocabulary that we do not have makes the same error again
and again. `Residuals` remembers the last pairs of local and reported counts by what the error depends on; a
`Calibration` is what follows from them:

1. the same tools: the median of reported - local is added (`Shift`);
2. the same kind of request: the same;
3. a vocabulary that we do not have: a line through the pairs of the same model and script (`Line`).

The first that has seen `_ENOUGH` calls and is regular is used, and the band becomes what it supports. An exact count is
never touched, nor one that needs no shift, and nothing is learned across models or tokenizers. Corrections for a model
as a whole were tried: they lead three times as many counts away from the truth. `scripts/calibration_accuracy.py`
prints what all of this brings on recorded requests.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from statistics import median

from msgspec import Struct

from dd0c_route.tokens.traits import Traits
from dd0c_route.types import Count

Pair = tuple[int, int]  # tokens: counted here, reported
Window = tuple[Pair, ...]  # of one key, oldest first

MOST_PAIRS = 32  # a window: a changed frame is half forgotten after 16 calls
MOST_KEYS = 5_000  # some 10 MB; the keys longest unused are given up
_ENOUGH = 5  # pairs, before any of them is believed
_REGULAR = 0.8  # this share of the residuals lies near the median …
_NEAR_TOKENS = 2  # … which is so near, or
_NEAR_SHARE = 0.02  # so near as a share of the count
_OFTEN = 2  # times as often as no shift must a shift hit, or there is none
_GAIN = 0.7  # a line must bring the median error of its own pairs below this share of what it was
_SPAN = 1.5  # pairs that differ by less in length say nothing of a slope
_SLOPES = (0.2, 5.0)  # what a vocabulary can be against another one
# What the next call may differ by, beyond the worst of the window: a share of it, the more the fewer there are; and a
# share of the count. Chosen so that 95 of 100 recorded counts lie in the band.
_WIDER = 0.5
_WIDER_OF_FEW = 5.0  # / pairs
_WIDER_BY_COUNT = 0.01
_FEW = 16

_LEARNABLE = ("text", "tools", "schema")  # where a line holds: elsewhere length is not made of text
_ONE_OFF = ("image", "file", "audio", "server_tools")  # the next one may be quite another: the band stays as it was
_HIDDEN = "state"  # what the provider remembers is a different length at each call


class Shift(Struct, frozen=True, gc=False):
    """What is added to a count.

    Attributes:
        tokens: The median residual, or 0 where that hits about as often.
        spread: Within so many tokens of it lie `_REGULAR` of the residuals.
        worst: All of them.
        pairs: How many there were.
    """

    tokens: int
    spread: int
    worst: int
    pairs: int


class Line(Struct, frozen=True, gc=False):
    """base + slope · count, in tokens.

    Attributes:
        worst: The greatest error among the pairs it was drawn through, as a share of the reported count.
        shortest, longest: The counts it was drawn from; outside of them the band is wider.
    """

    base: float
    slope: float
    worst: float
    shortest: int
    longest: int
    pairs: int


class Calibration(Struct, frozen=True):
    """What was learned, ready to use: each correction by its key."""

    shifts: dict[str, Shift] = {}
    lines: dict[str, Line] = {}

    def correct(self, count: Count, provider: str, model: str, traits: Traits) -> Count:
        """*count* of a request with *traits*, nearer to what *provider* will report for *model*.

        Returns:
            The same where it is exact or nothing regular is known, else an estimate with its own band.
        """
        if count.exactness == "exact" or traits.kind == _HIDDEN or not (self.shifts or self.lines):
            return count
        *alike, same_script = keys(count, provider, model, traits)
        if (shift := self._shift(alike, count.tokens)) is not None:
            return _shifted(count, shift, one_off=traits.kind in _ONE_OFF)
        if (line := self.lines.get(same_script)) is not None:
            return _on_line(count, line)
        if count.tokenizer.startswith(_ESTIMATE):  # in a hurry, of a vocabulary that is there: the frame is off alike
            exact = Count(count.tokens, "estimated", count.band, count.tokenizer.removeprefix(_ESTIMATE))
            *alike, _ = keys(exact, provider, model, traits)
            if (shift := self._shift(alike, count.tokens)) is not None:
                return _moved(count, shift)
        return count

    def _shift(self, alike: list[str], tokens: int) -> Shift | None:
        """The first regular shift of these keys, for a count of so many tokens."""
        for key in alike:
            shift = self.shifts.get(key)
            if shift is not None and shift.spread <= max(_NEAR_TOKENS, _NEAR_SHARE * tokens):
                return shift
        return None


class Residuals:
    """Learns, for a bounded number of keys and pairs of each.

    Attributes:
        dropped: Keys that were given up since the last `take_dropped`.
    """

    def __init__(self, windows: Mapping[str, Window] | None = None) -> None:
        self._windows: OrderedDict[str, Window] = OrderedDict(windows or {})
        self._dropped: list[str] = []

    def add(self, count: Count, reported: int, provider: str, model: str, traits: Traits) -> dict[str, Window]:
        """Learn from one call; the windows that are different now, by their keys. Exact counts teach nothing."""
        if count.exactness == "exact" or traits.kind == _HIDDEN or reported <= 0:
            return {}
        changed: dict[str, Window] = {}
        for key in keys(count, provider, model, traits):
            if not key:
                continue
            window = (*self._windows.get(key, ()), (count.tokens, reported))[-MOST_PAIRS:]
            changed[key] = self._windows[key] = window
            self._windows.move_to_end(key)
        while len(self._windows) > MOST_KEYS:
            self._dropped.append(self._windows.popitem(last=False)[0])
        return changed

    def take_dropped(self) -> list[str]:
        """The keys given up since this was last asked."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def calibration(self, most: int = MOST_KEYS) -> Calibration:
        """What follows from the pairs of the *most* keys that were used last."""
        shifts: dict[str, Shift] = {}
        lines: dict[str, Line] = {}
        for key, window in list(self._windows.items())[-most:]:
            if len(window) < _ENOUGH:
                continue
            if not key.startswith(_SCRIPT):
                shifts[key] = shift_of(window)
            elif (line := line_of(window)) is not None:
                lines[key] = line
        return Calibration(shifts, lines)

    def __len__(self) -> int:
        return len(self._windows)


_ESTIMATE = "estimate:"  # before the name of a vocabulary that was not used
_TOOLS, _KIND, _SCRIPT = "tools|", "kind|", "script|"


def keys(count: Count, provider: str, model: str, traits: Traits) -> tuple[str, str, str]:
    """What is learned together: the same tools, the same kind, the same script (empty: not for this count)."""
    what = f"{provider}|{model.lower()}|{count.tokenizer}|{traits.api}|{traits.kind}"
    kind = f"{what}|{traits.tool_choice}"
    unknown = count.tokenizer.startswith(_ESTIMATE) and traits.kind in _LEARNABLE
    return (
        f"{_TOOLS}{kind}|{traits.tools_hash}",
        f"{_KIND}{kind}",
        f"{_SCRIPT}{what}|{traits.script}" if unknown else "",
    )


def shift_of(window: Window) -> Shift:
    """The shift that fits *window* best; not empty."""
    residuals = sorted(reported - counted for counted, reported in window)
    middle = residuals[(len(residuals) - 1) // 2]
    if _OFTEN * residuals.count(0) >= residuals.count(middle):
        middle = 0
    away = sorted(abs(residual - middle) for residual in residuals)
    return Shift(middle, away[math.ceil(_REGULAR * len(away)) - 1], away[-1], len(away))


def line_of(window: Window) -> Line | None:
    """The line through *window* by the median of all slopes (Theil, Sen): outliers do not bend it. None if no gain."""
    counts = [counted for counted, _ in window]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(window, 2) if a[0] != b[0]]
    if min(counts) <= 0:
        return None
    if len(slopes) < len(window) or max(counts) < _SPAN * min(counts):
        slope, base = median(reported / counted for counted, reported in window), 0.0
    else:
        slope = min(max(median(slopes), _SLOPES[0]), _SLOPES[1])
        base = median(reported - slope * counted for counted, reported in window)
    before = median(_errors(window, float))
    after = sorted(_errors(window, lambda counted: base + slope * counted))
    if median(after) >= _GAIN * before:
        return None
    return Line(base, slope, after[-1], min(counts), max(counts), len(window))


def _errors(window: Window, predict: Callable[[int], float]) -> Iterator[float]:
    return (abs(reported - predict(counted)) / reported for counted, reported in window)


def _shifted(count: Count, shift: Shift, *, one_off: bool) -> Count:
    tokens = count.tokens + shift.tokens
    if not shift.tokens or tokens < max(1, count.band[0] / 2):
        return count  # it is right; or so short that what made the others longer cannot be in it
    half = math.ceil(shift.worst * _wider(shift.pairs) + _WIDER_BY_COUNT * tokens) + (shift.pairs < _FEW)
    low, high = max(0, tokens - half), tokens + half
    if one_off:
        low, high = min(low, count.band[0]), max(high, count.band[1])
    return Count(tokens, "estimated", (low, high), count.tokenizer)


def _moved(count: Count, shift: Shift) -> Count:
    """*count*, whose own uncertainty stays, with what the frame is off by."""
    low, high = count.band[0] + shift.tokens - shift.worst, count.band[1] + shift.tokens + shift.worst
    tokens = count.tokens + shift.tokens
    if low < count.band[0] / 2 or tokens < 1:
        return count
    return Count(tokens, "estimated", (low, high), count.tokenizer)


def _on_line(count: Count, line: Line) -> Count:
    tokens = max(1, round(line.base + line.slope * count.tokens))
    is_new = not line.shortest <= count.tokens <= line.longest
    half = math.ceil(tokens * line.worst * (_wider(line.pairs) + is_new)) + _NEAR_TOKENS
    return Count(tokens, "estimated", (max(1, tokens - half), tokens + half), count.tokenizer)


def _wider(pairs: int) -> float:
    return 1 + _WIDER + _WIDER_OF_FEW / pairs
