"""Bounds against exact arithmetic, published values and simulation."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.bounds import (
    anytime_lower,
    anytime_upper,
    at_most,
    clopper_pearson,
    incomplete_beta,
    labels_needed,
    lower_bound,
    most_losses,
    upper_bound,
)


@pytest.mark.parametrize(
    ("k", "n", "p"), [(0, 10, 0.3), (3, 10, 0.3), (9, 10, 0.5), (5, 200, 0.05), (60, 1000, 0.05), (400, 900, 0.45)]
)
def test_the_binomial_tail_is_the_exact_sum(k: int, n: int, p: float) -> None:
    share = Fraction(p)
    exact = sum((math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(k + 1)), Fraction(0))

    assert at_most(k, n, p) == pytest.approx(float(exact), rel=1e-10)


def test_the_beta_integral_has_its_closed_forms() -> None:
    assert incomplete_beta(1, 1, 0.3) == pytest.approx(0.3)
    assert incomplete_beta(3, 1, 0.5) == pytest.approx(0.125)
    assert incomplete_beta(0.5, 0.5, 0.2) == pytest.approx(2 / math.pi * math.asin(math.sqrt(0.2)))


@pytest.mark.parametrize("scale", [1e3, 1e5, 1e6])
def test_the_beta_integral_holds_for_large_counts(scale: float) -> None:
    """A Beta(a, a) is symmetric: half of it is below one half."""
    assert incomplete_beta(scale, scale, 0.5) == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize(
    ("k", "n", "confidence", "low", "high"),
    [
        (0, 10, 0.95, 0.0, 0.30850),  # 1 - (alpha / 2)^(1 / n)
        (10, 10, 0.95, 0.69150, 1.0),
        (4, 20, 0.95, 0.05733, 0.43661),  # Brown, Cai and DasGupta, Statist. Sci. 16 (2001), and any textbook
        (81, 263, 0.95, 0.25269, 0.36761),  # the example of Agresti and Coull's comparison (statsmodels agrees)
    ],
)
def test_the_interval_has_its_published_values(k: int, n: int, confidence: float, low: float, high: float) -> None:
    assert clopper_pearson(k, n, confidence) == pytest.approx((low, high), abs=6e-4)


@given(n=st.integers(1, 2000), share=st.floats(0, 1), confidence=st.floats(0.5, 0.999))
def test_a_bound_is_where_the_tail_has_the_risk(n: int, share: float, confidence: float) -> None:
    k = round(share * n)
    upper, lower = upper_bound(k, n, confidence), lower_bound(k, n, confidence)

    assert 0 <= lower <= k / n <= upper <= 1
    if k < n:
        assert at_most(k, n, upper) == pytest.approx(1 - confidence, abs=1e-7)


@given(n=st.integers(1, 3000), epsilon=st.floats(0.001, 0.5), delta=st.floats(0.001, 0.5))
def test_so_many_losses_are_the_most_that_show_it(n: int, epsilon: float, delta: float) -> None:
    most = most_losses(n, epsilon, delta)

    assert at_most(most, n, epsilon) <= delta
    assert at_most(most + 1, n, epsilon) > delta
    needed = labels_needed(epsilon, delta)
    assert needed is not None
    assert (most >= 0) == (n >= needed)


def test_a_promise_of_five_percent_needs_fifty_nine_labels() -> None:
    assert labels_needed(0.05, 0.05) == 59
    assert labels_needed(0.0, 0.05) is None


@given(n=st.integers(1, 5000), share=st.floats(0, 1), confidence=st.floats(0.6, 0.999))
def test_watching_costs_width_and_never_gives_some(n: int, share: float, confidence: float) -> None:
    k = round(share * n)

    assert anytime_upper(k, n, confidence) >= upper_bound(k, n, confidence) - 1e-9
    assert anytime_lower(k, n, confidence) <= lower_bound(k, n, confidence) + 1e-9


@given(n=st.integers(1, 300), k=st.integers(0, 300))
def test_shares_beyond_an_anytime_bound_stay_beyond_it(n: int, k: int) -> None:
    """Halving finds the bound only if nothing above it is possible again."""
    from dd0c_route.brain.bounds import _log_bet

    k = min(k, n - 1)
    bets = [_log_bet(k, n, p) for p in (k / n + (1 - k / n) * i / 200 for i in range(1, 200))]
    assert all(after >= before - 1e-9 for before, after in pairwise(bets))


@pytest.mark.parametrize("share", [0.02, 0.1, 0.4])
def test_an_anytime_bound_is_broken_at_some_time_in_few_histories(share: float) -> None:
    """Looked at again and again in more than 1,000 draws; promised: 10 %."""
    rng = random.Random(7)
    histories, broken = 100, 0
    for _ in range(histories):
        k, looks = 0, set(range(1, 16)) | {round(16 * 1.25**i) for i in range(20)}
        for n in range(1, max(looks) + 1):
            k += rng.random() < share
            if n in looks and anytime_upper(k, n, 0.9) < share:
                broken += 1
                break
    assert broken <= 0.1 * histories


def test_no_share_is_made_of_more_than_there_is() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        upper_bound(3, 2, 0.9)
