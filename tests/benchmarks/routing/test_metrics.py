"""Metrics of routers, on examples small enough to be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benchmarks.routing.metrics import (
    Floats,
    aiq,
    apgr,
    arena_score,
    chosen,
    cpt,
    ece,
    hull,
    pair_curve,
    points,
    reliability,
    risk,
    saved,
    settings,
    zero_router,
)

TEN = np.arange(10.0)
# Ten prompts; the strong model is right on all, the weak one on the first five.
STRONG, WEAK = np.ones(10), np.array([1.0] * 5 + [0.0] * 5)


def test_a_router_that_knows_sends_only_what_the_weak_model_fails() -> None:
    pair = pair_curve(TEN, STRONG, WEAK)
    assert pair.share.tolist() == pytest.approx([0, *np.arange(0.1, 1.0, 0.1), 1])
    # Quality rises from 0.5 by 0.1 a step to 1 at half of the calls: the area above 0.5 is 1/8 + 1/4.
    assert apgr(pair) == pytest.approx((1 / 8 + 1 / 4) / 0.5)
    assert cpt(pair, 0.5) == pytest.approx(0.25)
    assert cpt(pair, 0.8) == pytest.approx(0.4)


def test_a_router_that_knows_nothing_recovers_what_it_pays_for() -> None:
    alternating = np.array([1.0, 0.0] * 5)
    assert apgr(pair_curve(TEN, STRONG, alternating)) == pytest.approx(0.5, abs=0.06)


def test_a_router_that_is_always_wrong_is_as_far_below_as_the_other_above() -> None:
    right, wrong = apgr(pair_curve(TEN, STRONG, WEAK)), apgr(pair_curve(-TEN, STRONG, WEAK))
    assert right + wrong == pytest.approx(1)


def test_a_hull_leaves_out_what_a_mix_of_others_beats() -> None:
    found = hull(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 0.55, 0.9, 0.8]))
    assert found.cost.tolist() == [1, 3]
    assert found.quality.tolist() == [0.5, 0.9]
    assert found.at(2.0) == pytest.approx(0.7)
    assert found.at(9.0) == pytest.approx(0.9)
    assert np.isnan(found.at(0.5))
    assert found.cost_of(0.7) == pytest.approx(2.0)
    assert found.cost_of(0.95) == float("inf")


@given(arrays.arrays(np.float64, 8, elements=st.floats(0, 10)), arrays.arrays(np.float64, 8, elements=st.floats(0, 1)))
def test_no_point_is_above_a_hull(cost: Floats, quality: Floats) -> None:
    found = hull(cost, quality)
    assert (np.diff(found.quality) > 0).all()
    assert (np.diff(found.cost) >= 0).all()
    for x, y in zip(cost, quality, strict=True):
        assert found.at(x) >= y - 1e-9


def test_aiq_is_the_mean_height_between_the_cheapest_and_the_dearest_model() -> None:
    costs = np.array([[1.0, 3.0]] * 2)
    scores = np.array([[0.0, 1.0], [1.0, 1.0]])
    zero = zero_router(costs, scores)
    assert aiq(zero, 1.0, 3.0) == pytest.approx(0.75)
    best = hull(np.array([1.0, 2.0]), np.array([0.5, 1.0]))  # an oracle needs the dear one for one prompt only
    assert aiq(best, 1.0, 3.0) == pytest.approx((0.75 + 1.0) / 2)
    assert saved(best, costs, scores) == pytest.approx(1 / 3)
    assert saved(hull(np.array([1.0]), np.array([0.5])), costs, scores) == -float("inf")


def test_settings_reach_from_the_best_to_the_cheapest() -> None:
    p_good = np.array([[0.5, 0.9], [0.8, 0.9]])
    costs = np.array([[1.0, 3.0], [1.0, 3.0]])
    rates = settings(costs)
    assert chosen(p_good, costs, rates[0]).tolist() == [1, 1]
    assert chosen(p_good, costs, rates[-1]).tolist() == [0, 0]
    cost, quality = points([chosen(p_good, costs, 0.1)], costs, np.array([[0.0, 1.0], [1.0, 1.0]]))
    assert (cost.tolist(), quality.tolist()) == ([2.0], [1.0])  # dear where it gains 0.4, cheap where it gains 0.1


def test_routerarena_s_score_of_its_own_leaderboard() -> None:
    assert arena_score(0.7969, 0.27) == pytest.approx(0.7763, abs=5e-4)
    assert arena_score(0.7396, 10.02) == pytest.approx(0.6432, abs=5e-4)


def test_calibration_is_how_far_what_was_said_is_from_what_was() -> None:
    table = reliability(np.array([0.05, 0.05, 0.95, 1.0]), np.array([0.0, 0.0, 1.0, 0.0]))
    assert [one.prompts for one in table] == [2, 2]
    assert ece(table) == pytest.approx((2 * 0.05 + 2 * 0.475) / 4)


def test_risk_counts_only_what_the_strong_model_would_have_answered() -> None:
    to_weak = np.array([True, True, True, False])
    assert risk(to_weak, np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0, 0.0])) == 0.25
