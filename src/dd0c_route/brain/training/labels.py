"""Labels: who answered which prompt how well, from JSON lines `{"prompt", "model", "score"}`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dd0c_route.brain.features import Floats
from dd0c_route.errors import BadLabels

MAX_FAULTS = 5  # told at once; a file of the wrong kind has them on every line


class Label(Struct, frozen=True):
    """One line. *score* is 0 (useless) to 1 (as good as can be)."""

    prompt: str
    model: str
    score: float


class Labels(NamedTuple):
    """A matrix of prompts and models, in the order in which they first came.

    Attributes:
        scores: float32, shape (prompts, models): the mean of what was said of that answer; 0 where nothing was.
        known: bool, shape (prompts, models).
    """

    prompts: list[str]
    models: list[str]
    scores: Floats
    known: NDArray[np.bool_]


def read_labels(lines: Iterable[bytes]) -> Labels:
    """
    Raises:
        BadLabels: With the first lines at fault, or because there are none at all.
    """
    decoder = msgspec.json.Decoder(Label)
    prompts: dict[str, int] = {}
    models: dict[str, int] = {}
    rows: list[int] = []
    columns: list[int] = []
    values: list[float] = []
    faults: list[str] = []
    for number, line in enumerate(lines, start=1):
        if line.isspace():
            continue
        try:
            label = decoder.decode(line)
            if not 0 <= label.score <= 1:
                raise msgspec.ValidationError(f"score {label.score:g} is not within 0 and 1")
            if not label.model:
                raise msgspec.ValidationError("the model has no name")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            faults.append(f"line {number}: {error}")
            if len(faults) == MAX_FAULTS:
                break
            continue
        rows.append(prompts.setdefault(label.prompt, len(prompts)))
        columns.append(models.setdefault(label.model, len(models)))
        values.append(label.score)
    if faults or not rows:
        raise BadLabels(faults or ['there is no label; a line is {"prompt": text, "model": name, "score": 0..1}'])
    return _matrix(list(prompts), list(models), np.array(rows), np.array(columns), np.array(values))


def _matrix(
    prompts: list[str],
    models: list[str],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    values: NDArray[np.float64],
) -> Labels:
    shape = (len(prompts), len(models))
    cells = rows * len(models) + columns
    size = shape[0] * shape[1]
    counts = np.bincount(cells, minlength=size).reshape(shape)
    sums = np.bincount(cells, values, size).reshape(shape)
    return Labels(prompts, models, (sums / np.maximum(counts, 1)).astype(np.float32), counts > 0)
