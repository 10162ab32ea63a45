from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.residuals import MEMORY, MOST_CELLS, PRIOR, Cell, Key, Residuals, Snapshot

SHARE = st.floats(0.0, 1.0)
KEY = Key("route", "acme/small", "main", "json")
LABELS = st.lists(st.tuples(SHARE, SHARE), max_size=30)


def taught(*labels: tuple[float, float], key: Key = KEY, weight: float = 1.0) -> Snapshot:
    residuals = Residuals()
    for p_good, score in labels:
        residuals.add(key, p_good, score, weight)
    return residuals.snapshot()


@given(SHARE)
def test_without_labels_a_prediction_stays_as_it_is(p_good: float) -> None:
    assert taught().adjust(p_good, KEY) == (p_good, 0.0, 0.0)


@given(LABELS, SHARE)
def test_a_corrected_prediction_is_a_probability(labels: list[tuple[float, float]], p_good: float) -> None:
    adjusted = taught(*labels).adjust(p_good, KEY)
    assert 0.0 <= adjusted.p_good <= 1.0
    assert adjusted.p_good == pytest.approx(p_good + adjusted.learned)
    assert adjusted.spread >= 0.0


@given(LABELS, SHARE, SHARE, SHARE, SHARE)
def test_a_better_score_never_lowers_a_prediction(
    labels: list[tuple[float, float]], said: float, one: float, other: float, p_good: float
) -> None:
    worse, better = sorted((one, other))
    low = taught(*labels, (said, worse)).adjust(p_good, KEY)
    high = taught(*labels, (said, better)).adjust(p_good, KEY)
    assert high.p_good >= low.p_good - 1e-12


@given(LABELS)
def test_within_memory_the_order_of_labels_does_not_matter(labels: list[tuple[float, float]]) -> None:
    backwards = taught(*reversed(labels)).adjust(0.5, KEY)
    assert backwards.p_good == pytest.approx(taught(*labels).adjust(0.5, KEY).p_good)


@given(LABELS)
def test_other_routes_and_models_learn_nothing_from_it(labels: list[tuple[float, float]]) -> None:
    known = taught(*labels)
    for other in (KEY._replace(route="another"), KEY._replace(model="acme/large")):
        assert known.adjust(0.7, other).learned == 0.0


def test_a_kind_without_labels_learns_what_the_model_does_elsewhere() -> None:
    known = taught(*[(0.9, 0.4)] * 40)
    elsewhere = known.adjust(0.9, KEY._replace(kind="title"))
    assert elsewhere.learned == pytest.approx(-0.5 * 40 / (PRIOR + 40))
    assert known.adjust(0.9, KEY).learned == pytest.approx(elsewhere.learned)  # every label counts once


def test_labels_of_another_kind_move_a_kind_with_its_own_less() -> None:
    residuals = Residuals()
    for _ in range(50):
        residuals.add(KEY, 0.8, 0.8)
        residuals.add(KEY._replace(kind="title"), 0.8, 0.2)
    known = residuals.snapshot()
    assert known.adjust(0.8, KEY).p_good > 0.65
    assert known.adjust(0.8, KEY._replace(kind="title")).p_good < 0.45


def test_what_is_always_off_is_corrected_more_the_surer_it_is() -> None:
    steps = [taught(*[(0.9, 0.5)] * count).adjust(0.9, KEY) for count in range(1, 100)]
    assert all(after.p_good < before.p_good for before, after in pairwise(steps))
    assert all(after.spread < before.spread for before, after in pairwise(steps))
    assert steps[-1].p_good == pytest.approx(0.5, abs=0.08)


def test_a_model_that_changed_is_known_by_its_latest_labels() -> None:
    known = taught(*[(0.8, 1.0)] * 1000, *[(0.8, 0.2)] * int(3 * MEMORY))
    assert known.adjust(0.8, KEY).p_good == pytest.approx(0.2, abs=0.1)
    assert all(cell.weight == pytest.approx(MEMORY) for cell in known.cells.values())


@given(SHARE, SHARE, SHARE)
def test_a_label_that_is_taken_back_leaves_what_the_new_one_teaches(said: float, one: float, other: float) -> None:
    residuals = Residuals()
    residuals.add(KEY, said, one)
    residuals.amend(KEY, one, other)
    assert residuals.snapshot().adjust(0.5, KEY).p_good == pytest.approx(taught((said, other)).adjust(0.5, KEY).p_good)


def test_a_weak_label_teaches_less_and_one_without_weight_nothing() -> None:
    full, weak = taught((0.9, 0.0)).adjust(0.9, KEY), taught((0.9, 0.0), weight=0.2).adjust(0.9, KEY)
    assert full.learned < weak.learned < 0.0
    assert taught((0.9, 0.0), weight=0.0).cells == {}


def test_the_longest_unused_cells_are_given_up() -> None:
    residuals = Residuals({f"old-{number}": Cell(1.0, 0.1) for number in range(MOST_CELLS)})
    residuals.add(KEY, 0.5, 1.0)
    assert residuals.take_dropped() == ["old-0", "old-1", "old-2"]
    assert residuals.take_dropped() == []
    assert len(residuals.snapshot().cells) == MOST_CELLS
