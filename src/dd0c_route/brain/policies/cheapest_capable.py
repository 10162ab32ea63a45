"""`cheapest-capable`: the cheapest target that is good enough."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dd0c_route.brain.policy import NOW, Choice, Moment, by_cost, odds, then_the_rest, usable
from dd0c_route.types import Candidate


class CheapestCapable(Struct, frozen=True):
    """The cheapest target that is good enough; where none is, the model asked for, else the best.

    Never one that costs more than the model asked for: that is the ceiling of quality.

    A target without known odds is never good enough, unless *floor* is 0; one without a price is held at its worst
    case, and one of whose cost nothing is known comes last.
    """

    floor: float = 0.9

    def choose(self, candidates: Sequence[Candidate], moment: Moment = NOW) -> Choice:
        asked = next((c for c in candidates if c.asked), None)
        able = sorted((c for c in usable(candidates) if odds(c) >= self.floor), key=by_cost)
        able = [c for c in able if asked is None or by_cost(c) <= by_cost(asked)]
        reason = f"{len(able)} of {len(candidates)} good enough (floor {self.floor:g})"
        return Choice(plan=then_the_rest(able, candidates), reason=reason)
