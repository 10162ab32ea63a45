"""From the journals to the store: each settled call once, each orphaned intent once, from any moment of any crash."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from dd0c_route.errors import StoreUnavailable, StoreUnsynced
from dd0c_route.ledger.fold import Fold
from dd0c_route.ledger.learning import Learning
from dd0c_route.ledger.segments import Segment, delete, list_runs, read
from dd0c_route.ledger.store import Lesson, OpenCall, Store
from dd0c_route.ledger.teaching import Promises, Teaching
from dd0c_route.redact.log import log
from dd0c_route.types import Entry, Label, Reset

POLL_S = 0.05  # an entry is readable this long after its settlement, plus one commit
LOOK_RECORDS = 10_000  # then the look ends with the segment, so that a long backlog is stored in bounded batches
RETRY_S = 0.5  # between two tries while the store cannot be used


class Faults(msgspec.Struct):
    """What went wrong since the start, for the metrics."""

    damaged_bytes: int = 0  # passed over in segments of writers that are gone
    unreadable: int = 0  # whole records that mean nothing to this version; kept in the store
    unmatched: int = 0  # deliveries and labels of calls that were never settled
    failed_looks: int = 0  # the store or a journal could not be used; tried again, nothing is lost


class Ingest:
    """Read all journals of *directory* into *store*; one thread, one process at a time (the others wait).

    Args:
        finished: Told of entries that will not change any more, after they are stored; once each while this object
            lives.
        looked: Told what was learned, after each look of `run`.
        promises: What the configuration's routes promise, by their ids.

    Attributes:
        learning: What audits taught.
        teaching: What entries and labels taught.
        audits: How many came, since the start.
    """

    def __init__(self, directory: Path, store: Store, finished: Callable[[list[Entry]], None],
                 looked: Callable[[Learning, Teaching], None] = lambda learning, teaching: None,
                 promises: Promises = dict) -> None:  # fmt: skip
        self.faults = Faults()
        self.learning = Learning()
        self.teaching = Teaching()
        self.audits = 0
        self.behind_bytes = 0  # journaled but not stored, as of the last look
        self._directory = directory
        self._store = store
        self._finished = finished
        self._looked = looked
        self._promises = promises
        self._lock_fd = -1
        self._loaded = False
        self._failing = False
        self._unsynced = False
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
            if self._loaded:
                self._looked(self.learning, self.teaching)
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
        self._store.verify()  # also while nothing comes: the next call must not be the one that is lost
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
            for audit in fold.audits:
                self.learning.add(audit)
            learned, unlearned = self.learning.take_changes()
            taught, untaught = self._teach(fold)
            batch = fold.batch(read_to, gone)
            self._store.ingest(
                msgspec.structs.replace(batch, learned=learned, unlearned=unlearned, taught=taught, untaught=untaught)
            )
        self._positions |= read_to
        for name in gone:
            self._positions.pop(name)
        self.faults.unreadable += len(fold.unreadable)
        self.faults.unmatched += fold.unmatched
        self.audits += len(fold.audits)
        if fold.finished:
            self._finished(fold.finished)

    def _teach(self, fold: Fold) -> tuple[dict[Lesson, str], list[Lesson]]:
        """Learn from what came; returns what is to be stored of it, and what is to be deleted."""
        for entry in fold.finished:
            self.teaching.finished(entry)
        here: dict[str, list[Label]] = {}
        for one in fold.in_order():
            if isinstance(one, Reset):
                self.teaching.reset(one)
                continue
            label, entry = one
            before = here.setdefault(label.id, list(self._store.labels(label.id)))
            self.teaching.labelled(label, entry, before)
            here[label.id] = [said for said in before if (said.kind, said.source) != (label.kind, label.source)] + [
                label
            ]
        return self.teaching.take_changes()

    def _delete(self, consumed: list[Segment]) -> None:
        if self._unsynced or not consumed:
            return
        try:
            self._store.harden()  # a power loss must not find the segment deleted and the entries not yet on the disk
        except StoreUnsynced as error:
            # Never asked again: the kernel has forgotten what it could not write, so the next one would mean nothing.
            self._unsynced = True
            fix = "check the disk; the journals are kept until the next start"
            log("ledger_unsynced", "critical", reason=error.message, fix=fix)
            return
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
        self.learning = Learning(self._store.learned())
        self.teaching = Teaching(self._store.taught(), self._promises)


class _Look(msgspec.Struct):
    """What one look at the journals found."""

    read_to: dict[str, int] = {}
    consumed: list[Segment] = []
    silent: list[str] = []
    records: int = 0
    behind: int = 0
