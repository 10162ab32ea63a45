"""What a fit looks at of its texts, whatever is learned of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dd0c_route.brain.features import BUCKETS, Floats, Reading, read
from dd0c_route.brain.layer import CLIP
from dd0c_route.brain.training.noise import SHARE, noisy
from dd0c_route.brain.training.ragged import Ragged, both_ways
from dd0c_route.brain.training.skills import Text


class Texts(NamedTuple):
    """Attributes:
    idf: float32 (BUCKETS,): the weight of a word.
    plain, shown: The weighted words of the texts as they are, and as they are learned from.
    middle, spread: float32 (surface,): mean and deviation of the surface features.
    surface: float32 (texts, surface): in deviations.
    skills: float32 (texts, s): what the fit below sees.
    fold: (texts,).
    """

    idf: Floats
    plain: Text
    shown: Ragged
    middle: Floats
    spread: Floats
    surface: Floats
    skills: Floats
    fold: NDArray[np.int64]


def texts(readings: Sequence[Reading], shown: Sequence[Reading], skills: Floats, fold: NDArray[np.int64]) -> Texts:
    """Of *readings*, and of *shown*, what `noised` made of the same texts."""
    idf = _idf(readings)
    surface = np.stack([reading.surface for reading in shown])
    middle, spread = surface.mean(axis=0), surface.std(axis=0) + np.float32(1e-3)
    return Texts(
        idf=idf,
        plain=Text(*both_ways(*_words(readings, idf), BUCKETS)),
        shown=Ragged(*_words(shown, idf)),
        middle=middle,
        spread=spread,
        surface=np.clip((surface - middle) / spread, -CLIP, CLIP),
        skills=skills,
        fold=fold,
    )


def noised(prompts: Sequence[str], readings: Sequence[Reading], seed: int) -> list[Reading]:
    """What predictors learn from: half of the texts are noisy, so that noise moves no choice later."""
    random = np.random.default_rng(seed)
    return [
        read(noisy(prompt, random)) if random.random() < SHARE else reading
        for prompt, reading in zip(prompts, readings, strict=True)
    ]


def _idf(readings: Sequence[Reading]) -> Floats:
    frequency = np.bincount(np.concatenate([reading.buckets for reading in readings]), minlength=BUCKETS)
    return (np.log((1 + len(readings)) / (1 + frequency)) + 1).astype(np.float32)


def _words(readings: Sequence[Reading], idf: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """The weighted words of all texts, as a ragged matrix takes them; each row has length 1."""
    lengths = np.array([len(reading.buckets) for reading in readings])
    pointers = np.concatenate(([0], np.cumsum(lengths)))
    buckets = np.concatenate([reading.buckets for reading in readings])
    values = (1 + np.log(np.concatenate([reading.counts for reading in readings]))) * idf[buckets]
    sizes = np.sqrt(np.bincount(np.repeat(np.arange(len(readings)), lengths), values**2, len(readings)))
    return pointers, buckets, (values / np.repeat(sizes + 1e-9, lengths)).astype(np.float32)
