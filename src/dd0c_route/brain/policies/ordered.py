"""`ordered`: the operator's own order; the later ones stand by."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dd0c_route.brain.policy import NOW, Choice, Moment, usable
from dd0c_route.types import Candidate


class Ordered(Struct, frozen=True):
    """The candidates as they are written in the route."""

    def choose(self, candidates: Sequence[Candidate], moment: Moment = NOW) -> Choice:
        return Choice(plan=tuple(c.target for c in usable(candidates)), reason="order of the route")
