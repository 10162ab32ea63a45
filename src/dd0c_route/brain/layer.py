"""One fit: what it knows of its models, as arrays, and what it says of one text.

The word table gives a text's skills; skills, surface features and (in a fit that started from another one) the skills
that the fit below sees are the columns of two predictors, one linear and one of trees, whose blend is a model's
advantage on this text over its mean.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dd0c_route.brain.features import Floats, Reading

CLIP = 4.0  # standard deviations: nothing outside counts for more
_BITS = 2 ** np.arange(16, dtype=np.float32)  # of the number of a leaf: as floats, which matrix products are quick with


class Layer(NamedTuple):
    """Arrays by name, so that the artefact is their list. m models, r skills, c columns, t trees of depth d, k centres.

    Attributes:
        idf: float32 (BUCKETS,): the weight of a word.
        table: int8 (BUCKETS, r); times *scale* float32 (r,), a text's skills in standard deviations.
        middle, spread: float32 (surface,): mean and deviation of the surface features.
        heads: float32 (m, c): the linear predictor.
        questions: int64 (t, d), thresholds: float32 (t, d): of the trees, on columns.
        leaves: int8 (t, 2**d, m); times *leaf_scale* float32 (t,).
        blend: float32 (2,): how much linear predictor and trees count.
        means, labels: float32 (m,): of each model: its mean score and how many labels it had.
        noise: float32 (m,): standard deviation of what stays unexplained of its mean.
        loadings: float32 (m, s): the advantage of each model by the s skills that a fit on top sees.
        centres: float32 (k, c - below): where the texts were.
        reach: float32 (2,): the distances from the nearest centre up to which a text is as known as any, and from which
            it is unknown.
    """

    idf: Floats
    table: NDArray[np.int8]
    scale: Floats
    middle: Floats
    spread: Floats
    heads: Floats
    questions: NDArray[np.int16]
    thresholds: Floats
    leaves: NDArray[np.int8]
    leaf_scale: Floats
    blend: Floats
    means: Floats
    labels: Floats
    noise: Floats
    loadings: Floats
    centres: Floats
    reach: Floats

    def columns(self, reading: Reading, below: Floats) -> Floats:
        """float32, shape (c,)."""
        weights = (1 + np.log(reading.counts)) * self.idf.take(reading.buckets)
        weights /= np.sqrt(weights @ weights) + np.float32(1e-9)
        skills = (weights @ self.table.take(reading.buckets, axis=0).astype(np.float32)) * self.scale
        surface = (reading.surface - self.middle) / self.spread
        return np.concatenate((skills.clip(-CLIP, CLIP), surface.clip(-CLIP, CLIP), below))

    def advantage(self, columns: Floats) -> Floats:
        """float32, shape (m,): by how much each model should do better here than in the mean, if the text is known."""
        trees, leaves, models = self.leaves.shape
        answers = columns.take(self.questions) > self.thresholds
        leaf = (answers @ _BITS[: answers.shape[1]]).astype(np.intp) + np.arange(0, trees * leaves, leaves)
        grown = self.leaf_scale @ self.leaves.reshape(-1, models).take(leaf, axis=0).astype(np.float32)
        advantage: Floats = self.blend[0] * (self.heads @ columns) + self.blend[1] * grown
        return advantage

    def support(self, columns: Floats) -> float:
        """0 (nothing like it was seen) to 1, by the distance to the nearest centre."""
        apart = self.centres - columns[: self.centres.shape[1]]
        distance = float(np.sqrt((apart * apart).sum(axis=1).min()))
        near, far = float(self.reach[0]), float(self.reach[1])
        return min(1.0, max(0.0, (far - distance) / (far - near)))
