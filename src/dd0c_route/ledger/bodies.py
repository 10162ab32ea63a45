"""What calls said and were answered, where storing that was switched on: in a file of its own, and for some days.

Beside the store and the journals, which hold no words of anybody: it can be deleted, left out of a backup or put on a
disk of its own without touching an entry. What comes here was redacted before; it is not encrypted.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from dd0c_route.errors import StoreUnavailable
from dd0c_route.ledger import database
from dd0c_route.ledger.sqlite_file import BUSY_S, statements, which
from dd0c_route.ledger.store import id_at

BATCH_ROWS = 200  # deleted at once: some 25 MB at the usual bound, and then others may write
_DAY_NS = 86_400 * 1_000_000_000
_FIRST, _BEHIND_ALL = "", "e"  # all ids begin with `dd_`

_SQL = statements("bodies.sql")


class Body(Struct, frozen=True):
    """One side of a call.

    Attributes:
        text: Without secrets; None where it is left out.
        bytes: Of the whole body, as it travelled.
        cut: *text* is only its beginning.
        form: `body`: as it travelled. `output`: of an answer in pieces, what its pieces say together, as JSON:
            a secret that is spread over many pieces can only be seen there.
        left_out: Why there is no text.
    """

    text: str | None
    bytes: int = 0
    cut: bool = False
    form: Literal["body", "output"] = "body"
    left_out: str | None = None


class Bodies(Struct, frozen=True):
    """Both sides of the call *id*: the request as the provider got it, the answer as the client did."""

    id: str
    key_id: str | None
    request: Body
    answer: Body


def bodies_file(url: str, base: Path = Path()) -> Path:
    """Where the bodies of the ledger at *url* are kept: `<database>.bodies` beside it.

    Raises:
        ConfigError: No store goes by such an address.
    """
    path = database(url, base)
    return path.with_name(path.name + ".bodies")


class BodyStore:
    """Bodies in the SQLite file at *path*, made (0600) with the first that is put in. Its connection is made anew for
    each use by whoever only reads now and then: `with closing(BodyStore(path)) as store`. One thread at a time.

    Raises (all methods):
        StoreUnavailable: The file cannot be used, or the disk is full.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._sql: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def put(self, bodies: Sequence[Bodies]) -> None:
        """Keep these, in one transaction."""
        rows = [(one.id, msgspec.json.encode(one)) for one in bodies]
        with self._used(make=True) as sql:
            assert sql is not None  # noqa: S101 - it was made
            sql.execute("BEGIN IMMEDIATE")
            sql.executemany(_SQL["put"], rows)
            sql.execute("COMMIT")

    def get(self, entry_id: str) -> Bodies | None:
        """What is kept of one call."""
        with self._used() as sql:
            row = sql.execute(_SQL["get"], (entry_id,)).fetchone() if sql is not None else None
            return msgspec.json.decode(row[0], type=Bodies) if row is not None else None

    def forget(self, entry_ids: Sequence[str]) -> int:
        """Delete what is kept of these calls; returns of how many there was something."""
        with self._used() as sql:
            if sql is None:
                return 0
            found = sum(sql.execute(_SQL["forget"], (one,)).rowcount for one in entry_ids)
            _shrink(sql)
        return found

    def forget_between(self, after: str = _FIRST, before: str = _BEHIND_ALL) -> int:
        """The same for calls by their time, as ids: from *after* on and before *before*."""
        total = 0
        while rows := self._forget_batch(after, before):
            total += rows
        return total

    def tidy(self, now_ns: int, days: float) -> int:
        """Delete one batch of what is older than so many days; returns how many. The file gives its pages back."""
        return self._forget_batch(_FIRST, id_at(max(0, now_ns - int(days * _DAY_NS))))

    def close(self) -> None:
        with self._lock:
            self._close()

    def _forget_batch(self, after: str, before: str) -> int:
        with self._used() as sql:
            if sql is None:
                return 0
            rows = sql.execute(_SQL["forget_between"], (after, before, BATCH_ROWS)).rowcount
            if rows:
                _shrink(sql)
            return rows

    @contextmanager
    def _used(self, *, make: bool = False) -> Iterator[sqlite3.Connection | None]:
        """The connection; None where there is no file and none is to be made."""
        with self._lock:
            try:
                if self._sql is not None and self._file != which(self._path):  # somebody deleted or replaced it
                    self._close()
                if self._sql is None and (make or self._path.exists()):
                    self._open()
                yield self._sql
            except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
                self._close()
                raise StoreUnavailable(f"the bodies in {self._path} cannot be used ({error})") from error

    def _open(self) -> None:
        # Not opened if it is there: the kernel drops a process's locks on a file with any descriptor of it (fcntl(2)).
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        sql = self._sql = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        sql.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before there is a table, or it does nothing
        sql.execute("PRAGMA journal_mode = WAL")
        sql.execute("PRAGMA synchronous = NORMAL")
        sql.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        sql.execute(_SQL["make"])
        self._file = which(self._path)

    def _close(self) -> None:
        sql, self._sql = self._sql, None
        if sql is not None:
            sql.close()


@contextmanager
def opened(path: Path) -> Iterator[BodyStore]:
    """A store for one question."""
    with closing(BodyStore(path)) as store:
        yield store


def _shrink(sql: sqlite3.Connection) -> None:
    """Give free pages back to the system, in the log, too: deleted words must not stay there."""
    sql.executescript("PRAGMA incremental_vacuum")  # `execute` takes one step of it, which frees one page
    sql.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
