"""The shared routing data: prompts, who answered them how well, and at what cost.

It is in Parquet, which numpy does not read: pyarrow converts it once, in an environment of its own (`make parquet`).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.routing.metrics import Floats, Ints
from dd0c_route.brain.training.labels import Labels

TARGET = Path(__file__).parents[2] / "target" / "routing"
PYTHON = Path(__file__).parents[2] / ".venv-parquet" / "bin" / "python"
CONVERT_S = 120
FOLDS = 5


class Data(NamedTuple):
    """n prompts, m models. A score, length or cost that is not known is nan.

    Attributes:
        prompts, sources, tasks, subjects, qkeys: n strings each; one qkey is one question, whoever asks it.
        fold: (n,): 0 to 4, by question.
        contaminated: (n,): RouteLLM's metric leaves these out.
        scores, out_chars, costs: (n, m); costs in dollars, as measured.
        n_samples, score_first, agree, score_majority: (n, m): of reasoning-gym: answers drawn, the score of the first,
            the share of them that give the most common answer, and that answer's score.
    """

    prompts: list[str]
    sources: NDArray[np.str_]
    tasks: NDArray[np.str_]
    subjects: NDArray[np.str_]
    qkeys: NDArray[np.str_]
    fold: Ints
    contaminated: NDArray[np.bool_]
    models: list[str]
    scores: Floats
    out_chars: Floats
    costs: Floats
    n_samples: Floats
    score_first: Floats
    agree: Floats
    score_majority: Floats

    def column(self, model: str) -> int:
        return self.models.index(model)

    def columns(self, models: Sequence[str]) -> Ints:
        return np.array([self.models.index(model) for model in models])

    def labels(self, rows: Ints, models: Sequence[str] | None = None) -> Labels:
        """The scores of *rows* as a fit takes them; models without any are left out."""
        scores = self.scores[rows]
        known = ~np.isnan(scores)
        if models is not None:
            known &= np.isin(np.arange(len(self.models)), self.columns(models))
        kept, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
        cells = np.ix_(kept, columns)
        return Labels(
            [self.prompts[row] for row in rows[kept]],
            [self.models[column] for column in columns],
            np.where(known, scores, 0)[cells].astype(np.float32),
            known[cells],
        )


def load(folder: Path | None = None) -> Data:
    """The data under *folder* (without one: `routing/` of `DD0C_CORPUS`).

    Raises:
        SystemExit: It is not there, or pyarrow's environment is not.
    """
    if folder is None:
        if "DD0C_CORPUS" not in os.environ:
            raise SystemExit("set DD0C_CORPUS to the folder that holds routing/")
        folder = Path(os.environ["DD0C_CORPUS"]) / "routing"
    converted = TARGET / "data.npz"
    if not converted.exists() or converted.stat().st_mtime < (folder / "scores.parquet").stat().st_mtime:
        _convert(folder, converted)
    with np.load(converted) as stored:
        return _data(dict(stored))


def _convert(folder: Path, into: Path) -> None:
    if not PYTHON.exists():
        raise SystemExit("make parquet: the data is in Parquet, which pyarrow reads in an environment of its own")
    into.parent.mkdir(parents=True, exist_ok=True)
    program = Path(__file__).parent / "programs" / "convert.py"
    fresh = into.with_name("data.new.npz")
    subprocess.run([PYTHON, program, folder, fresh], check=True, timeout=CONVERT_S)
    fresh.replace(into)


def _data(stored: dict[str, NDArray[Any]]) -> Data:
    strings = json.loads(stored["strings"].tobytes())
    shape = (len(strings["prompt"]), len(strings["models"]))

    def matrix(name: str) -> Floats:
        out = np.full(shape, np.nan)
        out[stored["row"], stored["column"]] = stored[name]
        return out

    return Data(
        prompts=strings["prompt"],
        sources=np.array(strings["source"]),
        tasks=np.array(strings["task"]),
        subjects=np.array([subject or "" for subject in strings["subject"]]),
        qkeys=np.array(strings["qkey"]),
        fold=stored["fold"],
        contaminated=np.array(strings["contaminated"]),
        models=strings["models"],
        scores=matrix("score"),
        out_chars=matrix("out_chars"),
        costs=matrix("cost_usd"),
        n_samples=matrix("n_samples"),
        score_first=matrix("score_first"),
        agree=matrix("agree"),
        score_majority=matrix("score_majority"),
    )
