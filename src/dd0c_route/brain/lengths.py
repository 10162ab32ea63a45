"""How long answers become: the visible tokens of an answer as a distribution, by model and text.

The logarithm of the length is taken for normal. It was learned from characters of visible answers (4 a token: off by a
fifth) and, for some models, from measured cost. Of the variance it explains a quarter at home and hardly anything of
tasks that it has not seen (`benchmarks.routing lengths`), so that it is told by half (`training.lengths`); far from the
labelled texts each model's mean stands. Tokens of hidden reasoning were measured for one model only (`REASONING`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from msgspec import Struct

from dd0c_route.brain.features import Floats

_P90 = 1.2816  # standard deviations above the mean of a normal distribution
_MOST = math.log(32_000)  # tokens: what an expectation is kept within
# Hidden tokens for each visible one. Source: ParetoBandit (72ccbef): the measured cost of gemini-2.5-pro at $10 a
# million (list price from memory) is 1,450 tokens an answer; gemini-2.5-flash, taken not to think, needs 325.
REASONING = 3.5


class Length(Struct, frozen=True):
    """Output tokens: *mean* and *p90* of the visible answer; *reasoning_mean* comes on top where the model thinks."""

    mean: float
    p90: float
    reasoning_mean: float


class LengthArrays(NamedTuple):
    """Attributes:
    means, deviations: float32 (m,): of the logarithm of tokens; the deviation is that of what stays unexplained.
    heads: float32 (m, c): on the columns of the first fit.
    total: float32 (2,): mean and deviation where nothing is known of the model.
    """

    means: Floats
    deviations: Floats
    heads: Floats
    total: Floats


def length(arrays: LengthArrays, at: int | None, columns: Floats, support: float, thinks: bool) -> Length:
    """The length of the answer of model *at* (None: one that is not known) to the text of *columns*."""
    if at is None:
        middle = float(arrays.total[0]) + support * float((arrays.heads @ columns).mean())
        deviation = float(arrays.total[1])
    else:
        middle = float(arrays.means[at]) + support * float(arrays.heads[at] @ columns)
        deviation = float(arrays.deviations[at])
    mean = _tokens(middle + deviation**2 / 2)
    p90 = max(mean, _tokens(middle + _P90 * deviation))
    return Length(mean, p90, REASONING * mean if thinks else 0.0)


def _tokens(logarithm: float) -> float:
    return math.exp(min(max(logarithm, 0.0), _MOST))
