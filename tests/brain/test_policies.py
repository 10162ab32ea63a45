"""What every policy promises, and what each one does."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, pairwise
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.checks.odds import Rates, combined, rates_of
from dd0c_route.brain.policies import POLICIES
from dd0c_route.brain.policies.budget import Budget
from dd0c_route.brain.policies.cascade import Cascade
from dd0c_route.brain.policies.cheapest_capable import CheapestCapable
from dd0c_route.brain.policies.ordered import Ordered
from dd0c_route.brain.policies.pinned import Pinned
from dd0c_route.brain.policies.risk_bound import RiskBound
from dd0c_route.brain.policies.weighted import Weighted
from dd0c_route.brain.policy import Allowance, Moment, Policy, by_cost
from dd0c_route.brain.promises import Label, Threshold, thresholds
from dd0c_route.config import Route
from dd0c_route.types import Candidate, Target

NAMES = "abcdefgh"
TARGETS = tuple(Target("acme", name) for name in NAMES)
CHECKS = frozenset(("answered", "schema", "unrefused"))

odds = st.none() | st.floats(0, 1)
prices = st.none() | st.integers(0, 10**15)
shares = st.floats(0, 1)


@st.composite
def candidates_of_any_kind(draw: st.DrawFn) -> tuple[Candidate, ...]:
    """Some models, of which one may be the model asked for and some may be ruled out."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    asked = draw(st.sampled_from([*names, ""]))
    return tuple(
        Candidate(
            Target("acme", name),
            draw(odds),
            draw(prices),
            asked=name == asked,
            ruled_out=draw(st.sampled_from([None, "no tools"])),
        )
        for name in names
    )


moments = st.builds(
    Moment,
    draw=st.floats(0, 1, exclude_max=True),
    allowance=st.none() | st.builds(Allowance, st.none() | st.floats(0, 1e15), st.integers(0, 10**15)),
    thresholds=st.dictionaries(st.sampled_from(TARGETS), st.builds(Threshold, shares, st.integers(59, 999))),
    checks=st.sampled_from([frozenset(), CHECKS]),
)


def built(name: str, **settings: Any) -> Policy:
    return POLICIES[name](Route(candidates=tuple(NAMES), **settings), TARGETS)


def candidate(name: str, p_good: float | None, expected_cost: int | None, **more: Any) -> Candidate:
    return Candidate(Target("acme", name), p_good, expected_cost, **more)


def plan_of(policy: Policy, *candidates: Candidate, **moment: Any) -> list[str]:
    return [target.model for target in policy.choose(candidates, Moment(**moment)).plan]


# --- the contract ---------------------------------------------------------------------------------------------


def test_every_policy_that_a_route_can_name_is_there() -> None:
    assert set(get_args(get_type_hints(Route)["policy"])) == set(POLICIES)


@pytest.mark.parametrize("name", POLICIES)
@given(candidates=candidates_of_any_kind(), moment=moments)
def test_who_may_answer_is_in_the_plan_once_at_most_and_nobody_else_is(
    name: str, candidates: tuple[Candidate, ...], moment: Moment
) -> None:
    plan = built(name).choose(candidates, moment).plan
    may = {one.target for one in candidates if one.ruled_out is None or one.asked}

    assert len(set(plan)) == len(plan)
    assert set(plan) <= may
    assert name == "pinned" or set(plan) == may


@pytest.mark.parametrize("name", POLICIES)
@given(candidates=candidates_of_any_kind(), moment=moments)
def test_the_model_asked_for_always_stands_by(name: str, candidates: tuple[Candidate, ...], moment: Moment) -> None:
    plan = built(name).choose(candidates, moment).plan

    assert all(one.target in plan for one in candidates if one.asked)


@pytest.mark.parametrize("name", POLICIES)
@given(candidates=candidates_of_any_kind(), moment=moments)
def test_the_same_candidates_give_the_same_choice_and_stay_as_they_were(
    name: str, candidates: tuple[Candidate, ...], moment: Moment
) -> None:
    before = tuple(candidates)
    policy = built(name)

    assert policy.choose(candidates, moment) == policy.choose(list(candidates), moment)
    assert policy.choose(candidates, moment) == built(name).choose(candidates, moment)
    assert candidates == before


@pytest.mark.parametrize("name", POLICIES)
@given(candidates=candidates_of_any_kind(), moment=moments)
def test_the_reason_is_one_line_that_can_stand_in_a_header(
    name: str, candidates: tuple[Candidate, ...], moment: Moment
) -> None:
    reason = built(name).choose(candidates, moment).reason

    assert reason.isascii()
    assert reason.isprintable()
    assert 0 < len(reason) < 200


