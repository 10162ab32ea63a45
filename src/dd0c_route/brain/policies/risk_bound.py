"""`risk-bound`: least cost, with a promise on how often the answer is worse than that of the model asked for."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dd0c_route.brain.policy import NOW, Choice, Moment, by_cost, then_the_rest, usable
from dd0c_route.brain.promises import record, risk_of
from dd0c_route.types import Candidate


class RiskBound(Struct, frozen=True):
    """The cheapest target whose risk is within its threshold; without a threshold, the model asked for.

    The thresholds come from labels (`promises.thresholds`) for this very *epsilon* and *delta*.
    """

    epsilon: float = 0.05
    delta: float = 0.05

    def choose(self, candidates: Sequence[Candidate], moment: Moment = NOW) -> Choice:
        named = {c.target for c in candidates}
        found = {target: one for target, one in moment.thresholds.items() if target in named}
        promise = record(found, self.epsilon, self.delta)
        asked = next((c for c in candidates if c.asked), None)
        if not promise["given"]:
            return Choice(then_the_rest([], candidates), f"no promise: {promise['why']}", promise=promise)
        within = []
        for candidate in usable(candidates):
            limit, risk = found.get(candidate.target), risk_of(candidate, asked)
            if candidate.asked or (limit is not None and risk is not None and risk <= limit.risk):
                within.append(candidate)
        first = sorted(within, key=by_cost)
        share = f"worse than asked in at most {self.epsilon:.3g} of calls, confidence {1 - self.delta:.3g}"
        reason = f"{share}, {promise['labels']} labels: {len(within)} of {len(candidates)} within"
        return Choice(then_the_rest(first, candidates), reason, promise=promise)
