"""The linear predictor learns each model's line from its own labels."""

from __future__ import annotations

import numpy as np

from dd0c_route.brain.training.heads import LEAST_LABELS, heads

ROWS = np.random.default_rng(0).normal(size=(500, 3)).astype(np.float32)
LINE = (ROWS @ np.array([0.5, -0.2, 0], np.float32))[:, None]


def test_a_line_is_found() -> None:
    assert np.allclose(heads(ROWS, LINE, np.ones_like(LINE), 1.0), [[0.5, -0.2, 0]], atol=0.01)


def test_a_large_penalty_leaves_little() -> None:
    assert np.abs(heads(ROWS, LINE, np.ones_like(LINE), 1e6)).max() < 0.01


def test_too_few_labels_say_nothing_of_texts() -> None:
    few = np.zeros_like(LINE)
    few[: LEAST_LABELS - 1] = 1
    assert not heads(ROWS, LINE, few, 1.0).any()