# --- the knobs ------------------------------------------------------------------------------------------------

known = st.lists(st.tuples(shares, st.integers(0, 10**12)), min_size=1, max_size=6)


def pool(pairs: list[tuple[float, int]]) -> tuple[Candidate, ...]:
    """Candidates with odds and prices, and the model asked for: good for certain, at a price."""
    rest = [candidate(NAMES[i], p, cost) for i, (p, cost) in enumerate(pairs)]
    return (*rest, candidate("asked", 1.0, 10**12, asked=True))


def first_of(policy: Policy, candidates: tuple[Candidate, ...], **moment: Any) -> Candidate:
    first = policy.choose(candidates, Moment(**moment)).plan[0]
    return next(one for one in candidates if one.target == first)


@pytest.mark.parametrize("policy", [CheapestCapable])
@given(pairs=known, floors=st.lists(shares, min_size=2, max_size=5))
def test_a_higher_floor_never_chooses_what_is_cheaper(
    policy: Callable[[float], Policy], pairs: list[tuple[float, int]], floors: list[float]
) -> None:
    costs = [first_of(policy(floor), pool(pairs)).expected_cost or 0 for floor in sorted(floors)]
    assert costs == sorted(costs)


@given(pairs=known, floors=st.lists(shares, min_size=2, max_size=5), worth=st.integers(0, 10**14))
def test_a_higher_floor_never_chooses_what_is_cheaper_in_a_conversation_either(
    pairs: list[tuple[float, int]], floors: list[float], worth: int
) -> None:
    firsts = [first_of(CheapestCapable(floor, worth), pool(pairs), ongoing=True) for floor in sorted(floors)]
    costs = [one.expected_cost or 0 for one in firsts]
    assert costs == sorted(costs)


@given(pairs=known, floor=shares, worths=st.lists(st.integers(0, 10**14), min_size=2, max_size=5))
def test_who_values_answers_more_never_gets_worse_ones(
    pairs: list[tuple[float, int]], floor: float, worths: list[int]
) -> None:
    goods = [first_of(CheapestCapable(floor, worth), pool(pairs), ongoing=True).p_good for worth in sorted(worths)]
    lacks = [max(0.0, floor - (good or 0.0)) for good in goods]
    assert all(after <= before + 1e-9 for before, after in pairwise(lacks))


@given(pairs=known, floors=st.lists(shares, min_size=2, max_size=5))
def test_a_higher_floor_never_makes_a_cascade_cheaper(pairs: list[tuple[float, int]], floors: list[float]) -> None:
    costs = [way_of(Cascade(floor), pool(pairs))[0] for floor in sorted(floors)]
    assert all(after >= before - 1e-3 for before, after in pairwise(costs))


@given(pairs=known, floor=shares)
def test_a_cascade_among_many_is_no_dearer_than_among_any_few_of_them(
    pairs: list[tuple[float, int]], floor: float
) -> None:
    everyone = pool(pairs)
    cost, good = way_of(Cascade(floor), everyone)
    asked = [one for one in everyone if one.asked]
    for one, other in combinations([one for one in everyone if not one.asked], 2):
        cost_of_few, good_of_few = way_of(Cascade(floor), (one, other, *asked))
        assert good_of_few < floor or (cost <= cost_of_few + 1e-3 and good >= floor - 1e-9)


@given(pairs=known, prices=st.lists(st.floats(0, 1e13), min_size=2, max_size=5))
def test_a_higher_price_of_quality_never_buys_less(pairs: list[tuple[float, int]], prices: list[float]) -> None:
    bought = [
        first_of(Budget(), pool(pairs), allowance=Allowance(price, 10**12)).p_good or 0.0 for price in sorted(prices)
    ]
    assert all(after >= before - 1e-9 for before, after in pairwise(bought))


@given(pairs=known, labels=st.lists(st.builds(Label, shares, st.booleans()), min_size=60, max_size=300))
def test_a_larger_epsilon_never_costs_more(pairs: list[tuple[float, int]], labels: list[Label]) -> None:
    candidates = pool(pairs[:1])
    costs = []
    for epsilon in (0.02, 0.05, 0.1, 0.3, 0.6):
        found = thresholds({candidates[0].target: labels}, epsilon, 0.05)
        costs.append(first_of(RiskBound(epsilon, 0.05), candidates, thresholds=found).expected_cost or 0)
    assert costs == sorted(costs, reverse=True)


# --- cheapest-capable -----------------------------------------------------------------------------------------


