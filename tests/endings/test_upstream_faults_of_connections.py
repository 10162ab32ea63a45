"""Kept connections that the provider closes, and bytes behind an answer: nobody pays twice unseen or gets another's.

`DD0C_FAULTS` says how many calls of each kind (`make faults`: 10,000).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.endings.failing_wires import Faulty, faulty_stand
from tests.endings.faultd import Fin, Pause, Play, Rst
from tests.endings.forms import CHAT_JSON, CHAT_STREAM
from tests.endings.written import POISON, chunked
from tests.stand import until

CALLS = int(os.environ.get("DD0C_FAULTS", "500"))
AT_ONCE = 12


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    with faulty_stand(tmp_path_factory.mktemp("stand")) as running:
        yield running
        running.is_as_before()


@pytest.mark.parametrize("end", [Fin(), Rst()], ids=["fin", "rst"])
def test_a_provider_that_closes_kept_connections_costs_nobody_an_answer(faulty: Faulty, end: Fin | Rst) -> None:
    plays: list[Play] = [[chunked(CHAT_JSON), end], [chunked(CHAT_JSON), Pause(0.001), end], [chunked(CHAT_JSON)]]

    def ask(number: int) -> tuple[str, str]:
        caller, name = faulty.ask(CHAT_JSON, [plays[number % len(plays)]])
        assert (caller.status, caller.whole, caller.body) == (200, True, CHAT_JSON.body), bytes(caller.raw)
        return caller.id, name

    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = list(pool.map(ask, range(CALLS)))

    ids = {id for id, _ in asked}
    entries = [entry for entry in faulty.stand.confirmed(ids) if entry["id"] in ids]
    errors = Counter(attempt["error"] for entry in entries for attempt in entry["attempts"])
    heard = sum(faulty.faultd.calls(name) for _, name in asked)
    lost = errors["upstream_stale_connection"]
    print(f"\n{CALLS} races: 0 errors, {lost} retries, {heard} calls at the provider, {sum(errors.values())} attempts")
    assert len(entries) == CALLS
    assert {entry["end_state"] for entry in entries} == {"complete"}
    assert set(errors) <= {None, "upstream_stale_connection"}
    assert CALLS <= heard <= sum(errors.values()) == CALLS + lost  # none without its attempt


@pytest.mark.parametrize("end", [Fin(), Rst()], ids=["fin", "rst"])
def test_a_kept_connection_that_closes_as_the_request_arrives_is_tried_again_once(
    faulty: Faulty, end: Fin | Rst
) -> None:
    count = CALLS // 5
    for _ in range(count):
        faulty.ask(CHAT_JSON, [[chunked(CHAT_JSON)]])  # leaves a connection behind
        caller, name = faulty.ask(CHAT_JSON, [[end], [chunked(CHAT_JSON)]])
        assert (caller.status, caller.whole, caller.body) == (200, True, CHAT_JSON.body), bytes(caller.raw)
        tries = [(attempt["status"], attempt["error"]) for attempt in faulty.entry(caller)["attempts"]]
        assert tries == [(None, "upstream_stale_connection"), (200, None)]
        assert faulty.faultd.calls(name) == len(tries)  # the provider may have worked twice, and the entry says so
    print(f"\n{count} requests into closing connections: 0 errors, {count} retries, all of them in the entries")


@pytest.mark.parametrize(
    "behind",
    [[POISON], [b"\r\n"], [POISON, Fin()], [POISON, Rst()]],
    ids=["bytes", "a line", "and fin", "and rst"],
)
def test_what_comes_together_with_an_answer_is_nobodys_answer(faulty: Faulty, behind: Play) -> None:
    def ask(number: int) -> None:
        form = (CHAT_JSON, CHAT_STREAM)[number % 2]
        caller, _ = faulty.ask(form, [[chunked(form) + b"".join(behind[:1]), *behind[1:]]])  # type: ignore[arg-type]  # the first is bytes
        assert (caller.status, caller.whole, caller.body) == (200, True, form.body), bytes(caller.raw)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(ask, range(CALLS // 5)))
    print(f"\n{CALLS // 5} poisoned answers: 0 bytes of another call")


def test_what_comes_behind_an_answer_closes_the_connection_before_the_next_call(faulty: Faulty) -> None:
    count = CALLS // 25
    for _ in range(count):
        caller, _ = faulty.ask(CHAT_JSON, [[chunked(CHAT_JSON), Pause(0.002), POISON]])
        assert (caller.status, caller.body) == (200, CHAT_JSON.body)
        until(lambda: faulty.faultd.open == 0, "the end of the poisoned connection")
        caller, name = faulty.ask(CHAT_JSON, [[chunked(CHAT_JSON)]])
        assert (caller.status, caller.body) == (200, CHAT_JSON.body)
        assert faulty.faultd.calls(name) == 1
        faulty.ask(CHAT_JSON, [[chunked(CHAT_JSON, b"connection: close"), Fin()]])
    print(f"\n{count} answers poisoned later: 0 bytes of another call")


def test_kept_connections_are_as_many_as_the_provider_sees(faulty: Faulty) -> None:
    faulty.is_as_before()
