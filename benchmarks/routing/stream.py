"""ParetoBandit as a stream: one prompt after another, only the chosen answer's reward is seen, and a budget is kept.

The odds are those of a fit to the other folds, corrected while it goes by the conjugate updates that tenants get
(`brain/residuals.py`); the pacer and the policy are the router's own. A call comes every second on a clock driven by
hand. Prices are known as they are listed; what an answer really costs is seen when it is there.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.routing.data import Data
from benchmarks.routing.judged import fixed
from benchmarks.routing.metrics import Floats, Ints
from benchmarks.routing.pools import Pool, pool
from benchmarks.routing.table import heading, percent, row
from dd0c_route.brain.pacer import Pacer
from dd0c_route.brain.policies.budget import Budget
from dd0c_route.brain.policy import Moment
from dd0c_route.brain.residuals import Key, Residuals
from dd0c_route.types import Candidate, Target

ORDERS = 20
PHASE = 608  # prompts, as in the published experiment
_PICO_PER_1K = 1e9  # picodollars of one request at $1 per 1,000


class Phase(NamedTuple):
    """What the world is like for a while: factors on costs and rewards, by model."""

    cost: dict[str, float]
    reward: dict[str, float]


GEMINI, MISTRAL = "google/gemini-2.5-pro", "mistralai/mistral-large-2512"
STILL = Phase({}, {})
# Gemini 2.5 Pro at $0.10 instead of $10 per million output tokens; Mistral's answers at three quarters of their reward.
DRIFT = (STILL, Phase({GEMINI: 0.01}, {}), Phase({}, {MISTRAL: 0.75}))


class Spent(NamedTuple):
    """Mean cost ($ per 1,000) and mean reward of one run."""

    cost: float
    reward: float


def play(own: Pool, odds: Floats, order: Ints, budget: float, phases: tuple[Phase, ...] = (STILL,)) -> Spent:
    """One pass over *order*, in as many equal parts as there are phases; *budget*: $ per 1,000 requests."""
    targets = [Target("pool", model) for model in own.models]
    pacer, learned = Pacer(budget * _PICO_PER_1K, 0.0), Residuals()
    policy, costs, rewards = Budget(), 0.0, 0.0
    for second, prompt in enumerate(order):
        phase = phases[second * len(phases) // len(order)]
        factors = [phase.cost.get(model, 1.0) for model in own.models]
        snapshot = learned.snapshot()
        candidates = [
            Candidate(
                target,
                p_good=snapshot.adjust(float(odds[prompt, place]), Key("", target.model)).p_good,
                expected_cost=int(own.expected[prompt, place] * factors[place] * _PICO_PER_1K),
            )
            for place, target in enumerate(targets)
        ]
        allowance = pacer.allow(second + 1.0, candidates)
        chosen = policy.choose(candidates, Moment(allowance=allowance)).plan[0]
        place = targets.index(chosen)
        cost = own.costs[prompt, place] * factors[place]
        reward = own.scores[prompt, place] * phase.reward.get(chosen.model, 1.0)
        expected = candidates[place].expected_cost or 0
        pacer.reserve(expected)
        pacer.settle(expected, int(cost * _PICO_PER_1K))
        learned.add(Key("", chosen.model), float(odds[prompt, place]), float(reward))
        costs, rewards = costs + cost, rewards + reward
    return Spent(costs / len(order), rewards / len(order))


def section(data: Data, unseen: Floats) -> Iterator[str]:
    path = Path(__file__).with_name("published.toml")
    published = tomllib.loads(path.read_text(encoding="utf-8"))["bandit"]
    own = pool(data, "paretobandit")
    odds = unseen[own.rows][:, data.columns(own.models)]
    zero = fixed(own).hull(np.ones(len(own.rows)))
    columns = ("$ per 1,000", published["who"], "zero router, here", "ours, here", "spent", "above budget", "most")
    yield from heading(f"ParetoBandit as a stream, n = {len(own.rows):,}, {ORDERS} orders", *columns)
    for budget, reward in published["points"]:
        runs = [play(own, odds, order, budget) for order in _orders(len(own.rows))]
        yield row(f"{budget:.3f}", f"{reward:.4f}", f"{zero.at(budget):.4f}", *_figures(runs, budget))
    title = f"The same with drift, {len(DRIFT)} x {PHASE} prompts: as it was, Gemini at a hundredth, Mistral worse"
    yield from heading(title, "$ per 1,000", "ours, here", "spent", "above budget", "most")
    for budget, _ in published["points"]:
        orders = (order[: len(DRIFT) * PHASE] for order in _orders(len(own.rows)))
        runs = [play(own, odds, order, budget, DRIFT) for order in orders]
        yield row(f"{budget:.3f}", *_figures(runs, budget))


def _orders(prompts: int) -> Iterator[Ints]:
    for seed in range(ORDERS):
        yield np.random.default_rng(seed).permutation(prompts)


def _figures(runs: list[Spent], budget: float) -> tuple[str, str, str, str]:
    reward = np.array([run.reward for run in runs])
    spent = np.array([run.cost for run in runs])
    over = spent / budget - 1
    return (
        f"{reward.mean():.4f} (least {reward.min():.4f})",
        f"{spent.mean():.4f}",
        percent(float(over.mean()), 2),
        percent(float(over.max()), 2),
    )
