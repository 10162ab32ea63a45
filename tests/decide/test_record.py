"""What an entry holds of a decision."""

from __future__ import annotations

import msgspec

from dd0c_route.decide import decide
from dd0c_route.decide.record import MOST_CANDIDATES, record
from dd0c_route.types import Candidate, Conversation, Decision, Target
from tests.brain.test_request import user
from tests.decide.test_candidates import ALL, asking, router


def test_a_decision_without_a_route_is_a_line() -> None:
    target = Target("p", "m")
    assert record(Decision((target,), "kept", "no route matched", target)) == {
        "verdict": "kept", "reason": "no route matched", "policy": None, "decide_us": 0.0,
    }  # fmt: skip


def test_it_is_small_and_holds_no_word_of_the_prompt() -> None:
    secret = "walrus"
    decision = decide(asking(user(f"{secret} " * 50), metadata={"user_id": secret}), router(*ALL))
    written = msgspec.json.encode(record(decision))
    assert len(written) < 1500
    assert secret.encode() not in written
    assert "conversation" not in record(decision)


def test_of_many_candidates_those_that_matter_are_kept() -> None:
    targets = [Target("provider-of-some-length", f"a-model-with-a-long-name-{number}") for number in range(30)]
    candidates = tuple(
        Candidate(target, 0.12345678, 10**12, support=0.5, ruled_out="lacks the provider's own tools",
                  expected_output=400, cached_share=0.5)
        for target in targets
    )  # fmt: skip
    decision = Decision(
        (targets[20],), "routed", "x" * 1000, targets[25], policy="cheapest-capable", route=3, candidates=candidates,
        shadow=targets[29], conversation=Conversation(1, (), frozenset()),
    )  # fmt: skip
    kept = record(decision)
    names = [one["target"] for one in kept["candidates"]]
    assert len(names) == MOST_CANDIDATES
    assert {str(targets[20]), str(targets[25]), str(targets[29])} <= set(names)
    assert len(msgspec.json.encode(kept)) < 2048
