"""Is the promise of `risk-bound` kept? Calibration sets are drawn again and again, and the truth is looked up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.routing.metrics import Floats, risk
from dd0c_route.brain.promises import Label, threshold

DRAWS = 1000
DELTA = 0.1  # the promise may fail in one draw of ten
CELLS = [(n, epsilon) for n in (200, 500, 1000, 2000) for epsilon in (0.02, 0.05, 0.08)]


class Kept(NamedTuple):
    """Of one cell; shares of draws and of requests.

    Attributes:
        given: Share of draws in which the labels sufficed for a promise.
        broken, weak: Share of draws in which the true risk was above epsilon, and mean share sent to the weak model.
        tuned_broken, tuned_weak: The same with the threshold that just keeps epsilon on the calibration set.
    """

    labels: int
    epsilon: float
    given: float
    broken: float
    weak: float
    tuned_broken: float
    tuned_weak: float


def cells(p_weak: Floats, p_strong: Floats, weak: Floats, strong: Floats, seed: int = 0) -> Iterator[Kept]:
    """Each cell of `CELLS`, calibrated on samples of the prompts and judged on all of them.

    Args:
        p_weak, p_strong: What a predictor says that has not seen the prompts, (n,).
        weak, strong: The scores, (n,).
    """
    risks = p_strong * (1 - p_weak)
    worse = (weak < 0.5) & (strong >= 0.5)
    for labels, epsilon in CELLS:
        random = np.random.default_rng([seed, labels, int(1000 * epsilon)])
        outcomes: list[tuple[float, float, float, float, float]] = []
        for _ in range(DRAWS):
            drawn = random.integers(0, len(risks), labels)
            found = threshold(
                [Label(float(r), bool(w)) for r, w in zip(risks[drawn], worse[drawn], strict=True)], epsilon, DELTA
            )
            ours = risks <= found.risk
            tuned = risks <= _tuned(risks[drawn], worse[drawn], epsilon)
            outcomes.append(
                (
                    found.refused is None,
                    risk(ours, strong, weak) > epsilon,
                    float(ours.mean()),
                    risk(tuned, strong, weak) > epsilon,
                    float(tuned.mean()),
                )
            )
        yield Kept(labels, epsilon, *np.mean(outcomes, axis=0).tolist())


def _tuned(risks: Floats, worse: NDArray[np.bool_], epsilon: float) -> float:
    """The usual way: the largest threshold at which the calibration set itself keeps *epsilon*."""
    order = np.argsort(risks)
    lost = np.cumsum(worse[order]) / len(risks)
    kept = np.flatnonzero(lost <= epsilon)
    return float(risks[order][kept[-1]]) if len(kept) else -1.0
