"""What a cheap check of an answer's form is worth here: how often it fails good answers, and how often bad ones.

A check is no label: most bad answers have a perfect form. What it says is weighed by its own error rates. Those that we
ship (`checks/checks.toml`) are what a tenant's counts begin with; a call that has both checks and somebody's word adds
to them. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

from dd0c_route.brain.checks import odds

MEMORY = 1_000.0  # labelled calls of a check; what it is worth changes with the models
_PRIOR_GOOD, _PRIOR_BAD = 50.0, 20.0  # good and bad answers that the shipped rates are worth


class Worth(NamedTuple):
    """*score*: the probability of a good answer with the checks known; *weight*: how much of a label that is, 0..1."""

    score: float
    weight: float


class Counts(Struct, frozen=True, gc=False):
    """Labelled calls of one check: `good` and `bad` are what the label said."""

    failed_good: float = 0.0
    passed_good: float = 0.0
    failed_bad: float = 0.0
    passed_bad: float = 0.0

    def after(self, score: float, *, failed: bool) -> Counts:
        """One call more whose answer was checked and labelled *score*, 0..1; the oldest make room for it."""
        total = self.failed_good + self.passed_good + self.failed_bad + self.passed_bad
        kept = min(1.0, (MEMORY - 1.0) / total) if total else 1.0
        good, bad = score, 1.0 - score
        return Counts(
            self.failed_good * kept + good * failed,
            self.passed_good * kept + good * (not failed),
            self.failed_bad * kept + bad * failed,
            self.passed_bad * kept + bad * (not failed),
        )

    def rates(self, check: str) -> odds.Rates | None:
        """The error rates of *check* after these counts: the mean of a Beta that begins with the shipped ones.

        None for a check that this version does not have.
        """
        try:
            shipped = odds.rates_of(check)
        except KeyError:
            return None
        good, bad = self.failed_good + self.passed_good, self.failed_bad + self.passed_bad
        return odds.Rates(
            catches=(self.failed_bad + _PRIOR_BAD * shipped.catches) / (bad + _PRIOR_BAD),
            alarms=(self.failed_good + _PRIOR_GOOD * shipped.alarms) / (good + _PRIOR_GOOD),
        )


def worth(p_good: float, checks: Mapping[str, bool], rates: Mapping[str, odds.Rates]) -> Worth:
    """What *checks* (passed or not) say of an answer that is good with *p_good*, as if each erred by itself.

    The weight is the best check's Youden's J. One that fails good and bad answers alike weighs nothing; one without
    rates is passed over.
    """
    weight = 0.0
    for name, passed in checks.items():
        if (one := rates.get(name)) is not None:
            p_good = odds.after(p_good, one.passed() if passed else one.failed())
            weight = max(weight, one.catches - one.alarms)
    return Worth(p_good, weight)
