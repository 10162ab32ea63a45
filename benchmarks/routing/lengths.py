"""How well the length of an answer is told: at home, and of tasks whose lengths the fit has not seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.routing import fits
from benchmarks.routing.data import FOLDS, Data
from benchmarks.routing.metrics import Floats, Ints
from benchmarks.routing.table import heading, percent, row
from dd0c_route.brain.features import read
from dd0c_route.brain.lengths import LengthArrays, length
from dd0c_route.brain.training.lengths import lengths_of
from scripts.build_prior import tokens

Columns = NDArray[np.float32]
_PARTS = 10  # of the tasks; each is left out in turn


class Told(NamedTuple):
    """Of one answer each, float64 (n,).

    Attributes:
        row: Of the data.
        true, usual: Tokens, and the mean of the model's logarithms, which is what is known without the text.
        middle: Told, of the logarithm.
        mean, p90: Told, in tokens.
    """

    row: Floats
    true: Floats
    usual: Floats
    middle: Floats
    mean: Floats
    p90: Floats

    def cells(self) -> list[str]:
        """How many, R² of the logarithm, share below the p90, and told for each token that was written."""
        logs = np.log(np.maximum(self.true, 1))
        explained = 1 - ((logs - self.middle) ** 2).sum() / ((logs - self.usual) ** 2).sum()
        below, ratio = (self.true <= self.p90).mean(), self.mean.sum() / self.true.sum()
        return [f"{len(self.true):,}", f"{explained:.2f}", percent(float(below)), f"{ratio:.2f}"]

    @property
    def rows(self) -> Ints:
        return self.row.astype(np.int64)

    def only(self, kept: NDArray[np.bool_]) -> Told:
        return Told(*(column[kept] for column in self))


def section(data: Data) -> Iterator[str]:
    """Lengths of what was measured: characters of visible answers by four, or the cost by the price of output."""
    measured = tokens(data)
    columns = ("source", "answers", "R² of the logarithm", "not longer than the p90", "told for each token written")
    yield from heading("How long answers become: by fits to the other folds", *columns)
    told = _joined([_of_fold(data, measured, number) for number in range(FOLDS)])
    for source in sorted(set(data.sources[told.rows])):
        yield row(source, *told.only(data.sources[told.rows] == source).cells())
    yield row("all", *told.cells())
    yield from heading("The same of tasks left out in turn, a tenth of them at a time", *columns)
    away = _left_out(data, measured)
    for source in sorted(set(data.sources[away.rows])):
        yield row(source, *away.only(data.sources[away.rows] == source).cells())
    names = data.tasks[away.rows]
    each = [float(away.only(names == task).cells()[1]) for task in sorted(set(names))]
    yield ""
    low, middle, high = np.percentile(each, [10, 50, 90])
    yield f"R² of the {len(each)} tasks left out: {low:.2f} (a tenth is below), {middle:.2f} (half), {high:.2f} (nine"
    yield "tenths). Their scores were seen, by the skills; their lengths were not. Nought is what each model's mean"
    yield "explains. How much of the fit is told was chosen by tasks left out like that."


def _of_fold(data: Data, measured: Floats, number: int) -> Told:
    rows, support = _read(data, number)
    seen = data.fold != number
    return _told(measured, rows, support, np.flatnonzero(~seen), lengths_of(rows[seen], measured[seen]))


def _left_out(data: Data, measured: Floats) -> Told:
    """Prompts of the first fold, by lengths of the other folds' other tasks."""
    rows, support = _read(data, 0)
    part = np.unique(data.tasks, return_inverse=True)[1] % _PARTS
    found = []
    for number in range(_PARTS):
        seen = (data.fold != 0) & (part != number)
        judged = np.flatnonzero((data.fold == 0) & (part == number))
        found.append(_told(measured, rows, support, judged, lengths_of(rows[seen], measured[seen])))
    return _joined(found)


def _read(data: Data, number: int) -> tuple[Columns, Floats]:
    """Columns (n, c) and support (n,) of all prompts, by the fit that did not see fold *number*."""
    layer = fits.fitted(data, np.flatnonzero(data.fold != number)).parts[0].layer
    nothing = np.zeros(0, np.float32)
    rows = np.stack([layer.columns(read(prompt), nothing) for prompt in data.prompts])
    return rows, np.array([layer.support(columns)[0] for columns in rows])


def _told(measured: Floats, rows: Columns, support: Floats, judged: Ints, arrays: LengthArrays) -> Told:
    """Of models of which lengths were seen; of others nothing is told that could be judged."""
    found = []
    for prompt in judged.tolist():
        for model in np.flatnonzero(~np.isnan(measured[prompt]) & (arrays.deviations > 0)).tolist():
            one = length(arrays, model, rows[prompt], float(support[prompt]), thinks=False)
            middle = np.log(one.mean) - float(arrays.deviations[model]) ** 2 / 2
            usual = float(arrays.means[model])
            found.append((prompt, measured[prompt, model], usual, middle, one.mean, one.p90))
    return Told(*np.array(found, np.float64).reshape(-1, len(Told._fields)).T)


def _joined(parts: list[Told]) -> Told:
    return Told(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
