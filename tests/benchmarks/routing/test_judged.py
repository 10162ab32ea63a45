"""Routers on pools and pairs: who knows more is better, and who knows nothing is the zero router."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.routing.judged import curve, difference, fixed, on_pair, on_pool, oracle, quality_at, random_pair
from tests.benchmarks.routing import made

RANDOM = np.random.default_rng(3)
SCORES = (RANDOM.random((300, 2)) < [0.5, 0.8]).astype(np.float64)
POOL = made.pool(SCORES, np.array([1.0, 10.0]))


def test_who_says_each_model_s_mean_is_the_zero_router() -> None:
    means = curve(POOL, np.tile(SCORES.mean(axis=0), (300, 1)))
    found = on_pool(POOL, means)
    assert found.gain.value == pytest.approx(0)
    assert found.saved.value == pytest.approx(0)


def test_the_oracle_is_above_and_saves() -> None:
    found = on_pool(POOL, oracle(POOL))
    assert found.gain.low > 0
    assert found.saved.low > 50
    assert found.aiq.value > on_pool(POOL, fixed(POOL)).aiq.value


def test_a_router_is_no_better_than_itself() -> None:
    assert difference(POOL, oracle(POOL), oracle(POOL)) == pytest.approx((0, 0, 0))


def test_half_the_money_between_two_models_buys_half_of_the_gap() -> None:
    middle = quality_at(fixed(POOL), 5.5)
    assert middle.value == pytest.approx(SCORES.mean())


def test_less_money_than_the_cheapest_costs_buys_the_cheapest() -> None:
    assert quality_at(fixed(POOL), 0.1).value == pytest.approx(SCORES[:, 0].mean())


def test_a_pair_by_lot_has_an_apgr_of_a_half() -> None:
    weak, strong = SCORES.T
    mean, low, high = random_pair(strong, weak, range(40))
    assert low < mean < high
    assert mean == pytest.approx(0.5, abs=0.05)
    assert on_pair(strong - weak, strong, weak).apgr.low > 0.8
