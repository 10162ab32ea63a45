"""What routers are judged by, defined as those who published the figures define them.

Everything takes arrays over prompts and returns a number, so that a bootstrap can call it on any resample. A *hull* is
what is reached by drawing lots between settings: it never falls with the money spent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DECILES = 11
_ARENA_LEAST, _ARENA_MOST = 0.0044, 200.0  # $ per 1,000 queries


class Pair(NamedTuple):
    """The curve of a router between two models: share sent to the strong one (ascending) and mean quality."""

    share: Floats
    quality: Floats
    weak: float
    strong: float


def pair_curve(need: Floats, strong: Floats, weak: Floats) -> Pair:
    """RouteLLM's curve: thresholds at the 11 deciles of *need* (higher: rather the strong one).

    Source: lm-sys/RouteLLM routellm/evals/evaluate.py.
    """
    thresholds = np.quantile(need, np.linspace(0, 1, _DECILES))
    sent = need >= thresholds[:, None]
    sent[-1] = need > thresholds[-1]
    share = sent.mean(axis=1)
    quality = np.where(sent, strong, weak).mean(axis=1)
    order = np.argsort(share, kind="stable")
    return Pair(share[order], quality[order], float(weak.mean()), float(strong.mean()))


def apgr(pair: Pair) -> float:
    """The area between the curve and the weak model, as a share of the area between the strong and the weak one."""
    return float((np.trapezoid(pair.quality, pair.share) - pair.weak) / (pair.strong - pair.weak))


def cpt(pair: Pair, part: float) -> float:
    """Share of calls to the strong model at which *part* of the gap is recovered, by linear interpolation."""
    wanted = pair.weak + part * (pair.strong - pair.weak)
    above = np.flatnonzero(pair.quality >= wanted)
    if not len(above):
        return 1.0
    at = int(above[0])
    if at == 0:
        return float(pair.share[0])
    (x0, x1), (y0, y1) = pair.share[at - 1 : at + 1], pair.quality[at - 1 : at + 1]
    return float(x0 + (x1 - x0) * (wanted - y0) / (y1 - y0))


class Hull(NamedTuple):
    """Corners of the upper convex hull, made non-decreasing: cost ascending, quality ascending."""

    cost: Floats
    quality: Floats

    def at(self, cost: float) -> float:
        """Quality for that much money; below the cheapest corner none is reached."""
        return float(np.interp(cost, self.cost, self.quality, left=np.nan))

    def cost_of(self, quality: float) -> float:
        """The least money for that quality; inf where it is never reached."""
        if quality > self.quality[-1]:
            return float("inf")
        return float(np.interp(quality, self.quality, self.cost))


def hull(cost: Floats, quality: Floats) -> Hull:
    corners: list[tuple[float, float]] = []
    for x, y in sorted(zip(cost.tolist(), quality.tolist(), strict=True), key=lambda point: (point[0], -point[1])):
        if corners and y <= corners[-1][1]:
            continue  # dearer and no better
        while len(corners) > 1 and _turns_left(corners[-2], corners[-1], (x, y)):
            corners.pop()
        corners.append((x, y))
    return Hull(*np.array(corners).T)


def _turns_left(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    """*b* is on or under the line from *a* to *c*."""
    return (b[1] - a[1]) * (c[0] - a[0]) <= (c[1] - a[1]) * (b[0] - a[0])


def zero_router(costs: Floats, scores: Floats) -> Hull:
    """Two fixed models, mixed by lot. *costs*, *scores*: (prompts, models)."""
    return hull(costs.mean(axis=0), scores.mean(axis=0))


def settings(costs: Floats) -> Floats:
    """Exchange rates, quality per dollar, from nought to so many that only the cheapest is chosen."""
    typical = float(np.abs(costs.mean(axis=0)).max())
    return np.concatenate(([0.0], np.geomspace(1e-4, 1e4, 81) / typical))


def chosen(p_good: Floats, expected: Floats, rate: float) -> Ints:
    """(prompts,): the model of the highest p_good - rate * expected cost; of equal ones the cheaper."""
    worth = p_good - rate * expected - 1e-12 * expected
    return np.asarray(worth.argmax(axis=1), dtype=np.int64)


def points(choices: Sequence[Ints], costs: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Mean cost and mean quality of each choice, (settings,) both."""
    row = np.arange(len(costs))
    return (
        np.array([costs[row, choice].mean() for choice in choices]),
        np.array([scores[row, choice].mean() for choice in choices]),
    )


def aiq(curve: Hull, cheapest: float, dearest: float) -> float:
    """Mean height of the hull between two costs (RouterBench, arXiv:2403.12031), in the unit of quality."""
    inside = (curve.cost > cheapest) & (curve.cost < dearest)
    x = np.concatenate(([cheapest], curve.cost[inside], [dearest]))
    y = np.interp(x, curve.cost, curve.quality)
    return float(np.trapezoid(y, x) / (dearest - cheapest))


def saved(curve: Hull, costs: Floats, scores: Floats) -> float:
    """1 - what the best single model's quality costs on the hull / what that model costs; -inf: never reached."""
    best = int(scores.mean(axis=0).argmax())
    return 1 - curve.cost_of(float(scores[:, best].mean())) / float(costs[:, best].mean())


def arena_score(accuracy: float, usd_per_1k: float) -> float:
    """RouterArena's score, 0 to 1.

    Source: RouteWorks/RouterArena router_evaluation/compute_scores.py.
    """
    span = np.log2(_ARENA_MOST) - np.log2(_ARENA_LEAST)
    cheapness = (np.log2(_ARENA_MOST) - np.log2(usd_per_1k)) / span
    return float(1.1 * accuracy * cheapness / (0.1 * accuracy + cheapness))


class Bin(NamedTuple):
    """One line of a reliability table."""

    prompts: int
    said: float
    was: float


def reliability(said: Floats, was: Floats, bins: int = 10) -> list[Bin]:
    """Equally wide bins of the probability *said*; empty ones are left out."""
    place = np.minimum((said * bins).astype(np.int64), bins - 1)
    found = [place == number for number in range(bins)]
    return [Bin(int(own.sum()), float(said[own].mean()), float(was[own].mean())) for own in found if own.any()]


def ece(table: Sequence[Bin]) -> float:
    """Expected calibration error: mean distance of what was said from what was, by count."""
    return sum(one.prompts * abs(one.said - one.was) for one in table) / sum(one.prompts for one in table)


def risk(to_weak: NDArray[np.bool_], strong: Floats, weak: Floats) -> float:
    """Share of all requests that went to the weak model where it was wrong and the strong one right."""
    return float((to_weak & (weak < 0.5) & (strong >= 0.5)).mean())
