"""The operator's switch for the brain: a file beside the journals, so that it outlives every process and needs none.

While the file is there, every call goes to the model that it asks for. `POST /api/v1/brain/off` and `on` write and
remove it; SIGUSR2 to the supervisor turns it over; anybody who can write there may do the same. Workers look often.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

FILE = "brain.off"  # in the directory of the journals
LOOK_S = 0.25  # between two looks of a worker: one system call


class Switch:
    """The switch as one process knows it.

    Args:
        directory: Of the journals; None: there is no switch, and the brain is on.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._path = directory / FILE if directory is not None else None
        self.is_on = True
        self.look()

    def __call__(self) -> bool:
        return self.is_on

    def look(self) -> bool:
        """Whether the brain is on now."""
        self.is_on = self._path is None or not self._path.exists()
        return self.is_on

    def turn(self, *, on: bool) -> None:
        """
        Raises:
            OSError: The directory cannot be written.
        """
        if self._path is None:
            return
        if on:
            with suppress(FileNotFoundError):
                self._path.unlink()
        else:
            self._path.touch(mode=0o600)
        self.look()
