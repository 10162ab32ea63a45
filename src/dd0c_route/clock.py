"""Time, as an argument: what reads a clock takes one, so that tests can drive it by hand."""

from __future__ import annotations

import secrets
import time
from typing import Protocol

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Clock(Protocol):
    """Wall time for records, monotonic time for durations."""

    def wall_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC; may jump."""

    def ticks_ns(self) -> int:
        """Nanoseconds since some moment; never goes back."""


class SystemClock:
    """The clock of this machine."""

    wall_ns = staticmethod(time.time_ns)
    ticks_ns = staticmethod(time.perf_counter_ns)


class HandClock:
    """A clock that a test moves."""

    def __init__(self, wall_ns: int = 1_800_000_000_000_000_000) -> None:
        self._wall_ns = wall_ns
        self._ticks_ns = 0

    def wall_ns(self) -> int:
        return self._wall_ns

    def ticks_ns(self) -> int:
        return self._ticks_ns

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass on both scales."""
        step = round(seconds * 1e9)
        self._wall_ns += step
        self._ticks_ns += step


def new_id(prefix: str, wall_ns: int) -> str:
    """A ULID behind *prefix*: sorts by time (milliseconds), 80 random bits. Source: ulid/spec."""
    number = (wall_ns // 1_000_000) << 80 | secrets.randbits(80)
    return prefix + "".join([_CROCKFORD[number >> shift & 31] for shift in range(125, -5, -5)])


def rfc3339(wall_ns: int) -> str:
    """`2026-11-24T05:30:59.123456Z`: UTC, microseconds, always 27 characters (so that text sorts as time)."""
    seconds, rest = divmod(wall_ns, 1_000_000_000)
    t = time.gmtime(seconds)
    return (
        f"{t.tm_year:04d}-{t.tm_mon:02d}-{t.tm_mday:02d}T"
        f"{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d}.{rest // 1000:06d}Z"
    )
