from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from dd0c_route.clock import SystemClock
from dd0c_route.errors import JournalError
from dd0c_route.ledger import journal as journal_module
from dd0c_route.ledger.journal import Journal
from dd0c_route.ledger.records import DELIVER, INTENT, SETTLE, scan
from dd0c_route.ledger.segments import list_runs, read
from dd0c_route.types import Delivery, Entry, Intent
from tests.ledger.examples import an_entry, an_intent


def kinds(directory: Path) -> list[bytes]:
    data = b"".join(path.read_bytes() for path in sorted(directory.glob("*.log")))
    return [record.kind for record in scan(data, complete=True).records]


class FullDisk:
    """Stands in for `os.write`: takes *room* bytes, then refuses."""

    def __init__(self, room: int, number: int = errno.ENOSPC) -> None:
        self.room = room
        self.number = number
        self._write = os.write

    def __call__(self, fd: int, data: bytes) -> int:
        if not self.room:
            raise OSError(self.number, os.strerror(self.number))
        written = self._write(fd, bytes(data)[: self.room])
        self.room -= written
        return written


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    intent, entry = an_intent(), an_entry()
    delivery = Delivery(entry.id, {"delivered_bytes": 7})
    journal = Journal(tmp_path, 0, SystemClock())
    journal.intent(intent)
    journal.settle(entry)
    journal.deliver(delivery)

    (path,) = tmp_path.glob("0-*.log")
    found = scan(path.read_bytes(), complete=False)
    assert [record.kind for record in found.records] == [INTENT, SETTLE, DELIVER]
    payloads = [record.payload for record in found.records]
    assert msgspec.json.decode(payloads[0], type=Intent) == intent
    assert msgspec.json.decode(payloads[1], type=Entry) == entry
    assert msgspec.json.decode(payloads[2], type=Delivery) == delivery
    journal.close()


def test_only_the_owner_reads_the_journal(tmp_path: Path) -> None:
    Journal(tmp_path / "j", 0, SystemClock()).close()
    assert (tmp_path / "j").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "j").iterdir())


def test_some_segment_is_locked_as_long_as_the_writer_lives(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 0, SystemClock(), segment_bytes=1)
    for _ in range(3):
        journal.settle(an_entry())
        newest = max(tmp_path.glob("*.log"))
        with newest.open("rb") as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    assert len(list(tmp_path.glob("*.log"))) == 3
    journal.close()
    with newest.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("room", [0, 1, 13, 200])
def test_an_intent_that_cannot_be_written_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, number: int
) -> None:
    journal = Journal(tmp_path, 0, SystemClock())
    monkeypatch.setattr(os, "write", FullDisk(room, number))
    with pytest.raises(JournalError, match=r"cannot be written .* free space"):
        journal.intent(an_intent())
    assert journal.errors == 1
    monkeypatch.undo()
    journal.settle(an_entry())
    assert kinds(tmp_path) == [SETTLE]


def test_a_disk_that_refuses_is_told_once_and_so_is_its_recovery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = Journal(tmp_path, 0, SystemClock())
    assert journal.works()
    monkeypatch.setattr(os, "write", FullDisk(0))
    for _ in range(3):
        with pytest.raises(JournalError):
            journal.intent(an_intent())
        journal.settle(an_entry())
        assert not journal.works()
    monkeypatch.undo()

    assert journal.works()
    assert kinds(tmp_path) == [SETTLE] * 3
    said = capsys.readouterr().err
    assert (said.count("failing"), said.count("works again")) == (1, 1)


def test_a_journal_that_was_deleted_is_made_anew_at_the_next_look(tmp_path: Path) -> None:
    journals = tmp_path / "journals"
    journal = Journal(journals, 0, SystemClock())
    shutil.rmtree(journals)

    assert journal.works()
    journal.settle(an_entry())
    assert kinds(journals) == [SETTLE]


