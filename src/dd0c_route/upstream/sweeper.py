"""Deadlines without a timer each: one tick looks at everything that has one."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Watched(Protocol):
    """Something with deadlines of its own."""

    def check(self, now: float) -> None:
        """Act on what is due at *now*, in the loop's seconds (`loop.time()`)."""


class Sweeper:
    """Calls `check` of all that is watched, every *period_s*; a deadline is met up to one period late.

    It stands still while nothing is watched, so an idle loop really sleeps.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, period_s: float = 0.05) -> None:
        self._loop = loop
        self._period_s = period_s
        self._watched: dict[Watched, None] = {}  # a set that keeps its order
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, watched: Watched) -> None:
        """Look at *watched* from the next tick on; watching it twice is watching it once."""
        self._watched[watched] = None
        if self._timer is None:
            self._timer = self._loop.call_later(self._period_s, self._tick)

    def forget(self, watched: Watched) -> None:
        """Do not look at *watched* any more; nothing happens if it is not watched."""
        self._watched.pop(watched, None)

    def _tick(self) -> None:
        self._timer = None  # should the next line but one fail, the next `watch` begins anew
        if not self._watched:
            return
        self._timer = self._loop.call_later(self._period_s, self._tick)
        now = self._loop.time()
        for watched in tuple(self._watched):
            try:
                watched.check(now)
            except Exception as fault:  # one broken object must not stop the deadlines of all others
                self._loop.call_exception_handler({"message": "a deadline check failed", "exception": fault})
