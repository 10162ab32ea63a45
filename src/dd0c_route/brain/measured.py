"""What a route really saves and what it does to quality: calls that it decided beside a random control group. Pure.

Calls are counted by where chance put them, whatever the policy then chose: that makes the difference an effect of the
route and not of which calls it picked. Source: the intention-to-treat difference of means with Welch's interval.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

from msgspec import Struct, structs

_95 = 1.96


class Mean(Struct, frozen=True, gc=False):
    """A sum that knows how sure its mean is."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def after(self, value: float) -> Mean:
        return Mean(self.count + 1, self.total + value, self.squares + value * value)

    def amended(self, before: float, value: float) -> Mean:
        """One of the values is another one now."""
        return Mean(self.count, self.total + value - before, self.squares + value * value - before * before)

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None

    @property
    def error(self) -> float | None:
        """Variance of the mean; None below two values."""
        if self.count < 2:
            return None
        spread = self.squares - self.total * self.total / self.count
        return max(0.0, spread) / (self.count - 1) / self.count


class Difference(NamedTuple):
    """*value* with its 95 % interval."""

    value: float
    low: float
    high: float


def difference(left: Mean, right: Mean) -> Difference | None:
    """The mean of *left* less that of *right*; None before both have two values."""
    if left.error is None or right.error is None:
        return None
    value = left.total / left.count - right.total / right.count
    reach = _95 * sqrt(left.error + right.error)
    return Difference(value, value - reach, value + reach)


class Group(Struct, frozen=True):
    """Calls of one group.

    Attributes:
        usd: What each cost, failed tries and escalations included.
        saved_usd: What the ledger says that each saved, which is modelled: the same tokens at the model asked for.
        unpriced: Calls without a price, in neither.
        feedback, checks: Scores, 0..1.
    """

    calls: int = 0
    usd: Mean = Mean()
    saved_usd: float = 0.0
    unpriced: int = 0
    feedback: Mean = Mean()
    checks: Mean = Mean()

    def after(self, usd: float | None, saved_usd: float) -> Group:
        """One call more, with its cost in dollars."""
        if usd is None:
            return structs.replace(self, calls=self.calls + 1, unpriced=self.unpriced + 1)
        return structs.replace(
            self, calls=self.calls + 1, usd=self.usd.after(usd), saved_usd=self.saved_usd + saved_usd
        )


class Watched(Struct, frozen=True):
    """Calls that were only watched, with what was expected of them before: a model's word, and no measurement.

    Attributes:
        elsewhere: How many the policy would have sent to another model.
        asked_usd, chosen_usd: What all of them would cost at the models asked for, and at the policy's choices.
    """

    calls: int = 0
    elsewhere: int = 0
    asked_usd: float = 0.0
    chosen_usd: float = 0.0

    def after(self, asked_usd: float, chosen_usd: float, *, elsewhere: bool) -> Watched:
        """One call more."""
        costs = self.asked_usd + asked_usd, self.chosen_usd + chosen_usd
        return Watched(self.calls + 1, self.elsewhere + elsewhere, *costs)


class Measured(Struct, frozen=True):
    """One route's groups: *control* kept the model asked for by chance, *routed* did what the policy chose."""

    control: Group = Group()
    routed: Group = Group()
    watched: Watched = Watched()

    @property
    def saved(self) -> Difference | None:
        """Dollars that the route saves on a call, measured."""
        return difference(self.control.usd, self.routed.usd)

    @property
    def better(self) -> Difference | None:
        """How much better the scores of routed calls are; negative where they are worse."""
        return difference(self.routed.feedback, self.control.feedback)
