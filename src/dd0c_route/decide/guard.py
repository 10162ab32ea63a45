"""What stands between a call and a brain that fails, is too slow, or was switched off.

A decision cannot be stopped half-way, and once it is there it is followed; but after some in a row that came late or
failed the predictor rests: it is not asked for a while.
"""

from __future__ import annotations

from collections.abc import Callable

IN_A_ROW = 3  # faults after which it rests
REST_S = 10.0


class Guard:
    """One worker's. Times are `perf_counter_ns`.

    Args:
        enabled: `[brain] enabled`.
        budget_us: Microseconds of the processor that a decision may take; None: as long as it likes, so that what
            comes out does not depend on the machine.
        switched_on: The operator's switch.
    """

    def __init__(
        self, enabled: bool = True, budget_us: int | None = None, switched_on: Callable[[], bool] = lambda: True
    ) -> None:
        self._enabled = enabled
        self._budget_us = budget_us
        self._switched_on = switched_on
        self._in_a_row = 0
        self._rests_until_ns = 0
        self.faults = 0

    def off(self) -> str | None:
        """Why the operator wants no routing; None where it is wanted."""
        if not self._enabled:
            return "the brain is off ([brain] enabled = false)"
        return None if self._switched_on() else "the brain is switched off"

    def rests(self, now_ns: int) -> str | None:
        """Why the brain is not asked; None where it is."""
        return f"it rests after {IN_A_ROW} faults" if now_ns < self._rests_until_ns else None

    def is_over(self, took_ns: int) -> bool:
        return self._budget_us is not None and took_ns > self._budget_us * 1000

    def fault(self, now_ns: int) -> bool:
        """One more fault; whether the brain rests from now on."""
        self.faults += 1
        self._in_a_row += 1
        if self._in_a_row < IN_A_ROW:
            return False
        self._in_a_row = 0
        self._rests_until_ns = now_ns + int(REST_S * 1e9)
        return True

    def fine(self) -> None:
        self._in_a_row = 0
