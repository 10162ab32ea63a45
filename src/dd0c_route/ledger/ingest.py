"""From the journals to the store: each settled call once, each orphaned intent once, from any moment of any crash."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from dd0c_route.errors import StoreUnavailable
from dd0c_route.ledger.records import DELIVER, INTENT, Record
from dd0c_route.ledger.segments import Segment, delete, list_runs, read
from dd0c_route.ledger.store import Batch, OpenCall, Row, Store, Unreadable
from dd0c_route.redact.log import log
from dd0c_route.types import Delivery, Entry, Intent

POLL_S = 0.05  # an entry is readable this long after its settlement, plus one commit
LOOK_RECORDS = 10_000  # then the look ends with the segment, so that a long backlog is stored in bounded batches
RETRY_S = 0.5  # between two tries while the store cannot be used

_intent_decoder = msgspec.json.Decoder(Intent)
_entry_decoder = msgspec.json.Decoder(Entry)
_delivery_decoder = msgspec.json.Decoder(Delivery)
_encoder = msgspec.json.Encoder()


class Faults(msgspec.Struct):
    """What went wrong since the start, for the metrics."""

    damaged_bytes: int = 0  # passed over in segments of writers that are gone
    unreadable: int = 0  # whole records that mean nothing to this version; kept in the store
    unmatched: int = 0  # deliveries of calls that were never settled
    failed_looks: int = 0  # the store or a journal could not be used; tried again, nothing is lost


class Ingest:
    """Read all journals of *directory* into *store*; one thread, one process at a time (the others wait).

    Args:
        finished: Told of entries that will not change any more, after they are stored; once each while this object
            lives.
    """

    def __init__(self, directory: Path, store: Store, finished: Callable[[list[Entry]], None]) -> None:
        self.faults = Faults()
        self.behind_bytes = 0  # journaled but not stored, as of the last look
        self._directory = directory
        self._store = store
        self._finished = finished
        self._lock_fd = -1
        self._loaded = False
        self._failing = False
        self._calls: dict[str, OpenCall] = {}
        self._positions: dict[str, int] = {}
        self._unreadable_runs: set[str] = set()

    @property
    def open_calls(self) -> int:
        """Calls of which a settlement or a delivery is still expected."""
        return len(self._calls)

    def run(self, stop: threading.Event) -> None:
        """Ingest until *stop* is set, then once more up to where the journals end at that moment."""
        while not stop.is_set():
            pause_s = 0.0 if self._try_step() and self.behind_bytes else POLL_S
            stop.wait(RETRY_S if self._failing else pause_s)
        while self._try_step() and self.behind_bytes:
            pass

    def step(self) -> int:
        """Look at every journal once; return the number of records that were stored.

        Raises:
            StoreUnavailable, OSError: Nothing of this look was stored; the next one begins where this one did.
        """
        if not self._is_only_reader():
            return 0
        if not self._loaded:
            self._load()
        self._loaded = False  # until all of it is stored: what a failed look left in memory is forgotten
        records = self._look()
        self._loaded = True
        return records

    def _try_step(self) -> int:
        try:
            records = self.step()
        except (StoreUnavailable, OSError) as error:
            self.faults.failed_looks += 1
            if not self._failing:
                log("ledger_failing", "error", reason=str(error), fix="nothing is lost: entries wait in the journal")
            self._failing = True
            self.behind_bytes = self._unread_bytes()
            return 0
        if self._failing:
            log("ledger_works_again")
        self._failing = False
        return records

    def _unread_bytes(self) -> int:
        with suppress(OSError):
            segments = [segment for run in list_runs(self._directory).values() for segment in run]
            return sum(max(0, one.path.stat().st_size - self._positions.get(one.name, 0)) for one in segments)
        return self.behind_bytes

    def close(self) -> None:
        """Let another process ingest."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def _look(self) -> int:
        fold = Fold(self._calls, self._store.entry)
        look = _Look()
        runs = list_runs(self._directory)
        for run, segments in runs.items():
            try:
                if self._read_run(segments, fold, look):
                    look.silent.append(run)
                self._unreadable_runs.discard(run)
            except OSError as error:  # one file that cannot be read must not hold up all the others
                self.faults.failed_looks += 1
                if run not in self._unreadable_runs:
                    log(
                        "journal_unreadable", "error", source=run, reason=str(error), fix="make it readable, or move it"
                    )
                self._unreadable_runs.add(run)
        look.silent += {call.run for call in self._calls.values()} - runs.keys()

        # A run is over when it let go of all its segments and did not open another one while we were reading.
        now = list_runs(self._directory)
        for run in look.silent:
            if len(now.get(run, ())) <= len(runs.get(run, ())):
                fold.end_run(run)
        there = {segment.name for segments in now.values() for segment in segments}
        gone = [name for name in self._positions if name not in there]
        self._store_look(fold, look.read_to, gone)
        self._delete(look.consumed)
        self.behind_bytes = look.behind
        return look.records

    def _read_run(self, segments: list[Segment], fold: Fold, look: _Look) -> bool:
        """Read on in one run's segments; True if its writer has let go of all of them and they are read."""
        for segment in segments:
            position = self._positions.get(segment.name, 0)
            if look.records >= LOOK_RECORDS:
                look.behind += max(0, segment.path.stat().st_size - position)
                return False
            piece = read(segment, position)
            for record in piece.records:
                fold.add(segment, position, record)
            if piece.end != position:
                look.read_to[segment.name] = piece.end
            look.records += len(piece.records)
            look.behind += piece.behind
            self.faults.damaged_bytes += piece.skipped
            if not piece.finished:
                return False  # the order within a run matters: the next segment waits for this one
            look.consumed.append(segment)
        return True

    def _store_look(self, fold: Fold, read_to: dict[str, int], gone: list[str]) -> None:
        if read_to or gone or fold.finished:
            self._store.ingest(fold.batch(read_to, gone))
        self._positions |= read_to
        for name in gone:
            self._positions.pop(name)
        self.faults.unreadable += len(fold.unreadable)
        self.faults.unmatched += fold.unmatched
        if fold.finished:
            self._finished(fold.finished)

    def _delete(self, consumed: list[Segment]) -> None:
        if consumed:
            self._store.harden()  # a power loss must not find the segment deleted and the entries not yet on the disk
        for segment in consumed:
            delete(segment)

    def _is_only_reader(self) -> bool:
        if self._lock_fd >= 0:
            return True
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self._directory / "reader.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._lock_fd = fd
        return True

    def _load(self) -> None:
        progress = self._store.progress()
        self._positions = progress.positions
        self._calls = {call.id: call for call in progress.calls}


