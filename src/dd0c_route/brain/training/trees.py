"""Boosting of symmetric trees with one output a model: every tree asks all texts the same few questions.

Splits are chosen on a few random combinations of the models' residuals (as in SketchBoost: the residuals of a hundred
models are far from independent); what a leaf says is worked out for each model from its own labels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dd0c_route.brain.features import Floats

BINS = 32
_SKETCHES = 3

Leaves = NDArray[np.int64]


class Forest(NamedTuple):
    """Attributes:
    features: int64, shape (trees, depth): the column each question looks at.
    thresholds: float32, shape (trees, depth): the answer is yes above it.
    values: float32, shape (trees, 2**depth, models).
    """

    features: NDArray[np.int64]
    thresholds: Floats
    values: Floats

    def leaves(self, rows: Floats) -> Leaves:
        """Shape (n, trees): the leaf of each row of *rows* (n, columns) in each tree."""
        yes = rows[:, self.features] > self.thresholds
        return yes @ (1 << np.arange(self.features.shape[1]))

    def predict(self, rows: Floats) -> Floats:
        """Shape (n, models)."""
        leaves = self.leaves(rows)
        out = np.zeros((len(rows), self.values.shape[2]), np.float32)
        for tree, values in enumerate(self.values):
            out += values[leaves[:, tree]]
        return out


class Growth(NamedTuple):
    """How a forest grows."""

    trees: int = 150
    depth: int = 5
    rate: float = 0.08
    shrinkage: float = 20.0  # labels: what a leaf's mean is pulled to nought by
    row_share: float = 0.5
    column_share: float = 0.3


def grow(rows: Floats, residuals: Floats, weights: Floats, growth: Growth, seed: int) -> Forest:
    """Fit *residuals* (n, models), each counted by *weights* (n, models; 0 where there is no label)."""
    random = np.random.default_rng(seed)
    columns = rows.shape[1]
    edges = np.quantile(rows, np.linspace(0, 1, BINS + 1)[1:-1], axis=0).astype(np.float32)  # (BINS - 1, columns)
    bins = np.stack([np.searchsorted(edges[:, j], rows[:, j]) for j in range(columns)]).astype(np.int64)
    left = residuals.copy()
    forest = Forest(
        np.zeros((growth.trees, growth.depth), np.int64),
        np.zeros((growth.trees, growth.depth), np.float32),
        np.zeros((growth.trees, 1 << growth.depth, residuals.shape[1]), np.float32),
    )
    for tree in range(growth.trees):
        chosen = np.flatnonzero(random.random(len(rows)) < growth.row_share)
        looked = np.sort(random.choice(columns, max(1, int(columns * growth.column_share)), replace=False))
        mix = random.normal(size=(residuals.shape[1], _SKETCHES)).astype(np.float32)
        pull = ((weights[chosen] * left[chosen]) @ mix).astype(np.float32, copy=False)
        mass: Floats = weights[chosen] @ np.square(mix).mean(axis=1)
        questions = _questions(bins[:, chosen], pull, mass, looked, growth)
        leaf = np.zeros(len(rows), np.int64)
        for level, (column, at) in enumerate(questions):
            leaf |= (bins[column] > at).astype(np.int64) << level
            forest.features[tree, level], forest.thresholds[tree, level] = column, edges[at, column]
        values = _leaf_values(leaf[chosen], left[chosen], weights[chosen], growth)
        forest.values[tree] = values
        left -= values[leaf]
    return forest


def _questions(
    bins: NDArray[np.int64], pull: Floats, mass: Floats, looked: NDArray[np.int64], growth: Growth
) -> list[tuple[int, int]]:
    """The best question at each level: for all leaves the same, by the squared pull that its sides would have."""
    leaf = np.zeros(bins.shape[1], np.int64)
    questions: list[tuple[int, int]] = []
    for level in range(growth.depth):
        best = (-1.0, 0, 0)
        for column in looked:
            cell = leaf * BINS + bins[column]
            shape = (1 << level, BINS)
            size = shape[0] * BINS
            below = np.bincount(cell, mass, size).reshape(shape).cumsum(axis=1)
            above = below[:, -1:] - below
            gain = np.zeros(BINS)
            for sketch in range(pull.shape[1]):
                pulled = np.bincount(cell, pull[:, sketch], size).reshape(shape).cumsum(axis=1)
                rest = pulled[:, -1:] - pulled
                gain += (pulled**2 / (below + growth.shrinkage) + rest**2 / (above + growth.shrinkage)).sum(axis=0)
            at = int(np.argmax(gain[:-1]))
            if gain[at] > best[0]:
                best = (float(gain[at]), int(column), at)
        questions.append(best[1:])
        leaf |= (bins[best[1]] > best[2]).astype(np.int64) << level
    return questions


def _leaf_values(leaf: NDArray[np.int64], left: Floats, weights: Floats, growth: Growth) -> Floats:
    count = 1 << growth.depth
    member = np.zeros((count, len(leaf)), np.float32)
    member[leaf, np.arange(len(leaf))] = 1
    return np.float32(growth.rate) * (member @ (weights * left)) / (member @ weights + np.float32(growth.shrinkage))
