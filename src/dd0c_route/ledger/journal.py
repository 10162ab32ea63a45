"""A worker's own account book: every call is written here, with one system call, before anything depends on it.

Segments lie in one directory, named `<worker>-<run>-<number>.log`; a *run* is the life of one writer. The writer
holds an `flock` on its newest segment as long as it lives: the kernel drops it whatever kills the process, and that
is how the reader knows that no more will come.
"""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from dd0c_route.clock import Clock, new_id
from dd0c_route.errors import JournalError
from dd0c_route.ledger.records import AUDIT, DELIVER, INTENT, LABEL, MAX_PAYLOAD_BYTES, RESET, SETTLE, frame_into
from dd0c_route.redact.log import log
from dd0c_route.types import Audit, Delivery, Entry, Intent, Label, Reset

SEGMENT_BYTES = 16 << 20  # then the next segment begins, so that the reader can delete what it has stored
OF_NO_WORKER = 99_999  # stands for the worker's number in the names of such segments
MAX_PENDING = 10_000  # records kept in memory while the disk refuses them: some 20 MB


class Journal:
    """Append intents, settlements and deliveries; synchronous, for one thread.

    What the disk refuses is kept in memory, in order, and written before the next record. While it cannot be
    written, `intent` raises: no call is sent upstream that could not be accounted for.

    Attributes:
        errors: Failed writes since the start.
        lost: Records given up because `MAX_PENDING` were waiting already.
    """

    def __init__(self, directory: Path, worker: int, clock: Clock, segment_bytes: int = SEGMENT_BYTES) -> None:
        """
        Raises:
            JournalError: The directory or its first segment cannot be made.
        """
        self.errors = 0
        self.lost = 0
        self._directory = directory
        self._name = f"{worker}-{new_id('', clock.wall_ns())}"
        self._segment_bytes = segment_bytes
        self._number = 0
        self._fd = -1
        self._size = 0
        self._frame = bytearray()
        self._pending: deque[bytes] = deque()
        self._failing = False
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._rotate()
        except OSError as error:
            raise _unwritable(directory, error) from error

    @property
    def pending(self) -> int:
        """Records that wait in memory for the disk."""
        return len(self._pending)

    def intent(self, intent: Intent) -> None:
        """Write that a call is about to cost something.

        Raises:
            JournalError: It is not written, and the call must not be made.
        """
        frame_into(self._frame, INTENT, intent)
        try:
            if len(self._frame) > MAX_PAYLOAD_BYTES:
                raise OSError(f"a record of {len(self._frame)} bytes is longer than {MAX_PAYLOAD_BYTES}")
            self._write_pending()
            self._write(self._frame)
        except OSError as error:
            raise self._failed(error) from error
        if self._failing:
            self._recovered()

    def settle(self, entry: Entry) -> None:
        """Write the entry of a call; kept in memory while the disk refuses it."""
        frame_into(self._frame, SETTLE, entry)
        if len(self._frame) > MAX_PAYLOAD_BYTES:  # only free-form fields can be that long; the figures stay
            trimmed = msgspec.structs.replace(entry, decision=None, tags={}, reported_usage=None)
            frame_into(self._frame, SETTLE, trimmed)
        self._write_or_keep()

    def deliver(self, *deliveries: Delivery) -> None:
        """Write, at once, what became of the last bytes of settled calls; kept in memory while the disk refuses it."""
        frames = []
        for delivery in deliveries:
            frame_into(self._frame, DELIVER, delivery)
            frames.append(bytes(self._frame))
        self._frame[:] = b"".join(frames)
        self._write_or_keep()

    def audit(self, audit: Audit) -> None:
        """Write what a call's tokens are by our own count; kept in memory while the disk refuses it."""
        frame_into(self._frame, AUDIT, audit)
        self._write_or_keep()

    def label(self, *labels: Label) -> None:
        """Write, at once, how good answers were; kept in memory while the disk refuses it."""
        frames = []
        for label in labels:
            frame_into(self._frame, LABEL, label)
            frames.append(bytes(self._frame))
        self._frame[:] = b"".join(frames)
        self._write_or_keep()

    def reset(self, reset: Reset) -> None:
        """Write that a route may try again; kept in memory while the disk refuses it."""
        frame_into(self._frame, RESET, reset)
        self._write_or_keep()

    def works(self) -> bool:
        """Whether nothing waits for the disk, after another try to write it; a deleted segment is made anew."""
        try:
            if self._fd >= 0 and not os.fstat(self._fd).st_nlink:
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._rotate()
            self._write_pending()
        except OSError as error:
            self._failed(error)
            return False
        if self._failing:
            self._recovered()
        return True

    def close(self) -> None:
        """Write what waits and let the reader know that no more will come."""
        try:
            self._write_pending()
        except OSError:
            self.errors += 1
            self.lost += len(self._pending)
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write_or_keep(self) -> None:
        if self._pending:
            self._keep()
            self.works()
            return
        try:
            self._write(self._frame)
        except OSError as error:
            self._failed(error)
            self._keep()
        else:
            if self._failing:
                self._recovered()

    def _failed(self, error: OSError) -> JournalError:
        self.errors += 1
        fault = _unwritable(self._directory, error)
        if not self._failing:  # once, and not for each call that is refused meanwhile
            log("journal_failing", "error", reason=fault.message)
            self._failing = True
        return fault

    def _recovered(self) -> None:
        log("journal_works_again")
        self._failing = False

    def _keep(self) -> None:
        if len(self._pending) < MAX_PENDING:
            self._pending.append(bytes(self._frame))
        else:
            self.lost += 1

    def _write_pending(self) -> None:
        while self._pending:
            self._write(self._pending[0])
            self._pending.popleft()

    def _write(self, frame: bytearray | bytes) -> None:
        """Append one record whole, or raise and leave none of it behind."""
        if self._size >= self._segment_bytes or self._fd < 0:
            self._rotate()
        size = len(frame)
        try:
            written = os.write(self._fd, frame)
            while written < size:
                written += os.write(self._fd, frame[written:])
        except BaseException:  # whatever it is: `_size` must not fall behind the file, or the next one would be cut too
            self._take_back()
            raise
        self._size += written

    def _take_back(self) -> None:
        """Cut off a half-written record; where even that fails, the next record opens a new segment."""
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            self._size = self._segment_bytes  # not closed: the lock says that this run lives

    def _rotate(self) -> None:
        # The next segment is there and locked before the last one is let go: at no moment does this run look dead.
        path = self._directory / f"{self._name}-{self._number:06d}.log"
        fd = _open_locked(path)
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = fd
        self._size = 0
        self._number += 1


@contextmanager
def one_note(directory: Path, clock: Clock) -> Iterator[Journal]:
    """A journal for a record or two of somebody who is no worker: the API, the command line.

    Raises:
        JournalError: What was given to it is not on the disk.
    """
    journal = Journal(directory, OF_NO_WORKER, clock)
    try:
        yield journal
    finally:
        journal.close()
    if journal.lost:
        raise JournalError(f"the journal in {directory} cannot be written: free space or fix its permissions")


def _open_locked(path: Path) -> int:
    """Create *path* and lock it. The reader may find it before the lock and delete it as dead: then again."""
    while True:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:
                return fd
        except OSError:
            os.close(fd)
            raise
        os.close(fd)


def _unwritable(directory: Path, error: OSError) -> JournalError:
    reason = error.strerror or error
    return JournalError(f"the journal in {directory} cannot be written ({reason}): free space or fix its permissions")
