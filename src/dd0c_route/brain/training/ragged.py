"""A sparse matrix in numpy: enough of it for conjugate gradients with several right-hand sides."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dd0c_route.brain.features import Floats

_CELLS = 1 << 18  # of one padded block: what is gathered for it fits into the cache

Ints = NDArray[np.int64]


class _Block(NamedTuple):
    rows: Ints  # (b,)
    columns: Ints  # (b, width)
    values: Floats  # (b, width); 0 where a row is shorter


class Ragged:
    """A matrix of *height* rows, made of blocks of rows of similar length.

    Args:
        pointers: (height + 1,): row i has the entries pointers[i] to pointers[i + 1].
        columns: (entries,).
        values: (entries,).
    """

    def __init__(self, pointers: Ints, columns: Ints, values: Floats) -> None:
        self.height = len(pointers) - 1
        lengths = np.diff(pointers)
        order = np.argsort(lengths, kind="stable")
        order = order[lengths[order] > 0]
        self._blocks: list[_Block] = []
        end = len(order)
        while end:  # the longest first, as many rows as fill a block
            width = int(lengths[order[end - 1]])
            start = max(0, end - max(1, _CELLS // width))
            rows = order[start:end]
            at = pointers[rows][:, None] + np.arange(width)
            inside = np.arange(width) < lengths[rows][:, None]
            at = np.where(inside, at, 0)
            self._blocks.append(_Block(rows, columns[at], np.where(inside, values[at], np.float32(0))))
            end = start

    def __matmul__(self, dense: Floats) -> Floats:
        """The product with *dense*, shape (width, k): float32, shape (height, k)."""
        out = np.zeros((self.height, dense.shape[1]), np.float32)
        for rows, columns, values in self._blocks:
            out[rows] = np.matmul(values[:, None, :], dense[columns])[:, 0]
        return out


def both_ways(pointers: Ints, columns: Ints, values: Floats, width: int) -> tuple[Ragged, Ragged]:
    """The matrix and its transpose, the latter of *width* rows."""
    rows = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
    order = np.argsort(columns, kind="stable")
    across = np.concatenate(([0], np.cumsum(np.bincount(columns, minlength=width))))
    return Ragged(pointers, columns, values), Ragged(across, rows[order], values[order])
