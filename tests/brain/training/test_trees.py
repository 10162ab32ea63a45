"""Trees learn steps that a line cannot, for each model from its own labels."""

from __future__ import annotations

import numpy as np

from dd0c_route.brain.training.trees import Growth, grow

ROWS = np.random.default_rng(0).normal(size=(2000, 5)).astype(np.float32)
STEP = np.where((ROWS[:, 1] > 0) & (ROWS[:, 3] > 0.5), 0.5, -0.5).astype(np.float32)
GROWTH = Growth(trees=60, depth=3, rate=0.2, shrinkage=5, column_share=1.0)


def test_a_step_in_two_columns_is_found() -> None:
    residuals = np.stack((STEP, -STEP), axis=1)
    forest = grow(ROWS, residuals, np.ones_like(residuals), GROWTH, seed=1)
    left = residuals - forest.predict(ROWS)
    assert (left**2).mean() < 0.2 * (residuals**2).mean()


def test_a_model_without_labels_stays_at_nought() -> None:
    residuals = np.stack((STEP, np.zeros_like(STEP)), axis=1)
    weights = np.stack((np.ones_like(STEP), np.zeros_like(STEP)), axis=1)
    assert not grow(ROWS, residuals, weights, GROWTH, seed=1).predict(ROWS)[:, 1].any()


def test_the_same_seed_grows_the_same_trees() -> None:
    residuals = STEP[:, None]
    one, two = (grow(ROWS, residuals, np.ones_like(residuals), GROWTH, seed=1) for _ in range(2))
    assert (one.features == two.features).all()
    assert (one.thresholds == two.thresholds).all()
    assert (one.values == two.values).all()