def test_the_cheapest_that_is_good_enough_comes_first() -> None:
    assert plan_of(
        CheapestCapable(0.9), candidate("best", 1.0, 9), candidate("good", 0.95, 3), candidate("bad", 0.5, 1)
    ) == ["good", "best", "bad"]


def test_where_none_is_good_enough_the_best_comes_first() -> None:
    assert plan_of(CheapestCapable(0.9), candidate("a", 0.2, 1), candidate("b", 0.8, 9)) == ["b", "a"]


def test_where_none_is_good_enough_the_model_asked_for_answers() -> None:
    assert plan_of(CheapestCapable(0.9), candidate("a", 0.8, 1), candidate("b", 0.7, 9, asked=True)) == ["b", "a"]


def test_the_floor_itself_is_good_enough() -> None:
    assert plan_of(CheapestCapable(0.9), candidate("a", 1.0, 9), candidate("b", 0.9, 1)) == ["b", "a"]


def test_unknown_odds_are_never_good_enough() -> None:
    assert plan_of(CheapestCapable(0.9), candidate("unknown", None, 1), candidate("known", 0.9, 9)) == [
        "known",
        "unknown",
    ]


def test_without_a_floor_anything_is_good_enough() -> None:
    assert plan_of(CheapestCapable(0.0), candidate("known", 1.0, 9), candidate("unknown", None, 1)) == [
        "unknown",
        "known",
    ]


def test_an_unknown_price_is_not_a_low_one() -> None:
    assert plan_of(CheapestCapable(0.9), candidate("unpriced", 1.0, None), candidate("dear", 1.0, 10**15)) == [
        "dear",
        "unpriced",
    ]


def test_among_equals_the_order_of_the_route_stays() -> None:
    assert plan_of(CheapestCapable(0.9), candidate("b", 1.0, 1), candidate("a", 1.0, 1)) == ["b", "a"]


@given(candidates=candidates_of_any_kind(), floor=st.floats(0.01, 1))
def test_no_cheaper_candidate_that_is_good_enough_stands_behind_the_first(
    candidates: tuple[Candidate, ...], floor: float
) -> None:
    able = [c for c in candidates if (c.p_good or 0.0) >= floor and (c.ruled_out is None or c.asked)]
    asked = next((c for c in candidates if c.asked), None)
    able = [c for c in able if asked is None or by_cost(c) <= by_cost(asked)]
    plan = CheapestCapable(floor).choose(candidates).plan

    if able:
        chosen = next(candidate for candidate in candidates if candidate.target == plan[0])
        assert chosen in able
        costs = [candidate.expected_cost for candidate in able if candidate.expected_cost is not None]
        assert chosen.expected_cost == (min(costs) if costs else None)


