"""The journal directory as its reader sees it: which runs there are, whether they live, and what they wrote."""

from __future__ import annotations

import fcntl
import os
import re
from pathlib import Path

import msgspec

from dd0c_route.ledger.records import Record, scan

READ_BYTES = 1 << 20  # of a living segment at once, so that a backlog is stored in bounded batches

_NAME = re.compile(r"(\d+-[0-9A-Z]{26})-(\d{6,})\.log")


class Segment(msgspec.Struct, frozen=True):
    """One file of a run; a run's segments follow each other by number."""

    run: str
    number: int
    path: Path

    @property
    def name(self) -> str:
        return self.path.name


class Piece(msgspec.Struct, frozen=True):
    """What was read of a segment.

    Attributes:
        end: Offset in the file up to which everything is understood.
        finished: The writer has let go of the segment, and this was the rest of it.
        behind: Bytes that were not read yet.
        skipped: Damaged or torn bytes that were passed over.
    """

    records: list[Record]
    end: int
    finished: bool
    behind: int
    skipped: int


def list_runs(directory: Path) -> dict[str, list[Segment]]:
    """All segments by run, each run's in order; nothing where the directory does not exist yet."""
    found: dict[str, list[Segment]] = {}
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return found
    for name in names:
        if match := _NAME.fullmatch(name):
            segment = Segment(match[1], int(match[2]), directory / name)
            found.setdefault(segment.run, []).append(segment)
    for segments in found.values():
        segments.sort(key=lambda segment: segment.number)
    return found


def read(segment: Segment, offset: int) -> Piece:
    """The whole records from *offset* on.

    A record that is not whole is waited for while the writer lives, and passed over when it does not.
    """
    fd = os.open(segment.path, os.O_RDONLY | os.O_NONBLOCK)  # what is no file must not make us wait
    try:
        # First the lock, then the length: what is there after the writer has let go is all there will ever be.
        closed = _unlocked(fd)
        size = os.fstat(fd).st_size
        data = _read(fd, offset, size - offset if closed else min(size - offset, READ_BYTES))
        found = scan(data, complete=closed)
        if not found.records and len(data) < found.wanted <= size - offset:
            data = _read(fd, offset, found.wanted)
            found = scan(data, complete=closed)
    finally:
        os.close(fd)
    end = offset + found.end
    return Piece(found.records, end, closed and end >= size, size - end, found.skipped)


def delete(segment: Segment) -> bool:
    """Delete a segment that nobody writes to; False where somebody does after all."""
    try:
        fd = os.open(segment.path, os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        if not _unlocked(fd):
            return False
        segment.path.unlink(missing_ok=True)
        return True
    finally:
        os.close(fd)


def _read(fd: int, offset: int, length: int) -> bytes:
    return os.pread(fd, length, offset) if length > 0 else b""


def _unlocked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
