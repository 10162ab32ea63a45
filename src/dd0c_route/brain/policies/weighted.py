"""`weighted`: a fixed share of the calls for each target, as in an experiment."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dd0c_route.brain.policy import NOW, Choice, Moment, then_the_rest, usable
from dd0c_route.types import Candidate, Target


class Weighted(Struct, frozen=True):
    """One target by lot, by *weights* in the order of the route's *targets*; all alike where there are none.

    The lot is the call's or its session's own, so that it falls alike each time. Whoever must not answer leaves its
    share to the others in proportion. A model asked for that is none of the route's targets only stands by.
    """

    targets: tuple[Target, ...]
    weights: tuple[float, ...] = ()

    def choose(self, candidates: Sequence[Candidate], moment: Moment = NOW) -> Choice:
        weights = dict(zip(self.targets, self.weights or (1.0,) * len(self.targets), strict=True))
        lots = [(c, weight) for c in usable(candidates) if (weight := weights.get(c.target, 0.0)) > 0]
        left = moment.draw * sum(weight for _, weight in lots)
        for candidate, weight in lots:
            left -= weight
            if left < 0:
                return Choice(then_the_rest([candidate], candidates), "by lot, with the route's weights")
        return Choice(then_the_rest([], candidates), "no candidate with a weight can answer this call")
