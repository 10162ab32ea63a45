from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.ledger.purses import DAY_NS, FILE, KEPT, Purses

DOLLAR = 10**12
HOUR_NS = DAY_NS // 24
CALLS = st.lists(
    st.tuples(st.floats(0, 12), st.integers(0, DOLLAR // 3), st.floats(0, 1)), max_size=60
)  # hours between two, what is expected, which share of that it costs


@given(CALLS)
def test_no_day_costs_more_than_its_budget(calls: list[tuple[float, int, float]]) -> None:
    purses, now_ns = Purses(), 1_800_000_000 * 10**9
    spent: list[tuple[int, int]] = []
    for hours, expected, share in calls:
        now_ns += round(hours * HOUR_NS)
        if purses.take("a", 1.0, expected, now_ns):
            cost = round(expected * share)
            purses.settle("a", 1.0, expected, cost, now_ns)
            spent.append((now_ns, cost))
        assert sum(cost for at_ns, cost in spent if at_ns > now_ns - DAY_NS) <= DOLLAR + len(spent)


def test_what_runs_at_once_shares_what_there_is() -> None:
    purses = Purses()
    taken = [purses.take("a", 1.0, DOLLAR // 10, 0) for _ in range(10)]
    assert sum(taken) == 2  # of a quarter of the day's budget
    purses.settle("a", 1.0, DOLLAR // 10, 0, 0)
    assert purses.take("a", 1.0, DOLLAR // 10, 0)
    assert purses.take("b", 1.0, DOLLAR // 10, 0)  # each route has its own


def test_a_debt_outlives_a_restart_and_a_new_budget(tmp_path: Path) -> None:
    Purses(tmp_path).take("a", 1.0, 1, 0)
    Purses(tmp_path).settle("a", 1.0, 1, 2 * DOLLAR, 0)
    assert not Purses(tmp_path).take("a", 1.0, 1, DAY_NS)
    assert not Purses(tmp_path).take("a", 1.5, 1, DAY_NS)
    assert Purses(tmp_path).take("a", 1.0, 1, 3 * DAY_NS)


def test_what_is_not_spent_does_not_add_up_and_a_clock_that_goes_back_brings_nothing(tmp_path: Path) -> None:
    purses = Purses(tmp_path)
    assert purses.take("a", 1.0, round(KEPT * DOLLAR), 9 * DAY_NS)
    for now_ns in (9 * DAY_NS, DAY_NS, DAY_NS):
        assert not purses.take("a", 1.0, 1000, now_ns)
    assert purses.take("a", 1.0, 1000, DAY_NS + HOUR_NS)


def test_no_hour_counts_twice_because_the_clock_went_back_for_a_while(tmp_path: Path) -> None:
    purses = Purses(tmp_path)
    assert purses.take("a", 1.0, round(KEPT * DOLLAR), 9 * DAY_NS)
    for _ in range(20):
        purses.settle("a", 1.0, 0, 0, 9 * DAY_NS - HOUR_NS)
        assert not purses.take("a", 1.0, 1000, 9 * DAY_NS)
    assert purses.take("a", 1.0, 1000, 9 * DAY_NS + HOUR_NS)


def test_of_many_routes_the_longest_unused_leave_and_nothing_is_left_of_them(tmp_path: Path) -> None:
    purses = Purses(tmp_path)
    for number in range(80):
        assert purses.take(f"route {number} {'x' * (100 - number)}", 1.0, 1, number)
    kept = msgspec.json.decode((tmp_path / FILE).read_bytes())
    assert [name.split()[1] for name in kept] == [str(number) for number in range(16, 80)]


def test_a_file_that_was_torn_or_cannot_be_written_pays_no_more_than_one_that_is_new(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"a":{"bal')
    assert not Purses(tmp_path).take("a", 1.0, DOLLAR, 0)
    assert Purses(tmp_path).take("a", 1.0, 1, 0)
    assert not Purses(tmp_path / "nowhere").take("a", 1.0, 1, 0)


def test_workers_share_one_purse(tmp_path: Path) -> None:
    def taken(_: int) -> int:
        purses = Purses(tmp_path)
        return sum(purses.take("a", 1.0, DOLLAR // 1000, 0) for _ in range(200))

    with ThreadPoolExecutor(3) as workers:  # a lock of a file is the opening's, not the process's
        assert sum(workers.map(taken, range(3))) == 250
