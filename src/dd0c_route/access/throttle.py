"""How often somebody may try to log in."""

from __future__ import annotations

from collections import deque

MOST_KNOWN = 10_000  # who tries is remembered so far; beyond it the oldest is forgotten


class Throttle:
    """At most *most* tries in *window_s* seconds, for each one who tries."""

    def __init__(self, most: int, window_s: float) -> None:
        self._most = most
        self._window_s = window_s
        self._tries: dict[str, deque[float]] = {}

    def take(self, who: str, now_s: float) -> float:
        """Count a try of *who*; 0 if it may be made, else the seconds until the next one may (then it is not counted).

        It counts before its outcome is known, so that many at once are no more than one after the other.
        """
        tries = self._tries.pop(who, None) or deque()
        while tries and now_s - tries[0] >= self._window_s:
            tries.popleft()
        self._tries[who] = tries
        while len(self._tries) > MOST_KNOWN:
            del self._tries[next(iter(self._tries))]
        if len(tries) >= self._most:
            return self._window_s - (now_s - tries[0])
        tries.append(now_s)
        return 0.0

    def forget(self, who: str) -> None:
        """*who* was let in."""
        self._tries.pop(who, None)
