"""What the control process has learned of the brain's choices, as it is published to those that decide. Pure."""

from __future__ import annotations

from msgspec import Struct

from dd0c_route.brain.checks.odds import Rates
from dd0c_route.brain.promises import Threshold
from dd0c_route.brain.residuals import Adjusted, Key, Snapshot
from dd0c_route.types import Target

# Where the predictor knows nothing of a model its labels begin here: nothing is good enough on that alone.
UNKNOWN = 0.5


class Taught(Struct, frozen=True):
    """One snapshot.

    Attributes:
        number: Which one; it grows.
        residuals: Corrections of predictions.
        rolled_back: Ids of routes that only watch, because their promise was broken.
        checks: What checks of an answer's form are worth here.
        thresholds: By route id and target, up to which risk a candidate may answer under `risk-bound`.
    """

    number: int = 0
    residuals: Snapshot = Snapshot()
    rolled_back: frozenset[str] = frozenset()
    thresholds: dict[str, dict[str, Threshold]] = {}
    checks: dict[str, Rates] = {}

    def thresholds_of(self, route: str) -> dict[Target, Threshold]:
        """Those of one route."""
        found = self.thresholds.get(route, {})
        return {Target(*name.split("/", 1)): threshold for name, threshold in found.items()}

    def adjust(self, p_good: float | None, key: Key) -> Adjusted | None:
        """The prediction with what was learned here; None where neither knows anything."""
        if p_good is not None:
            return self.residuals.adjust(p_good, key)
        adjusted = self.residuals.adjust(UNKNOWN, key)
        return adjusted if adjusted.learned else None
