"""The store in one SQLite file: WAL, so that reading never waits for writing."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from dd0c_route import __version__
from dd0c_route.errors import StoreDeleted, StoreUnavailable, StoreUnsynced
from dd0c_route.ledger.sqlite_file import BUSY_S, statements, which
from dd0c_route.ledger.store import (
    EVERYTHING,
    Batch,
    Filter,
    Lesson,
    OpenCall,
    Page,
    Progress,
    Rewritten,
    Row,
    SessionTotals,
    Unpriced,
)
from dd0c_route.types import Audit, Entry, Label

_MAGIC = b"SQLite format 3\0"  # source: https://www.sqlite.org/fileformat2.html, 1.3.1
_UNSYNCED = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)
_SQL = statements("sqlite.sql")
_MIGRATIONS = Path(__file__).parent / "migrations"
_SIMPLE_CONDITIONS = ("since", "before", "provider", "model", "end_state", "session")

_entry_decoder = msgspec.json.Decoder(Entry)
_encoder = msgspec.json.Encoder()


class SqliteStore:
    """Entries in the file at *path*, made and brought to the current schema where needed.

    Raises:
        StoreUnavailable: The file cannot be opened, or is of a newer version.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reading = threading.local()  # a connection for each thread that reads
        self._connections: list[sqlite3.Connection] = []
        self._fd = -1
        with self._guarded():
            path.parent.mkdir(parents=True, exist_ok=True)
            # SQLite gives its other files the permissions of this one. Closed after all its connections: the kernel
            # drops the locks that a process has on a file with whichever descriptor of it is closed (fcntl(2)).
            self._fd = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
            self._writing = self._connect()
            self._writing.execute("PRAGMA journal_mode = WAL")
            # In WAL mode this loses no commit to a killed process; `harden` is for power losses.
            self._writing.execute("PRAGMA synchronous = NORMAL")
            self._migrate()
            self._writing.execute("PRAGMA user_version").fetchone()  # whoever reads has the log made
            self._files = self._which_files()

    def verify(self) -> None:
        # An open file goes on without its name: what is written then is seen by nobody, and gone with the process.
        if self._which_files() != self._files:
            raise StoreDeleted(f"the ledger {self._path} was deleted or replaced: the one that is there is opened anew")
        with self._guarded():
            if os.pread(self._fd, len(_MAGIC), 0) not in (_MAGIC, b""):
                raise StoreUnavailable(f"the ledger {self._path} was overwritten: move it away, and a new one is begun")

    def ingest(self, batch: Batch) -> None:
        self.verify()
        with self._guarded(), self._transaction() as sql:
            sql.executemany(_SQL["insert_entry"], [_columns(row) for row in batch.settled])
            sql.executemany(_SQL["update_entry"], [_columns(row) for row in batch.amended])
            sql.executemany(
                _SQL["insert_tag"],
                [(name, value, row.entry.id) for row in batch.settled for name, value in row.entry.tags.items()],
            )
            sql.executemany(_SQL["put_open_call"], [(call.id, call.run, call.intent) for call in batch.opened])
            sql.executemany(_SQL["delete_open_call"], [(call_id,) for call_id in batch.closed])
            sql.executemany(_SQL["put_position"], batch.positions.items())
            sql.executemany(_SQL["delete_position"], [(name,) for name in batch.forgotten])
            sql.executemany(
                _SQL["insert_unreadable"], [(bad.segment, bad.offset, bad.payload) for bad in batch.unreadable]
            )
            sql.executemany(_SQL["insert_audit"], [_audited(audit) for audit in batch.audits])
            sql.executemany(_SQL["put_lesson"], [(*of, __version__, state) for of, state in batch.learned.items()])
            sql.executemany(_SQL["delete_lesson"], batch.unlearned)
            sql.executemany(_SQL["put_label"], [_labelled(label) for label in batch.labels])
            sql.executemany(_SQL["put_taught"], [(*of, state) for of, state in batch.taught.items()])
            sql.executemany(_SQL["delete_taught"], batch.untaught)

    def harden(self) -> None:
        with self._guarded():
            self._writing.execute("PRAGMA wal_checkpoint(PASSIVE)")  # syncs the log before it copies from it

    def progress(self) -> Progress:
        with self._guarded():
            positions = dict(self._writing.execute(_SQL["positions"]).fetchall())
            calls = [OpenCall(*row) for row in self._writing.execute(_SQL["open_calls"])]
        return Progress(positions, calls)

    def learned(self) -> dict[Lesson, str]:
        with self._guarded():
            self._writing.execute(_SQL["delete_old_lessons"], (__version__,))
            rows = self._writing.execute(_SQL["lessons"], (__version__,)).fetchall()
        return {(sort, key): state for sort, key, state in rows}

    def taught(self) -> dict[Lesson, str]:
        with self._guarded():
            rows = self._writing.execute(_SQL["taught"]).fetchall()
        return {(sort, key): state for sort, key, state in rows}

    def labels(self, entry_id: str) -> tuple[Label, ...]:
        with self._guarded():
            return self._labels(entry_id)

    def entry(self, entry_id: str, *, confirmed: bool = False) -> Entry | None:
        sql = _SQL["entry"] + (_SQL["entries_confirmed"] if confirmed else "")
        with self._guarded():
            row = self._reader().execute(sql, {"id": entry_id}).fetchone()
            return self._entry(row) if row else None

    def entries(self, wanted: Filter = EVERYTHING) -> Page:
        sql, values = _query(wanted)
        with self._guarded():
            rows = self._reader().execute(sql, values).fetchall()
            entries = [self._entry(row) for row in rows[: wanted.limit]]
        return Page(entries, entries[-1].id if len(rows) > wanted.limit else None)

    def session(self, session: str) -> SessionTotals:
        with self._guarded():
            row = self._reader().execute(_SQL["session_totals"], {"session": session}).fetchone()
        return SessionTotals(*row)

    def rewrite(self, after: str, before: str | None, limit: int, change: Callable[[Entry], Entry | None]) -> Rewritten:
        values = {"after": after, "before": before, "limit": limit}
        with self._guarded(), self._transaction() as sql:
            entries = [_entry_decoder.decode(row[0]) for row in sql.execute(_SQL["entries_to_rewrite"], values)]
            changed = [new for old in entries if (new := change(old)) is not None]
            sql.executemany(
                _SQL["rewrite_entry"], [{"id": one.id, "entry": _encoder.encode(one).decode()} for one in changed]
            )
        return Rewritten(len(entries), entries[-1].id if entries else None)

    def unpriced(self, since: str, limit: int = 50) -> list[Unpriced]:
        with self._guarded():
            rows = self._reader().execute(_SQL["unpriced_models"], {"since": since, "limit": limit}).fetchall()
        return [Unpriced(*row) for row in rows]

    def _entry(self, row: tuple[Any, ...]) -> Entry:
        """The entry of a row, with its audit and its labels where there are some."""
        *audited, has_labels = row
        entry = _entry(tuple(audited))
        return msgspec.structs.replace(entry, feedback=self._labels(entry.id)) if has_labels else entry

    def _labels(self, entry_id: str) -> tuple[Label, ...]:
        return tuple(map(_label, self._reader().execute(_SQL["labels"], (entry_id,))))

    def close(self) -> None:
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _which_files(self) -> list[tuple[int, int] | None]:
        """Which files go by the names of the database and of its log."""
        return [which(self._path), which(self._path.with_name(self._path.name + "-wal"))]

    def _connect(self) -> sqlite3.Connection:
        # Each connection is used by one thread; only `close` comes from another.
        connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        self._connections.append(connection)
        return connection

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._reading, "connection", None)
        if connection is None:
            connection = self._reading.connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
        return connection

    def _migrate(self) -> None:
        files = sorted(_MIGRATIONS.glob("*.sqlite.sql"))
        if self._version() == len(files):
            return  # no write lock is needed to read a current file
        with self._transaction() as sql:
            version = self._version()
            if version > len(files):
                raise StoreUnavailable(
                    f"{self._path} is of a newer version (schema {version}, this program knows {len(files)}): "
                    "use the newer dd0c-route"
                )
            for file in files[version:]:
                for statement in file.read_text(encoding="utf-8").split(";\n"):
                    sql.execute(statement)
            sql.execute(f"PRAGMA user_version = {len(files)}")

    def _version(self) -> int:
        (version,) = self._writing.execute("PRAGMA user_version").fetchone()
        return int(version)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._writing.execute("BEGIN IMMEDIATE")
        try:
            yield self._writing
            self._writing.execute("COMMIT")
        finally:
            if self._writing.in_transaction:
                self._writing.execute("ROLLBACK")

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", None) in _UNSYNCED:
                raise StoreUnsynced(f"the disk did not keep the ledger {self._path} ({error})") from error
            raise StoreUnavailable(f"the ledger {self._path} cannot be used ({error})") from error


