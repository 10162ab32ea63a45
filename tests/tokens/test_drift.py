from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.tokens import drift
from dd0c_route.tokens.drift import CALLS, SETTLED, Group, Watch
from dd0c_route.types import Count

MODEL = ("acme", "large", "text")


def estimated(tokens: int = 1000) -> Count:
    return Count(tokens, "estimated", (1, 10_000), "o200k_base")


def exact(tokens: int = 1000) -> Count:
    return Count(tokens, "exact", (tokens, tokens), "o200k_base")


def told(watch: Watch, count: Count, reported: int, times: int, start: int = 0) -> Group:
    group = None
    for number in range(times):
        _, group = watch.add(f"dd_{start + number:06}", count, reported, *MODEL)
    assert group is not None
    return group


def test_an_error_that_never_changes_is_no_drift() -> None:
    watch = Watch()
    told(watch, estimated(), 1300, 3 * CALLS)
    assert watch.alerts() == []


def test_an_error_that_moves_by_more_than_a_hundredth_is_told_once_it_is_the_usual_one() -> None:
    watch = Watch()
    told(watch, estimated(), 1000, CALLS)
    assert told(watch, estimated(), 1020, CALLS // 2, CALLS).state == "fits"
    moved = told(watch, estimated(), 1020, 1, 2 * CALLS)
    assert (moved.state, moved.calls) == ("moved", 1)
    assert [group.since for group in watch.alerts()] == [moved.since]
    assert told(watch, estimated(), 1020, 10, 3 * CALLS).since == moved.since


def test_a_change_within_what_is_usual_is_no_drift() -> None:
    watch = Watch()
    for number in range(CALLS):
        watch.add(f"dd_{number}", estimated(), 1000 + 8 * (number % 20), *MODEL)
    assert told(watch, estimated(), 1100, CALLS).state == "fits"


def test_drift_is_over_when_the_old_error_is_back() -> None:
    watch = Watch()
    told(watch, estimated(), 1000, CALLS)
    told(watch, estimated(), 1100, CALLS)
    assert watch.alerts()
    told(watch, estimated(), 1000, CALLS)
    assert watch.alerts() == []


def test_drift_is_over_when_it_is_what_is_usual_now() -> None:
    watch = Watch()
    told(watch, estimated(), 1000, CALLS)
    told(watch, estimated(), 1100, CALLS)
    assert told(watch, estimated(), 1100, SETTLED).state == "fits"
    assert watch.alerts() == []


def test_exact_counts_that_miss_are_told_until_they_hit_again() -> None:
    watch = Watch()
    told(watch, exact(), 1000, CALLS)
    assert told(watch, exact(), 1001, CALLS // 10).state == "fits"
    assert told(watch, exact(), 1001, 1).state == "not_exact"
    assert told(watch, exact(), 1001, 2 * SETTLED).state == "not_exact"
    assert told(watch, exact(), 1000, CALLS).state == "fits"


def test_exact_and_estimated_counts_of_a_model_are_watched_apart() -> None:
    watch = Watch()
    for _ in range(CALLS + 10):
        watch.add("dd_1", exact(), 1000, *MODEL)
        watch.add("dd_1", estimated(), 1500, *MODEL)
    assert len(watch.groups()) == 2
    assert not watch.alerts()


def test_fewer_calls_than_a_window_tell_nothing() -> None:
    watch = Watch()
    assert told(watch, exact(), 2000, CALLS - 1).state == "fits"


def test_memory_is_bounded() -> None:
    watch = Watch()
    for number in range(drift.MOST_GROUPS + 5):
        watch.add("dd_1", exact(), 1000, "acme", f"model-{number}", "text")
    assert len(watch.groups()) == drift.MOST_GROUPS
    assert len(watch.take_dropped()) == 5


@given(st.lists(st.tuples(st.integers(1, 5000), st.booleans()), max_size=150))
def test_what_is_kept_and_taken_up_again_goes_on_alike(calls: list[tuple[int, bool]]) -> None:
    watch = Watch()
    kept: dict[str, Group] = {}
    for number, (reported, is_exact) in enumerate(calls):
        key, group = watch.add(f"dd_{number}", exact() if is_exact else estimated(), reported, *MODEL)
        kept[key] = group
    assert sorted(Watch(kept).groups(), key=repr) == sorted(watch.groups(), key=repr)
