"""Time, as an argument: what reads a clock takes one, so that tests can drive it by hand."""

from __future__ import annotations

import os
import random
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


_PAIRS = [a + b for a in _CROCKFORD for b in _CROCKFORD]  # ten bits
_random_bits = random.Random(os.urandom(32)).getrandbits  # an id tells calls apart; it opens nothing  # noqa: S311
_epoch = (-1, "")  # the last 1,024 milliseconds and their text: many calls share it
_second = (-1, "")


def new_id(prefix: str, wall_ns: int) -> str:
    """A ULID behind *prefix*: sorts by time (milliseconds), 80 random bits. Source: ulid/spec."""
    global _epoch
    now, pairs, bits = wall_ns // 1_000_000, _PAIRS, _random_bits(80)
    epoch = now >> 10
    if epoch != _epoch[0]:
        _epoch = (epoch, "".join([pairs[epoch >> shift & 1023] for shift in (30, 20, 10, 0)]))
    return (
        f"{prefix}{_epoch[1]}{pairs[now & 1023]}{pairs[bits >> 70]}{pairs[bits >> 60 & 1023]}{pairs[bits >> 50 & 1023]}"
        f"{pairs[bits >> 40 & 1023]}{pairs[bits >> 30 & 1023]}{pairs[bits >> 20 & 1023]}"
        f"{pairs[bits >> 10 & 1023]}{pairs[bits & 1023]}"
    )


def rfc3339(wall_ns: int) -> str:
    """`2026-11-24T05:30:59.123456Z`: UTC, microseconds, always 27 characters (so that text sorts as time)."""
    global _second
    seconds, rest = divmod(wall_ns, 1_000_000_000)
    if seconds != _second[0]:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        _second = (seconds, text)
    else:
        text = _second[1]
    return f"{text}.{rest // 1000:06d}Z"
