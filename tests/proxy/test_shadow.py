from __future__ import annotations

import pytest

from dd0c_route.proxy.shadow import other_of
from dd0c_route.types import Candidate, Decision, Target

LARGE, SMALL, TINY = (Target("acme", name) for name in ("large", "small", "tiny"))
CANDIDATES = (Candidate(LARGE, 1.0, 100, asked=True), Candidate(SMALL, 0.9, 20), Candidate(TINY, 0.5, 5))


def a_decision(plan: Target, shadow: Target | None = None, candidates: tuple[Candidate, ...] = CANDIDATES) -> Decision:
    return Decision((plan,), "kept", "", LARGE, candidates=candidates, shadow=shadow)


@pytest.mark.parametrize(
    ("decision", "served", "other"),
    [
        (a_decision(SMALL), SMALL, LARGE),  # routed: what would the model asked for have said?
        (a_decision(LARGE, SMALL), LARGE, SMALL),  # only watched: what would the choice have said?
        (a_decision(LARGE), LARGE, TINY),  # the policy trusts nobody: how would the cheapest one do?
        (a_decision(LARGE, LARGE), LARGE, TINY),
        (a_decision(LARGE, None, CANDIDATES[:1]), LARGE, None),
        (a_decision(LARGE, None, (CANDIDATES[0], Candidate(SMALL, ruled_out="lacks tools"))), LARGE, None),
        (a_decision(LARGE, None, (CANDIDATES[0], Candidate(SMALL, unpriced=True))), LARGE, None),
    ],
)
def test_the_model_asked_for_and_one_other_are_compared(decision: Decision, served: Target, other: Target) -> None:
    assert other_of(decision, served) == other
