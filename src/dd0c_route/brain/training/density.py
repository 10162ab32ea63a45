"""Where the labelled texts are, and how far from them a text is unknown."""

from __future__ import annotations

import numpy as np

from dd0c_route.brain.features import Floats

_CENTRES = 96
_TEXTS = 20  # at least so many a centre, on the average
_ROUNDS = 8
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


def _apart(rows: Floats, centres: Floats) -> Floats:
    """Squared distances, (n, k)."""
    squares: Floats = (rows**2).sum(axis=1)[:, None] - 2 * rows @ centres.T + (centres**2).sum(axis=1)
    return squares