class _Look(msgspec.Struct):
    """What one look at the journals found."""

    read_to: dict[str, int] = {}
    consumed: list[Segment] = []
    silent: list[str] = []
    records: int = 0
    behind: int = 0


class Fold:
    """Work out what records change, without touching the store.

    Attributes:
        finished: Entries that will not change any more.
    """

    def __init__(self, calls: dict[str, OpenCall], stored: Callable[[str], Entry | None]) -> None:
        self.finished: list[Entry] = []
        self.unreadable: list[Unreadable] = []
        self.unmatched = 0
        self._calls = calls
        self._stored = stored
        self._remembered = set(calls)  # these are in the store
        self._touched: set[str] = set()
        self._settled: dict[str, Row] = {}
        self._amended: dict[str, Row] = {}

    def add(self, segment: Segment, position: int, record: Record) -> None:
        """Take one record of *segment*; *position* is where the stretch begins that the record's offset counts from."""
        try:
            if record.kind == INTENT:
                intent = _intent_decoder.decode(record.payload)
                self._open(OpenCall(intent.id, segment.run, record.payload))
            elif record.kind == DELIVER:
                self._deliver(_delivery_decoder.decode(record.payload))
            else:
                entry = _entry_decoder.decode(record.payload)
                self._settled[entry.id] = Row(entry, record.payload.decode())
                self._open(OpenCall(entry.id, segment.run, None))
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.unreadable.append(Unreadable(segment.name, position + record.end, record.payload))

    def end_run(self, run: str) -> None:
        """The writer is gone: nothing more will come of its calls."""
        for call in [call for call in self._calls.values() if call.run == run]:
            if call.intent is not None:
                entry = lost(_intent_decoder.decode(call.intent))
                self._settled[entry.id] = _row(entry)
                self._close(call.id, entry)
            elif settled := self._entry(call.id):
                unconfirmed = msgspec.structs.replace(settled, error=settled.error or "delivery_unconfirmed")
                self._amend(unconfirmed)
                self._close(call.id, unconfirmed)

    def batch(self, read_to: dict[str, int], gone: list[str]) -> Batch:
        """All of it for one transaction, with how far the segments are read and which are gone."""
        still_open = [self._calls[call_id] for call_id in self._touched if call_id in self._calls]
        return Batch(
            settled=list(self._settled.values()),
            amended=list(self._amended.values()),
            opened=still_open,
            closed=[call_id for call_id in self._touched & self._remembered if call_id not in self._calls],
            positions=read_to,
            forgotten=gone,
            unreadable=self.unreadable,
        )

    def _deliver(self, delivery: Delivery) -> None:
        call = self._calls.get(delivery.id)
        entry = self._entry(delivery.id) if call is not None and call.intent is None else None
        if entry is None:
            self.unmatched += 1
            return
        if delivery.changes:
            entry = changed(entry, delivery.changes)
            self._amend(entry)
        self._close(delivery.id, entry)

    def _entry(self, call_id: str) -> Entry | None:
        row = self._settled.get(call_id)
        return row.entry if row else self._stored(call_id)

    def _amend(self, entry: Entry) -> None:
        place = self._settled if entry.id in self._settled else self._amended
        place[entry.id] = _row(entry)

    def _open(self, call: OpenCall) -> None:
        self._calls[call.id] = call
        self._touched.add(call.id)

    def _close(self, call_id: str, entry: Entry) -> None:
        del self._calls[call_id]
        self._touched.add(call_id)
        self.finished.append(entry)


def lost(intent: Intent) -> Entry:
    """The entry of a call whose worker was killed: it may have cost something, and nobody knows what."""
    return Entry(
        id=intent.id,
        at=intent.at,
        dialect=intent.dialect,
        api=intent.api,
        provider=intent.provider,
        requested_model=intent.requested_model,
        served_model=intent.served_model,
        stream=intent.stream,
        status=0,
        end_state="internal",
        error="worker_lost",
        session=intent.session,
        tags=intent.tags,
        key_id=intent.key_id,
    )


def changed(entry: Entry, changes: dict[str, Any]) -> Entry:
    """*entry* with *changes*, given as JSON values.

    Raises:
        msgspec.ValidationError: A change is not of its field's type.
    """
    return msgspec.convert({**msgspec.to_builtins(entry), **changes, "id": entry.id}, Entry)


def _row(entry: Entry) -> Row:
    return Row(entry, _encoder.encode(entry).decode())
