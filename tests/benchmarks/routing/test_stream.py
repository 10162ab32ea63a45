"""The stream: a budget is kept, and what is learned on the way changes the choice."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.routing.stream import Phase, play
from tests.benchmarks.routing import made

N = 400
ODDS = np.tile([0.6, 0.9], (N, 1))
POOL = made.pool(ODDS.round(), np.array([1.0, 10.0]))
ORDER = np.arange(N)


@pytest.mark.parametrize("budget", [1.0, 3.0, 8.0])
def test_no_more_than_the_budget_is_spent(budget: float) -> None:
    spent = play(POOL, ODDS, ORDER, budget)
    assert spent.cost <= budget * 1.01


def test_more_money_buys_more() -> None:
    odds = np.random.default_rng(5).random((N, 2))
    own = made.pool(odds, np.array([1.0, 10.0]))
    rewards = [play(own, odds, ORDER, budget).reward for budget in (1.0, 4.0, 8.0)]
    assert rewards == sorted(rewards)
    assert rewards[0] < rewards[-1]


def test_a_model_that_turns_bad_is_left() -> None:
    own = made.pool(ODDS, np.array([1.0, 1.1]))
    bad = Phase({}, {"model 1": 0.3})
    spent = play(own, ODDS, ORDER, 2.0, (bad,))
    assert spent.reward > 0.5  # the other model's is 0.6, its own would be 0.27
