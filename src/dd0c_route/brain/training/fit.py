"""`fit`: labels in, a predictor out. Deterministic: the same labels give the same bytes on the same kind of machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dd0c_route.brain.features import Floats, Reading, read
from dd0c_route.brain.layer import CLIP, Layer
from dd0c_route.brain.predictor import Predictor, fingerprints
from dd0c_route.brain.training.density import centres_and_reach, evidence
from dd0c_route.brain.training.folds import folds
from dd0c_route.brain.training.heads import heads
from dd0c_route.brain.training.labels import Labels
from dd0c_route.brain.training.profiles import with_profiles
from dd0c_route.brain.training.skills import meanings, table, unseen
from dd0c_route.brain.training.texts import Texts, noised, texts
from dd0c_route.brain.training.trees import Forest, Growth, grow

SEED = 4747
FOLDS = 4
_MANY = 5000  # texts
_RANK = 16  # skills; more explain no more of unseen texts
_SHARED = 12  # skills that a fit on top sees
_KINSHIP = 0.3  # correlation of the models' scores on one text: 29 labels of it are worth no 29 texts
_RIDGES = (30.0, 100.0, 300.0, 1000.0)  # labels: penalties of a column of the linear predictor, to choose from
_MEAN = 8.0  # labels: what a new model's mean is pulled to the mean of all by
_MOST = 3.0  # a blend may undo the shrinkage of its parts, where few labels make them timid
_SHIFT = 30.0  # labels: what the correction of a known model's mean is pulled to nought by
_DOUBTS = (0.0, 0.5, 1.0)  # how much of what is said below of these texts may be dropped


class _Start(NamedTuple):
    """What is said of the models before anything is learned, and what the labels are off by."""

    doubt: Floats
    usual: Floats
    means: Floats
    residuals: Floats


class _Data(NamedTuple):
    """What all steps look at: columns of the texts, residuals of the labels, and how much each counts."""

    rows: Floats
    residuals: Floats
    weights: Floats
    growth: Growth


class _Linear(NamedTuple):
    """The words' table, the scale of the skills that it gives, and the linear predictor on them, unseen."""

    table: Floats
    scale: Floats
    data: _Data
    ridge: float
    unseen: Floats


def fit(labels: Labels, below: Predictor | None = None) -> Predictor:
    """A predictor of the models in *labels*, starting from *below*, whose other models stay as they are."""
    readings = [read(prompt) for prompt in labels.prompts]
    shown = noised(labels.prompts, readings, SEED)
    known = labels.known.copy()
    skills = np.zeros((len(shown), 0), np.float32)
    said = np.zeros(known.shape, np.float32)
    is_known = np.zeros(len(labels.models), np.bool_)
    if below is not None:
        skills, said, is_known = _seen_from_below(labels, shown, below, known)
    seen = texts(readings, shown, skills, folds(labels.prompts, FOLDS))
    kin = 1 + _KINSHIP * np.maximum(known.sum(axis=1, keepdims=True) - 1, 0)
    weights = (known / kin).astype(np.float32)
    start, linear = _best_start(_starts(labels, known, said, is_known), seen, weights)
    count = known.sum(axis=0).astype(np.float32)
    layer = _layer(seen, linear)._replace(means=start.means, labels=count, doubt=start.doubt, usual=start.usual)
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


def _starts(labels: Labels, known: NDArray[np.bool_], said: Floats, is_known: NDArray[np.bool_]) -> Iterator[_Start]:
    """Known models with what is *said* of them below, or with less of it: it may be of other texts than these."""
    count = known.sum(axis=0)
    usual = ((known * said).sum(axis=0) / np.maximum(count, 1)).astype(np.float32)
    for doubt in _DOUBTS if (count > 0)[is_known].any() else _DOUBTS[:1]:
        doubts = np.where(is_known & (count > 0), doubt, 0).astype(np.float32)
        base = said - doubts * (said - usual)
        means = _means(labels, known, base, is_known)
        residuals = np.where(known, labels.scores - base - means, 0).astype(np.float32)
        yield _Start(doubts, usual, means, residuals)


