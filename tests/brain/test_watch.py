from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.watch import Bets

DELTA = 0.05


def broken_after(losses: list[float], allowed: float, limit: float = 1 / DELTA) -> int | None:
    """Which label shows it; None where none does."""
    bets = Bets()
    for number, loss in enumerate(losses, 1):
        bets = bets.after(loss, allowed)
        if bets.evidence >= limit:
            return number
    return None


def draws(rng: random.Random, share: float, count: int) -> list[float]:
    return [float(rng.random() < share) for _ in range(count)]


@pytest.mark.parametrize("allowed", [0.02, 0.05, 0.2])
def test_a_promise_that_is_just_kept_is_rarely_called_broken_however_often_one_looks(allowed: float) -> None:
    rng = random.Random(7)
    false_alarms = sum(broken_after(draws(rng, allowed, 1000), allowed) is not None for _ in range(300))
    assert false_alarms / 300 <= DELTA


@pytest.mark.parametrize("good", [0, 100, 2000])
def test_a_model_that_turns_bad_is_noticed_soon_however_long_it_was_good(good: int) -> None:
    rng = random.Random(11)
    delays = []
    for _ in range(20):
        found = broken_after([*draws(rng, 0.02, good), *draws(rng, 0.5, 200)], 0.05)
        assert found is not None
        delays.append(found - good)
    assert sorted(delays)[10] <= 40


def test_a_harm_that_is_twice_what_is_allowed_is_found_in_the_end() -> None:
    rng = random.Random(13)
    found = [broken_after(draws(rng, 0.10, 4000), 0.05) for _ in range(20)]
    assert all(one is not None for one in found)


@given(st.lists(st.floats(0, 1), max_size=60), st.floats(0, 1))
def test_evidence_is_never_negative_and_counts_what_came(losses: list[float], allowed: float) -> None:
    bets = Bets()
    for loss in losses:
        bets = bets.after(loss, allowed)
    assert bets.evidence >= 0.0
    assert bets.labels == len(losses)
    assert bets.lost == pytest.approx(sum(losses))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.data())
def test_a_greater_loss_is_never_less_evidence(losses: list[float], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(losses) - 1))
    worse = [*losses[:place], 1.0, *losses[place + 1 :]]
    one = other = Bets()
    for mild, harsh in zip(losses, worse, strict=True):
        one, other = one.after(mild, 0.1), other.after(harsh, 0.1)
    assert other.evidence >= one.evidence * (1 - 1e-9)


def test_where_everything_is_allowed_nothing_is_broken() -> None:
    assert broken_after([1.0] * 1000, 1.0) is None
