"""The promise of `risk-bound`: an answer is worse than that of the model asked for with probability epsilon at most.

A label is a request of which it is known whether the candidate did worse than the model asked for, with the risk that
the brain saw before. The threshold is the largest risk up to which the labels, taken as if the policy had routed them,
show so few losses that the true share over *all* requests is at most epsilon, except with probability delta. More is
routed as the threshold grows, so that losses only grow: the first threshold that fails ends the search, and choosing
among many costs nothing.

Source: S. Bates et al., J. ACM 68 (2021), "Distribution-free, risk-controlling prediction sets", theorem 1; A. N.
Angelopoulos et al., "Learn then test" (arXiv:2110.01052), fixed-sequence testing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from dd0c_route.brain.bounds import labels_needed, most_losses, upper_bound
from dd0c_route.types import Candidate, Target

NOBODY = -1.0  # the threshold that no risk is under


class Label(Struct, frozen=True, gc=False):
    """One request with both answers judged.

    Attributes:
        risk: What `risk_of` said of the candidate, 0..1.
        worse: The candidate's answer was worse than that of the model asked for.
    """

    risk: float
    worse: bool


class Threshold(Struct, frozen=True, gc=False):
    """Up to which risk a candidate may answer.

    Attributes:
        risk: The largest risk that may be taken; `NOBODY`: none.
        labels: How many it rests on.
        lost: How many of them are worse and within *risk*.
        upper: The bound on the share of worse answers that they show.
        refused: Why nothing can be promised, or None.
    """

    risk: float
    labels: int
    lost: int = 0
    upper: float = 1.0
    refused: str | None = None


def risk_of(candidate: Candidate, asked: Candidate | None) -> float | None:
    """The probability that *candidate* does worse than the model asked for; None where nothing is known of it.

    As if the two failed independently: the threshold is found on the same figure, so only its order matters.
    """
    if candidate.p_good is None:
        return None
    of_asked = 1.0 if asked is None or asked.p_good is None else asked.p_good
    return of_asked * (1.0 - candidate.p_good)


def threshold(labels: Sequence[Label], epsilon: float, delta: float) -> Threshold:
    """The largest risk at which *labels* show that at most *epsilon* are worse, with confidence 1 - *delta*.

    The labels must be of the requests that the promise is about, drawn alike, and must not have trained the brain.
    """
    n = len(labels)
    needed = labels_needed(epsilon, delta)
    if needed is None:
        return Threshold(NOBODY, n, refused="no number of labels can show a share of nothing")
    if n < needed:
        return Threshold(NOBODY, n, refused=f"{n} labels, and at least {needed} are needed")
    may_lose = most_losses(n, epsilon, delta)
    worse = sorted(label.risk for label in labels if label.worse)
    if len(worse) <= may_lose:
        return Threshold(1.0, n, len(worse), upper_bound(len(worse), n, 1 - delta))
    limit = worse[may_lose]  # at this risk one loss too many is taken
    below = [label for label in labels if label.risk < limit]
    lost = sum(label.worse for label in below)
    risk = max((label.risk for label in below), default=NOBODY)
    return Threshold(risk, n, lost, upper_bound(lost, n, 1 - delta))


def thresholds(labels: Mapping[Target, Sequence[Label]], epsilon: float, delta: float) -> dict[Target, Threshold]:
    """A threshold for each candidate, so that the promise holds for a policy that chooses among all of them.

    Each gets an equal part of *epsilon* and *delta*: what is lost to one adds to what is lost to the others. One with
    too few labels takes no part and gets none.
    """
    ranked = sorted(labels, key=lambda target: -len(labels[target]))
    parts = len(ranked)
    while parts > 1:  # fewer that take part need fewer labels each
        needed = labels_needed(epsilon / parts, delta / parts)
        if needed is not None and len(labels[ranked[parts - 1]]) >= needed:
            break
        parts -= 1
    parts = max(parts, 1)
    found = {target: threshold(labels[target], epsilon / parts, delta / parts) for target in ranked[:parts]}
    for target in ranked[parts:]:
        n = len(labels[target])
        found[target] = Threshold(NOBODY, n, refused=f"{n} labels, too few to share the promise")
    return found


def record(found: Mapping[Target, Threshold], epsilon: float, delta: float) -> dict[str, Any]:
    """The promise as an entry keeps it, or why there is none."""
    sound = [one for one in found.values() if one.refused is None]
    base: dict[str, Any] = {"epsilon": epsilon, "delta": delta}
    if not sound:
        why = next((one.refused for one in found.values() if one.refused), "no labels to show it by")
        return base | {"given": False, "why": why}
    upper = math.fsum(one.upper for one in sound if one.risk != NOBODY)
    return base | {"given": True, "labels": min(one.labels for one in sound), "upper": round(upper, 4)}
