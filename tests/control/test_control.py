from __future__ import annotations

import os
import re
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dd0c_route.ledger import open_store
from dd0c_route.types import Delivery
from tests.control.place import WAIT_S, ControlProcess, FakeWorker
from tests.ledger.examples import an_entry, an_intent

GOOD = '[providers.local]\ndialect = "openai"\nbase_url = "http://127.0.0.1:9/v1"\n'


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: a socket's may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="dd0c-") as path:
        yield Path(path)


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., ControlProcess]]:
    started: list[ControlProcess] = []

    def start(**options: Any) -> ControlProcess:
        started.append(ControlProcess(folder, **options))
        return started[-1]

    yield start
    for control in started:
        if control.process.poll() is None:
            control.stop(signal.SIGKILL)


@pytest.fixture
def workers(folder: Path) -> Iterator[Callable[..., FakeWorker]]:
    started: list[FakeWorker] = []

    def worker(index: int, **answers: Any) -> FakeWorker:
        table = {f"/internal/{name}": answer for name, answer in answers.items()}
        started.append(FakeWorker(folder, index, table))
        return started[-1]

    yield worker
    for one in started:
        one.stop()


def test_a_settled_call_is_readable_within_a_second(start: Callable[..., ControlProcess]) -> None:
    control = start()
    journal, entry = control.journal(), an_entry(cost_picodollars=2**60)
    journal.intent(an_intent(entry.id))
    journal.settle(entry)
    settled = time.monotonic()
    control.eventually(lambda: control.get(f"/api/v1/requests/{entry.id}").status == 200)
    assert time.monotonic() - settled < 1
    listed = control.get("/api/v1/requests").json()
    assert listed == {"requests": [control.get(f"/api/v1/requests/{entry.id}").json()], "next": None}
    assert listed["requests"][0]["cost_picodollars"] == 2**60


def test_pages_follow_each_other_by_cursor(start: Callable[..., ControlProcess]) -> None:
    control = start()
    journal, entries = control.journal(), [an_entry() for _ in range(5)]
    for entry in entries:
        journal.settle(entry)
    control.eventually(lambda: len(control.get("/api/v1/requests").json()["requests"]) == 5)
    first = control.get("/api/v1/requests?limit=3").json()
    second = control.get(f"/api/v1/requests?limit=3&before={first['next']}").json()
    ids = [entry["id"] for entry in first["requests"] + second["requests"]]
    assert ids == [entry.id for entry in reversed(entries)]
    assert second["next"] is None
    assert control.get("/ui?before=" + ids[0]).body.count(b"/ui/requests/") == 4


def test_errors_are_json_and_name_the_fault(start: Callable[..., ControlProcess]) -> None:
    control = start()
    bad = control.get("/api/v1/requests?limit=many")
    assert (bad.status, bad.json()["param"]) == (400, "limit")
    assert control.get("/api/v1/requests/dd_none").json()["error"]["code"] == "not_found"
    assert control.get("/api/v1/nothing").status == 404
    assert control.get("/api/v1/requests/").status == 404  # and no way to a host that nobody knows
    wrong = control.get("/api/v1/requests", "DELETE")
    assert (wrong.status, wrong.json()["error"]["code"]) == (405, "method_not_allowed")


def test_connections_are_summed_over_the_workers_that_answer(
    start: Callable[..., ControlProcess], workers: Callable[..., FakeWorker]
) -> None:
    workers(0, connections=(200, {"acme": {"open": 2, "in_use": 1}}))
    workers(1, connections=(200, {"acme": {"open": 3, "in_use": 0}, "umbrella": {"open": 1, "in_use": 1}}))
    control = start(workers=3)
    assert control.get("/api/v1/connections").json() == {
        "acme": {"open": 5, "in_use": 1},
        "umbrella": {"open": 1, "in_use": 1},
    }


def test_a_worker_that_hangs_is_missing_and_not_waited_for(folder: Path, start: Callable[..., ControlProcess]) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(folder / "worker-0.sock"))
        silent.listen()
        control = start()
        asked = time.monotonic()
        assert control.get("/api/v1/connections").json() == {}
        assert b'dd0c_workers{state="missing"} 1.0' in control.get("/metrics").body
        assert time.monotonic() - asked < 5


def test_reload_reaches_every_worker(start: Callable[..., ControlProcess], workers: Callable[..., FakeWorker]) -> None:
    both = [workers(index, reload=(200, {"reloaded": True})) for index in range(2)]
    control = start(workers=2, config=GOOD)
    answer = control.get("/api/v1/reload", "POST")
    assert answer.status == 200
    assert answer.json()["reloaded"] is True
    assert re.fullmatch(r"[0-9a-f]+", answer.json()["version"])
    assert [worker.asked for worker in both] == [["POST /internal/reload"]] * 2


def test_a_faulty_configuration_reaches_no_worker(
    start: Callable[..., ControlProcess], workers: Callable[..., FakeWorker]
) -> None:
    worker = workers(0, reload=(200, {"reloaded": True}))
    control = start(config=GOOD)
    control.config.write_text(GOOD + 'colour = "red"\n')
    answer = control.get("/api/v1/reload", "POST")
    assert answer.status == 400
    assert "providers.local.colour" in answer.json()["faults"][0]
    assert worker.asked == []


