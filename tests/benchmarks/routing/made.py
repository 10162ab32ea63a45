"""Routing data made by hand: small enough to know what must come out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.routing.data import FOLDS, Data
from benchmarks.routing.metrics import Floats
from benchmarks.routing.pools import Pool


def data(scores: Floats, models: Sequence[str], task: str = "mmlu-pro", prompts: Sequence[str] = ()) -> Data:
    """*scores*: (n, m), nan where unknown; each answer has 400 characters."""
    n = len(scores)
    unknown = np.full(scores.shape, np.nan)
    return Data(
        prompts=list(prompts) or [f"question {number}" for number in range(n)],
        sources=np.array(["made"] * n),
        tasks=np.array([task] * n),
        subjects=np.array([" "] * n),
        qkeys=np.array([f"q{number}" for number in range(n)]),
        fold=np.arange(n) % FOLDS,
        contaminated=np.zeros(n, np.bool_),
        models=list(models),
        scores=scores,
        out_chars=np.where(np.isnan(scores), np.nan, 400.0),
        costs=unknown,
        n_samples=unknown,
        score_first=unknown,
        agree=unknown,
        score_majority=unknown,
    )


def pool(scores: Floats, costs: Floats) -> Pool:
    """*costs*: (k,): the same for every prompt, and expected."""
    models = tuple(f"model {number}" for number in range(scores.shape[1]))
    each = np.tile(costs, (len(scores), 1))
    return Pool("made", "made", models, np.arange(len(scores)), scores, each, each)
