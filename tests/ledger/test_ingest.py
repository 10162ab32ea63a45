from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dd0c_route.clock import SystemClock
from dd0c_route.errors import StoreUnavailable
from dd0c_route.ledger.ingest import Ingest
from dd0c_route.ledger.journal import Journal
from dd0c_route.ledger.records import DELIVER, INTENT, SETTLE, frame_into
from dd0c_route.ledger.sqlite import SqliteStore
from dd0c_route.types import Delivery, Entry
from tests.ledger.examples import an_audit, an_entry, an_intent

RUN = "0-01MCC5TEFYFA10QGQRYV1W03DY"


class Place:
    """A journal directory, its store, and what the reader said of finished entries."""

    def __init__(self, path: Path) -> None:
        self.journals = path / "dd0c.db.journal"
        self.store = SqliteStore(path / "dd0c.db")
        self.finished: list[Entry] = []
        self.ingest = Ingest(self.journals, self.store, self.finished.extend)

    def writer(self, worker: int = 0, **options: Any) -> Journal:
        return Journal(self.journals, worker, SystemClock(), **options)

    def close(self) -> None:
        self.ingest.close()
        self.store.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def framed(kind: bytes, value: msgspec.Struct) -> bytes:
    frame = bytearray()
    frame_into(frame, kind, value)
    return bytes(frame)


def test_a_settled_call_is_readable_before_its_delivery_is_known(place: Place) -> None:
    journal, entry = place.writer(), an_entry()
    journal.intent(an_intent(entry.id))
    assert place.ingest.step() == 1
    assert place.store.entry(entry.id) is None
    journal.settle(entry)
    place.ingest.step()
    assert place.store.entry(entry.id) == entry
    assert place.finished == []
    journal.deliver(Delivery(entry.id))
    place.ingest.step()
    assert place.finished == [entry]
    assert place.ingest.open_calls == 0


@pytest.mark.parametrize("together", [True, False])
def test_a_delivery_changes_the_entry_and_its_columns(place: Place, together: bool) -> None:
    journal, entry = place.writer(), an_entry()
    journal.settle(entry)
    if not together:
        place.ingest.step()
    changes = {"end_state": "client_gone", "delivered_bytes": 7, "usage": {"input": 1000, "output": 5}}
    journal.deliver(Delivery(entry.id, changes))
    place.ingest.step()
    expected = msgspec.convert({**msgspec.to_builtins(entry), **changes}, Entry)
    assert place.store.entry(entry.id) == expected
    assert place.finished == [expected]
    with SqliteColumns(place) as columns:
        assert columns("SELECT end_state FROM entries") == [("client_gone",)]
        assert columns("SELECT count(*) FROM open_calls") == [(0,)]


def test_an_intent_without_a_settlement_is_settled_when_its_writer_is_gone(place: Place) -> None:
    journal, intent = place.writer(), an_intent()
    journal.intent(intent)
    place.ingest.step()
    place.ingest.step()
    assert place.store.entry(intent.id) is None
    journal.close()
    place.ingest.step()
    entry = place.store.entry(intent.id)
    assert entry is not None
    assert (entry.end_state, entry.error, entry.status) == ("internal", "worker_lost", 0)
    assert (entry.usage_source, entry.cost_picodollars) == ("none", None)
    assert (entry.at, entry.tags, entry.session) == (intent.at, intent.tags, intent.session)
    assert place.finished == [entry]
    place.ingest.step()
    assert place.finished == [entry]


@pytest.mark.parametrize(("error", "expected"), [(None, "delivery_unconfirmed"), ("upstream_cut", "upstream_cut")])
def test_a_delivery_that_never_came_is_said(place: Place, error: str | None, expected: str) -> None:
    journal, entry = place.writer(), an_entry(error=error)
    journal.settle(entry)
    place.ingest.step()
    journal.close()
    place.ingest.step()
    stored = place.store.entry(entry.id)
    assert stored == msgspec.structs.replace(entry, error=expected)
    assert place.finished == [stored]


