"""The cache simulator: what sessions cost, with caches that remember and forget.

A simulation: no provider was called. It tells what is lost by routing each request as if it stood alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from msgspec import structs

from benchmarks.routing.metrics import hull
from benchmarks.routing.sessions import ANSWER_TOKENS, SKILLS, Turn, sessions
from benchmarks.routing.table import heading, percent, row
from dd0c_route.brain import cachecost
from dd0c_route.brain.policies.budget import Budget
from dd0c_route.brain.policies.cheapest_capable import CheapestCapable
from dd0c_route.brain.policy import Allowance, Moment, Policy
from dd0c_route.brain.sessions import Warm
from dd0c_route.config import Route
from dd0c_route.types import Candidate, Target

MODELS = tuple(SKILLS)
FLOOR = 0.9  # of the router that looks at each request alone: what `cheapest-capable` starts with


class Price(NamedTuple):
    """Dollars per million tokens, and for how many seconds after its last use a prefix stays cached."""

    fresh: float
    cached: float
    output: float
    ttl_s: float


class Seen(NamedTuple):
    """What a model's cache holds of a session."""

    at_s: float
    generation: int
    tokens: int
    prefix_tokens: int


class State(NamedTuple):
    """What is known when a turn comes: the session's prefix, each model's cache, and who answered last."""

    prefix_tokens: int
    caches: dict[int, Seen]
    last: int | None


Router = Callable[[Turn, State], int]


def prices() -> tuple[Price, ...]:
    """Of `MODELS`, in that order."""
    listed = tomllib.loads(Path(__file__).with_name("prices.toml").read_text(encoding="utf-8"))["sessions"]
    return tuple(Price(**listed[model]) for model in MODELS)


def cached_tokens(turn: Turn, seen: Seen | None, ttl_s: float) -> int:
    """How much of the prompt the cache of a model holds: after a compaction the fixed prefix alone."""
    if seen is None or turn.at_s - seen.at_s > ttl_s:
        return 0
    return min(seen.tokens if seen.generation == turn.generation else seen.prefix_tokens, turn.prompt_tokens)


def cost_usd(turn: Turn, cached: int, price: Price) -> float:
    fresh = turn.prompt_tokens - cached
    return (cached * price.cached + fresh * price.fresh + turn.answer_tokens * price.output) / 1e6


class Outcome(NamedTuple):
    """Of all sessions together."""

    usd: float
    p_good: float
    switches: float
    shares: tuple[float, ...]


def run(traces: Sequence[Sequence[Turn]], router: Router, listed: Sequence[Price]) -> Outcome:
    usd, good, switches, count = 0.0, 0.0, 0, 0
    chosen_of = [0] * len(listed)
    for turns in traces:
        state = State(turns[0].prompt_tokens, {}, None)
        for turn in turns:
            model = router(turn, state)
            cached = cached_tokens(turn, state.caches.get(model), listed[model].ttl_s)
            usd += cost_usd(turn, cached, listed[model])
            good += turn.p_good[model]
            switches += state.last is not None and state.last != model
            chosen_of[model] += 1
            count += 1
            now = Seen(turn.at_s, turn.generation, turn.prompt_tokens, state.prefix_tokens)
            state = State(state.prefix_tokens, {**state.caches, model: now}, model)
    return Outcome(usd, good / count, switches / count, tuple(n / count for n in chosen_of))


def each_alone(listed: Sequence[Price], floor: float = FLOOR) -> Router:
    """The baseline: the cheapest model that is good enough, by its list price for the whole prompt; else the best."""

    def route(turn: Turn, state: State) -> int:
        able = [model for model, p_good in enumerate(turn.p_good) if p_good >= floor]
        if not able:
            return max(range(len(listed)), key=lambda model: turn.p_good[model])
        return min(able, key=lambda model: cost_usd(turn, 0, listed[model]))

    return route


def always(model: int) -> Router:
    """Sticky: one model for the whole session."""
    return lambda turn, state: model


