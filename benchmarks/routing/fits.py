"""Fits that have not seen what they are judged on, kept under `target/routing` until code or data change."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.routing.data import FOLDS, TARGET, Data
from benchmarks.routing.metrics import Floats, Ints
from dd0c_route import brain
from dd0c_route.brain.predictor import Predictor
from dd0c_route.brain.training.fit import fit

_CODE = ("asked.py", "features.py", "layer.py", "predictor.py", "training/*.py")


def fitted(data: Data, rows: Ints, models: Sequence[str] | None = None, below: Predictor | None = None) -> Predictor:
    """The predictor that is fitted to the labels of *rows* (of *models* alone), on top of *below*."""
    file = TARGET / f"{_key(rows, models, below)}.brain"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        fit(data.labels(rows, models), below).save(file)
    return Predictor.load(file)  # as stored, so that rounding is judged too


def predicted(data: Data, predictor: Predictor, rows: Ints) -> Floats:
    """p_good of each model of the data, (n, m), nan where nothing is known."""
    known = [model for model in data.models if model in predictor.models]
    out = np.full((len(rows), len(data.models)), np.nan)
    columns = data.columns(known)
    for number, row in enumerate(rows):
        out[number, columns] = predictor.predict(data.prompts[row], known).p_good
    return out


def out_of_fold(data: Data) -> Floats:
    """(n, m): p_good of each prompt by the fit to the other four folds, in which nobody asks the same question."""
    out = np.full(data.scores.shape, np.nan)
    for number in range(FOLDS):
        inside = np.flatnonzero(data.fold == number)
        predictor = fitted(data, np.flatnonzero(data.fold != number))
        out[inside] = predicted(data, predictor, inside)
    return out


def without(data: Data, rows: Ints) -> Predictor:
    """A fit that saw none of *rows*, nor their questions elsewhere."""
    return fitted(data, np.flatnonzero(~np.isin(data.qkeys, data.qkeys[rows])))


def means(data: Data, rows: Ints) -> Floats:
    """(m,): each model's mean score on *rows*; nan where there is none."""
    scores = data.scores[rows]
    count = (~np.isnan(scores)).sum(axis=0)
    return np.where(count > 0, np.nansum(scores, axis=0) / np.maximum(count, 1), np.nan)


def _key(rows: Ints, models: Sequence[str] | None, below: Predictor | None) -> str:
    digest = hashlib.blake2b(digest_size=8)
    folder = Path(brain.__file__).parent
    for pattern in _CODE:
        for file in sorted(folder.glob(pattern)):
            digest.update(file.read_bytes())
    digest.update((TARGET / "data.npz").stat().st_mtime_ns.to_bytes(8))
    digest.update(rows.astype(np.int64).tobytes() + repr(models).encode())
    if below is not None:
        digest.update(below.seen.tobytes() + repr(below.models).encode())
    return digest.hexdigest()
