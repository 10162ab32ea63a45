"""`cheapest-capable`: the cheapest target that is good enough."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dd0c_route.brain.policy import NOW, Choice, Moment, by_cost, odds, then_the_rest, usable
from dd0c_route.types import Candidate, PicoUSD


class CheapestCapable(Struct, frozen=True):
    """The cheapest target that is good enough; where none is, the model asked for, else the best.

    Never one that costs more than the model asked for: that is the ceiling of quality.

    A target without known odds is never good enough, unless *floor* is 0; one without a price is held at its worst
    case, and one of whose cost nothing is known comes last.

    In the middle of a conversation the floor has a price. A switch there pays for the whole cold prompt, and the model
    that the floor asks for at one turn seldom is the one of the next. So what a target lacks to the floor is weighed at
    *answer_worth*, and a switch is made where it is worth more than it costs.

    Attributes:
        answer_worth: Picodollars that one more good answer is worth.
    """

    floor: float = 0.9
    answer_worth: PicoUSD = 3 * 10**12

    def choose(self, candidates: Sequence[Candidate], moment: Moment = NOW) -> Choice:
        may = usable(candidates)
        asked = next((c for c in candidates if c.asked), None)
        able = sorted((c for c in may if odds(c) >= self.floor), key=by_cost)
        able = [c for c in able if asked is None or by_cost(c) <= by_cost(asked)]
        reason = f"{len(able)} of {len(candidates)} good enough (floor {self.floor:g})"
        plan = then_the_rest(able, candidates)
        if not (moment.ongoing and plan):
            return Choice(plan, reason)
        by_floor = next(c for c in may if c.target == plan[0])
        best = self._best_value(by_floor, may)
        if best is by_floor:
            return Choice(plan, reason)
        reason += "; in mid-conversation more costs more than it is worth"
        return Choice(then_the_rest([best, *(c for c in able if c is not best)], candidates), reason)

    def _best_value(self, by_floor: Candidate, may: Sequence[Candidate]) -> Candidate:
        """Whose cost and shortfall come to least; *by_floor* itself where nothing comes to less."""
        wanted = self.floor if by_floor.asked else min(self.floor, odds(by_floor))
        most = by_floor.expected_cost

        def comes_to(one: Candidate) -> float:
            lacks = 0.0 if one is by_floor else max(0.0, wanted - odds(one))
            return (one.expected_cost or 0) + self.answer_worth * lacks

        cheaper = [c for c in may if None not in (most, c.expected_cost) and by_cost(c) < by_cost(by_floor)]
        return min((by_floor, *cheaper), key=lambda one: (comes_to(one), -odds(one)))
