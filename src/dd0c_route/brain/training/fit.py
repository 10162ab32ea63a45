"""`fit`: labels in, a predictor out. Deterministic: the same labels give the same bytes on the same kind of machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dd0c_route.brain.features import BUCKETS, Floats, Reading, read
from dd0c_route.brain.layer import CLIP, Layer
from dd0c_route.brain.predictor import Predictor, fingerprints
from dd0c_route.brain.training.density import centres_and_reach, evidence
from dd0c_route.brain.training.folds import folds
from dd0c_route.brain.training.heads import heads
from dd0c_route.brain.training.labels import Labels
from dd0c_route.brain.training.noise import SHARE, noisy
from dd0c_route.brain.training.profiles import with_profiles
from dd0c_route.brain.training.ragged import Ragged, both_ways
from dd0c_route.brain.training.skills import Text, meanings, table, unseen
from dd0c_route.brain.training.trees import Forest, Growth, grow

SEED = 4747
FOLDS = 4
_JUDGED = 2  # folds whose texts decide on the blend
_RANK = 16  # skills; more explain no more of unseen texts
_SHARED = 12  # skills that a fit on top sees
_KINSHIP = 0.3  # correlation of the models' scores on one text: 29 labels of it are worth no 29 texts
_RIDGES = (30.0, 100.0, 300.0, 1000.0)  # labels: penalties of a column of the linear predictor, to choose from
_MEAN = 8.0  # labels: what a new model's mean is pulled to the mean of all by
_MOST = 3.0  # a blend may undo the shrinkage of its parts, where few labels make them timid
_SHIFT = 30.0  # labels: what the correction of a known model's mean is pulled to nought by


class _Data(NamedTuple):
    """What all steps look at: columns of the texts, residuals of the labels, and how much each counts."""

    rows: Floats
    residuals: Floats
    weights: Floats
    growth: Growth


def fit(labels: Labels, below: Predictor | None = None) -> Predictor:
    """A predictor of the models in *labels*, starting from *below*, whose other models stay as they are."""
    readings = [read(prompt) for prompt in labels.prompts]
    shown = _shown(labels.prompts, readings)
    known = labels.known.copy()
    skills = np.zeros((len(shown), 0), np.float32)
    base = np.zeros(known.shape, np.float32)
    is_known = np.zeros(len(labels.models), np.bool_)
    if below is not None:
        skills, base, is_known = _seen_from_below(labels, shown, below, known)
    means, base = _means(labels, known, base, is_known)
    weights = known / (1 + _KINSHIP * np.maximum(known.sum(axis=1, keepdims=True) - 1, 0))
    residuals = np.where(known, labels.scores - base, 0).astype(np.float32)
    layer = _layer(readings, shown, residuals, weights.astype(np.float32), skills, folds(labels.prompts, FOLDS))
    layer = layer._replace(means=means, labels=known.sum(axis=0).astype(np.float32))
    models = tuple(labels.models)
    if below is None:
        models, layer = with_profiles(models, layer)
    return Predictor.stacked(below, models, layer, fingerprints(labels.prompts))


def _seen_from_below(
    labels: Labels, readings: Sequence[Reading], below: Predictor, known: NDArray[np.bool_]
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """What *below* says of the texts; its own training labels are taken out of *known*, they taught it already."""
    place = [below.models.index(model) if model in below.models else -1 for model in labels.models]
    is_known = np.array(place) >= 0
    skills, said = below.say(readings)
    base = np.where(is_known, said[:, place], 0).astype(np.float32)
    known[np.isin(fingerprints(labels.prompts), below.seen)[:, None] & is_known] = False
    return skills, base, is_known


def _means(
    labels: Labels, known: NDArray[np.bool_], base: Floats, is_known: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Of a new model the mean score, of a known one what it is off by; and what each text is then expected to score."""
    count = known.sum(axis=0)
    off = (known * (labels.scores - base)).sum(axis=0)
    overall = off[~is_known].sum() / max(count[~is_known].sum(), 1) if (~is_known).any() else 0.0
    means = np.where(is_known, off / (count + _SHIFT), (off + _MEAN * overall) / (count + _MEAN)).astype(np.float32)
    return means, base + means


def _shown(prompts: Sequence[str], readings: Sequence[Reading]) -> list[Reading]:
    """What the predictors learn from: half of the texts are noisy, so that noise moves no choice later."""
    random = np.random.default_rng(SEED)
    return [
        read(noisy(prompt, random)) if random.random() < SHARE else reading
        for prompt, reading in zip(prompts, readings, strict=True)
    ]


