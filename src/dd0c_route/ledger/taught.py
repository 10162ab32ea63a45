"""What was learned of the brain's choices, from the process that learns it to those that decide: a file beside the
journals.
"""

from __future__ import annotations

from pathlib import Path

from dd0c_route.brain.taught import Taught
from dd0c_route.ledger.published import Watched, read, write

FILE = "taught.json"  # in the directory of the journals
MOST_BYTES = 8 << 20  # of a file that is read; ours has some 300 KB

_NOTHING = Taught()


def publish(directory: Path, taught: Taught) -> None:
    """Let everybody know.

    Raises:
        OSError: The file cannot be written.
    """
    write(directory / FILE, taught)


def published(directory: Path) -> Taught | None:
    """What was published last; None where there is nothing that can be used."""
    return read(directory / FILE, Taught, MOST_BYTES)


class KnownTaught:
    """The snapshot in force: read anew when the file has changed and somebody calls `refresh`."""

    def __init__(self, directory: Path | None = None) -> None:
        self.taught = _NOTHING
        self._file = Watched(directory / FILE) if directory is not None else None
        self.refresh()

    def __call__(self) -> Taught:
        return self.taught

    def refresh(self) -> None:
        """Look whether there is something new: one system call, and some milliseconds when there is.

        A file that cannot be used changes nothing: a route that was rolled back stays so.
        """
        if self._file is not None and self._file.is_new():
            self.taught = published(self._file.path.parent) or self.taught
