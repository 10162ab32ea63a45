"""Routers that others use, or that cost nothing, to hold ours against. All look at the other folds alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.routing.data import FOLDS
from benchmarks.routing.metrics import Floats, Ints
from dd0c_route.brain.features import BUCKETS, read

_NEIGHBOURS = 40
_WIDTH = 128
_SHARPNESS = 8.0
_PULL = 10.0  # prompts: a small group's mean is pulled to the mean of all


def by_group(scores: Floats, fold: Ints, groups: NDArray[np.str_]) -> Floats:
    """What a router could do that is told the true subject or task."""
    out = np.zeros_like(scores)
    for number in range(FOLDS):
        inside, rest = fold == number, fold != number
        mean = scores[rest].mean(axis=0)
        for group in np.unique(groups[inside]):
            own = scores[rest & (groups == group)]
            out[inside & (groups == group)] = (own.sum(axis=0) + _PULL * mean) / (len(own) + _PULL)
    return out


def vectors(prompts: Sequence[str]) -> Floats:
    """(n, d): weighted counts of words, word pairs and stems, thrown on fewer dimensions at random."""
    readings = [read(prompt) for prompt in prompts]
    frequency = np.bincount(np.concatenate([reading.buckets for reading in readings]), minlength=BUCKETS)
    idf = np.log((1 + len(readings)) / (1 + frequency)) + 1
    throw = np.random.default_rng(0).normal(size=(BUCKETS, _WIDTH)).astype(np.float32)
    weights = [(1 + np.log(reading.counts)) * idf[reading.buckets] for reading in readings]
    return np.stack([own @ throw[reading.buckets] for own, reading in zip(weights, readings, strict=True)])


def by_neighbours(scores: Floats, fold: Ints, vectors: Floats) -> Floats:
    """kNN: the scores of the most similar prompts (cosine of *vectors*, (n, d)), the nearer the more."""
    sizes = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = (vectors / np.maximum(sizes, 1e-9)).astype(np.float32)
    out = np.zeros_like(scores)
    for number in range(FOLDS):
        rest = np.flatnonzero(fold != number)
        for inside in np.array_split(np.flatnonzero(fold == number), 8):
            alike = unit[inside] @ unit[rest].T
            near = np.argpartition(-alike, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]
            kin = np.take_along_axis(alike, near, axis=1)
            weights = np.exp(_SHARPNESS * (kin - kin.max(axis=1, keepdims=True)))
            weights /= weights.sum(axis=1, keepdims=True)
            out[inside] = np.einsum("nj,njk->nk", weights, scores[rest[near]])
    return out