def test_a_worker_that_refuses_is_named(
    start: Callable[..., ControlProcess], workers: Callable[..., FakeWorker]
) -> None:
    workers(0, reload=(200, {"reloaded": True}))
    workers(1, reload=(400, {"reloaded": False}))
    answer = start(workers=2, config=GOOD).get("/api/v1/reload", "POST")
    assert (answer.status, answer.json()["workers"]) == (502, [1])


def test_what_only_workers_find_out_is_a_fault_of_the_configuration_too(
    start: Callable[..., ControlProcess], workers: Callable[..., FakeWorker]
) -> None:
    for index in range(2):
        workers(index, reload=(400, {"reloaded": False, "faults": ["brain.file: own.brain is no predictor"]}))
    control = start(workers=2, config=GOOD)
    control.config.write_text(GOOD + '\n[[routes]]\ncandidates = ["local/a"]\n')
    answer = control.get("/api/v1/reload", "POST")
    assert (answer.status, answer.json()["faults"]) == (400, ["brain.file: own.brain is no predictor"])
    assert answer.json()["error"]["code"] == "invalid_config"
    assert control.get("/api/v1/routes").json() == {"routes": []}  # the old one is in force here too


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1:4747"}, 200),
        ({"origin": "http://127.0.0.1:4747", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://evil.example", "x-dd0c-caller": "key=1a2b3c4d"}, 200),  # no page was lured to know a key
        ({"origin": "https://shop.example", "x-forwarded-host": "shop.example"}, 403),  # a name made to point here
        ({"x-forwarded-host": "shop.example"}, 403),
        ({"origin": "http://127.0.0.1:4748"}, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://router.example:4747"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_no_page_of_somebody_else_can_reload(
    start: Callable[..., ControlProcess], workers: Callable[..., FakeWorker], headers: dict[str, str], status: int
) -> None:
    workers(0, reload=(200, {"reloaded": True}))
    assert start().get("/api/v1/reload", "POST", headers).status == status


def test_metrics_count_each_finished_entry_once(
    start: Callable[..., ControlProcess], workers: Callable[..., FakeWorker]
) -> None:
    workers(
        0,
        connections=(200, {"acme": {"open": 2, "in_use": 1}}),
        gauges=(
            200,
            {"in_flight": 3, "client_connections": 4, "journal_pending": 5, "journal_errors": 6, "journal_lost": 7},
        ),
    )
    control = start()
    journal, entries = control.journal(), [an_entry(decision={"verdict": "kept"}) for _ in range(3)]
    for entry in entries:
        journal.settle(entry)
        journal.deliver(Delivery(entry.id))
    control.eventually(lambda: b'dd0c_endings_total{end_state="complete"} 3.0' in control.get("/metrics").body)
    answer = control.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in (
        b'dd0c_upstream_connections{provider="acme",state="in_use"} 1.0',
        b"dd0c_requests_in_flight 3.0",
        b"dd0c_writer_queue_depth 5.0",
        b"dd0c_journal_errors_total 6.0",
        b"dd0c_journal_lost_records_total 7.0",
        b"dd0c_open_calls 0.0",
    ):
        assert line in answer.body


def test_a_restart_goes_on_where_the_last_one_was_killed(start: Callable[..., ControlProcess]) -> None:
    control = start()
    journal, first, second = control.journal(), an_entry(), an_entry()
    journal.settle(first)
    control.eventually(lambda: control.get(f"/api/v1/requests/{first.id}").status == 200)
    control.stop(signal.SIGKILL)
    journal.settle(second)
    control.start()
    control.eventually(lambda: control.get(f"/api/v1/requests/{second.id}").status == 200)
    assert len(control.get("/api/v1/requests").json()["requests"]) == 2


def test_a_ledger_that_is_deleted_under_it_ends_it_so_that_a_new_one_is_begun(
    start: Callable[..., ControlProcess],
) -> None:
    control = start()
    journal, entry = control.journal(), an_entry()
    for file in control.path.glob("dd0c.db*"):
        if file.is_file():
            file.unlink()
    journal.settle(entry)

    assert control.process.wait(WAIT_S) == 1
    control.start()
    control.eventually(lambda: control.get(f"/api/v1/requests/{entry.id}").status == 200)


def test_a_stop_stores_what_the_journals_hold_and_exits_with_0(start: Callable[..., ControlProcess]) -> None:
    control = start()
    journal, entries = control.journal(), [an_entry() for _ in range(500)]
    for entry in entries:
        journal.settle(entry)
        journal.deliver(Delivery(entry.id))
    journal.close()
    assert control.stop() == 0
    store = open_store(control.url)
    assert all(store.entry(entry.id) == entry for entry in entries)
    store.close()


def test_nobody_else_can_reach_the_socket_or_read_the_ledger(start: Callable[..., ControlProcess]) -> None:
    control = start()
    for name in ("control.sock", "dd0c.db", "dd0c.db.journal"):
        assert (control.path / name).stat().st_mode & 0o077 == 0


def test_a_ledger_that_cannot_be_opened_ends_it_with_1(folder: Path) -> None:
    (folder / "dd0c.db").mkdir()
    with pytest.raises(AssertionError, match="the control process ended"):
        ControlProcess(folder)


def test_a_hang_up_signal_does_not_end_it(start: Callable[..., ControlProcess]) -> None:
    control = start()
    os.kill(control.process.pid, signal.SIGHUP)
    assert control.answers()