def _means(labels: Labels, known: NDArray[np.bool_], base: Floats, is_known: NDArray[np.bool_]) -> Floats:
    """Of a new model the mean score, of a known one what *base* is off by in the mean."""
    count = known.sum(axis=0)
    off = (known * (labels.scores - base)).sum(axis=0)
    overall = off[~is_known].sum() / max(count[~is_known].sum(), 1) if (~is_known).any() else 0.0
    means: Floats = np.where(is_known, off / (count + _SHIFT), (off + _MEAN * overall) / (count + _MEAN))
    return means.astype(np.float32)


def _best_start(starts: Iterable[_Start], seen: Texts, weights: Floats) -> tuple[_Start, _Linear]:
    """The start from which unseen differences between models are told best: a router's choice hangs on those."""
    tried = [(start, _linear(seen, start.residuals, weights)) for start in starts]
    return min(tried, key=lambda one: _apart(one[1]))


def _apart(linear: _Linear) -> float:
    """Squared error of the differences between the models of one text; where each has one model, of itself."""
    data = linear.data
    several = (data.weights > 0).sum(axis=1) > 1
    error, weights = data.residuals - linear.unseen, data.weights
    if several.any():
        error, weights = error[several], weights[several]
        error = error - (weights * error).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)
    return float((weights * error**2).sum())


def _linear(seen: Texts, residuals: Floats, weights: Floats) -> _Linear:
    v, penalty = meanings(residuals, weights, _RANK, SEED)
    honest = unseen(seen.plain, seen.shown, residuals, weights, v, penalty, seen.fold)
    word_table = table(seen.plain, residuals, weights, v, penalty)
    scale = 1 / (honest.std(axis=0) + np.float32(1e-9))
    rows = np.hstack((np.clip(honest * scale, -CLIP, CLIP), seen.surface, seen.skills)).astype(np.float32)
    data = _Data(rows, residuals, weights, _growth(weights))
    return _Linear(word_table, scale, data, *_linear_out_of_fold(data, seen.fold))


def _layer(seen: Texts, linear: _Linear) -> Layer:
    data, rows = linear.data, linear.data.rows
    judged = seen.fold < (2 if _are_many(data.weights) else FOLDS)  # trees take long, and two folds of many are enough
    grown = _grown_out_of_fold(data, np.where(judged, seen.fold, FOLDS))
    blend = _blend(linear.unseen[judged], grown[judged], data.residuals[judged], data.weights[judged])
    said = blend[0] * linear.unseen[judged] + blend[1] * grown[judged]
    steps, step = _quantised(linear.table)
    forest = grow(rows, data.residuals, data.weights, data.growth, SEED)
    leaves, leaf_scale = _packed(forest)
    own = rows[:, : rows.shape[1] - seen.skills.shape[1]]
    centres, reach = centres_and_reach(own, SEED)
    nothing = np.zeros(0, np.float32)
    return Layer(
        idf=seen.idf,
        table=steps,
        scale=(step * linear.scale).astype(np.float32),
        middle=seen.middle,
        spread=seen.spread,
        heads=_heads(data, linear.ridge),
        questions=forest.features.astype(np.int16),
        thresholds=forest.thresholds,
        leaves=leaves,
        leaf_scale=leaf_scale,
        blend=blend,
        means=nothing,
        labels=nothing,
        noise=said.std(axis=0),
        doubt=nothing,
        usual=nothing,
        loadings=_loadings(said),
        centres=centres,
        reach=reach,
        evidence=evidence(own, centres, data.weights > 0),
    )


def _growth(weights: Floats) -> Growth:
    """Few texts carry small trees only."""
    if _are_many(weights):
        return Growth(trees=150, depth=6, shrinkage=10)
    return Growth(trees=100, depth=3, shrinkage=20)


def _are_many(weights: Floats) -> bool:
    return int((weights > 0).any(axis=1).sum()) >= _MANY


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
    """What trees say of texts unseen; nought of those in fold `FOLDS`."""
    said = np.zeros_like(data.residuals)
    for one in np.unique(fold[fold < FOLDS]):
        inside = fold == one
        rest = _without(data, inside)
        said[inside] = grow(rest.rows, rest.residuals, rest.weights, data.growth, SEED + int(one)).predict(
            data.rows[inside]
        )
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
