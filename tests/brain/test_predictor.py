"""What a predictor says, and what the shipped one is."""

from __future__ import annotations

import numpy as np
import pytest

from dd0c_route.brain.predictor import SHIPPED, Predictor, fingerprints, shipped
from dd0c_route.brain.training.fit import fit
from tests.brain.examples import LAW, SUM, labels

PAIR = ["gpt-4-1106-preview", "mistralai/Mixtral-8x7B-Instruct-v0.1"]
QUESTIONS = [
    "A train leaves at noon and travels 60 miles an hour for 3 hours. How far does it get?",
    "Which of the following is a property of an abelian group?\nA. ab = ba\nB. ab = a\nC. a = b\nD. aa = b",
    "In contract law, which doctrine bars a party from denying a promise relied on?\nA. estoppel\nB. laches",
    "What is the capital of Australia?",
    "Compute the limit of sin(x)/x as x goes to zero.",
    "Write a function that reverses a linked list.",
]


def probabilities(predictor: Predictor, text: str, models: list[str]) -> list[float]:
    return [p for p in predictor.predict(text, models).p_good if p is not None]


def test_a_text_read_for_odds_is_not_read_again_for_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = shipped()
    predictor.predict(SUM, PAIR)
    monkeypatch.setattr("dd0c_route.brain.predictor.read", None)
    assert predictor.length(SUM, "gpt-4o", thinks=False).mean > 0


def test_the_text_before_changes_nothing() -> None:
    predictor = fit(labels(80))
    alone = predictor.predict(LAW, ["weak"])
    predictor.predict(SUM, ["weak"])
    assert predictor.predict(LAW, ["weak"]) == alone


def test_fingerprints_do_not_see_white_space() -> None:
    one, other, third = fingerprints(["a  b\n", "a b", "a c"])
    assert one == other != third


def test_the_shipped_one_is_small_and_knows_much() -> None:
    predictor = shipped()
    assert SHIPPED.stat().st_size <= 4_000_000
    assert len(predictor.models) > 100
    assert {"gpt-4o-mini-2024-07-18", "google/gemini-2.5-flash", *PAIR} <= set(predictor.models)


@pytest.mark.parametrize("name", ["gpt-4o", "claude-3-5-haiku-latest", "gemini-2.5-pro", "gpt-4.1-mini"])
def test_the_shipped_one_knows_models_by_the_names_that_calls_use(name: str) -> None:
    assert shipped().predict(SUM, [name]).p_good[0] is not None


def test_the_shipped_one_expects_more_of_the_stronger_model() -> None:
    strong, weak = np.mean([probabilities(shipped(), question, PAIR) for question in QUESTIONS], axis=0)
    assert strong > weak + 0.05


@pytest.mark.parametrize(
    "noise", ["Please help me. {} Thank you!", "  {}\n\n", "Hi there! {}", "{} Thanks so much in advance."]
)
def test_politeness_and_white_space_hardly_move_the_shipped_one(noise: str) -> None:
    def gain(text: str) -> float:
        strong, weak = probabilities(shipped(), text, PAIR)
        return strong - weak

    moved = [abs(gain(noise.format(question)) - gain(question)) for question in QUESTIONS]
    assert np.mean(moved) < 0.06
