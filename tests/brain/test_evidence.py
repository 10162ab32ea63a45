from __future__ import annotations

import random

import msgspec
import pytest

from dd0c_route.brain.evidence import Evidence, Kind, Promise

PROMISE = Promise(0.05, 0.05)


def said(evidence: Evidence, kind: Kind, losses: list[float], promise: Promise = PROMISE) -> Evidence:
    for number, loss in enumerate(losses):
        evidence = evidence.of_routed(kind, loss, promise, f"dd_{number}", "2026-11-24T00:00:00Z")
    return evidence


def kept(evidence: Evidence, kind: Kind, losses: list[float]) -> Evidence:
    for loss in losses:
        evidence = evidence.of_kept(kind, loss)
    return evidence


def test_comparisons_that_go_wrong_break_the_promise_and_say_when() -> None:
    evidence = said(Evidence(), "shadow", [0.0] * 200 + [1.0] * 20)
    assert evidence.broken is not None
    assert evidence.broken.kind == "shadow"
    assert 200 <= int(evidence.broken.call.removeprefix("dd_")) <= 212
    assert "worse than the model asked for" in evidence.broken.message


def test_what_broke_first_stays_what_is_said() -> None:
    evidence = said(Evidence(), "shadow", [1.0] * 60)
    assert said(evidence, "shadow", [1.0] * 10).broken == evidence.broken


def test_bad_scores_break_nothing_before_there_is_something_to_compare_with() -> None:
    assert said(Evidence(), "feedback", [1.0] * 500).broken is None


@pytest.mark.parametrize("kind", ["feedback", "check"])
def test_routed_calls_that_are_bad_more_often_than_kept_ones_break_it(kind: Kind) -> None:
    evidence = kept(Evidence(), kind, [0.0] * 95 + [1.0] * 5)
    assert said(evidence, kind, [0.0, 1.0] * 60).broken is not None


def test_where_the_model_asked_for_is_as_bad_nothing_is_broken() -> None:
    rng = random.Random(3)
    broken = 0
    for _ in range(100):
        evidence = kept(Evidence(), "feedback", [float(rng.random() < 0.4) for _ in range(50)])
        evidence = said(evidence, "feedback", [float(rng.random() < 0.4) for _ in range(500)])
        broken += evidence.broken is not None
    assert broken <= 5


def test_a_reset_begins_anew_and_keeps_what_is_compared_with() -> None:
    evidence = said(kept(Evidence(), "feedback", [0.0] * 100), "feedback", [1.0] * 50)
    assert evidence.broken is not None
    again = evidence.reset()
    assert (again.broken, again.routed, again.resets) == (None, {}, 1)
    assert again.kept == evidence.kept


def test_how_much_worse_is_between_its_bounds() -> None:
    evidence = said(Evidence(), "shadow", [0.0] * 90 + [1.0] * 10)
    found = evidence.worse("shadow", PROMISE)
    assert found is not None
    share, low, high = found
    assert share == pytest.approx(0.1)
    assert 0.0 < low < share < high < 0.3
    assert evidence.worse("feedback", PROMISE) is None


def test_of_scores_it_is_the_difference_to_kept_calls() -> None:
    evidence = said(kept(Evidence(), "feedback", [0.0] * 80 + [1.0] * 20), "feedback", [0.0] * 70 + [1.0] * 30)
    found = evidence.worse("feedback", PROMISE)
    assert found is not None
    assert found[0] == pytest.approx(0.1)
    assert found[1] < 0.0 < found[2]


def test_it_survives_json() -> None:
    evidence = said(kept(Evidence(), "check", [0.0, 1.0]), "shadow", [1.0] * 60)
    assert msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence) == evidence
