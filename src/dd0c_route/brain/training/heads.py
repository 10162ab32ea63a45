"""The linear predictor: for each model a ridge regression on the columns, by its own labels."""

from __future__ import annotations

import numpy as np

from dd0c_route.brain.features import Floats

LEAST_LABELS = 20  # of a model: with fewer its mean says all that is known


def heads(rows: Floats, residuals: Floats, weights: Floats, ridge: float) -> Floats:
    """Fit *residuals* (n, models) where *weights* are not nought.

    Args:
        ridge: The penalty of each column, in labels.

    Returns:
        float32, shape (models, columns).
    """
    out = np.zeros((residuals.shape[1], rows.shape[1]), np.float32)
    penalties = np.diag(np.full(rows.shape[1], ridge, np.float32))
    for model in range(residuals.shape[1]):
        own = np.flatnonzero(weights[:, model])
        if len(own) < LEAST_LABELS:
            continue
        x = rows[own]
        out[model] = np.linalg.solve(x.T @ x + penalties, x.T @ residuals[own, model])
    return out
