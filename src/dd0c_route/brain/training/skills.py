"""Skills: a few numbers that say of a text what decides who answers it well, learned from all models at once.

Residual scores R (texts, models) are explained as (X W) Vᵀ: X the weighted words of a text, W the table that is
shipped, V what each skill means to each model. Only labels that exist count. V comes from factorising R alone, W by
ridge regression with conjugate gradients, in which the loss is that of the labels themselves.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dd0c_route.brain.features import BUCKETS, Floats
from dd0c_route.brain.training.ragged import Ragged

_ROUNDS = 10  # of alternating least squares; later ones change nothing that matters
_STEPS = 15  # of conjugate gradients: stopping early is part of the regularisation
_ALONE = 8.0  # ridge penalty where every model has a skill of its own


class Text(NamedTuple):
    """The weighted words of all texts: shape (texts, BUCKETS), and its transpose."""

    rows: Ragged
    buckets: Ragged


def meanings(residuals: Floats, weights: Floats, rank: int, seed: int) -> tuple[Floats, float]:
    """V, float32, shape (models, skills), and the ridge penalty of W in its units."""
    models = residuals.shape[1]
    if models <= rank:
        return np.eye(models, dtype=np.float32), _ALONE
    random = np.random.default_rng(seed)
    v = (0.3 * random.normal(size=(models, rank))).astype(np.float32)
    weighted = weights * residuals
    for _ in range(_ROUNDS):
        u = _solved(weights, weighted, v)
        v = _solved(weights.T, weighted.T, u)
    return v, 0.3 * float(np.mean((v**2).sum(axis=0)))


def _solved(weights: Floats, weighted: Floats, other: Floats) -> Floats:
    """One half step: for each row the ridge regression on *other*, counted by its weights."""
    rank = other.shape[1]
    squares = (other[:, :, None] * other[:, None, :]).reshape(len(other), -1)
    normal = (weights @ squares).reshape(-1, rank, rank) + np.eye(rank, dtype=np.float32)
    solution: Floats = np.linalg.solve(normal, (weighted @ other)[..., None])[..., 0]
    return solution


def table(text: Text, residuals: Floats, weights: Floats, v: Floats, penalty: float) -> Floats:
    """W, float32, shape (BUCKETS, skills)."""
    target = ((weights * residuals) @ v).astype(np.float32, copy=False)
    right = text.buckets @ target
    w = np.zeros((BUCKETS, v.shape[1]), np.float32)
    rest: Floats = right
    direction: Floats = right
    size = float((rest**2).sum())
    for _ in range(_STEPS):
        if size <= 1e-12:
            break
        moved = text.buckets @ ((weights * ((text.rows @ direction) @ v.T)) @ v) + np.float32(penalty) * direction
        step = np.float32(size / float((direction * moved).sum()))
        w += step * direction
        rest = (rest - step * moved).astype(np.float32)
        size, before = float((rest**2).sum()), size
        direction = (rest + np.float32(size / before) * direction).astype(np.float32)
    return w


def unseen(
    text: Text, shown: Ragged, residuals: Floats, weights: Floats, v: Floats, penalty: float, folds: NDArray[np.int64]
) -> Floats:
    """*shown* W for each text, float32, shape (texts, skills), with a W that was fitted without the text's fold."""
    out = np.zeros((len(residuals), v.shape[1]), np.float32)
    for fold in np.unique(folds):
        inside = folds == fold
        w = table(text, residuals, np.where(inside[:, None], np.float32(0), weights), v, penalty)
        out[inside] = (shown @ w)[inside]
    return out
