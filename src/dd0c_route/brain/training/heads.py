"""The linear predictor: for each model a ridge regression on the columns, by its own labels."""

from __future__ import annotations

import numpy as np

from dd0c_route.brain.features import Floats

LEAST_LABELS = 20  # of a model: with fewer its mean says all that is known


def heads(rows: Floats, residuals: Floats, weights: Floats, penalties: Floats, middle: Floats) -> Floats:
    """Fit *residuals* (n, models) where *weights* are not nought.

    Args:
        penalties: (columns,): in labels.
        middle: (models, columns): what is believed before the first label, and pulled to.

    Returns:
        float32, shape (models, columns).
    """
    out = middle.copy()
    for model in range(residuals.shape[1]):
        own = np.flatnonzero(weights[:, model])
        if len(own) < LEAST_LABELS:
            continue
        x = rows[own]
        rest = residuals[own, model] - x @ middle[model]
        out[model] += np.linalg.solve(x.T @ x + np.diag(penalties), x.T @ rest)
    return out
