"""The port that every policy implements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from dd0c_route.types import Candidate, Target


class Choice(Struct, frozen=True):
    """Targets in the order to try them, and why in one line."""

    plan: tuple[Target, ...]
    reason: str


class Policy(Protocol):
    """Order the candidates. Pure: same candidates, same choice."""

    def choose(self, candidates: Sequence[Candidate]) -> Choice: ...
