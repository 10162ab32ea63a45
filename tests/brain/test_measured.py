from __future__ import annotations

import random
from statistics import fmean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.measured import Group, Mean, Measured, difference

VALUES = st.lists(st.floats(0, 10), min_size=2, max_size=40)


def mean_of(values: list[float]) -> Mean:
    mean = Mean()
    for value in values:
        mean = mean.after(value)
    return mean


@given(VALUES)
def test_a_mean_and_its_error_are_those_of_the_values(values: list[float]) -> None:
    mean = mean_of(values)
    assert mean.mean == pytest.approx(fmean(values))
    assert mean.error == pytest.approx(variance(values) / len(values), abs=1e-9)


@given(VALUES, st.floats(0, 10))
def test_a_value_that_is_another_one_now_is_as_if_it_had_been(values: list[float], value: float) -> None:
    amended = mean_of(values).amended(values[0], value)
    assert amended.mean == pytest.approx(fmean([value, *values[1:]]))


def test_the_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    rng = random.Random(5)
    hits = 0
    for _ in range(400):
        left = mean_of([rng.gauss(3.0, 1.0) for _ in range(200)])
        right = mean_of([rng.gauss(1.0, 2.0) for _ in range(50)])
        found = difference(left, right)
        assert found is not None
        hits += found.low <= 2.0 <= found.high
    assert hits / 400 > 0.92


def test_nothing_is_said_of_groups_with_less_than_two_calls() -> None:
    assert difference(mean_of([1.0, 2.0]), mean_of([1.0])) is None
    assert Measured().saved is None
    assert Measured().better is None


def test_what_is_saved_is_the_difference_to_the_control_group() -> None:
    control, routed = Group(), Group()
    for _ in range(10):
        control = control.after(0.02, 0.0)
        routed = routed.after(0.005, 0.01)
    saved = Measured(control, routed).saved
    assert saved == pytest.approx((0.015, 0.015, 0.015))
    assert routed.saved_usd == pytest.approx(0.1)


def test_a_call_without_a_price_is_counted_apart() -> None:
    group = Group().after(None, 0.0).after(0.5, 0.0)
    assert (group.calls, group.unpriced, group.usd.count) == (2, 1, 1)