def _entry(row: tuple[Any, ...]) -> Entry:
    """The entry of a row, with its audit where there is one."""
    text, tokens, exactness, low, high, output_tokens = row
    entry = _entry_decoder.decode(text)
    if tokens is None:
        return entry
    return msgspec.structs.replace(
        entry,
        local_input_tokens=tokens,
        local_exactness=exactness,
        local_band=(low, high),
        local_output_tokens=output_tokens,
    )


def _audited(audit: Audit) -> tuple[Any, ...]:
    count, answer = audit.count, audit.answer
    return audit.id, count.tokens, count.exactness, *count.band, answer.tokens if answer is not None else None


def _labelled(label: Label) -> tuple[Any, ...]:
    checks = _encoder.encode(label.checks).decode() if label.checks else None
    return label.id, label.kind, label.source, label.score, label.at, label.target, label.comment, checks


def _label(row: tuple[Any, ...]) -> Label:
    score, source, kind, at, target, comment, checks = row
    return Label(score, source, kind, at, target, comment, msgspec.json.decode(checks) if checks else {})


def _columns(row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "id": entry.id,
        "at": entry.at,
        "provider": entry.provider,
        "requested_model": entry.requested_model,
        "served_model": entry.served_model,
        "end_state": entry.end_state,
        "session": entry.session,
        "entry": row.text,
    }


def _query(wanted: Filter) -> tuple[str, dict[str, Any]]:
    """The statement for *wanted* and its values; one entry more than asked for, to see whether more follow."""
    parts = [_SQL["entries"]]
    values: dict[str, Any] = {"limit": wanted.limit + 1}
    for name in _SIMPLE_CONDITIONS:
        if (value := getattr(wanted, name)) is not None:
            parts.append(_SQL[f"entries_{name}"])
            values[name] = value
    if wanted.unpriced:
        parts.append(_SQL["entries_unpriced"])
    if wanted.confirmed:
        parts.append(_SQL["entries_confirmed"])
    for number, (name, value) in enumerate(wanted.tags):
        parts.append(_SQL["entries_tag" if value else "entries_tag_name"].replace("#", str(number)))
        values |= {f"name_{number}": name, f"value_{number}": value}
    return "".join([*parts, _SQL["entries_newest"]]), values
