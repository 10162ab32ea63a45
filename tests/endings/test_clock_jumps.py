"""The wall clock jumps while calls run: durations come from another clock, and every entry is there with its price."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.endings.caller import Caller, post
from tests.endings.faulty import CLOCK, Machine
from tests.endings.rest import Rest, said
from tests.stand import CHAT, Stand, until

PATH = "/v1/chat/completions"
HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
# Of summer and winter time UTC knows nothing; a second that is inserted or left out is a step like any other.
JUMPS = {
    "an hour on": HOUR, "an hour back": -HOUR, "a year on": YEAR, "a year back": -YEAR,
    "a second on": timedelta(seconds=1), "a second back": -timedelta(seconds=1),
}  # fmt: skip
SLACK = timedelta(minutes=10)  # of a slow machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def stand(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with machine.stand(tmp_path_factory.mktemp("stand")) as running:
        running.connections()
        yield running


def jump(machine: Machine, by: timedelta) -> None:
    machine.set(CLOCK, by // timedelta(microseconds=1) * 1000)


def stream(stand: Stand) -> Caller:
    caller = Caller(stand.port)
    caller.send(post(PATH, {**CHAT, "stream": True}, {"x-sim": "chunks=20; chunk_ms=10; ttft_ms=50"}))
    caller.read_until(lambda raw: b"data:" in raw)
    return caller


def durations(entry: dict[str, Any]) -> list[float]:
    """All times of an entry, in the order in which they must come, in ms; an entry is settled before its last write."""
    (attempt,) = entry["attempts"]
    return [0.0, attempt["started_ms"], attempt["first_byte_ms"], min(attempt["ended_ms"], entry["duration_ms"])]


@pytest.mark.parametrize("name", JUMPS)
def test_a_jump_in_mid_call_changes_no_duration_no_price_and_no_entry(
    stand: Stand, machine: Machine, name: str
) -> None:
    by, before = JUMPS[name], Rest.of(stand)
    price = stand.entry(stand.post(PATH, CHAT).id)["price"]
    try:
        with stream(stand) as running:
            jump(machine, by)
            began = datetime.now(UTC) + by
            after = [stand.post(PATH, CHAT) for _ in range(3)]
            running.read_answer()
            assert running.whole
        entries = [stand.entry(running.id), *(stand.entry(answer.id) for answer in after)]
        before.comes_back(stand)
        jump(machine, timedelta())
        entries.append(stand.entry(stand.post(PATH, CHAT).id))
    finally:
        jump(machine, timedelta())

    for entry in entries:
        times = durations(entry)
        assert times == sorted(times), "no duration is negative"
        assert entry["duration_ms"] < SLACK / timedelta(milliseconds=1)
        assert 0 <= entry["ttft_ms"] <= entry["duration_ms"]
        assert 0 <= entry["overhead_ms"] <= entry["duration_ms"]
        assert (entry["end_state"], entry["price"]) == ("complete", price)
    for entry in entries[1:-1]:
        assert abs(datetime.fromisoformat(entry["at"]) - began) < SLACK, "an entry has the time that the clock showed"
    assert "Traceback" not in said(stand)


def test_calls_of_both_sides_of_a_jump_are_listed_once_each_by_the_time_that_they_have(
    stand: Stand, machine: Machine
) -> None:
    ids = []
    for by in (timedelta(), -HOUR, HOUR, timedelta()):
        jump(machine, by)
        ids += [stand.post(PATH, CHAT).id for _ in range(3)]
    listed = stand.confirmed(ids)

    assert set(ids) <= {entry["id"] for entry in listed}
    assert [entry["id"] for entry in listed] == sorted({entry["id"] for entry in listed}, reverse=True)
    assert [entry["at"][:19] for entry in listed] == sorted((entry["at"][:19] for entry in listed), reverse=True)


def test_a_deadline_does_not_wait_for_the_clock_to_catch_up(stand: Stand, machine: Machine) -> None:
    with Caller(stand.port) as caller:
        caller.send(post(PATH, CHAT, {"x-sim": "ttft_ms=60000"}))
        until(lambda: stand.connections()["sim"]["in_use"] == 1, "the call")
        jump(machine, -YEAR)
        try:
            caller.leave("fin")
            until(lambda: stand.connections()["sim"]["in_use"] == 0, "its end", 1.0)
            with Caller(stand.port) as slow:  # a head that does not end is given up after five seconds
                slow.send(b"GET /healthz HTTP/1.1\r\n")
                slow.read_until(lambda raw: False)
                assert slow.status == 408
        finally:
            jump(machine, timedelta())