# What our router believes, which is not what the simulator knows: its own table of caches, and a usual answer.
_HOST = "openrouter"  # whose prices these are
_USUAL_ANSWER = ANSWER_TOKENS[0] * float(np.exp(ANSWER_TOKENS[1] ** 2 / 2))
_ANY_SUM = 10**18  # picodollars
_WORTHS = tuple(float(worth) for worth in np.geomspace(0.2, 10, 40))  # dollars that one more good turn may cost
_FLOORS = tuple(float(floor) for floor in np.linspace(0.8, 1, 21))
_ANSWER_USD = Route(candidates=()).answer_usd


def ours(listed: Sequence[Price], policy: Policy, moment: Moment, knows_caches: bool = True) -> Router:
    """A policy of the router, on costs as `brain/cachecost.py` expects them in this state of the session."""
    targets = [Target(_HOST, model) for model in MODELS]

    def route(turn: Turn, state: State) -> int:
        candidates = []
        for place, target in enumerate(targets):
            cached = _believed(turn, state.caches.get(place), target) if knows_caches else 0
            price = listed[place]
            usd = cost_usd(turn._replace(answer_tokens=0), cached, price) + _USUAL_ANSWER * price.output / 1e6
            candidates.append(Candidate(target, p_good=turn.p_good[place], expected_cost=int(usd * 1e12)))
        now = structs.replace(moment, ongoing=state.last is not None)
        return targets.index(policy.choose(candidates, now).plan[0])

    return route


def _believed(turn: Turn, seen: Seen | None, target: Target) -> int:
    if seen is None:
        return 0
    warm = Warm((seen.generation,), seen.tokens, int(seen.at_s * 1e9), "5m")
    terms = cachecost.terms_of(target.provider, target.model)
    return cachecost.cached_tokens(turn.prompt_tokens, (turn.generation,), warm, terms, int(turn.at_s * 1e9))


def _by_floor(listed: Sequence[Price], floor: float, answer_usd: float) -> Router:
    return ours(listed, CheapestCapable(floor, int(answer_usd * 1e12)), Moment())


def _by_worth(worth_usd: float) -> Moment:
    return Moment(allowance=Allowance(worth_usd * 1e12, _ANY_SUM))


def section() -> Iterator[str]:
    listed, traces = prices(), sessions()
    turns = sum(len(one) for one in traces)
    alone = run(traces, each_alone(listed), listed)
    title = f"Simulated agent sessions: {len(traces)} of {turns:,} turns together"
    yield from heading(title, "who routes", "$", "against each alone", "p_good, mean", "switches")
    lines = {"each request alone, cheapest good enough": alone}
    lines |= {f"always {MODELS[model]}": run(traces, always(model), listed) for model in range(len(MODELS))}
    for who, usd in (
        ("`cheapest-capable`, floor kept at any price", 1e6),
        (f"`cheapest-capable`, a good answer worth ${2 * _ANSWER_USD:g}", 2 * _ANSWER_USD),
        (f"**`cheapest-capable`**, ${_ANSWER_USD:g} as it is set at first", _ANSWER_USD),
    ):
        runs = [run(traces, _by_floor(listed, floor, usd), listed) for floor in (FLOOR, *_FLOORS)]
        lines[f"{who}, floor {FLOOR:g}"] = runs[0]
        lines[f"{who}, as good"] = _as_good(runs, alone.p_good)
    for who, knows in (("`budget` without caches", False), ("**`budget` with caches**", True)):
        runs = [run(traces, ours(listed, Budget(), _by_worth(worth), knows), listed) for worth in _WORTHS]
        lines[f"{who}, as good"] = _as_good(runs, alone.p_good)
    for who, one in lines.items():
        yield row(who, f"{one.usd:.2f}", percent(one.usd / alone.usd - 1), f"{one.p_good:.4f}", percent(one.switches))


def _as_good(runs: Sequence[Outcome], p_good: float) -> Outcome:
    """What *p_good* costs by drawing lots, for each session, between the two settings on either side of it."""
    corners = hull(np.array([one.usd for one in runs]), np.array([one.p_good for one in runs]))
    usd = corners.cost_of(p_good)
    near = min(runs, key=lambda one: abs(one.usd - usd))
    return near._replace(usd=usd, p_good=p_good)
