"""Policies: small classes with one method; adding one is a file here and a line in `POLICIES`."""

from __future__ import annotations

from collections.abc import Callable

from dd0c_route.brain.policies.cheapest_capable import CheapestCapable
from dd0c_route.brain.policies.ordered import Ordered
from dd0c_route.brain.policy import Policy

POLICIES: dict[str, Callable[[float], Policy]] = {
    "cheapest-capable": CheapestCapable,
    "ordered": lambda floor: Ordered(),
}
"""Name in `dd0c.toml` → a policy with the route's `floor`."""
