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
_AROUND = 0.1  # of the near distance: a centre that much farther than the nearest counts for less by e
_ANYWAY = 0.02  # of an advantage that labels of other models alone suggest: it decides between equals
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
        doubt: float32 (m,): how much of what the fits below say of a model, 0 to 1, does not hold of texts like these.
        usual: float32 (m,): what they say of it in the mean over these texts.
        loadings: float32 (m, s): the advantage of each model by the s skills that a fit on top sees.
        centres: float32 (k, c - below): where the texts were.
        reach: float32 (2,): the distances from the nearest centre up to which a text is as known as any, and from which
            it is unknown.
        evidence: float32 (k, m): how far each model's own labels bear what is said around each centre, 0 to 1.
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
    doubt: Floats
    usual: Floats
    loadings: Floats
    centres: Floats
    reach: Floats
    evidence: Floats

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

    def support(self, columns: Floats) -> tuple[float, Floats]:
        """How well the text is known: 0 (nothing like it was seen) to 1, by the distance to the nearest centre.

        And what of that the labels of each model bear, float32, shape (m,): by those around the nearest centres.
        """
        apart = self.centres - columns[: self.centres.shape[1]]
        distances = np.sqrt((apart * apart).sum(axis=1))
        distance, near, far = float(distances.min()), float(self.reach[0]), float(self.reach[1])
        support = min(1.0, max(0.0, (far - distance) / (far - near)))
        nearness = np.exp((distance - distances) / (_AROUND * near + 1e-6))
        own: Floats = (nearness @ self.evidence) / nearness.sum()
        return support, (support * (_ANYWAY + (1 - _ANYWAY) * own)).astype(np.float32)