@pytest.mark.parametrize("room", [0, 1, 13, 200])
def test_a_settlement_waits_in_memory_and_is_written_before_the_next_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    journal = Journal(tmp_path, 0, SystemClock())
    monkeypatch.setattr(os, "write", FullDisk(room))
    entry = an_entry()
    journal.settle(entry)
    journal.deliver(Delivery(entry.id))
    with pytest.raises(JournalError):
        journal.intent(an_intent())
    assert journal.pending == 2

    monkeypatch.undo()
    journal.intent(an_intent())
    assert journal.pending == 0
    assert kinds(tmp_path) == [SETTLE, DELIVER, INTENT]


def test_a_short_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data)[:7]))
    journal = Journal(tmp_path, 0, SystemClock())
    journal.intent(an_intent())
    journal.settle(an_entry())
    assert kinds(tmp_path) == [INTENT, SETTLE]


def test_a_tail_that_cannot_be_cut_off_stays_in_a_segment_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int, length: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    journal = Journal(tmp_path, 0, SystemClock())
    journal.intent(an_intent())
    monkeypatch.setattr(os, "write", FullDisk(20))
    monkeypatch.setattr(os, "ftruncate", refuse)
    journal.settle(an_entry())
    monkeypatch.undo()
    journal.deliver(Delivery(an_intent().id))
    first, second = sorted(tmp_path.glob("*.log"))
    assert scan(first.read_bytes(), complete=True).skipped == 20
    assert [record.kind for record in scan(second.read_bytes(), complete=True).records] == [SETTLE, DELIVER]


def test_records_given_up_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MAX_PENDING", 2)
    journal = Journal(tmp_path, 0, SystemClock())
    monkeypatch.setattr(os, "write", FullDisk(0))
    for _ in range(3):
        journal.settle(an_entry())
    assert (journal.pending, journal.lost) == (2, 1)
    journal.close()
    assert journal.lost == 3


def test_a_settlement_too_long_to_store_keeps_its_figures(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 0, SystemClock())
    with pytest.raises(JournalError):
        journal.intent(an_intent(session="x" * (9 << 20)))
    entry = an_entry(reported_usage={"note": "x" * (9 << 20)})
    journal.settle(entry)
    (path,) = tmp_path.glob("*.log")
    (record,) = scan(path.read_bytes(), complete=True).records
    assert msgspec.json.decode(record.payload, type=Entry) == msgspec.structs.replace(
        entry, reported_usage=None, tags={}
    )


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="file/j"):
        Journal(tmp_path / "file" / "j", 0, SystemClock())


def test_a_segment_deleted_before_it_was_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = fcntl.flock, []

    def flock(fd: int, how: int) -> None:
        calls.append(how)
        if len(calls) == 1:
            for path in tmp_path.iterdir():
                path.unlink()
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    journal = Journal(tmp_path, 0, SystemClock())
    journal.settle(an_entry())
    assert kinds(tmp_path) == [SETTLE]


def test_a_write_that_fails_in_an_unusual_way_takes_no_earlier_record_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path, 0, SystemClock())
    write = os.write

    def failing(fault: type[BaseException], kept_bytes: int) -> Callable[[int, bytes], int]:
        def half(fd: int, data: bytes) -> int:
            write(fd, bytes(data)[:kept_bytes])
            raise fault("in the middle")

        return half

    journal.settle(an_entry("dd_1"))
    monkeypatch.setattr(os, "write", failing(MemoryError, 50))
    with pytest.raises(MemoryError):
        journal.settle(an_entry("dd_2"))
    monkeypatch.setattr(os, "write", write)
    journal.settle(an_entry("dd_3"))
    monkeypatch.setattr(os, "write", failing(OSError, 20))
    journal.settle(an_entry("dd_4"))
    monkeypatch.setattr(os, "write", write)
    assert journal.works()

    (segment,) = next(iter(list_runs(tmp_path).values()))
    journal.close()
    records = read(segment, 0).records
    assert [json.loads(record.payload)["id"] for record in records] == ["dd_1", "dd_3", "dd_4"]
