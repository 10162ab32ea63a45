"""What shadow calls may still cost, of all workers together: a file beside the journals.

It outlives workers, restarts and reloads, and so do debts: whoever is started again and again spends no more. What a
comparison is expected to cost is taken before it begins, so that those that run at once share what there is, and what
it did cost is settled behind it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from dd0c_route.types import PicoUSD

FILE = "purses.json"  # in the directory of the journals
KEPT = 0.25  # of a day's budget can be spent at once; the rest comes in over the day, so that no 24 hours cost more
DAY_NS = 86_400 * 1_000_000_000
_PICODOLLARS = 1e12  # in a dollar
_MOST = 64  # routes, the longest unused leave first
_MOST_BYTES = 64 << 10


class Purse(Struct, frozen=True):
    """Picodollars that were there at *at_ns* (wall time); below 0 where calls cost more than was expected of them."""

    balance: float
    at_ns: int


def most_at_once(usd_per_day: float) -> float:
    """Picodollars."""
    return KEPT * usd_per_day * _PICODOLLARS


def filled(purse: Purse | None, usd_per_day: float, now_ns: int) -> Purse:
    """*purse* as it is now; a new one has what may be spent at once.

    A clock that goes back brings nothing in, and no hour a second time; but one that was days ahead is not waited for.
    """
    most = most_at_once(usd_per_day)
    if purse is None:
        return Purse(most, now_ns)
    came = (1 - KEPT) * usd_per_day * _PICODOLLARS * max(0, now_ns - purse.at_ns) / DAY_NS
    is_ahead = now_ns < purse.at_ns <= now_ns + DAY_NS
    return Purse(min(purse.balance + came, most), purse.at_ns if is_ahead else now_ns)


class Purses:
    """By route id. A call takes some 0.1 ms, behind the answer that a client waits for.

    Args:
        directory: Of the journals; None: what is spent is only known here.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._path = directory / FILE if directory is not None else None
        self._here: dict[str, Purse] = {}

    def take(self, route: str, usd_per_day: float, expected: PicoUSD, now_ns: int) -> bool:
        """Take what a comparison will probably cost; False, and nothing is taken, where that is not there."""
        try:
            with self._open() as purses:
                purse = filled(purses.get(route), usd_per_day, now_ns)
                is_there = purse.balance >= max(1, expected)
                _put(purses, route, Purse(purse.balance - expected, purse.at_ns) if is_there else purse)
                return is_there
        except OSError:  # a disk that takes no note pays for nothing
            return False

    def settle(self, route: str, usd_per_day: float, expected: PicoUSD, spent: PicoUSD, now_ns: int) -> None:
        """The comparison for which *expected* was taken has cost *spent*."""
        try:
            with self._open() as purses:
                purse = filled(purses.get(route), usd_per_day, now_ns)
                balance = min(purse.balance + expected - spent, most_at_once(usd_per_day))
                _put(purses, route, Purse(balance, purse.at_ns))
        except OSError:
            return  # what was taken stays taken

    @contextmanager
    def _open(self) -> Iterator[dict[str, Purse]]:
        """All of them; what is put there is kept. Nobody else has them meanwhile."""
        if self._path is None:
            yield self._here
            return
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            before = os.pread(fd, _MOST_BYTES, 0)
            purses = _read(before)
            yield purses
            # Blanks over what is left of the old ones, in the same write: whoever is killed leaves all or nothing.
            os.pwrite(fd, msgspec.json.encode(purses).ljust(len(before)), 0)
        finally:
            os.close(fd)


def _read(content: bytes) -> dict[str, Purse]:
    try:
        return msgspec.json.decode(content, type=dict[str, Purse]) if content else {}
    except (msgspec.MsgspecError, UnicodeDecodeError):  # torn by a power loss
        return {}


def _put(purses: dict[str, Purse], route: str, purse: Purse) -> None:
    purses[route] = purse
    while len(purses) > _MOST:
        del purses[min(purses, key=lambda name: purses[name].at_ns)]
