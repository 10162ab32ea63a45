"""Pools: what an answer cost, and what it was expected to cost."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.routing.pools import names, pool, rows_of
from tests.benchmarks.routing import made

MODELS = [
    "gemini-1.5-pro-002",
    "gemini-1.5-flash-002",
    "Meta-Llama-3_1-70B-Instruct",
    "Meta-Llama-3_1-8B-Instruct",
    "Mixtral-8x7B-Instruct-v0.1",
    "c4ai-command-r-v01",
]


def test_a_cost_is_price_times_characters_over_four() -> None:
    given = made.data(np.ones((10, 6)), MODELS, prompts=["x" * 400] * 10)
    own = pool(given, "mmlu-pro")
    assert own.costs[0, 0] == pytest.approx((100 * 1.25 + 100 * 5.0) / 1e6 * 1e3)
    assert own.expected == pytest.approx(own.costs)


def test_prompts_that_not_all_answered_are_left_out() -> None:
    scores = np.ones((10, 6))
    scores[3, 2] = np.nan
    assert 3 not in pool(made.data(scores, MODELS), "mmlu-pro").rows


def test_what_is_expected_does_not_look_at_the_prompt_s_own_fold() -> None:
    given = made.data(np.ones((10, 6)), MODELS)
    given.out_chars[given.fold == 0] = 4_000_000.0
    own = pool(given, "mmlu-pro")
    assert own.expected[given.fold == 0].max() < 1.0
    assert own.expected[given.fold == 1].min() > 10.0


def test_tasks_and_subjects_are_named_by_patterns() -> None:
    given = made.data(np.ones((10, 1)), ["a"], task="rg-sudoku")
    given.subjects[:] = "g"
    assert len(rows_of(given, ["rg-*"])) == 10
    assert len(rows_of(given, ["rg-*"], "g*")) == 10
    assert len(rows_of(given, ["rg-*"], "h*")) == 0
    assert len(rows_of(given, ["ze-*"])) == 0


def test_the_pools_are_those_of_the_report() -> None:
    assert names() == ["mmlu-pro", "zeroeval", "reasoning-gym", "paretobandit"]
