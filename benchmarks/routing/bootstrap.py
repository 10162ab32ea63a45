"""Intervals over prompts. Two routers are compared on the same resamples, so that what is hard for both cancels out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.routing.metrics import Ints

RESAMPLES = 500


class Interval(NamedTuple):
    """A figure on all prompts and the middle 95 % of what it is on resamples."""

    value: float
    low: float
    high: float

    def text(self, digits: int = 3, scale: float = 1.0) -> str:
        value, low, high = (f"{scale * one:.{digits}f}" for one in self)
        return f"{value} [{low}, {high}]"


def interval(measure: Callable[[Ints], float], prompts: int, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Of *measure*, which is given the indexes of the prompts to look at; of a difference it is a paired interval."""
    random = np.random.default_rng(seed)
    drawn = [measure(random.integers(0, prompts, prompts)) for _ in range(resamples)]
    low, high = np.percentile(np.maximum(drawn, -1e9), [2.5, 97.5])
    return Interval(measure(np.arange(prompts)), float(low), float(high))
