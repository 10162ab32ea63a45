"""Fitting how long answers become."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dd0c_route.brain.features import Floats, read
from dd0c_route.brain.lengths import LengthArrays
from dd0c_route.brain.predictor import LengthPart, Predictor
from dd0c_route.brain.training.heads import heads

_RIDGE = 1000.0  # labels
# Of what the fit says of a text, how much is told. Measured on the routing data with each of 100 tasks left out in
# turn: of the variance of the logarithm the whole of it explains -0.11 in the mean (0.32 at home), half of it 0.06
# (0.23), and 90 % of the true lengths then are below the p90 that is told (85 % with the whole).
_TOLD = 0.5
_TRIM = 8.0  # of the logarithm: e**8 tokens, beyond which answers ran into somebody's limit


def with_lengths(
    predictor: Predictor, prompts: Sequence[str], models: Sequence[str], tokens: NDArray[np.float64]
) -> Predictor:
    """*predictor*, that also tells lengths, from *tokens* (prompts, models); nan where nothing was measured."""
    layer = predictor.parts[0].layer
    nothing = np.zeros(0, np.float32)
    rows = np.stack([layer.columns(read(prompt), nothing) for prompt in prompts])
    return Predictor(predictor.parts, predictor.seen, LengthPart(tuple(models), lengths_of(rows, tokens)))


def lengths_of(rows: Floats, tokens: NDArray[np.float64]) -> LengthArrays:
    """What *tokens* (prompts, models) teach of texts, of which *rows* (prompts, c) are the columns."""
    known = ~np.isnan(tokens)
    logs = np.clip(np.log(np.where(known, np.maximum(tokens, 1), 1)), 0, _TRIM)
    count = known.sum(axis=0)
    means = np.where(known, logs, 0).sum(axis=0) / np.maximum(count, 1)
    rest: Floats = np.where(known, logs - means, 0).astype(np.float32)
    fitted = np.float32(_TOLD) * heads(rows, rest, known.astype(np.float32), _RIDGE)
    left = np.where(known, rest - rows @ fitted.T, 0)
    deviations = np.sqrt((left**2).sum(axis=0) / np.maximum(count, 1))
    total = np.array([logs[known].mean(), logs[known].std()], np.float32)
    return LengthArrays(means.astype(np.float32), deviations.astype(np.float32), fitted, total)
