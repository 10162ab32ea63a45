"""`budget`: the best answers that a spend rate pays for."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dd0c_route.brain.policy import NOW, Allowance, Choice, Moment, by_cost, odds, then_the_rest, usable
from dd0c_route.types import Candidate


class Budget(Struct, frozen=True):
    """The target with the most quality for its money, at the price that the pacer puts on quality now.

    What costs more than the allowance is out of the question, and so is what costs more than the model asked for; where
    nothing else is left, the cheapest answers.
    """

    def choose(self, candidates: Sequence[Candidate], moment: Moment = NOW) -> Choice:
        asked = next((c for c in candidates if c.asked), None)
        known = [c for c in usable(candidates) if c.expected_cost is not None]
        known = [c for c in known if asked is None or by_cost(c) <= by_cost(asked)]
        allowance = moment.allowance
        if allowance is None or not known:
            return Choice(then_the_rest([], candidates), "no budget to go by: the model asked for, else the best")
        paid = [c for c in known if (c.expected_cost or 0) <= allowance.most]
        if not paid:
            first = sorted(known, key=by_cost)[:1]
            return Choice(then_the_rest(first, candidates), "the budget is spent: the cheapest")
        first = [max(paid, key=lambda c: (_worth(c, allowance), not c.expected_cost, -(c.expected_cost or 0)))]
        reason = f"best value within the budget, {len(paid)} of {len(candidates)} affordable"
        return Choice(then_the_rest(first, candidates), reason)


def _worth(candidate: Candidate, allowance: Allowance) -> float:
    if allowance.quality_price is None:
        return odds(candidate)
    return odds(candidate) * allowance.quality_price - (candidate.expected_cost or 0)
