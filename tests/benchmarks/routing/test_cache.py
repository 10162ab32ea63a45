"""The cache simulator: what a cache holds, and what its sessions are."""

from __future__ import annotations

from itertools import pairwise

import pytest

from benchmarks.routing.cache import (
    Price,
    Seen,
    State,
    always,
    cached_tokens,
    cost_usd,
    each_alone,
    prices,
    run,
    section,
)
from benchmarks.routing.sessions import CONTEXT_TOKENS, Turn, session, sessions

PRICE = Price(fresh=5.0, cached=0.5, output=25.0, ttl_s=300)
TURN = Turn(at_s=100.0, generation=1, prompt_tokens=30_000, answer_tokens=100, p_good=(0.9,))


@pytest.mark.parametrize(
    ("seen", "cached"),
    [
        (None, 0),
        (Seen(0.0, 1, 20_000, 12_000), 20_000),
        (Seen(-300.0, 1, 20_000, 12_000), 0),
        (Seen(0.0, 0, 90_000, 12_000), 12_000),
    ],
)
def test_a_cache_holds_what_was_sent_lately(seen: Seen | None, cached: int) -> None:
    assert cached_tokens(TURN, seen, PRICE.ttl_s) == cached


def test_what_is_cached_costs_less() -> None:
    assert cost_usd(TURN, 20_000, PRICE) == pytest.approx((20_000 * 0.5 + 10_000 * 5 + 100 * 25) / 1e6)


def test_a_session_is_the_same_every_time_and_its_prompts_grow() -> None:
    turns = session(7)
    assert turns == session(7)
    for before, after in pairwise(turns):
        assert after.at_s > before.at_s
        assert after.prompt_tokens > before.prompt_tokens or after.generation == before.generation + 1
        assert after.prompt_tokens <= CONTEXT_TOKENS


def test_the_second_turn_of_one_model_pays_for_what_is_new() -> None:
    turns = [Turn(0.0, 0, 1000, 0, (1.0,)), Turn(10.0, 0, 1500, 0, (1.0,))]
    assert run([turns], always(0), [PRICE]).usd == pytest.approx((1500 * 5 + 1000 * 0.5) / 1e6)


def test_the_baseline_takes_the_cheapest_that_is_good_enough() -> None:
    dear, cheap = PRICE, PRICE._replace(fresh=1.0, output=1.0)
    route = each_alone([dear, cheap], floor=0.8)
    anything = State(12_000, {}, None)
    assert route(TURN._replace(p_good=(0.95, 0.85)), anything) == 1
    assert route(TURN._replace(p_good=(0.95, 0.75)), anything) == 0
    assert route(TURN._replace(p_good=(0.6, 0.7)), anything) == 1


def test_the_baseline_s_cost_of_the_fixed_sessions_stays_what_it_was() -> None:
    outcome = run(sessions(), each_alone(prices()), prices())
    assert outcome.usd == pytest.approx(238.676, abs=0.01)
    assert outcome.p_good == pytest.approx(0.93099, abs=1e-4)


def test_who_knows_the_caches_routes_as_well_for_a_fifth_less() -> None:
    lines = list(section())
    [ours] = [line for line in lines if "`budget` with caches" in line]
    [blind] = [line for line in lines if "`budget` without caches" in line]
    assert change(ours) < -20
    assert change(ours) < change(blind)
    [at_any_price] = [line for line in lines if "any price, as good" in line]
    [by_floor] = [line for line in lines if "at first, as good" in line]
    assert change(by_floor) < -20
    assert change(by_floor) < change(at_any_price)


def change(line: str) -> float:
    """Per cent against routing each request alone, of a row of the table."""
    return float(line.split("|")[3].removesuffix(" % "))
