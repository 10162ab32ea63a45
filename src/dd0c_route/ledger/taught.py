"""What was learned of the brain's choices, from the process that learns it to those that decide: one file beside the
journals, written and read as `counting` is.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from dd0c_route.brain.taught import Taught

FILE = "taught.json"  # in the directory of the journals
MOST_BYTES = 8 << 20  # of a file that is read; ours has some 300 KB

_NOTHING = Taught()


def publish(directory: Path, taught: Taught) -> None:
    """Let everybody know.

    Raises:
        OSError: The file cannot be written.
    """
    fresh = directory / f"{FILE}.new"
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(msgspec.json.encode(taught))
    fresh.replace(directory / FILE)


def published(directory: Path) -> Taught | None:
    """What was published last; None where there is nothing that can be used."""
    with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError), (directory / FILE).open("rb") as file:
        return msgspec.json.decode(file.read(MOST_BYTES), type=Taught)
    return None


class KnownTaught:
    """The snapshot in force: read anew when the file has changed and somebody calls `refresh`."""

    def __init__(self, directory: Path | None = None) -> None:
        self.taught = _NOTHING
        self._directory = directory
        self._read: tuple[int, int] | None = None
        self.refresh()

    def __call__(self) -> Taught:
        return self.taught

    def refresh(self) -> None:
        """Look whether there is something new: one system call, and some milliseconds when there is.

        A file that cannot be used changes nothing: a route that was rolled back stays so.
        """
        if self._directory is None:
            return
        try:
            stat = (self._directory / FILE).stat()
        except OSError:
            return
        if (found := (stat.st_mtime_ns, stat.st_ino)) != self._read:
            self._read = found
            self.taught = published(self._directory) or self.taught
