"""A promise is kept as often as it says, needs its labels, and is refused without them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.promises import NOBODY, Label, Threshold, record, threshold, thresholds
from dd0c_route.types import Target

A, B = Target("acme", "small"), Target("acme", "tiny")
labels_of_any_kind = st.lists(
    st.builds(Label, st.sampled_from([i / 20 for i in range(21)]), st.booleans()), max_size=400
)


def population(rng: random.Random, size: int) -> list[Label]:
    """Requests whose risk the brain sees, but not well: the true one is its square root's half."""
    risks = [rng.random() for _ in range(size)]
    return [Label(risk, rng.random() < 0.5 * risk**0.5) for risk in risks]


@pytest.mark.parametrize("n", [200, 500, 1000, 2000])
@pytest.mark.parametrize("epsilon", [0.02, 0.05, 0.08])
def test_a_promise_is_broken_in_at_most_one_of_ten_draws(n: int, epsilon: float) -> None:
    rng = random.Random(n)
    everybody = population(rng, 4000)
    draws, broken = 150, 0
    for _ in range(draws):
        found = threshold(rng.choices(everybody, k=n), epsilon, 0.1)
        truly = sum(label.worse for label in everybody if label.risk <= found.risk) / len(everybody)
        broken += truly > epsilon
    assert broken / draws <= 0.1 + 2 * (0.1 * 0.9 / draws) ** 0.5  # two standard errors of so many draws


@given(labels=labels_of_any_kind, delta=st.floats(0.01, 0.3))
def test_a_larger_epsilon_lets_no_less_be_routed(labels: list[Label], delta: float) -> None:
    found = [threshold(labels, epsilon, delta).risk for epsilon in (0.01, 0.05, 0.1, 0.2, 0.5)]
    assert found == sorted(found)


@given(labels=labels_of_any_kind, epsilon=st.floats(0.02, 0.5), delta=st.floats(0.02, 0.3))
def test_what_is_promised_is_within_the_bound(labels: list[Label], epsilon: float, delta: float) -> None:
    found = threshold(labels, epsilon, delta)

    if found.refused is None and found.risk != NOBODY:
        assert found.upper <= epsilon + 1e-9
        assert found.lost == sum(label.worse for label in labels if label.risk <= found.risk)


def test_too_few_labels_promise_nothing_and_say_how_many_are_needed() -> None:
    found = threshold([Label(0.1, False)] * 58, 0.05, 0.05)

    assert found == Threshold(NOBODY, 58, refused="58 labels, and at least 59 are needed")
    assert record({A: found}, 0.05, 0.05) == {
        "epsilon": 0.05,
        "delta": 0.05,
        "given": False,
        "why": "58 labels, and at least 59 are needed",
    }


def test_without_any_label_there_is_no_promise() -> None:
    assert record({}, 0.05, 0.05)["why"] == "no labels to show it by"


def test_requests_of_the_same_risk_are_routed_together_or_not_at_all() -> None:
    labels = [Label(0.1, False)] * 100 + [Label(0.2, worse) for worse in [True] * 20 + [False] * 20]
    assert threshold(labels, 0.05, 0.05).risk == 0.1


def test_a_model_that_is_worse_wherever_it_is_sure_gets_nothing() -> None:
    assert threshold([Label(0.0, True)] * 30 + [Label(0.5, False)] * 100, 0.05, 0.05).risk == NOBODY


def test_two_candidates_share_the_promise() -> None:
    sound = [Label(0.1, False)] * 1000
    alone, both = thresholds({A: sound}, 0.05, 0.05), thresholds({A: sound, B: sound[:400]}, 0.05, 0.05)

    assert alone[A] == threshold(sound, 0.05, 0.05)
    assert both[A] == threshold(sound, 0.025, 0.025)
    assert both[B] == threshold(sound[:400], 0.025, 0.025)


def test_one_with_too_few_labels_takes_no_part_of_the_promise() -> None:
    sound = [Label(0.1, False)] * 1000
    found = thresholds({A: sound, B: sound[:70]}, 0.05, 0.05)  # 70 would do for one, not for two

    assert found[A] == threshold(sound, 0.05, 0.05)
    assert found[B].refused == "70 labels, too few to share the promise"


@pytest.mark.parametrize("epsilon", [0.05, 0.1])
def test_the_promise_of_two_candidates_holds_for_both_together(epsilon: float) -> None:
    rng = random.Random(3)
    pairs = [(population(rng, 1)[0], population(rng, 1)[0]) for _ in range(3000)]
    draws, broken = 100, 0
    for _ in range(draws):
        drawn = rng.choices(pairs, k=600)
        found = thresholds({A: [one for one, _ in drawn], B: [other for _, other in drawn]}, epsilon, 0.1)
        lost = 0
        for one, other in pairs:  # B is the cheaper one
            chosen = other if other.risk <= found[B].risk else one if one.risk <= found[A].risk else None
            lost += chosen is not None and chosen.worse
        broken += lost / len(pairs) > epsilon
    assert broken / draws <= 0.1
