"""Intervals over prompts."""

from __future__ import annotations

import numpy as np

from benchmarks.routing.bootstrap import Interval, interval


def test_the_interval_of_a_mean_is_two_standard_errors_to_either_side() -> None:
    values = np.random.default_rng(1).normal(size=400)
    found = interval(lambda rows: float(values[rows].mean()), len(values))
    error = values.std() / 20
    assert abs(found.high - found.value - 1.96 * error) < 0.3 * error
    assert found.low < found.value < found.high


def test_the_difference_of_two_that_move_together_has_a_narrow_interval() -> None:
    values = np.random.default_rng(1).normal(size=200)
    found = interval(lambda rows: float((values[rows] + 0.1).mean() - values[rows].mean()), len(values))
    assert abs(found.high - found.low) < 1e-9


def test_an_interval_reads_as_figure_and_bounds() -> None:
    assert Interval(0.65, 0.62, 0.684).text() == "0.650 [0.620, 0.684]"
    assert Interval(0.65, 0.62, 0.684).text(1, 100) == "65.0 [62.0, 68.4]"
