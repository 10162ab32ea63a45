"""`pinned`: one target, whatever the call; for routes that match tags or a kind of request."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from dd0c_route.brain.policy import NOW, Choice, Moment, usable
from dd0c_route.types import Candidate, Target


class Pinned(Struct, frozen=True):
    """*target*, the route's first candidate; only the model asked for stands by, and answers where it must not."""

    target: Target

    def choose(self, candidates: Sequence[Candidate], moment: Moment = NOW) -> Choice:
        may = usable(candidates)
        first = [c for c in may if c.target == self.target]
        asked = [c for c in may if c.asked and c not in first]
        reason = "pinned by the route" if first else "the pinned model cannot answer this call"
        return Choice(tuple(c.target for c in [*first, *asked]), reason)
