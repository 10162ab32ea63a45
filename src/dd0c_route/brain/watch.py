"""Watching a promise while labels come: has a route become worse than it may be?

A test by betting. Each loss in 0..1 is a bet against "no more than *allowed* on average"; while that holds, the wealth
is a supermartingale, and it ever passes 1/delta with a probability of at most delta, however often one looks (Ville's
inequality). Bets begin at every label with weights 1/(k (k+1)), which add up to one: a model that was good for a long
time and then turns bad is noticed within log(k^2/delta), and not only when its whole history is bad.

Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting (2024), §4; the mixture over
beginnings is that of the e-detectors of Shin, Ramdas and Rinaldo (2024), weighted so that it stays one e-process. Pure.
"""

from __future__ import annotations

from msgspec import Struct

_STAKES = (0.05, 0.15, 0.4, 0.8)  # shares of the highest bet that cannot lose everything; small ones see small harms
_MOST = 1e12  # wealth beyond this proves nothing more


class Bets(Struct, frozen=True):
    """The state of one test, for JSON.

    Attributes:
        labels: How many losses were seen.
        lost: Their sum.
        wealth: Of the bets that have begun, by stake.
    """

    labels: int = 0
    lost: float = 0.0
    wealth: tuple[float, ...] = (0.0,) * len(_STAKES)

    def after(self, loss: float, allowed: float) -> Bets:
        """One label more.

        Args:
            loss: 0 (no harm) to 1.
            allowed: The highest mean that the promise allows, as of before this label; 1 allows everything.
        """
        labels = self.labels + 1
        fresh = 1.0 / (labels * (labels + 1))
        wealth = tuple(
            min(_MOST, (old + fresh) * _gain(stake, loss, allowed))
            for stake, old in zip(_STAKES, self.wealth, strict=True)
        )
        return Bets(labels, self.lost + loss, wealth)

    @property
    def evidence(self) -> float:
        """The e-value: how many times better the losses fit a broken promise. Above 1/delta it is broken."""
        waiting = 1.0 / (self.labels + 1)  # what has not been bet yet
        return sum(self.wealth) / len(self.wealth) + waiting


def _gain(stake: float, loss: float, allowed: float) -> float:
    if allowed >= 1.0:
        return 1.0
    allowed = max(allowed, 1e-3)  # a promise of no harm at all would be broken by the first one, which proves little
    return 1.0 + stake / allowed * (loss - allowed)
