"""The cache simulator: what sessions cost, with caches that remember and forget.

A simulation: no provider was called. It tells what is lost by routing each request as if it stood alone.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.routing.sessions import SKILLS, Turn

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
