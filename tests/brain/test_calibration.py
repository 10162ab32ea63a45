"""Labels become thresholds: what is easy may go to the weak model, what it was trained on proves nothing."""

from __future__ import annotations

import pytest

from dd0c_route.brain.calibration import calibrated
from dd0c_route.brain.policies.risk_bound import RiskBound
from dd0c_route.brain.policy import Moment
from dd0c_route.brain.predictor import Predictor
from dd0c_route.brain.promises import NOBODY
from dd0c_route.brain.training.fit import fit
from dd0c_route.types import Candidate, Target
from tests.brain.examples import LAW, SUM, labels

STRONG, WEAK = Target("acme", "strong"), Target("acme", "weak")


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return fit(labels(400), None)


def test_the_weak_model_gets_the_sums_and_not_the_law(predictor: Predictor) -> None:
    found = calibrated(labels(1000, seed=5), predictor, [WEAK, STRONG], 0.1, 0.1)["strong"]
    policy = RiskBound(0.1, 0.1)

    def first(text: str) -> str:
        weak, strong = predictor.predict(text, ["weak", "strong"]).p_good
        both = [Candidate(WEAK, weak, 1), Candidate(STRONG, strong, 100, asked=True)]
        return policy.choose(both, Moment(thresholds=found)).plan[0].model

    assert (first(SUM), first(LAW)) == ("weak", "strong")


def test_the_promise_holds_on_other_labels(predictor: Predictor) -> None:
    limit = calibrated(labels(1000, seed=5), predictor, [WEAK, STRONG], 0.1, 0.1)["strong"][WEAK].risk
    others, lost = labels(1000, seed=6), 0
    for prompt, (strong, weak) in zip(others.prompts, others.scores, strict=True):
        odds = predictor.predict(prompt, ["weak", "strong"]).p_good
        assert odds[0] is not None
        assert odds[1] is not None
        lost += odds[1] * (1 - odds[0]) <= limit and weak < strong
    assert 0 < lost / len(others.prompts) <= 0.1


def test_what_trained_the_brain_does_not_count(predictor: Predictor) -> None:
    found = calibrated(labels(400), predictor, [WEAK, STRONG], 0.1, 0.1)["strong"][WEAK]

    assert found.risk == NOBODY
    assert found.refused == "0 labels, and at least 22 are needed (400 prompts trained the brain and do not count)"


def test_a_model_has_one_threshold_by_whatever_name(predictor: Predictor) -> None:
    named = Target("host", "acme/WEAK-2026-01-31")
    found = calibrated(labels(600, seed=5), predictor, [named, STRONG], 0.1, 0.1)["strong"]
    assert found[named] == calibrated(labels(600, seed=5), predictor, [WEAK, STRONG], 0.1, 0.1)["strong"][WEAK]


def test_a_target_without_labels_gets_no_threshold(predictor: Predictor) -> None:
    found = calibrated(labels(600, seed=5), predictor, [WEAK, Target("acme", "other")], 0.1, 0.1)
    assert list(found["strong"]) == [WEAK]
    assert "weak" not in found  # only itself was labelled beside it
