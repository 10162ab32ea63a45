"""How much a check says: the odds of a good answer before it and after it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

AGREEMENT = "agreement"  # the check that takes a second answer
_FILE = Path(__file__).with_name("checks.toml")


class Rates(Struct, frozen=True, gc=False):
    """The error rates of a check.

    Attributes:
        catches: P(it fails | the answer is bad).
        alarms: P(it fails | the answer is good).
    """

    catches: float
    alarms: float

    def failed(self) -> float:
        """How much likelier a failed check is for a good answer than for a bad one."""
        return self.alarms / self.catches if self.catches else 1.0

    def passed(self) -> float:
        """The same of a check that was passed."""
        return (1 - self.alarms) / (1 - self.catches) if self.catches < 1 else float("inf")


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


def rates_of(name: str) -> Rates:
    """The rates that we ship for the check *name* (`checks.toml` says where they are from)."""
    row = _table()["checks"][name]
    return Rates(row["catches"], row["alarms"])


def combined(checks: Iterable[Rates]) -> Rates:
    """Several checks as one that fails where any of them does, each as if it looked at something else."""
    caught = alarmed = 1.0
    for rates in checks:
        caught *= 1 - rates.catches
        alarmed *= 1 - rates.alarms
    return Rates(1 - caught, 1 - alarmed)


def after(p_good: float, ratio: float) -> float:
    """P(good) in the light of what is *ratio* times as likely for a good answer as for a bad one (Bayes)."""
    if p_good <= 0.0 or p_good >= 1.0:
        return p_good
    good = p_good * ratio
    return 1.0 if ratio == float("inf") else good / (good + 1 - p_good)
