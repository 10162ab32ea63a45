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
from dd0c_route.brain.lengths import Length, LengthArrays, length
from dd0c_route.brain.names import bare

SHIPPED = Path(__file__).with_name("prior.brain")
_EDGE = 0.02  # of a model with hardly any labels
_WIDE = 200.0  # labels: with so many a model's advantages are known about half
UNKNOWN = 0.5  # the spread of a probability of which nothing is known
_NOTHING = np.zeros(0, np.float32)
# Read when a predictor is made, so that code is loaded then and not while somebody waits for a first prediction.
_FIRST = "Which of these is the sum of 17 and 25?\nA. 42\nB. 3.5\nC. one of the two\n" * 40


class Odds(Struct, frozen=True):
    """Of each model asked for, in that order.

    Attributes:
        p_good: Probability of a good answer; None for a model that the predictor knows nothing of.
        spread: Standard deviation of that probability, as far as labels, their number and their distance from the text
            tell.
        support: 0 (nothing like this text was seen: each model's mean is all that is said) to 1.
    """

    p_good: tuple[float | None, ...]
    spread: tuple[float, ...]
    support: float


class Part(NamedTuple):
    """One fit and the models that it speaks for."""

    models: tuple[str, ...]
    layer: Layer


class LengthPart(NamedTuple):
    """The models whose answers were measured."""

    models: tuple[str, ...]
    arrays: LengthArrays


class _Told(NamedTuple):
    """What a text tells.

    Attributes:
        p_good, spread: (m,): of all models.
        skills: What a fit on top sees.
        columns, first_support: Of the first fit alone: lengths go by them.
    """

    p_good: Floats
    spread: NDArray[np.float64]
    support: float
    skills: Floats
    columns: Floats
    first_support: float


class Predictor:
    """Fits on top of each other. Loaded once, then only read: threads may share it.

    Attributes:
        models: All that something is known of, sorted.
        seen: uint32, sorted: fingerprints of the texts it was fitted to.
    """

    def __init__(self, parts: Sequence[Part], seen: NDArray[np.uint32], lengths: LengthPart | None = None) -> None:
        self.parts = tuple(parts)
        self.seen = seen
        self.lengths = lengths
        self.models = tuple(sorted({model for part in parts for model in part.models}))
        labels, unexplained = np.zeros(len(self.models)), np.zeros(len(self.models))
        place = {model: number for number, model in enumerate(self.models)}
        self._places = [np.array([place[model] for model in part.models]) for part in parts]
        for part, at in zip(parts, self._places, strict=True):
            labels[at] += part.layer.labels
            unexplained[at] += part.layer.noise**2
        self._explained = unexplained * labels / (labels + _WIDE)  # how much of the variance good support explains
        self._edge = np.minimum(1 / (labels + 2), _EDGE).astype(
            np.float32
        )  # no probability is nearer to 0 or 1 than labels can show
        self._most = unexplained + 0.25 / (labels + 1)  # and what there is of it where there is no support
        self._place = _with_bare_names(self.models, labels)
        self._last: tuple[str, _Told] = (_FIRST, self._told(read(_FIRST)))
        self._length_place = _with_bare_names(lengths.models, np.ones(len(lengths.models))) if lengths else {}

    @classmethod
    def load(cls, path: Path | None = None) -> Self:
        """Read an artefact; None is the one that is shipped.

        Raises:
            BadBrain: It is none, was damaged, or was made by another version.
            OSError: It cannot be read.
        """
        stored, seen = artefact.load(SHIPPED if path is None else path, (Layer, LengthArrays))
        parts = [Part(models, arrays) for models, arrays in stored if isinstance(arrays, Layer)]
        lengths = [LengthPart(models, arrays) for models, arrays in stored if isinstance(arrays, LengthArrays)]
        return cls(parts, seen, lengths[0] if lengths else None)

    @classmethod
    def stacked(cls, below: Predictor | None, models: tuple[str, ...], layer: Layer, seen: NDArray[np.uint32]) -> Self:
        """A fit on top of *below*."""
        if below is None:
            return cls([Part(models, layer)], np.unique(seen))
        return cls([*below.parts, Part(models, layer)], np.union1d(below.seen, seen), below.lengths)

    def save(self, path: Path) -> None:
        artefact.save(path, [*self.parts, *([self.lengths] if self.lengths else [])], self.seen)

    def predict(self, turn: str, models: Sequence[str]) -> Odds:
        """The odds of *models* on the user's *turn* (whole, or its two ends). A model is found by its bare name too."""
        told = self._looked_at(turn)
        place, p_good, spread = self._place, told.p_good.tolist(), told.spread.tolist()
        places = [place[model] if model in place else place.get(bare(model)) for model in models]
        return Odds(
            tuple([None if at is None else p_good[at] for at in places]),
            tuple([UNKNOWN if at is None else spread[at] for at in places]),
            told.support,
        )

    def length(self, turn: str, model: str, thinks: bool) -> Length:
        """How long *model*'s answer to *turn* becomes; *thinks*: it is asked to reason before it answers.

        Raises:
            LookupError: This predictor was made without lengths.
        """
        if self.lengths is None:
            raise LookupError("no lengths in this predictor")
        told = self._looked_at(turn)
        at = self._length_place.get(model, self._length_place.get(bare(model)))
        return length(self.lengths.arrays, at, told.columns, told.first_support, thinks)

    def say(self, readings: Iterable[Reading]) -> tuple[Floats, Floats]:
        """For a fit on top: the skills of each text, (n, s), and what is said of all models, (n, models)."""
        told = [self._told(reading) for reading in readings]
        return np.stack([one.skills for one in told]), np.stack([one.p_good for one in told])

    def _looked_at(self, turn: str) -> _Told:
        """Lengths are asked for right after the odds, of the same text: it is read once."""
        before, told = self._last
        if before != turn:
            told = self._told(read(turn))
            self._last = turn, told
        return told

    def _told(self, reading: Reading) -> _Told:
        p_good, borne = np.zeros((2, len(self.models)), np.float32)
        support, below = 0.0, _NOTHING
        first: tuple[Floats, float] | None = None
        for (_, layer), at in zip(self.parts, self._places, strict=True):
            columns = layer.columns(reading, below)
            near, own = layer.support(columns)
            first = first or (columns, near)
            advantage = layer.advantage(columns)
            p_good[at] += layer.means + own * (advantage - layer.doubt * (p_good[at] - layer.usual))
            borne[at] = np.maximum(borne[at], own)
            support, below = max(support, near), advantage @ layer.loadings
        columns, near = first or (_NOTHING, 0.0)
        spread = np.sqrt(self._most - borne * borne * self._explained)
        return _Told(np.clip(p_good, self._edge, 1 - self._edge), spread, support, below, columns, near)


def _with_bare_names(models: Sequence[str], labels: NDArray[np.float64]) -> dict[str, int]:
    """Where each model stands, by its name and, where that is no other's, by its bare one: that of most labels."""
    place: dict[str, int] = {}
    for number in np.argsort(-labels, kind="stable").tolist():
        place.setdefault(bare(models[number]), number)
    return place | {model: number for number, model in enumerate(models)}


@cache
def shipped() -> Predictor:
    """The predictor in the package, loaded when first asked for."""
    return Predictor.load()


def fingerprints(texts: Iterable[str]) -> NDArray[np.uint32]:
    """By which a text is known again, whatever its white space: uint32, (n,)."""
    digests = [hashlib.blake2b(cut(text).encode("utf-8", "replace"), digest_size=4).digest() for text in texts]
    return np.frombuffer(b"".join(digests), "<u4").astype(np.uint32)
