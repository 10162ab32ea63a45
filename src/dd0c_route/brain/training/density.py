"""Where the labelled texts are, and how far from them a text is unknown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dd0c_route.brain.features import Floats

_CENTRES = 96
_TEXTS = 20  # at least so many a centre, on the average
_ROUNDS = 8
_ENOUGH = 5.0  # labels of a model around a centre that bear all that is said of it there
_OF_FEW = 0.03  # of the texts around a centre: where these are few, less is enough
_NEAR, _FAR = 0.90, 1.6  # quantile of the texts' own distances, and how many times the 99th percentile


def centres_and_reach(rows: Floats, seed: int) -> tuple[Floats, Floats]:
    """Centres by k-means, (k, columns), and the distances that are near and far, (2,)."""
    random = np.random.default_rng(seed)
    centres = rows[random.choice(len(rows), min(_CENTRES, 1 + len(rows) // _TEXTS), replace=False)].copy()
    for _ in range(_ROUNDS):
        nearest = _apart(rows, centres).argmin(axis=1)
        count = np.bincount(nearest, minlength=len(centres))
        member = np.zeros((len(centres), len(rows)), np.float32)
        member[nearest, np.arange(len(rows))] = 1
        moved = member @ rows / np.maximum(count, 1)[:, None].astype(np.float32)
        centres = np.where((count > 0)[:, None], moved, centres).astype(np.float32)
    distances = np.sqrt(np.maximum(_apart(rows, centres).min(axis=1), 0))
    near = np.quantile(distances, _NEAR)
    # Where all texts are alike any other is an outlier by a small margin: half a deviation in each column is none.
    far = max(_FAR * np.quantile(distances, 0.99), near + 0.5 * np.sqrt(rows.shape[1]))
    return centres, np.array([near, far], np.float32)


def evidence(rows: Floats, centres: Floats, known: NDArray[np.bool_]) -> Floats:
    """How far each model's own labels bear what is said around each centre: 0 to 1, (k, models).

    That a text looks familiar is no evidence for a model which was never asked anything like it: the ranking of the
    models differs between benchmarks whose texts are alike. Where there are enough, more add nothing: at home, what is
    said is as sharp as it was learned.

    Args:
        known: (n, models): who answered which text.
    """
    nearest = _apart(rows, centres).argmin(axis=1)
    member = np.zeros((len(centres), len(rows)), np.float32)
    member[nearest, np.arange(len(rows))] = 1
    labels = member @ known.astype(np.float32)
    inhabited = np.flatnonzero(member.any(axis=1))
    labels = labels[inhabited[_apart(centres, centres[inhabited]).argmin(axis=1)]]  # an empty one: as its neighbour's
    enough = min(_ENOUGH, _OF_FEW * len(rows) / len(centres))
    borne: Floats = np.minimum(labels / np.float32(enough), 1).astype(np.float32)
    return borne


def _apart(rows: Floats, centres: Floats) -> Floats:
    """Squared distances, (n, k)."""
    squares: Floats = (rows**2).sum(axis=1)[:, None] - 2 * rows @ centres.T + (centres**2).sum(axis=1)
    return squares
