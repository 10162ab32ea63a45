"""Policies: small classes with one method; to add one takes a file, a line in `POLICIES` and its name in the settings.

Rules by tags or kind of request need none of their own: a route matches them, and `pinned` names the model.
"""

from __future__ import annotations

from collections.abc import Callable

from dd0c_route.brain.policies.budget import Budget
from dd0c_route.brain.policies.cascade import Cascade
from dd0c_route.brain.policies.cheapest_capable import CheapestCapable
from dd0c_route.brain.policies.ordered import Ordered
from dd0c_route.brain.policies.pinned import Pinned
from dd0c_route.brain.policies.risk_bound import RiskBound
from dd0c_route.brain.policies.weighted import Weighted
from dd0c_route.brain.policy import Policy
from dd0c_route.config import Route
from dd0c_route.types import Target

_PICO = 10**12

POLICIES: dict[str, Callable[[Route, tuple[Target, ...]], Policy]] = {
    "cheapest-capable": lambda route, targets: CheapestCapable(route.floor, round(route.answer_usd * _PICO)),
    "risk-bound": lambda route, targets: RiskBound(route.epsilon, route.delta),
    "budget": lambda route, targets: Budget(),
    "cascade": lambda route, targets: Cascade(route.floor),
    "pinned": lambda route, targets: Pinned(targets[0]),
    "weighted": lambda route, targets: Weighted(targets, route.weights),
    "ordered": lambda route, targets: Ordered(),
}
"""Name in `dd0c.toml` → a policy with that route's settings and its targets."""

NEED_NO_ODDS = frozenset(("pinned", "weighted", "ordered"))
"""Those that choose without the odds of a good answer: they go on while the predictor rests."""
