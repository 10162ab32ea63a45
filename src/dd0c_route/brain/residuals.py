"""What a tenant's own labels say beside the predictor: how much better or worse a model does here than it predicts.

Residuals `score - p` are gathered by route and model, by request kind below that, and by the form asked for below that.
Each cell is a conjugate normal update around what the rest of the cell above it says: every label counts once, few
labels move little, and a cell without any says what the one above says. A cell remembers `MEMORY` labels; later ones
push earlier ones out, exponentially.

Source: the normal-normal model with known variance, Gelman et al., Bayesian Data Analysis, §2.5 and §5.4; power priors
(Ibrahim and Chen 2000) for the forgetting. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt
from typing import NamedTuple

from msgspec import Struct

MEMORY = 200.0  # labels of a cell: what happened before counts for less and less
PRIOR = 20.0  # labels that the cell above is worth, and the predictor above all of them
MOST_CELLS = 2_000  # the longest unused is given up
_VARIANCE = 0.25  # of one score in 0..1, at most


class Key(NamedTuple):
    """What a label is about. *model* is `provider/model`, *cluster* the form asked for."""

    route: str
    model: str
    kind: str = ""
    cluster: str = ""

    @property
    def path(self) -> tuple[str, str, str]:
        """The names of its cells, from the widest to the narrowest."""
        names = "\n".join((self.route, self.model)), self.kind, self.cluster
        return names[0], "\n".join(names[:2]), "\n".join(names)


class Cell(Struct, frozen=True, gc=False):
    """*weight*: labels in memory; *total*: the sum of their residuals, weighted alike."""

    weight: float = 0.0
    total: float = 0.0

    def less(self, part: Cell) -> Cell:
        """What remains of it without *part*, which may remember more than it does."""
        weight = max(0.0, self.weight - part.weight)
        return Cell(weight, min(weight, max(-weight, self.total - part.total)))

    def after(self, residual: float, weight: float) -> Cell:
        """One label more; the oldest make room for it."""
        kept = min(1.0, max(0.0, MEMORY - weight) / self.weight) if self.weight else 0.0
        return Cell(self.weight * kept + weight, self.total * kept + weight * residual)


class Adjusted(NamedTuple):
    """*learned* is what was added to the prediction, *spread* the standard deviation of that."""

    p_good: float
    learned: float
    spread: float


_EMPTY = Cell()


class Snapshot(Struct, frozen=True):
    """What is published: cells by the names in `Key.path`."""

    cells: dict[str, Cell] = {}

    def adjust(self, p_good: float, key: Key) -> Adjusted:
        """*p_good*, corrected by what the labels of *key* say; it stays as it is without any."""
        cells = [cell for name in key.path if (cell := self.cells.get(name)) is not None]
        if not cells:
            return Adjusted(p_good, 0.0, 0.0)
        mean, weight = 0.0, PRIOR
        for cell, below in zip(cells, [*cells[1:], _EMPTY], strict=True):
            rest = cell.less(below)
            weight = PRIOR + rest.weight
            mean = (PRIOR * mean + rest.total) / weight
        moved = min(1.0, max(0.0, p_good + mean))
        return Adjusted(moved, moved - p_good, sqrt(_VARIANCE / weight))


class Residuals:
    """Learns from labels; goes on from what was stored."""

    def __init__(self, stored: Mapping[str, Cell] | None = None) -> None:
        self._cells: dict[str, Cell] = dict(stored or {})
        self._dropped: list[str] = []

    def add(self, key: Key, p_good: float, score: float, weight: float = 1.0) -> dict[str, Cell]:
        """Learn that *key*, predicted to be good with *p_good*, came to *score*; returns the cells that changed.

        Args:
            weight: 1 for a label that can be believed, less for a weak one; 0 teaches nothing.
        """
        if weight <= 0.0:
            return {}
        return self._put((name, self._take(name).after(score - p_good, weight)) for name in key.path)

    def amend(self, key: Key, before: float, after: float, weight: float = 1.0) -> dict[str, Cell]:
        """A label that was learned has another score now."""
        step = weight * (after - before)
        cells = ((name, self._take(name)) for name in key.path)
        return self._put((name, Cell(cell.weight, cell.total + step)) for name, cell in cells if cell.weight)

    def snapshot(self) -> Snapshot:
        return Snapshot(dict(self._cells))

    def take_dropped(self) -> list[str]:
        """The cells that were given up since this was last asked."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def _take(self, name: str) -> Cell:
        return self._cells.pop(name, _EMPTY)  # put back as the last: the first is the longest unused

    def _put(self, cells: Iterable[tuple[str, Cell]]) -> dict[str, Cell]:
        changed = dict(cells)
        self._cells |= changed
        while len(self._cells) > MOST_CELLS:
            oldest = next(iter(self._cells))
            del self._cells[oldest]
            self._dropped.append(oldest)
        return changed
