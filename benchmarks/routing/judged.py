"""Routers on a pool or a pair, as figures with intervals. A router is what it says of each prompt: p_good, (n, k)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.routing.bootstrap import Interval, interval
from benchmarks.routing.metrics import Floats, Hull, Ints, aiq, apgr, chosen, cpt, hull, pair_curve, saved, settings
from benchmarks.routing.pools import Pool


class Curve(NamedTuple):
    """What a router pays and gets on each prompt, at each exchange rate: (settings, n) both."""

    costs: Floats
    scores: Floats

    def hull(self, counts: Floats) -> Hull:
        """Of a sample in which prompt i occurs counts[i] times."""
        return hull(self.costs @ counts / counts.sum(), self.scores @ counts / counts.sum())


def curve(pool: Pool, p_good: Floats) -> Curve:
    row = np.arange(len(pool.rows))
    choices = [chosen(p_good, pool.expected, rate) for rate in settings(pool.expected)]
    return Curve(
        np.stack([pool.costs[row, choice] for choice in choices]),
        np.stack([pool.scores[row, choice] for choice in choices]),
    )


def fixed(pool: Pool) -> Curve:
    """The zero router: each model for every prompt."""
    return Curve(pool.costs.T, pool.scores.T)


def oracle(pool: Pool) -> Curve:
    """Knows each score and each cost beforehand."""
    return curve(pool._replace(expected=pool.costs), pool.scores)


class Judged(NamedTuple):
    """AIQ x 100, how much above the zero router (paired), and % of cost saved at the quality of the best single."""

    aiq: Interval
    gain: Interval
    saved: Interval


def on_pool(pool: Pool, router: Curve) -> Judged:
    zero, n = fixed(pool), len(pool.rows)

    def area(who: Curve, rows: Ints) -> float:
        counts = np.bincount(rows, minlength=n).astype(np.float64)
        single = pool.costs.T @ counts / counts.sum()
        return 100 * aiq(who.hull(counts), float(single.min()), float(single.max()))

    def saving(rows: Ints) -> float:
        counts = np.bincount(rows, minlength=n).astype(np.float64)
        return 100 * saved(router.hull(counts), pool.costs[rows], pool.scores[rows])

    return Judged(
        interval(lambda rows: area(router, rows), n),
        interval(lambda rows: area(router, rows) - area(zero, rows), n),
        interval(saving, n),
    )


def difference(pool: Pool, one: Curve, other: Curve) -> Interval:
    """AIQ x 100 of *one* above that of *other*, on the same resamples."""
    n = len(pool.rows)

    def apart(rows: Ints) -> float:
        counts = np.bincount(rows, minlength=n).astype(np.float64)
        single = pool.costs.T @ counts / counts.sum()
        ends = float(single.min()), float(single.max())
        return 100 * (aiq(one.hull(counts), *ends) - aiq(other.hull(counts), *ends))

    return interval(apart, n)


def quality_at(router: Curve, cost: float) -> Interval:
    """Mean score for that mean cost, or for the least that the router can do with."""
    n = router.costs.shape[1]

    def quality(rows: Ints) -> float:
        corners = router.hull(np.bincount(rows, minlength=n).astype(np.float64))
        return corners.at(max(cost, float(corners.cost[0])))

    return interval(quality, n)


class JudgedPair(NamedTuple):
    """RouteLLM's figures; shares of calls in per cent."""

    apgr: Interval
    cpt50: Interval
    cpt80: Interval


def on_pair(need: Floats, strong: Floats, weak: Floats) -> JudgedPair:
    """*need*: how much rather the strong model, (n,); the scores of both."""
    n = len(need)

    def of(measure: Callable[[Ints], float]) -> Interval:
        return interval(measure, n)

    return JudgedPair(
        of(lambda rows: apgr(pair_curve(need[rows], strong[rows], weak[rows]))),
        of(lambda rows: 100 * cpt(pair_curve(need[rows], strong[rows], weak[rows]), 0.5)),
        of(lambda rows: 100 * cpt(pair_curve(need[rows], strong[rows], weak[rows]), 0.8)),
    )


def random_pair(strong: Floats, weak: Floats, seeds: Sequence[int]) -> tuple[float, float, float]:
    """APGR of routers that draw lots: mean, least and most over *seeds*."""
    found = [apgr(pair_curve(np.random.default_rng(seed).random(len(strong)), strong, weak)) for seed in seeds]
    return float(np.mean(found)), min(found), max(found)
