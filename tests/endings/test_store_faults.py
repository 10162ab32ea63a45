"""The ledger's database locked, deleted, replaced or damaged while calls run: no call notices, and no entry is lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.endings.rest import CONTROL, Rest, said
from tests.stand import CHAT, Stand, until

PATH = "/v1/chat/completions"


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with Stand(tmp_path) as running:
        running.connections()  # the control process is there, too
        yield running


def database(stand: Stand) -> Path:
    return stand.folder / "dd0c.db"


def calls(stand: Stand, count: int = 5) -> list[str]:
    """So many calls, all of which are answered; their ids."""
    answers = [stand.post(PATH, CHAT) for _ in range(count)]
    assert {answer.status for answer in answers} == {200}
    return [answer.id for answer in answers]


def stored(stand: Stand, ids: list[str]) -> None:
    """Each of them has its entry, and only one."""
    for each in ids:
        assert stand.entry(each)["end_state"] == "complete"
    found = [entry["id"] for entry in stand.confirmed(ids)]
    assert sorted(found) == sorted(set(found))
    assert set(ids) <= set(found)


def test_a_database_that_another_process_has_locked_holds_up_no_call_and_no_reader(stand: Stand) -> None:
    before, ids = Rest.of(stand), calls(stand)
    stored(stand, ids)
    other = sqlite3.connect(database(stand), isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    waiting = calls(stand)
    until(lambda: "ledger_failing" in said(stand), "the word that it is locked")
    waiting += calls(stand)

    assert len(stand.get("/api/v1/requests").json()["requests"]) == len(ids)
    assert stand.get("/readyz").status == 200
    assert stand.gauge("dd0c_journal_backlog_bytes") > 0

    other.execute("ROLLBACK")
    other.close()
    stored(stand, ids + waiting)
    assert "ledger_works_again" in said(stand)
    assert "locked" in said(stand)
    before.comes_back(stand)


def delete(path: Path) -> None:
    for part in path.parent.glob(path.name + "*"):
        if part.is_file():
            part.unlink()


def replace(path: Path) -> None:
    """By one without entries, made elsewhere, as somebody does who restores a backup."""
    new = path.with_name("new.db")
    shutil.copyfile(path.with_name("empty.db"), new)
    new.replace(path)


def lose_the_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


@pytest.mark.parametrize("harm", [delete, replace, lose_the_log])
def test_what_is_called_after_the_database_was_taken_away_stands_in_the_one_that_is_there(
    stand: Stand, harm: Callable[[Path], None]
) -> None:
    empty = sqlite3.connect(database(stand))
    empty.execute("VACUUM INTO ?", (str(stand.folder / "empty.db"),))
    empty.close()
    earlier = calls(stand)
    stored(stand, earlier)
    before = Rest.of(stand)

    harm(database(stand))
    ids = calls(stand)
    stored(stand, ids)
    ids += calls(stand)
    stored(stand, ids)

    reader = sqlite3.connect(database(stand))
    in_file = {row[0] for row in reader.execute("SELECT id FROM entries")}
    reader.close()
    assert set(ids) <= in_file, "what the API shows is in the file that is there"
    assert "ledger_deleted" in said(stand)
    before.comes_back(stand)


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"this is no database any more".ljust(4096, b"!"))


def overwrite_all(path: Path) -> None:
    """Every page and the log."""
    for part in (path, path.with_name(path.name + "-wal")):
        part.write_bytes(b"\xa5" * max(4096, part.stat().st_size))


def make_a_directory(path: Path) -> None:
    delete(path)
    path.mkdir()


@pytest.mark.parametrize("harm", [overwrite, overwrite_all, make_a_directory])
def test_a_database_that_is_none_stops_no_call_and_once_it_is_moved_away_nothing_is_missing(
    stand: Stand, harm: Callable[[Path], None]
) -> None:
    stored(stand, calls(stand))
    before = Rest.of(stand)
    harm(database(stand))
    (control,) = stand.children(CONTROL)
    ids = calls(stand)
    until(lambda: "ledger_failing" in said(stand) or "control_failed" in said(stand), "the word that it is damaged")
    ids += calls(stand)
    assert stand.get("/readyz").status == 200

    for part in stand.folder.glob("dd0c.db*"):
        if not part.name.endswith(".journal"):
            part.rename(part.with_name("damaged-" + part.name))
    ids += calls(stand)
    stored(stand, ids)
    assert control
    before.comes_back(stand)
