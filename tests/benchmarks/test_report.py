from __future__ import annotations

from benchmarks.report import Results, Sample, percentiles, spread, tables

OPEN = ("open", 500, False)


def sample(target: str, number: int, p99: float, invalid: str = "") -> Sample:
    return Sample("open", 500, False, target, number, {"p50": 1.0, "p99": p99}, invalid)


def results(*samples: Sample) -> Results:
    found = Results()
    found.samples += samples
    return found


def test_percentiles_are_in_microseconds_and_hit_a_measured_value() -> None:
    assert percentiles([1000 * n for n in range(1, 102)], "x_") == {
        "x_p50": 51.0,
        "x_p90": 91.0,
        "x_p99": 100.0,
        "x_p99.9": 101.0,
    }
    assert percentiles([], "x_") == {}


def test_what_is_added_is_the_difference_to_the_direct_way_of_the_same_round() -> None:
    found = results(
        sample("direct", 0, 100), sample("router", 0, 150), sample("direct", 1, 1000), sample("router", 1, 1070)
    )
    added = found.added(OPEN, "router", "p99")
    assert added is not None
    assert (added.low, added.middle, added.high) == (50, 60, 70)


def test_an_invalid_window_counts_nowhere_and_is_listed() -> None:
    found = results(sample("direct", 0, 100), sample("router", 0, 1, "3 x status 502"), sample("router", 1, 7))
    figure = found.figure(OPEN, "router", "p99")
    assert figure is not None
    assert (figure.middle, figure.rounds) == (7, 1)
    assert found.added(OPEN, "router", "p99") is None
    assert "open 500, router, round 0: 3 x status 502" in tables(found)


def test_a_row_without_any_valid_window_is_named() -> None:
    found = results(sample("direct", 0, 1), sample("router", 0, 1, "no answer"))
    assert found.without_valid_window() == [("open", 500, "router")]


def test_nothing_measured_has_no_spread() -> None:
    assert spread([]) is None
