from __future__ import annotations

from typing import Any

import pytest

from dd0c_route.brain.evidence import Promise
from dd0c_route.brain.residuals import Key
from dd0c_route.ledger.feedback import MOST_SOURCES
from dd0c_route.ledger.store import Lesson
from dd0c_route.ledger.teaching import Teaching, outcome_of, place_of
from dd0c_route.types import Attempt, Entry, Label, Reset
from tests.ledger.examples import an_entry

ROUTE = "0123456789ab"
LARGE, SMALL = "acme/acme-large", "acme/acme-small"
KEY = Key(ROUTE, SMALL, "main", "")
PROMISES = {ROUTE: Promise(0.05, 0.05)}


def decided(served: str = SMALL, **changes: Any) -> Entry:
    """A call of the route that *served* answered."""
    decision = {
        "verdict": "routed",
        "reason": "",
        "route_id": ROUTE,
        "kind": "main",
        "asked": LARGE,
        "candidates": [{"target": LARGE, "p_good": 1.0}, {"target": SMALL, "p_good": 0.9, "support": 1.0}],
        **changes,
    }
    return an_entry(decision=decision, attempts=(Attempt(served, 0.1, 1.0, 2.0, 200, None, "new:pooled"),))


def kept(**changes: Any) -> Entry:
    return decided(LARGE, verdict="kept", control=True, **changes)


def a_label(entry: Entry, score: float, kind: Any = "feedback", **changes: Any) -> Label:
    return Label(score, changes.pop("source", "user"), kind, entry.at, id=entry.id, **changes)


def say(teaching: Teaching, entry: Entry, *labels: Label) -> None:
    before: list[Label] = []
    for label in labels:
        teaching.labelled(label, entry, before)
        before = [one for one in before if (one.kind, one.source) != (label.kind, label.source)] + [label]


def a_teaching(stored: dict[Lesson, str] | None = None) -> Teaching:
    return Teaching(stored, lambda: PROMISES)


def test_a_bad_score_lowers_the_odds_of_who_answered_and_of_nobody_else() -> None:
    teaching, entry = a_teaching(), decided()
    say(teaching, entry, a_label(entry, 0.0))
    known = teaching.taught(1)
    assert known.adjust(0.9, KEY).learned < 0.0  # type: ignore[union-attr]
    assert known.adjust(0.9, KEY._replace(model=LARGE)).learned == 0.0  # type: ignore[union-attr]


def test_what_was_learned_before_is_taken_out_of_the_prediction() -> None:
    entry = decided(candidates=[{"target": SMALL, "p_good": 0.7, "learned": -0.2}])
    outcome = outcome_of(entry, None)
    assert outcome is not None
    assert outcome.p_good == pytest.approx(0.9)
    assert outcome.risk == pytest.approx(0.3)


def test_calls_in_which_nothing_was_chosen_are_measured_in_no_group() -> None:
    teaching = a_teaching()
    for entry in (decided(bound=True), decided(LARGE, bound=True, verdict="kept")):
        teaching.finished(entry)
        say(teaching, entry, a_label(entry, 0.0))
    assert teaching.measured == {}
    evidence = teaching.evidence[ROUTE]  # one was answered by whom the route had chosen
    assert (evidence.routed["feedback"].labels, evidence.kept) == (1, {})


def test_a_route_that_only_watches_tells_what_it_would_save() -> None:
    costs = [
        {"target": LARGE, "expected_cost_picodollars": 10**12},
        {"target": SMALL, "expected_cost_picodollars": 10**11},
    ]
    teaching = a_teaching()
    for shadow in (SMALL, SMALL, LARGE):
        teaching.finished(decided(LARGE, verdict="kept", shadow=shadow, candidates=costs))
    unpriced = [costs[0], {**costs[1], "unpriced": True}]
    teaching.finished(decided(LARGE, verdict="kept", shadow=SMALL, candidates=unpriced))
    found = teaching.measured[ROUTE].watched
    assert (found.calls, found.elsewhere) == (3, 2)
    assert found.asked_usd == pytest.approx(3.0)
    assert found.chosen_usd == pytest.approx(1.2)


def test_many_who_judge_one_answer_are_one_bet_and_a_bounded_lesson() -> None:
    teaching, entry = a_teaching(), decided()
    say(teaching, entry, *(a_label(entry, 0.0, source=f"user{number}") for number in range(500)))
    assert teaching.evidence[ROUTE].routed["feedback"].labels == 1
    assert teaching.lessons == MOST_SOURCES
    say(teaching, entry, a_label(entry, 0.0, source="one"), a_label(entry, 1.0, source="one"))  # may change its mind
    assert teaching.lessons == MOST_SOURCES + 2


