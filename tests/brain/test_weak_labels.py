from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.checks.odds import Rates, rates_of
from dd0c_route.brain.weak_labels import Counts, worth

SHARE = st.floats(0.01, 0.99)


def test_a_check_begins_with_the_rates_that_are_shipped() -> None:
    rates = Counts().rates("schema")
    assert rates is not None
    shipped = rates_of("schema")
    assert (rates.catches, rates.alarms) == pytest.approx((shipped.catches, shipped.alarms))


def test_a_check_of_another_version_has_none() -> None:
    assert Counts().rates("gone") is None


def test_labels_show_what_a_check_is_worth_here() -> None:
    counts = Counts()
    for _ in range(400):
        counts = counts.after(0.0, failed=True).after(1.0, failed=False)
    rates = counts.rates("json")
    assert rates is not None
    assert rates.catches > 0.95
    assert rates.alarms < 0.01


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=50))
def test_rates_are_shares(labels: list[tuple[float, bool]]) -> None:
    counts = Counts()
    for score, failed in labels:
        counts = counts.after(score, failed=failed)
    rates = counts.rates("complete")
    assert rates is not None
    assert 0.0 <= rates.alarms <= 1.0
    assert 0.0 <= rates.catches <= 1.0


@given(SHARE, SHARE, SHARE)
def test_a_failed_check_lowers_the_odds_and_a_passed_one_does_not(p_good: float, one: float, other: float) -> None:
    alarms, catches = sorted((one, other))
    rates = {"json": Rates(catches, alarms)}
    failed, passed = worth(p_good, {"json": False}, rates), worth(p_good, {"json": True}, rates)
    assert failed.score <= p_good + 1e-12
    assert passed.score >= p_good - 1e-12
    assert failed.weight == pytest.approx(catches - alarms)


@given(SHARE, SHARE)
def test_a_check_that_fails_good_and_bad_answers_alike_says_nothing(p_good: float, rate: float) -> None:
    found = worth(p_good, {"json": False}, {"json": Rates(rate, rate)})
    assert found.score == pytest.approx(p_good)
    assert found.weight == pytest.approx(0.0)


def test_a_check_without_rates_is_passed_over() -> None:
    assert worth(0.7, {"gone": False}, {}) == (0.7, 0.0)
