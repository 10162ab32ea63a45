"""Simple routers look at the other folds alone."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.routing.simple import by_group, by_neighbours, vectors

FOLD = np.arange(500) % 5
GROUPS = np.array(["a", "b"])[np.arange(500) // 250]
SCORES = np.stack((GROUPS == "a", GROUPS == "b"), axis=1).astype(np.float64)


def test_a_mean_is_that_of_the_other_folds() -> None:
    scores = np.zeros((500, 1))
    scores[FOLD == 0] = 1
    said = by_group(scores, FOLD, np.array(["all"] * 500))
    assert said[FOLD == 0] == pytest.approx(np.zeros((100, 1)))
    assert said[FOLD == 1] == pytest.approx(0.25 * np.ones((100, 1)))


def test_a_group_s_mean_is_pulled_to_that_of_all() -> None:
    said = by_group(SCORES, FOLD, GROUPS)
    assert said[0, 0] == pytest.approx((200 + 10 * 0.5) / 210)


def test_neighbours_say_what_they_scored() -> None:
    texts = [f"the integral of x to the {n}" if n < 250 else f"who reigned in the year {n}" for n in range(500)]
    said = by_neighbours(SCORES, FOLD, vectors(texts))
    assert (said.argmax(axis=1) == SCORES.argmax(axis=1)).mean() > 0.98
