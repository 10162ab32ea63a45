"""`cheapest-capable`: the cheapest target that is good enough."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dd0c_route.brain.policy import Choice
from dd0c_route.types import Candidate


class CheapestCapable(Struct, frozen=True):
    """The cheapest target that is good enough; stronger ones stand by.

    A target without known odds is never good enough, unless *floor* is 0; one without a price is held at its worst
    case, and one of whose cost nothing is known comes last.
    """

    floor: float = 0.9

    def choose(self, candidates: Sequence[Candidate]) -> Choice:
        able = sorted((c for c in candidates if (c.p_good or 0.0) >= self.floor), key=_by_cost)
        rest = sorted((c for c in candidates if (c.p_good or 0.0) < self.floor), key=lambda c: -(c.p_good or 0.0))
        reason = f"{len(able)} of {len(candidates)} good enough (floor {self.floor:g})"
        return Choice(plan=tuple(c.target for c in able + rest), reason=reason)


def _by_cost(candidate: Candidate) -> tuple[bool, int]:
    return candidate.expected_cost is None, candidate.expected_cost or 0
