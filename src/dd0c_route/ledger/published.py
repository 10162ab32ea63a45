"""One file beside the journals, from the process that learns to those that use what it learned.

A file and not a question to the control process, so that a worker never waits for it, and the command line finds it
while nothing runs. It is written whole, under another name first, and holds nothing that is secret.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

_T = TypeVar("_T")


def write(path: Path, value: msgspec.Struct) -> None:
    """Let everybody know.

    Raises:
        OSError: The file cannot be written.
    """
    fresh = path.with_name(f"{path.name}.new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(msgspec.json.encode(value))
    fresh.replace(path)


def read(path: Path, kind: type[_T], most_bytes: int) -> _T | None:
    """What was written last; None where there is nothing that can be used, or more than *most_bytes*."""
    with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError), path.open("rb") as file:
        return msgspec.json.decode(file.read(most_bytes), type=kind)
    return None


class Watched:
    """Tells whether the file is another one than when it was looked at last, by one system call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None

    def is_new(self) -> bool:
        """False also where there is no file."""
        try:
            stat = self.path.stat()
        except OSError:
            return False
        before, self._seen = self._seen, (stat.st_mtime_ns, stat.st_ino)
        return self._seen != before
