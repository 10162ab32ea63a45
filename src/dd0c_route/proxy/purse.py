"""What a day's budget lets a worker spend now. Pure."""

from __future__ import annotations

DAY_S = 86_400.0
KEPT_S = 3_600.0  # of the budget: what is not spent within so long is not spent at all
_PICODOLLARS = 1e12  # in a dollar


class Purse:
    """Fills at *usd_per_day*, beginning empty: a worker that is started again and again spends no more.

    What a call costs is known when it is over, so one may be begun while there is anything in it; the debt is paid
    before the next. Times are seconds of a monotonic clock.
    """

    def __init__(self, usd_per_day: float, now_s: float) -> None:
        self._per_s = usd_per_day * _PICODOLLARS / DAY_S
        self._balance = 0.0
        self._at_s = now_s

    def has_money(self, now_s: float) -> bool:
        self._balance = min(self._balance + self._per_s * max(0.0, now_s - self._at_s), self._per_s * KEPT_S)
        self._at_s = now_s
        return self._balance > 0.0

    def pay(self, picodollars: int) -> None:
        self._balance -= picodollars