def test_in_a_conversation_a_switch_is_made_where_it_is_worth_its_cost() -> None:
    usd = 10**12
    warm, cold = candidate("warm", 0.85, usd // 100), candidate("cold", 0.95, usd // 2)

    assert plan_of(CheapestCapable(0.9, 3 * usd), warm, cold, ongoing=True) == ["warm", "cold"]
    assert plan_of(CheapestCapable(0.9, 30 * usd), warm, cold, ongoing=True) == ["cold", "warm"]
    assert plan_of(CheapestCapable(0.9, 3 * usd), warm, cold) == ["cold", "warm"]


def test_what_a_conversation_spares_is_said() -> None:
    warm, cold = candidate("warm", 0.85, 10**10), candidate("cold", 0.95, 10**12)
    choice = CheapestCapable(0.9).choose([warm, cold], Moment(ongoing=True))

    assert choice.reason == "1 of 2 good enough (floor 0.9); in mid-conversation more costs more than it is worth"


def test_the_model_asked_for_lacks_nothing_in_a_conversation_where_none_is_good_enough() -> None:
    other, asked = candidate("other", 0.6, 10**6), candidate("asked", 0.5, 10**9, asked=True)

    assert plan_of(CheapestCapable(0.9), other, asked, ongoing=True) == ["asked", "other"]


# --- risk-bound -----------------------------------------------------------------------------------------------

ASKED = candidate("asked", 1.0, 100, asked=True)


def test_the_cheapest_within_its_threshold_answers() -> None:
    found = {Target("acme", "a"): Threshold(0.2, 900, 10, 0.03), Target("acme", "b"): Threshold(0.2, 900, 10, 0.03)}
    cheap, cheaper = candidate("a", 0.9, 5), candidate("b", 0.85, 2)
    policy = RiskBound(0.05, 0.05)

    assert plan_of(policy, ASKED, cheap, cheaper, thresholds=found) == ["b", "a", "asked"]
    assert plan_of(policy, ASKED, cheap, candidate("b", 0.7, 2), thresholds=found) == ["a", "asked", "b"]
    assert plan_of(policy, ASKED, candidate("a", 0.7, 5), thresholds=found) == ["asked", "a"]


def test_without_labels_the_model_asked_for_answers_and_no_promise_is_given() -> None:
    choice = RiskBound(0.05, 0.05).choose([candidate("a", 0.99, 1), ASKED])

    assert [target.model for target in choice.plan] == ["asked", "a"]
    assert choice.reason == "no promise: no labels to show it by"
    assert choice.promise == {"epsilon": 0.05, "delta": 0.05, "given": False, "why": "no labels to show it by"}


def test_too_few_labels_are_counted_in_the_reason() -> None:
    found = thresholds({Target("acme", "a"): [Label(0.1, False)] * 20}, 0.05, 0.05)
    choice = RiskBound(0.05, 0.05).choose([candidate("a", 0.99, 1), ASKED], Moment(thresholds=found))

    assert choice.reason == "no promise: 20 labels, and at least 59 are needed"


def test_a_promise_says_what_it_rests_on() -> None:
    found = thresholds({Target("acme", "a"): [Label(0.1, False)] * 200}, 0.05, 0.05)
    choice = RiskBound(0.05, 0.05).choose([candidate("a", 0.95, 1), ASKED], Moment(thresholds=found))

    assert choice.plan[0].model == "a"
    assert choice.promise is not None
    assert (choice.promise["given"], choice.promise["labels"]) == (True, 200)
    assert 0 < choice.promise["upper"] <= 0.05
    assert choice.reason == "worse than asked in at most 0.05 of calls, confidence 0.95, 200 labels: 2 of 2 within"


# --- budget ---------------------------------------------------------------------------------------------------


def test_quality_is_bought_at_its_price() -> None:
    cheap, dear = candidate("cheap", 0.7, 10), candidate("dear", 0.9, 110)

    assert plan_of(Budget(), cheap, dear, allowance=Allowance(400.0, 1000))[0] == "cheap"  # 100 more for 0.2 more
    assert plan_of(Budget(), cheap, dear, allowance=Allowance(600.0, 1000))[0] == "dear"


def test_without_a_price_of_quality_the_best_that_is_affordable_answers() -> None:
    cheap, dear = candidate("cheap", 0.7, 10), candidate("dear", 0.9, 110)

    assert plan_of(Budget(), cheap, dear, allowance=Allowance(None, 110))[0] == "dear"
    assert plan_of(Budget(), cheap, dear, allowance=Allowance(None, 109))[0] == "cheap"


def test_a_spent_budget_leaves_the_cheapest() -> None:
    choice = Budget().choose(
        [candidate("dear", 0.9, 110), candidate("cheap", 0.7, 10)], Moment(allowance=Allowance(1e9, 0))
    )
    assert (choice.plan[0].model, choice.reason) == ("cheap", "the budget is spent: the cheapest")


def test_without_a_budget_the_model_asked_for_answers() -> None:
    assert plan_of(Budget(), candidate("cheap", 0.7, 10), ASKED)[0] == "asked"


# --- cascade --------------------------------------------------------------------------------------------------


def test_a_cascade_goes_by_what_checks_are_worth_here() -> None:
    cheap, dear = candidate("cheap", 0.85, 2), candidate("dear", 0.95, 100)
    checks = frozenset(("schema",))

    assert plan_of(Cascade(0.9), cheap, dear, checks=checks)[0] == "dear"
    sharp = Cascade(0.9).choose([cheap, dear], Moment(checks=checks, rates={"schema": Rates(0.9, 0.01)}))
    assert (sharp.plan[0].model, sharp.checked) == ("cheap", 1)


def way_of(policy: Cascade, candidates: tuple[Candidate, ...]) -> tuple[float, float]:
    """What the chosen way costs, and how good it is, worked out here once more."""
    choice = policy.choose(candidates, Moment(checks=CHECKS))
    one, two = (next(c for c in candidates if c.target == target) for target in (*choice.plan, choice.plan[0])[:2])
    p, cost = one.p_good or 0.0, one.expected_cost or 0
    if not choice.checked:
        return cost, p
    rates = combined(rates_of(name) for name in CHECKS)
    failed = p * rates.alarms + (1 - p) * rates.catches
    return cost + failed * (two.expected_cost or 0), p * (1 - rates.alarms) + failed * (two.p_good or 0.0)


def test_a_cheap_answer_that_a_check_makes_good_enough_is_tried_first() -> None:
    choice = Cascade(0.9).choose([ASKED, candidate("cheap", 0.88, 2)], Moment(checks=CHECKS))

    assert [target.model for target in choice.plan] == ["cheap", "asked"]
    assert (choice.checked, choice.good_enough) == (1, 0.9)
    assert choice.reason == "cheap first, checked (floor 0.9)"


def test_what_cannot_be_held_back_is_not_tried_first() -> None:
    choice = Cascade(0.9).choose([ASKED, candidate("cheap", 0.88, 2)], Moment())
    assert ([target.model for target in choice.plan], choice.checked) == (["asked", "cheap"], 0)


def test_a_cheap_answer_that_checks_cannot_save_is_not_asked_for() -> None:
    choice = Cascade(0.9).choose([ASKED, candidate("cheap", 0.4, 2)], Moment(checks=CHECKS))
    assert ([target.model for target in choice.plan], choice.checked) == (["asked", "cheap"], 0)


def test_two_answers_are_asked_for_where_the_form_alone_would_say_too_little() -> None:
    both = [ASKED, candidate("cheap", 0.85, 2)]
    once = Cascade(0.95).choose(both, Moment(checks=CHECKS))
    twice = Cascade(0.95).choose(both, Moment(checks=CHECKS | {"agreement"}))

    assert (once.plan[0].model, once.checked, once.samples) == ("asked", 0, 1)
    assert (twice.plan[0].model, twice.checked, twice.samples) == ("cheap", 1, 2)


def test_one_that_is_good_enough_by_itself_needs_no_check() -> None:
    choice = Cascade(0.9).choose([ASKED, candidate("cheap", 0.97, 2)], Moment(checks=CHECKS))
    assert ([target.model for target in choice.plan], choice.checked) == (["cheap", "asked"], 0)


@given(pairs=known, floor=st.floats(0.01, 1))
def test_a_chosen_way_is_good_enough_and_no_dearer_than_the_cheapest_single_one(
    pairs: list[tuple[float, int]], floor: float
) -> None:
    candidates = pool(pairs)
    cost, p_good = way_of(Cascade(floor), candidates)

    assert p_good >= floor - 1e-9
    assert cost <= min(c.expected_cost or 0 for c in candidates if (c.p_good or 0.0) >= floor)


@pytest.mark.parametrize("policy", [CheapestCapable(0.9), Cascade(0.9), RiskBound(), Budget()])
def test_nothing_dearer_than_the_model_asked_for_answers_in_its_place(policy: Policy) -> None:
    """Even where that one is not good enough itself: whoever asks for it accepts it."""
    asked, dearer = candidate("asked", 0.5, 100, asked=True), candidate("dearer", 0.99, 101)
    found = {dearer.target: Threshold(1.0, 900)}
    allowance = Allowance(None, 1000)

    assert plan_of(policy, dearer, asked, checks=CHECKS, thresholds=found, allowance=allowance)[0] == "asked"


# --- plain rules ----------------------------------------------------------------------------------------------


def test_pinned_calls_one_model_and_only_the_model_asked_for_stands_by() -> None:
    policy = Pinned(Target("acme", "a"))

    assert plan_of(policy, candidate("b", 1.0, 1), candidate("a", 0.1, 9), ASKED) == ["a", "asked"]


def test_where_the_pinned_model_cannot_answer_the_model_asked_for_does() -> None:
    policy = Pinned(Target("acme", "a"))
    choice = policy.choose([candidate("a", 0.9, 1, ruled_out="no tools"), candidate("b", 0.9, 1), ASKED])

    assert [target.model for target in choice.plan] == ["asked"]
    assert choice.reason == "the pinned model cannot answer this call"


@pytest.mark.parametrize(("draw", "first"), [(0.0, "a"), (0.24, "a"), (0.25, "b"), (0.999, "b")])
def test_lots_fall_by_weight(draw: float, first: str) -> None:
    policy = Weighted((Target("acme", "a"), Target("acme", "b")), (1, 3))

    assert plan_of(policy, candidate("a", 0.9, 1), candidate("b", 0.9, 1), ASKED, draw=draw)[0] == first


def test_who_cannot_answer_leaves_its_share_to_the_others() -> None:
    policy = Weighted((Target("acme", "a"), Target("acme", "b")))

    assert plan_of(policy, candidate("a", 0.9, 1, ruled_out="no tools"), candidate("b", 0.9, 1), ASKED, draw=0.1) == [
        "b",
        "asked",
    ]


@given(candidates=candidates_of_any_kind())
def test_ordered_keeps_the_operators_order(candidates: tuple[Candidate, ...]) -> None:
    may = tuple(one.target for one in candidates if one.ruled_out is None or one.asked)
    assert Ordered().choose(candidates).plan == may