def _layer(
    readings: Sequence[Reading],
    shown: Sequence[Reading],
    residuals: Floats,
    weights: Floats,
    skills: Floats,
    fold: NDArray[np.int64],
) -> Layer:
    idf = _idf(readings)
    text = Text(*both_ways(*_words(readings, idf), BUCKETS))
    v, penalty = meanings(residuals, weights, _RANK, SEED)
    honest = unseen(text, Ragged(*_words(shown, idf)), residuals, weights, v, penalty, fold)
    word_table = table(text, residuals, weights, v, penalty)
    scale = 1 / (honest.std(axis=0) + np.float32(1e-9))
    surface = np.stack([reading.surface for reading in shown])
    middle, spread = surface.mean(axis=0), surface.std(axis=0) + np.float32(1e-3)
    rows = np.hstack(
        (np.clip(honest * scale, -CLIP, CLIP), np.clip((surface - middle) / spread, -CLIP, CLIP), skills)
    ).astype(np.float32)
    data = _Data(rows, residuals, weights, _growth(int((weights > 0).any(axis=1).sum())))
    ridge, linear = _linear_out_of_fold(data, fold)
    grown = _grown_out_of_fold(data, fold)
    judged = fold < _JUDGED
    blend = _blend(linear[judged], grown[judged], residuals[judged], weights[judged])
    said = blend[0] * linear[judged] + blend[1] * grown[judged]
    steps, step = _quantised(word_table)
    forest = grow(rows, residuals, weights, data.growth, SEED)
    leaves, leaf_scale = _packed(forest)
    own = rows[:, : rows.shape[1] - skills.shape[1]]
    centres, reach = centres_and_reach(own, SEED)
    return Layer(
        idf=idf,
        table=steps,
        scale=(step * scale).astype(np.float32),
        middle=middle,
        spread=spread,
        heads=_heads(data, ridge),
        questions=forest.features.astype(np.int16),
        thresholds=forest.thresholds,
        leaves=leaves,
        leaf_scale=leaf_scale,
        blend=blend,
        means=np.zeros(0, np.float32),
        labels=np.zeros(0, np.float32),
        noise=said.std(axis=0),
        loadings=_loadings(said),
        centres=centres,
        reach=reach,
        evidence=evidence(own, centres, weights > 0),
    )


def _growth(texts: int) -> Growth:
    """Few texts carry small trees only."""
    return Growth(trees=150, depth=6, shrinkage=10) if texts >= 5000 else Growth(trees=100, depth=3, shrinkage=20)


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


def _heads(data: _Data, ridge: float) -> Floats:
    return heads(data.rows, data.residuals, data.weights, ridge)


def _linear_out_of_fold(data: _Data, fold: NDArray[np.int64]) -> tuple[float, Floats]:
    """The penalty that is best for unseen labels, and what it says of each text unseen."""
    best = (np.inf, 0.0, data.residuals)
    for ridge in _RIDGES:
        said = np.zeros_like(data.residuals)
        for one in range(FOLDS):
            inside = fold == one
            said[inside] = data.rows[inside] @ _heads(_without(data, inside), ridge).T
        loss = float((data.weights * (data.residuals - said) ** 2).sum())
        if loss < best[0]:
            best = (loss, ridge, said)
    return best[1:]


def _grown_out_of_fold(data: _Data, fold: NDArray[np.int64]) -> Floats:
    """What trees say of the texts of the folds that are judged, unseen; trees take long, and those are enough."""
    said = np.zeros_like(data.residuals)
    for one in range(_JUDGED):
        inside = fold == one
        rest = _without(data, inside)
        said[inside] = grow(rest.rows, rest.residuals, rest.weights, data.growth, SEED + one).predict(data.rows[inside])
    return said


def _without(data: _Data, fold: NDArray[np.bool_]) -> _Data:
    return data._replace(rows=data.rows[~fold], residuals=data.residuals[~fold], weights=data.weights[~fold])


def _blend(linear: Floats, grown: Floats, residuals: Floats, weights: Floats) -> Floats:
    """The two weights, none negative, with which both together explain unseen labels best."""
    both = np.stack((linear, grown))
    square = np.einsum("anm,bnm,nm->ab", both, both, weights) + 1e-6 * np.eye(2)
    right = np.einsum("anm,nm,nm->a", both, residuals, weights)
    blend = np.linalg.solve(square, right)
    if (blend < 0).any():  # the other one alone
        alone = np.maximum(right / square.diagonal(), 0)
        blend = np.where(np.arange(2) == np.argmax(right**2 / square.diagonal()), alone, 0)
    return np.minimum(blend, _MOST).astype(np.float32)


def _loadings(said: Floats) -> Floats:
    """(models, skills) such that advantage @ loadings are uncorrelated skills of deviation 1."""
    values, vectors = np.linalg.eigh(said.T.astype(np.float64) @ said / len(said))
    chosen = np.argsort(values)[::-1][: min(_SHARED, len(values))]
    chosen = chosen[values[chosen] > 1e-9]
    loadings: Floats = (vectors[:, chosen] / np.sqrt(values[chosen])).astype(np.float32)
    return loadings


def _quantised(word_table: Floats) -> tuple[NDArray[np.int8], Floats]:
    step = (np.quantile(np.abs(word_table), 0.9995, axis=0) / 127 + 1e-12).astype(np.float32)
    return np.clip(np.rint(word_table / step), -127, 127).astype(np.int8), step


def _packed(forest: Forest) -> tuple[NDArray[np.int8], Floats]:
    step = (np.abs(forest.values).max(axis=(1, 2)) / 127 + 1e-12).astype(np.float32)
    return np.rint(forest.values / step[:, None, None]).astype(np.int8), step