def test_a_source_that_changes_its_mind_is_heard_once() -> None:
    one, other, entry = a_teaching(), a_teaching(), decided()
    say(one, entry, a_label(entry, 0.0), a_label(entry, 1.0), a_label(entry, 1.0))
    say(other, entry, a_label(entry, 1.0))
    assert one.taught(1).adjust(0.9, KEY) == pytest.approx(other.taught(1).adjust(0.9, KEY))
    assert one.measured[ROUTE].routed.feedback == other.measured[ROUTE].routed.feedback
    assert one.evidence[ROUTE].routed["feedback"].labels == 1


def test_checks_teach_little_and_labels_teach_what_they_are_worth() -> None:
    weak, strong, entry = a_teaching(), a_teaching(), decided()
    say(weak, entry, a_label(entry, 0.0, "check", source="form", checks={"json": False, "answered": True}))
    say(strong, entry, a_label(entry, 0.0))
    weakly, strongly = (one.taught(1).adjust(0.9, KEY) for one in (weak, strong))
    assert strongly.learned < weakly.learned < 0.0  # type: ignore[union-attr]

    for _ in range(200):
        bad, good = decided(), decided()
        say(weak, bad, a_label(bad, 0.0, "check", source="form", checks={"json": False}), a_label(bad, 0.0))
        say(weak, good, a_label(good, 1.0, "check", source="form", checks={"json": True}), a_label(good, 1.0))
    assert weak._rates(["json"])["json"].catches > 0.9


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({}, (ROUTE, "routed")),
        ({"verdict": "kept"}, (ROUTE, "routed")),
        ({"control": True, "verdict": "kept"}, (ROUTE, "control")),
        ({"shadow": SMALL, "verdict": "kept"}, (ROUTE, "watched")),
        ({"bound": True}, (ROUTE, "bound")),
        ({"bound": True, "verdict": "kept"}, (ROUTE, None)),
        ({"candidates": [], "verdict": "kept"}, (ROUTE, None)),
        ({"verdict": "pinned"}, ("", None)),
        ({"route_id": None}, ("", None)),
    ],
)
def test_a_call_is_where_chance_has_put_it(changes: dict[str, Any], place: tuple[str, str | None]) -> None:
    assert place_of(decided(**changes)) == place


def test_a_model_that_turns_bad_breaks_the_promise_within_a_few_labels() -> None:
    teaching = a_teaching()
    for _ in range(60):
        for entry in (kept(), decided()):
            say(teaching, entry, a_label(entry, 1.0))
    assert teaching.taught(1).rolled_back == frozenset()
    needed = 0
    while not teaching.taught(1).rolled_back:
        entry = decided()
        say(teaching, entry, a_label(entry, 0.0))
        needed += 1
    assert needed <= 30
    assert teaching.taught(1).rolled_back == {ROUTE}


def test_a_roll_back_survives_and_a_reset_ends_it() -> None:
    teaching = a_teaching()
    stored: dict[Lesson, str] = {}
    for _ in range(40):
        entry = decided()
        say(teaching, entry, a_label(entry, 0.0, "shadow", source="judge", target=SMALL))
        stored |= teaching.take_changes()[0]
    again = a_teaching(stored)
    assert again.taught(1) == teaching.taught(1)
    assert again.taught(1).rolled_back == {ROUTE}
    again.reset(Reset(ROUTE, "2026-11-24T00:00:00Z"))
    changed, _ = again.take_changes()
    assert a_teaching({**stored, **changed}).taught(1).rolled_back == frozenset()


def test_comparisons_let_risk_bound_promise() -> None:
    teaching = a_teaching()
    for _ in range(100):
        entry = decided()
        say(teaching, entry, a_label(entry, 1.0, "shadow", source="judge", target=SMALL))
    threshold = teaching.taught(1).thresholds[ROUTE][SMALL]
    assert threshold.refused is None
    assert threshold.labels == 100


def test_a_route_that_is_not_configured_promises_nothing() -> None:
    teaching, entry = Teaching(), decided()
    for _ in range(100):
        say(teaching, entry, a_label(entry, 0.0, "shadow", target=SMALL))
    assert teaching.taught(1).rolled_back == frozenset()
    assert teaching.taught(1).thresholds == {}


def test_savings_are_measured_against_the_control_group() -> None:
    teaching = a_teaching()
    for _ in range(5):
        teaching.finished(kept())
        teaching.finished(decided())
        teaching.finished(decided(shadow=SMALL))
    measured = teaching.measured[ROUTE]
    assert (measured.control.calls, measured.routed.calls) == (5, 5)
    assert measured.saved is not None
    assert measured.saved.value == pytest.approx(0.0)


def test_only_what_changed_is_to_be_stored() -> None:
    teaching, entry = a_teaching(), decided()
    say(teaching, entry, a_label(entry, 1.0))
    assert {sort for sort, _ in teaching.take_changes()[0]} == {"cell", "evidence", "measured"}
    assert teaching.take_changes() == ({}, [])


def test_an_entry_without_a_decision_teaches_nothing_of_a_route() -> None:
    teaching, entry = a_teaching(), an_entry()
    say(teaching, entry, a_label(entry, 0.0))
    teaching.finished(entry)
    assert teaching.take_changes() == ({}, [])
