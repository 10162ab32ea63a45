"""A budget is never overspent, is used, and buys more good answers than a fixed mix for the same money."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.pacer import CARRY_S, KEPT, Pacer, menu_of
from dd0c_route.brain.policies.budget import Budget
from dd0c_route.brain.policy import Moment
from dd0c_route.types import Candidate, Target

DOLLAR = 10**12
MEANS = {"small": (0.79, 0.03), "middle": (0.92, 0.5), "large": (0.935, 15.0)}  # odds, dollars for 1,000 calls


def call(rng: random.Random, prices: dict[str, float]) -> list[Candidate]:
    """Candidates for one prompt: a hard one is harder for the smaller models, and lengths vary."""
    hard, length = rng.random(), math.exp(rng.gauss(0, 0.5) - 0.125)
    found = []
    for name, (odds, _) in MEANS.items():
        p_good = min(1.0, max(0.0, odds + (0.5 - hard) * 2 * (1 - odds)))
        found.append(Candidate(Target("acme", name), p_good, int(prices[name] / 1000 * DOLLAR * length)))
    return found


def spend(
    rng: random.Random, rate: float, times: Sequence[float], prices: dict[str, float]
) -> Iterator[tuple[int, float]]:
    """Cost and odds of the chosen candidate of each call; costs turn out otherwise than expected."""
    pacer, policy = Pacer(rate, 0.0), Budget()
    for now_s in times:
        candidates = call(rng, prices)
        plan = policy.choose(candidates, Moment(allowance=pacer.allow(now_s, candidates))).plan
        chosen = next(one for one in candidates if one.target == plan[0])
        expected = chosen.expected_cost or 0
        pacer.reserve(expected)
        cost = int(expected * math.exp(rng.gauss(0, 0.3) - 0.045))
        pacer.settle(expected, cost)
        yield cost, chosen.p_good or 0.0


PRICES = {name: price for name, (_, price) in MEANS.items()}
BUDGETS = (0.083, 0.235, 0.650, 1.709, 4.705, 11.09)  # dollars for 1,000 calls: those of arXiv:2604.00136


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_budget_is_kept_and_used(budget: float, seed: int) -> None:
    rng = random.Random(seed)
    rate = budget / 1000 * DOLLAR
    spent = [cost for cost, _ in spend(rng, rate, range(1, 1825), PRICES)]

    assert 0.9 <= sum(spent) / (rate * 1824) <= 1.004


@pytest.mark.parametrize("budget", [0.235, 1.709])
def test_a_paced_budget_buys_more_than_a_mix_of_two_models_for_the_same_money(budget: float) -> None:
    results = list(spend(random.Random(5), budget / 1000 * DOLLAR, range(1, 1825), PRICES))
    cost = sum(cost for cost, _ in results) / len(results) / DOLLAR * 1000
    points = sorted((price, odds) for odds, price in MEANS.values())
    mixes = [
        low[1] + (high[1] - low[1]) * (cost - low[0]) / (high[0] - low[0])
        for low, high in ((points[0], points[1]), (points[1], points[2]), (points[0], points[2]))
        if low[0] <= cost <= high[0]
    ]
    assert sum(odds for _, odds in results) / len(results) > max(mixes)


def test_a_price_that_falls_by_a_hundred_is_followed() -> None:
    rng, rate = random.Random(9), 0.65 / 1000 * DOLLAR
    pacer, policy = Pacer(rate, 0.0), Budget()
    chosen: list[str] = []
    for now in range(1, 1801):
        prices = PRICES | ({"large": 0.1} if now > 900 else {})
        candidates = call(rng, prices)
        plan = policy.choose(candidates, Moment(allowance=pacer.allow(float(now), candidates))).plan
        cost = next(one.expected_cost or 0 for one in candidates if one.target == plan[0])
        pacer.reserve(cost)
        pacer.settle(cost, cost)
        chosen.append(plan[0].model)
    assert chosen[600:900].count("large") < 30
    assert chosen[1200:].count("large") > 550


@pytest.mark.parametrize("seed", range(3))
def test_bursts_do_not_overspend(seed: int) -> None:
    """Calls in clumps, none settled before the clump has begun: reservations are what bounds them."""
    rng, rate = random.Random(seed), 0.65 / 1000 * DOLLAR
    pacer, policy, spent, now = Pacer(rate, 0.0), Budget(), 0, 0.0
    for _ in range(60):
        now += rng.uniform(5, 60)
        begun = []
        for _ in range(rng.randint(1, 40)):
            candidates = call(rng, PRICES)
            plan = policy.choose(candidates, Moment(allowance=pacer.allow(now, candidates))).plan
            begun.append(next(one for one in candidates if one.target == plan[0]))
            pacer.reserve(begun[-1].expected_cost or 0)
        forced = 0  # what the cheapest model costs where nothing is left is spent all the same
        for one in begun:
            pacer.settle(one.expected_cost or 0, one.expected_cost or 0)
            spent += one.expected_cost or 0
            forced += (one.expected_cost or 0) if one.target.model == "small" else 0
        assert spent - forced <= rate * now


def test_what_is_not_spent_is_kept_up_to_a_bound() -> None:
    pacer = Pacer(5.0, 0.0)
    pacer.allow(1e6, [])

    assert pacer.balance == 5.0 * CARRY_S


def test_nothing_can_be_spent_before_it_came_in() -> None:
    pacer = Pacer(10.0, 100.0)
    candidates = [Candidate(Target("acme", "a"), 0.9, 5)]

    assert pacer.allow(100.0, candidates).most == 0
    assert pacer.allow(101.5, candidates).most == 15
    assert pacer.allow(90.0, candidates).most == 15  # a clock that goes back brings nothing


def test_a_call_that_cost_more_is_made_good_by_the_next_ones() -> None:
    pacer = Pacer(10.0, 0.0)
    pacer.allow(10.0, [])
    pacer.reserve(90)
    pacer.settle(90, 250)

    assert pacer.balance == -150
    assert pacer.allow(11.0, []).most == 0


@given(pairs=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 10**12)), min_size=1, max_size=8))
def test_each_step_of_a_menu_is_dearer_by_the_answer_than_the_one_before(pairs: list[tuple[float, int]]) -> None:
    menu = menu_of([Candidate(Target("acme", str(i)), p, cost) for i, (p, cost) in enumerate(pairs)])

    assert menu is not None
    assert menu.least == min(cost for _, cost in pairs)
    assert [worth for worth, _ in menu.steps] == sorted(worth for worth, _ in menu.steps)
    assert all(more > 0 for _, more in menu.steps)


def test_what_must_not_answer_is_on_no_menu() -> None:
    out = Candidate(Target("acme", "a"), 0.9, 5, ruled_out="no tools")
    assert menu_of([out]) is None


def spends(pacer: Pacer, candidates: list[Candidate], calls: int) -> list[int]:
    """What each of *calls* may spend, one a second, of which each takes the cheapest."""
    found = []
    for second in range(1, calls + 1):
        found.append(pacer.allow(float(second), candidates).most)
        pacer.reserve(candidates[0].expected_cost or 0)
    return found


def test_a_dear_call_leaves_enough_for_those_after_it() -> None:
    cheap, dear = Candidate(Target("acme", "a"), 0.8, 50), Candidate(Target("acme", "b"), 0.9, 1000)
    allowed = spends(Pacer(100.0, 0.0), [cheap, dear], 100)
    first = next(number for number, most in enumerate(allowed) if most >= 1000)
    left = (first + 1) * 100 - first * 50 - 1000
    assert left >= KEPT * 100


def test_what_costs_about_what_there_is_for_a_call_may_take_all_that_is_there() -> None:
    cheap, usual = Candidate(Target("acme", "a"), 0.8, 50), Candidate(Target("acme", "b"), 0.9, 120)
    allowed = spends(Pacer(100.0, 0.0), [cheap, usual], 5)
    assert allowed[1] >= 120


def test_where_the_cheapest_take_nearly_all_more_is_kept_back() -> None:
    dear = Candidate(Target("acme", "b"), 0.9, 1000)
    some = spends(Pacer(100.0, 0.0), [Candidate(Target("acme", "a"), 0.8, 50), dear], 200)
    few = spends(Pacer(100.0, 0.0), [Candidate(Target("acme", "a"), 0.8, 95), dear], 400)
    assert max(some) > 1000 > max(few)