def test_calls_go_on_over_the_end_of_a_segment(place: Place) -> None:
    journal, entries = place.writer(segment_bytes=1), [an_entry() for _ in range(5)]
    for entry in entries:
        journal.intent(an_intent(entry.id))
    place.ingest.step()
    for entry in entries:
        journal.settle(entry)
    place.ingest.step()
    for entry in entries:
        journal.deliver(Delivery(entry.id))
    place.ingest.step()
    assert place.finished == entries
    assert len(list(place.journals.glob("*.log"))) == 1


def test_a_segment_is_deleted_when_it_is_stored_and_let_go(place: Place) -> None:
    journal = place.writer()
    journal.settle(an_entry())
    place.ingest.step()
    assert len(list(place.journals.glob("*.log"))) == 1
    journal.close()
    place.ingest.step()
    assert list(place.journals.glob("*.log")) == []
    place.ingest.step()
    assert place.store.progress().positions == {}


def test_every_byte_may_be_the_last_for_now(place: Place) -> None:
    entry, orphan = an_entry(), an_intent()
    delivery = Delivery(entry.id, {"delivered_bytes": 1})
    parts = [
        framed(INTENT, an_intent(entry.id)),
        framed(INTENT, orphan),
        framed(SETTLE, entry),
        framed(DELIVER, delivery),
    ]
    data = b"".join(parts)
    place.journals.mkdir()
    with (place.journals / f"{RUN}-000000.log").open("wb", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for position in range(len(data)):
            settled = position >= len(data) - len(parts[3])
            assert (place.store.entry(entry.id) is not None) == settled
            file.write(data[position : position + 1])
            place.ingest.step()
    place.ingest.step()
    assert [found.id for found in place.finished] == [entry.id, orphan.id]
    assert place.ingest.faults.damaged_bytes == 0


@pytest.mark.parametrize("cut", range(0, 2400, 41))
def test_what_is_whole_before_a_torn_tail_counts(place: Place, cut: int) -> None:
    first, second = an_entry(), an_entry()
    parts = [
        framed(INTENT, an_intent(first.id)),
        framed(INTENT, an_intent(second.id)),
        framed(SETTLE, first),
        framed(SETTLE, second),
    ]
    data = b"".join(parts)[:cut]
    whole = sum(len(b"".join(parts[: n + 1])) <= cut for n in range(4))
    place.journals.mkdir()
    (place.journals / f"{RUN}-000000.log").write_bytes(data)
    place.ingest.step()
    errors = {found.id: found.error for found in place.finished}
    lost, unconfirmed = "worker_lost", "delivery_unconfirmed"
    expected = [{}, {0: lost}, {0: lost, 1: lost}, {0: unconfirmed, 1: lost}, {0: unconfirmed, 1: unconfirmed}][whole]
    assert errors == {(first, second)[n].id: error for n, error in expected.items()}
    assert place.ingest.faults.damaged_bytes == len(data) - len(b"".join(parts[:whole]))


def test_a_damaged_stretch_of_a_living_journal_is_passed_over_when_the_writer_moves_on(place: Place) -> None:
    journal, entries = place.writer(), [an_entry(), an_entry()]
    journal.settle(entries[0])
    (path,) = place.journals.glob("*.log")
    with path.open("r+b") as file:
        file.seek(40)
        file.write(b"\0")
    journal.settle(entries[1])
    place.ingest.step()
    assert place.store.entries().entries == []
    journal.close()
    place.ingest.step()
    assert [entry.id for entry in place.finished] == [entries[1].id]
    assert place.ingest.faults.damaged_bytes > 0


def test_a_record_of_another_version_is_kept_and_does_not_stop_the_others(place: Place) -> None:
    journal, entry = place.writer(), an_entry()
    journal.settle(an_entry(status="two hundred"))
    journal.settle(entry)
    journal.deliver(Delivery(entry.id, {"status": "two hundred"}))
    journal.close()
    place.ingest.step()
    assert [found.id for found in place.store.entries().entries] == [entry.id]
    assert place.finished[0].error == "delivery_unconfirmed"
    assert place.ingest.faults.unreadable == 2
    with SqliteColumns(place) as columns:
        assert columns("SELECT count(*) FROM unreadable") == [(2,)]


def test_a_delivery_of_nothing_is_counted(place: Place) -> None:
    journal = place.writer()
    journal.deliver(Delivery(an_entry().id, {"status": 1}))
    place.ingest.step()
    assert place.ingest.faults.unmatched == 1
    assert place.store.entries().entries == []


def test_a_backlog_longer_than_one_read_is_taken_in_pieces(place: Place) -> None:
    journal = place.writer()
    count = (3 << 20) // 1000
    for _ in range(count):
        journal.settle(an_entry())
    big = an_entry(reported_usage={"note": "x" * (2 << 20)})
    journal.settle(big)
    stop = threading.Event()
    stop.set()
    place.ingest.run(stop)
    assert place.ingest.behind_bytes == 0
    assert place.store.entry(big.id) == big
    with SqliteColumns(place) as columns:
        assert columns("SELECT count(*) FROM entries") == [(count + 1,)]


def test_a_backlog_of_many_segments_is_stored_in_bounded_batches(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dd0c_route.ledger.ingest.LOOK_RECORDS", 10)
    entries = [an_entry() for _ in range(40)]
    for worker in (0, 1):
        journal = place.writer(worker, segment_bytes=4000)
        for entry in entries[worker::2]:
            journal.settle(entry)
        journal.close()
    looks = []
    while records := place.ingest.step():
        looks.append(records)
    assert sum(looks) == 40
    assert max(looks) < 20
    assert {entry.id for entry in place.finished} == {entry.id for entry in entries}
    assert place.ingest.behind_bytes == 0


def test_only_one_reader_at_a_time(place: Place) -> None:
    journal, second = place.writer(), Ingest(place.journals, place.store, place.finished.extend)
    place.ingest.step()
    journal.settle(an_entry())
    assert second.step() == 0
    assert place.ingest.step() == 1
    place.ingest.close()
    journal.settle(an_entry())
    assert second.step() == 1
    second.close()


def test_entries_wait_while_the_store_is_away(place: Place, tmp_path: Path) -> None:
    journal, entry = place.writer(), an_entry()
    place.ingest.step()
    hogging = SqliteColumns(place)
    with hogging as columns:
        columns("BEGIN EXCLUSIVE")
        journal.intent(an_intent(entry.id))
        place.store._writing.execute("PRAGMA busy_timeout = 1")
        with pytest.raises(StoreUnavailable, match=r"dd0c\.db"):
            place.ingest.step()
        journal.settle(entry)
        with pytest.raises(StoreUnavailable):
            place.ingest.step()
    place.ingest.step()
    journal.deliver(Delivery(entry.id))
    place.ingest.step()
    assert place.finished == [entry]


def test_the_loop_stores_within_a_second_and_what_is_left_when_it_stops(place: Place) -> None:
    journal, stop, first, last = place.writer(), threading.Event(), an_entry(), an_entry()
    thread = threading.Thread(target=place.ingest.run, args=(stop,))
    thread.start()
    try:
        journal.settle(first)
        settled = time.monotonic()
        while place.store.entry(first.id) is None:
            assert time.monotonic() - settled < 1
            time.sleep(0.005)
        journal.settle(last)
    finally:
        stop.set()
        thread.join()
    assert place.store.entry(last.id) == last


def test_a_segment_that_cannot_be_read_holds_up_no_other(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    journal, entry = place.writer(), an_entry()
    (place.journals / "0-00000000000000000000000000-000000.log").mkdir()
    (place.journals / "9-99999999999999999999999999-000000.log").symlink_to("nothing")
    journal.settle(entry)

    for _ in range(2):
        place.ingest.step()

    assert place.store.entry(entry.id) == entry
    assert place.ingest.faults.failed_looks == 4
    assert capsys.readouterr().err.count("unreadable") == 2  # said once each


def test_a_store_that_is_away_is_told_once_and_how_far_behind_it_is(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    journal, stop = place.writer(), threading.Event()
    place.ingest.step()
    place.store._writing.execute("PRAGMA busy_timeout = 1")
    stop.set()
    with SqliteColumns(place) as columns:
        columns("BEGIN EXCLUSIVE")
        journal.settle(an_entry())
        for _ in range(2):
            place.ingest.run(stop)
        assert place.ingest.behind_bytes > 0
    place.ingest.run(stop)

    assert place.ingest.behind_bytes == 0
    said = capsys.readouterr().err
    assert (said.count("failing"), said.count("works again")) == (1, 1)


def test_it_waits_for_a_directory_that_it_may_not_make(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = SqliteStore(tmp_path / "dd0c.db")
    ingest = Ingest(tmp_path / "file" / "journal", store, lambda entries: None)
    stop = threading.Event()
    stop.set()
    ingest.run(stop)
    assert ingest.faults.failed_looks == 1
    store.close()


class SqliteColumns:
    """Looks into the file past the store."""

    def __init__(self, place: Place) -> None:
        self._path = place.journals.with_name("dd0c.db")

    def __enter__(self) -> Any:
        import sqlite3

        self._connection = sqlite3.connect(self._path, isolation_level=None)
        return lambda sql: self._connection.execute(sql).fetchall()

    def __exit__(self, *failure: object) -> None:
        self._connection.close()
        assert os.path.exists(self._path)


def test_an_audit_stands_in_its_entry_whichever_comes_first(place: Place) -> None:
    journal, early, late = place.writer(), an_entry(), an_entry()
    journal.audit(an_audit(early.id))
    place.ingest.step()
    journal.settle(early)
    journal.settle(late)
    place.ingest.step()
    journal.audit(an_audit(late.id, answer=None))
    place.ingest.step()
    found = [place.store.entry(entry.id) for entry in (early, late)]
    assert [entry and entry.local_input_tokens for entry in found] == [1170, 1170]
    assert [entry and entry.local_band for entry in found] == [(1000, 1500), (1000, 1500)]
    assert [entry and entry.local_output_tokens for entry in found] == [300, None]
    assert [entry.local_exactness for entry in place.store.entries().entries] == ["estimated", "estimated"]


def test_what_audits_teach_is_learned_once_whatever_ends_the_process(place: Place) -> None:
    journal = place.writer()
    for _ in range(5):
        journal.audit(an_audit())
    place.ingest.step()
    learned = place.ingest.learning.residuals.calibration()
    assert learned.shifts
    place.ingest.close()
    place.ingest = Ingest(place.journals, place.store, place.finished.extend)
    place.ingest.step()
    assert place.ingest.learning.residuals.calibration() == learned


def test_an_audit_that_could_not_be_stored_is_learned_with_the_next_look(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = place.writer()
    for _ in range(5):
        journal.audit(an_audit())
    with monkeypatch.context() as failing:
        failing.setattr(SqliteStore, "ingest", unavailable)
        with pytest.raises(StoreUnavailable):
            place.ingest.step()
    place.ingest.step()
    shifts = place.ingest.learning.residuals.calibration().shifts
    assert {shift.pairs for shift in shifts.values()} == {5}
    assert place.ingest.audits == 5


def unavailable(*_: object) -> None:
    raise StoreUnavailable("the disk is away")


def test_what_another_version_learned_is_forgotten(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = place.writer()
    for _ in range(5):
        journal.audit(an_audit())
    place.ingest.step()
    assert place.store.learned()
    monkeypatch.setattr("dd0c_route.ledger.sqlite.__version__", "another")
    assert place.store.learned() == {}
