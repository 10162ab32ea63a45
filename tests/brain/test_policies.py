"""What every policy promises, and what each one does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.policies import POLICIES
from dd0c_route.brain.policies.cheapest_capable import CheapestCapable
from dd0c_route.brain.policies.ordered import Ordered
from dd0c_route.types import Candidate, Target

odds = st.none() | st.floats(0, 1)
prices = st.none() | st.integers(0, 10**15)


@st.composite
def candidates_of_any_kind(draw: st.DrawFn) -> tuple[Candidate, ...]:
    names = draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True))
    return tuple(Candidate(Target("acme", name), draw(odds), draw(prices)) for name in names)


def candidate(name: str, p_good: float | None, expected_cost: int | None) -> Candidate:
    return Candidate(Target("acme", name), p_good, expected_cost)


def plan_of(policy: CheapestCapable | Ordered, *candidates: Candidate) -> list[str]:
    return [target.model for target in policy.choose(candidates).plan]


# --- the contract ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", POLICIES)
@given(candidates=candidates_of_any_kind(), floor=st.floats(0, 1))
def test_a_plan_has_every_candidate_once_and_no_other(
    name: str, candidates: tuple[Candidate, ...], floor: float
) -> None:
    choice = POLICIES[name](floor).choose(candidates)

    assert sorted(map(str, choice.plan)) == sorted(str(candidate.target) for candidate in candidates)


@pytest.mark.parametrize("name", POLICIES)
@given(candidates=candidates_of_any_kind(), floor=st.floats(0, 1))
def test_the_same_candidates_give_the_same_choice_and_stay_as_they_were(
    name: str, candidates: tuple[Candidate, ...], floor: float
) -> None:
    before = tuple(candidates)
    policy = POLICIES[name](floor)

    assert policy.choose(candidates) == policy.choose(list(candidates)) == POLICIES[name](floor).choose(candidates)
    assert candidates == before


@pytest.mark.parametrize("name", POLICIES)
@given(candidates=candidates_of_any_kind())
def test_the_reason_is_one_line_that_can_stand_in_a_header(name: str, candidates: tuple[Candidate, ...]) -> None:
    reason = POLICIES[name](0.9).choose(candidates).reason

    assert reason.isascii()
    assert reason.isprintable()
    assert 0 < len(reason) < 200


# --- cheapest-capable -----------------------------------------------------------------------------------------


def test_the_cheapest_that_is_good_enough_comes_first() -> None:
    assert plan_of(
        CheapestCapable(0.9), candidate("best", 1.0, 9), candidate("good", 0.95, 3), candidate("bad", 0.5, 1)
    ) == ["good", "best", "bad"]


def test_where_none_is_good_enough_the_best_comes_first() -> None:
    assert plan_of(CheapestCapable(0.9), candidate("a", 0.2, 1), candidate("b", 0.8, 9)) == ["b", "a"]


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
    able = [candidate for candidate in candidates if (candidate.p_good or 0.0) >= floor]
    first = CheapestCapable(floor).choose(candidates).plan[0]

    if able:
        chosen = next(candidate for candidate in candidates if candidate.target == first)
        assert chosen in able
        costs = [candidate.expected_cost for candidate in able if candidate.expected_cost is not None]
        assert chosen.expected_cost == (min(costs) if costs else None)


# --- ordered --------------------------------------------------------------------------------------------------


@given(candidates=candidates_of_any_kind())
def test_ordered_keeps_the_operators_order(candidates: tuple[Candidate, ...]) -> None:
    assert Ordered().choose(candidates).plan == tuple(candidate.target for candidate in candidates)
