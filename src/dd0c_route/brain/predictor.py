"""How likely each model answers a text well, and how much that is worth."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dd0c_route.brain import artefact
from dd0c_route.brain.features import Floats, Reading, cut, read
from dd0c_route.brain.layer import Layer

SHIPPED = Path(__file__).with_name("prior.brain")
_WIDE = 200.0  # labels: with so many a model's advantages are known about half
_NOTHING = np.zeros(0, np.float32)


class Odds(Struct, frozen=True):
    """Of each model asked for, in that order.

    Attributes:
        p_good: Probability of a good answer; None for a model that the predictor knows nothing of.
        spread: Standard deviation of that probability, as far as labels, their number and the text's distance tell.
        support: 0 (nothing like this text was seen: each model's mean is all that is said) to 1.
    """

    p_good: tuple[float | None, ...]
    spread: tuple[float, ...]
    support: float


class Part(NamedTuple):
    """One fit and the models that it speaks for."""

    models: tuple[str, ...]
    layer: Layer


class Predictor:
    """Fits on top of each other. Loaded once, then only read: threads may share it.

    Attributes:
        models: All that something is known of, sorted.
        seen: uint32, sorted: fingerprints of the texts it was fitted to.
    """

    def __init__(self, parts: Sequence[Part], seen: NDArray[np.uint32]) -> None:
        self.parts = tuple(parts)
        self.seen = seen
        self.models = tuple(sorted({model for part in parts for model in part.models}))
        place = {model: number for number, model in enumerate(self.models)}
        self._place = place
        self._places = [np.array([place[model] for model in part.models]) for part in parts]

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read an artefact; None is the one that is shipped.

        Raises:
            BadBrain: It is none, was damaged, or was made by another version.
            OSError: It cannot be read.
        """
        parts, seen = artefact.load(SHIPPED if path is None else path, Layer)
        return cls([Part(models, layer) for models, layer in parts], seen)

    @classmethod
    def stacked(cls, below: Predictor | None, models: tuple[str, ...], layer: Layer, seen: NDArray[np.uint32]) -> Self:
        """A fit on top of *below*."""
        parts = (*(below.parts if below else ()), Part(models, layer))
        return cls(parts, np.union1d(below.seen, seen) if below else np.unique(seen))

    def save(self, path: Path) -> None:
        artefact.save(path, [(part.models, part.layer) for part in self.parts], self.seen)

    def predict(self, turn: str, models: Sequence[str]) -> Odds:
        """The odds of *models* on the user's *turn* (whole, or its two ends)."""
        p_good, spread, support, _ = self._told(read(turn))
        places = [self._place.get(model) for model in models]
        return Odds(
            tuple(None if at is None else float(p_good[at]) for at in places),
            tuple(0.5 if at is None else float(spread[at]) for at in places),
            support,
        )

    def say(self, readings: Iterable[Reading]) -> tuple[Floats, Floats]:
        """For a fit on top: the skills of each text, (n, s), and what is said of all models, (n, models)."""
        told = [self._told(reading) for reading in readings]
        return np.stack([one[3] for one in told]), np.stack([one[0] for one in told])

    def _told(self, reading: Reading) -> tuple[Floats, Floats, float, Floats]:
        """Of all models p and its spread; the support; the skills."""
        p_good = np.zeros(len(self.models), np.float32)
        spread = np.zeros(len(self.models), np.float32)
        support, below = 0.0, _NOTHING
        for (_, layer), at in zip(self.parts, self._places, strict=True):
            columns = layer.columns(reading, below)
            near = layer.support(columns)
            advantage = layer.advantage(columns)
            p_good[at] += layer.means + near * advantage
            doubt = 1 - near * near * (layer.labels / (layer.labels + _WIDE))
            spread[at] = np.sqrt(layer.noise**2 * doubt + 0.25 / (layer.labels + 1))
            support, below = max(support, near), advantage @ layer.loadings
        return np.clip(p_good, 0, 1), spread, support, below


@cache
def shipped() -> Predictor:
    """The predictor in the package, loaded when first asked for."""
    return Predictor.load()


def fingerprints(texts: Iterable[str]) -> NDArray[np.uint32]:
    """By which a text is known again, whatever its white space: uint32, (n,)."""
    digests = [hashlib.blake2b(cut(text).encode("utf-8", "replace"), digest_size=4).digest() for text in texts]
    return np.frombuffer(b"".join(digests), "<u4").astype(np.uint32)
