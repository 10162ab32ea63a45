"""What is known of a route's promise: is its choice worse than the model asked for more often than it may be?

Three kinds of labels are watched, each by a test of its own (`watch`), which share delta:
- `shadow`: the choice and the model asked for answered the same request, and the answers were compared.
- `feedback` and `check`: what was said of calls that were routed, against what was said of calls that kept the model
  asked for (the control group, and calls that were only watched). The promise is broken where the routed ones are bad
  more often than the highest share that the others leave open (a bound that holds at all times) plus epsilon.

When one of them breaks, the route is rolled back: it only watches until an operator resets it. Pure.
"""

from __future__ import annotations

from math import ceil, floor
from typing import Literal

from msgspec import Struct, structs

from dd0c_route.brain.bounds import anytime_lower, anytime_upper
from dd0c_route.brain.watch import Bets

Kind = Literal["shadow", "feedback", "check"]
KINDS: tuple[Kind, ...] = ("shadow", "feedback", "check")
_PARTS = 2 * len(KINDS)  # of delta: a bound and a test for each kind


class Promise(Struct, frozen=True):
    """At most *epsilon* of the calls get a worse answer than from the model asked for, with confidence 1 - *delta*."""

    epsilon: float
    delta: float


class Broken(Struct, frozen=True):
    """Why and when a route was rolled back.

    Attributes:
        kind: The sort of labels that showed it.
        labels, lost: How many since the last reset, and how many of them were bad or worse.
        allowed: The share that was allowed at that moment.
        call: Id of the call whose label was the last straw.
        at: RFC 3339.
    """

    kind: Kind
    labels: int
    lost: float
    allowed: float
    call: str
    at: str

    @property
    def message(self) -> str:
        """The same for a person."""
        what = "worse than the model asked for" if self.kind == "shadow" else "bad"
        return f"{self.lost:.0f} of {self.labels} {self.kind} labels say {what}, and at most {self.allowed:.1%} may be"


class Kept(Struct, frozen=True, gc=False):
    """Labels of calls that kept the model asked for: how many, and how many of them bad."""

    labels: int = 0
    lost: float = 0.0

    def after(self, loss: float) -> Kept:
        return Kept(self.labels + 1, self.lost + loss)


class Evidence(Struct, frozen=True):
    """All of one route, for JSON.

    Attributes:
        routed: The tests, of labels since the last reset.
        kept: What routed calls are compared with, since ever.
        broken: The route is rolled back; None while the promise is not known to be broken.
        resets: How often an operator let it try again.
    """

    routed: dict[Kind, Bets] = {}
    kept: dict[Kind, Kept] = {}
    broken: Broken | None = None
    resets: int = 0

    def of_routed(self, kind: Kind, loss: float, promise: Promise, call: str, at: str) -> Evidence:
        """A label of a routed call, or of a comparison: *loss* is 0 where all is well, 1 where the answer is worse."""
        allowed = self.allowed(kind, promise)
        bets = self.routed.get(kind, Bets()).after(loss, allowed)
        broken = self.broken
        if broken is None and bets.evidence >= _PARTS / promise.delta:
            broken = Broken(kind, bets.labels, bets.lost, allowed, call, at)
        return structs.replace(self, routed={**self.routed, kind: bets}, broken=broken)

    def of_kept(self, kind: Kind, loss: float) -> Evidence:
        """A label of a call that kept the model asked for."""
        return structs.replace(self, kept={**self.kept, kind: self.kept.get(kind, Kept()).after(loss)})

    def reset(self) -> Evidence:
        """Try again: bets begin anew, and what they are compared with stays."""
        return Evidence(kept=self.kept, resets=self.resets + 1)

    def allowed(self, kind: Kind, promise: Promise) -> float:
        """Which share of bad labels the promise allows now; 1 before there is anything to compare with."""
        if kind == "shadow":
            return promise.epsilon
        kept = self.kept.get(kind, Kept())
        if not kept.labels:
            return 1.0
        usual = anytime_upper(ceil(kept.lost), kept.labels, 1 - promise.delta / _PARTS)
        return min(1.0, usual + promise.epsilon)

    def worse(self, kind: Kind, promise: Promise) -> tuple[float, float, float] | None:
        """The share of worse answers that *kind* shows since the last reset, with bounds that hold at all times.

        Of `feedback` and `check` it is the difference between routed and kept calls. None without labels.
        """
        bets = self.routed.get(kind, Bets())
        confidence = 1 - promise.delta / _PARTS
        if not bets.labels:
            return None
        low = anytime_lower(floor(bets.lost), bets.labels, confidence)
        high = anytime_upper(ceil(bets.lost), bets.labels, confidence)
        share = bets.lost / bets.labels
        if kind == "shadow":
            return share, low, high
        kept = self.kept.get(kind, Kept())
        if not kept.labels:
            return None
        usual_low = anytime_lower(floor(kept.lost), kept.labels, confidence)
        usual_high = anytime_upper(ceil(kept.lost), kept.labels, confidence)
        return share - kept.lost / kept.labels, low - usual_high, high - usual_low
