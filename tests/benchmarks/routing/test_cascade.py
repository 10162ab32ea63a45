"""The cascade: agreement says what the prompt does not."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.routing.cascade import Cascade, by_lot, routed, unless_agreed

N = 600
RANDOM = np.random.default_rng(2)
RIGHT = RANDOM.random(N) < 0.6  # by the cheap model, which then agrees with itself
GIVEN = Cascade(
    cheap=RIGHT.astype(np.float64),
    dear=(RANDOM.random(N) < 0.9).astype(np.float64),
    majority=RIGHT.astype(np.float64),
    agree=np.where(RIGHT, 3, 1),
    cheap_cost=np.full(N, 0.1),
    dear_cost=np.full(N, 2.0),
    odds=np.tile([0.6, 0.9], (N, 1)),
    fold=np.arange(N) % 5,
)


def test_three_answers_are_paid_and_the_dear_one_where_they_differ() -> None:
    found = unless_agreed(GIVEN, 2)
    assert found.costs[0] == pytest.approx(np.where(RIGHT, 0.3, 2.3))
    assert found.scores[0] == pytest.approx(np.where(RIGHT, 1.0, GIVEN.dear))


def test_a_lot_pays_for_both_and_takes_the_dear_one() -> None:
    assert by_lot(GIVEN, 1.0).costs[0] == pytest.approx(np.full(N, 2.1))
    assert by_lot(GIVEN, 0.0).scores[0] == pytest.approx(GIVEN.cheap)


def test_the_rule_is_as_good_as_escalating_and_no_dearer() -> None:
    usual = unless_agreed(GIVEN, 2)
    hull = routed(GIVEN).hull(np.ones(N))
    assert hull.at(float(usual.costs.mean())) >= usual.scores.mean() - 1e-9
