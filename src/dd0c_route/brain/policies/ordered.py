"""`ordered`: the operator's own order; the later ones stand by."""

from __future__ import annotations

from collections.abc import Sequence

from dd0c_route.brain.policy import Choice
from dd0c_route.types import Candidate


class Ordered:
    """The candidates as they are written in the route."""

    def choose(self, candidates: Sequence[Candidate]) -> Choice:
        return Choice(plan=tuple(c.target for c in candidates), reason="order of the route")
