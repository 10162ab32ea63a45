"""Checks move the odds as Bayes says, and never beyond what they can know."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain import checks
from dd0c_route.brain.checks.odds import Rates, after, combined, rates_of

NAMES = list(tomllib.loads(Path(checks.__file__).with_name("checks.toml").read_text())["checks"])
rates = st.builds(Rates, st.floats(0.01, 0.99), st.floats(0.001, 0.99))
shares = st.floats(0, 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_check_that_we_ship_fails_bad_answers_more_often(name: str) -> None:
    assert 0 < rates_of(name).alarms < rates_of(name).catches < 1


@given(p=st.floats(0.001, 0.999), one=rates)
def test_on_average_a_check_changes_nothing(p: float, one: Rates) -> None:
    """The odds after it, weighed by how often it fails and passes, are those before it."""
    failing = p * one.alarms + (1 - p) * one.catches
    mean = failing * after(p, one.failed()) + (1 - failing) * after(p, one.passed())
    assert mean == pytest.approx(p)


@given(p=shares, ratio=st.floats(0, 1e6))
def test_odds_stay_probabilities_and_certainty_stays_certain(p: float, ratio: float) -> None:
    assert 0 <= after(p, ratio) <= 1
    assert after(0.0, ratio) == 0.0
    assert after(1.0, ratio) == 1.0


def test_a_worked_example() -> None:
    """Of 100 answers 80 are good; 4 of those and 10 of the 20 bad ones fail."""
    assert after(0.8, Rates(0.5, 0.05).failed()) == pytest.approx(4 / 14)
    assert after(0.8, Rates(0.5, 0.05).passed()) == pytest.approx(76 / 86)


@given(several=st.lists(rates, min_size=1, max_size=4))
def test_several_checks_fail_more_often_than_each(several: list[Rates]) -> None:
    whole = combined(several)
    assert whole.catches >= max(one.catches for one in several) - 1e-12
    assert whole.alarms >= max(one.alarms for one in several) - 1e-12


def test_no_check_says_nothing() -> None:
    assert combined([]) == Rates(0.0, 0.0)
    assert after(0.3, Rates(0.0, 0.0).failed()) == pytest.approx(0.3)
