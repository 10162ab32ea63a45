"""What is known of the providers' health: for now, how much retrying they may be given."""

from __future__ import annotations


class RetryBudget:
    """Retries may be at most a share of recent calls, so that a failing provider is not asked twice as often.

    A token bucket: each call puts *share* in, each retry takes one out; ten are there at the start and at most.
    """

    __slots__ = ("_share", "_tokens")

    MOST = 10.0

    def __init__(self, share: float) -> None:
        self._share = share
        self._tokens = self.MOST

    def called(self) -> None:
        """A call begins."""
        self._tokens = min(self.MOST, self._tokens + self._share)

    def take(self) -> bool:
        """Whether one more retry may be made; it counts as made."""
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
