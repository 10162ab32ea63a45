"""Stored bodies are kept for some days: the ledger's writer deletes the others, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dd0c_route.clock import Clock
from dd0c_route.errors import StoreUnavailable
from dd0c_route.ledger.bodies import BATCH_ROWS, BodyStore
from dd0c_route.redact.log import log

EVERY_NS = 60 * 1_000_000_000  # between two looks, unless there is more to delete


class Tidying:
    """One control process's; holds also where bodies are not stored any more.

    Args:
        days: How long bodies are kept, by the configuration in force.
    """

    def __init__(self, path: Path, days: Callable[[], float], clock: Clock) -> None:
        self._store = BodyStore(path)
        self._days = days
        self._clock = clock
        self._due_ns = 0
        self._failing = False

    def look(self) -> int:
        """Delete a batch, if it is time; returns how many. Never raises: entries do not wait for it."""
        now_ns = self._clock.ticks_ns()
        if now_ns < self._due_ns:
            return 0
        self._due_ns = now_ns + EVERY_NS
        try:
            deleted = self._store.tidy(self._clock.wall_ns(), self._days())
        except StoreUnavailable as error:
            if not self._failing:
                log("bodies_failing", "warning", reason=error.message, fix="old bodies stay until it works")
            self._failing = True
            return 0
        self._failing = False
        if deleted >= BATCH_ROWS:
            self._due_ns = now_ns
        return deleted

    def close(self) -> None:
        self._store.close()
