"""The measurement of decisions: what it decides and what it takes the times of."""

from __future__ import annotations

from pathlib import Path

from benchmarks.decide_time import cases, router, times_us
from dd0c_route.brain.request import asked
from dd0c_route.decide import decide


def test_every_case_is_decided_by_the_brain(tmp_path: Path) -> None:
    decider = router(tmp_path)
    for name, calls in cases().items():
        decision = decide(calls[0], decider)
        assert decision.fault is None, name
        assert len(decision.candidates) == 2, name


def test_no_call_asks_what_the_one_before_asked() -> None:
    for name, calls in cases().items():
        assert asked(calls[0]).turn != asked(calls[1]).turn, name


def test_times_are_of_each_decision_and_ascend(tmp_path: Path) -> None:
    calls = next(iter(cases().values()))
    wall, processor = times_us(calls, router(tmp_path), 5)
    assert len(wall) == len(processor) == 5
    assert wall == sorted(wall)
