"""A question stands in one fold, however it is set."""

from __future__ import annotations

import numpy as np
import pytest

from dd0c_route.brain.training.folds import folds, question

PLAIN = "What is the capital of France?"


@pytest.mark.parametrize(
    "setting",
    [
        f"{PLAIN}\nA. Paris\nB. Rome",
        f"Question: {PLAIN}\nChoices: (A) Rome, (B) Paris\nAnswer with the correct option.",
        f"Q: {PLAIN.upper()}",
        f"  {PLAIN}  (A) Rome (B) Paris",
    ],
)
def test_settings_of_a_question_are_one_question(setting: str) -> None:
    assert question(setting) == question(PLAIN)


def test_texts_of_one_template_are_different_questions() -> None:
    template = "You are given a long description of a puzzle with many rules that are always the same. " * 5
    assert question(template + "The grid is 1 2 3.") != question(template + "The grid is 3 2 1.")


def test_all_folds_are_used_and_stay_the_same() -> None:
    texts = [f"Is {number} prime?" for number in range(400)]
    fold = folds(texts, 4)
    assert np.bincount(fold, minlength=4).min() > 60
    assert (fold == folds(texts, 4)).all()
    assert len(folds(["", "!!", "Options: (A) x"], 4)) == 3
