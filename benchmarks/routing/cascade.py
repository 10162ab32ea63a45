"""A cascade on reasoning-gym: three answers of a cheap model, and the dear one where that is worth its money.

One rule decides what to do before and after the cheap answers: the most expected score less exchange rate times cost.
Before: answer cheaply once, ask three times, or go to the dear model at once. After: take what most of the three say,
or ask the dear model too, which is then paid on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.routing.bootstrap import interval
from benchmarks.routing.data import FOLDS, Data
from benchmarks.routing.judged import Curve, quality_at
from benchmarks.routing.metrics import Floats, Ints, settings
from benchmarks.routing.pools import pool
from benchmarks.routing.table import heading, row

CHEAP, DEAR = "meta-llama_llama-4-maverick", "anthropic_claude-3.5-sonnet"
SAMPLES = 3
BUDGETS = (0.6, 1.2, 1.8)  # $ per 1,000
_RIDGE = 5.0


class Cascade(NamedTuple):
    """n prompts; costs in $ per 1,000 requests.

    Attributes:
        cheap, dear: (n,): score of one answer of either.
        majority: (n,): score of what most of the three cheap ones say.
        agree: (n,): how many of the three say it: 1, 2 or 3.
        cheap_cost, dear_cost: (n,): of one answer.
        odds: (n, 2): p_good of either, of a predictor that has not seen the prompts.
        fold: (n,).
    """

    cheap: Floats
    dear: Floats
    majority: Floats
    agree: Ints
    cheap_cost: Floats
    dear_cost: Floats
    odds: Floats
    fold: Ints


def cascade(data: Data, p_good: Floats) -> Cascade:
    """Of the prompts of which three samples of the cheap model are known; *p_good*: (n, m), out of fold."""
    gym = pool(data, "reasoning-gym")
    cheap, dear = data.column(CHEAP), data.column(DEAR)
    kept = np.flatnonzero(data.n_samples[gym.rows, cheap] == SAMPLES)
    rows = gym.rows[kept]
    return Cascade(
        cheap=data.score_first[rows, cheap],
        dear=data.score_first[rows, dear],
        majority=data.score_majority[rows, cheap],
        agree=np.clip(np.rint(SAMPLES * data.agree[rows, cheap]), 1, SAMPLES).astype(np.int64),
        cheap_cost=gym.costs[kept, gym.models.index(CHEAP)],
        dear_cost=gym.costs[kept, gym.models.index(DEAR)],
        odds=p_good[rows][:, [cheap, dear]],
        fold=data.fold[rows],
    )


def section(data: Data, unseen: Floats) -> Iterator[str]:
    given = cascade(data, unseen)
    title = f"Cascade on reasoning-gym, n = {len(given.fold):,} with three answers of {CHEAP}"
    yield from heading(title, "what is done", "$ per 1,000", "score")
    yield row(f"{CHEAP} alone", *_point(given.cheap_cost, given.cheap))
    yield row(f"{DEAR} alone", *_point(given.dear_cost, given.dear))
    for who, one in {
        "the dear model too for 54 %, by lot": by_lot(given, 0.54),
        "the dear model where the three all differ": unless_agreed(given, 2),
    }.items():
        yield row(who, *_point(one.costs[0], one.scores[0]))
    ours = routed(given)
    for cost in BUDGETS:
        yield row("**ours, one rule for both**", f"{cost:.2f}", quality_at(ours, cost).text(1, 100))


def _point(costs: Floats, scores: Floats) -> tuple[str, str]:
    return f"{costs.mean():.3f}", interval(lambda rows: float(scores[rows].mean()), len(scores)).text(1, 100)


class Believed(NamedTuple):
    """What is expected before an answer is seen. All out of fold.

    Attributes:
        once: (n, 2): score of one answer of the cheap and the dear model.
        agree: (n, 3): probability that 1, 2, 3 of three agree.
        after: (n, 3, 2): score of the majority and of the dear model if so many agree.
        costs: (2,): mean cost of either.
    """

    once: Floats
    agree: Floats
    after: Floats
    costs: Floats


def believed(given: Cascade) -> Believed:
    """Regressions on the predictor's odds: the check is calibrated as the gate is."""
    n = len(given.fold)
    once, agree, after = np.zeros((n, 2)), np.zeros((n, SAMPLES)), np.zeros((n, SAMPLES, 2))
    x = np.column_stack((np.ones(n), given.odds, given.odds[:, 0] * given.odds[:, 1]))
    says = (given.agree[:, None] == np.arange(1, SAMPLES + 1)).astype(np.float64)
    for number in range(FOLDS):
        inside, rest = given.fold == number, given.fold != number
        once[inside] = x[inside] @ _regression(x, np.column_stack((given.cheap, given.dear)), rest)
        agree[inside] = x[inside] @ _regression(x, says, rest)
        for count in range(SAMPLES):
            own = rest & (says[:, count] > 0)
            after[inside, count] = x[inside] @ _regression(x, np.column_stack((given.majority, given.dear)), own)
    agree = np.clip(agree, 0.01, None)
    costs = np.array([given.cheap_cost.mean(), given.dear_cost.mean()])
    return Believed(once, agree / agree.sum(axis=1, keepdims=True), after, costs)


def routed(given: Cascade) -> Curve:
    """The rule at each exchange rate."""
    say = believed(given)
    played = [_played(given, say, rate) for rate in settings(np.tile(say.costs, (2, 1)))]
    return Curve(np.stack([cost for cost, _ in played]), np.stack([score for _, score in played]))


def _played(given: Cascade, say: Believed, rate: float) -> tuple[Floats, Floats]:
    """Costs and scores, (n,) both."""
    each = np.arange(len(given.fold))
    to_dear = say.after[:, :, 1] - rate * say.costs[1]
    worth_three = (say.agree * np.maximum(say.after[:, :, 0], to_dear)).sum(axis=1) - rate * SAMPLES * say.costs[0]
    plan = np.column_stack((say.once - rate * say.costs, worth_three)).argmax(axis=1)
    escalated = (to_dear > say.after[:, :, 0])[each, given.agree - 1]
    three_cost, three_score = _three(given, escalated)
    costs = np.column_stack((given.cheap_cost, given.dear_cost, three_cost))
    scores = np.column_stack((given.cheap, given.dear, three_score))
    return costs[each, plan], scores[each, plan]


def unless_agreed(given: Cascade, least: int) -> Curve:
    """Three cheap answers always; the dear model where fewer than *least* agree. One setting."""
    cost, score = _three(given, given.agree < least)
    return Curve(cost[None], score[None])


def by_lot(given: Cascade, share: float, seed: int = 0) -> Curve:
    """One cheap answer, and the dear model too for a random *share*."""
    drawn = np.random.default_rng(seed).random(len(given.fold)) < share
    cost = given.cheap_cost + np.where(drawn, given.dear_cost, 0)
    return Curve(cost[None], np.where(drawn, given.dear, given.cheap)[None])


def _three(given: Cascade, escalated: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    cost = SAMPLES * given.cheap_cost + np.where(escalated, given.dear_cost, 0)
    return cost, np.where(escalated, given.dear, given.majority)


def _regression(x: Floats, y: Floats, rows: NDArray[np.bool_]) -> Floats:
    a, b = x[rows], y[rows]
    return np.linalg.solve(a.T @ a + _RIDGE * np.eye(a.shape[1]), a.T @ b).astype(np.float64)
