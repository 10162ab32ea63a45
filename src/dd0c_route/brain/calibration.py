"""The thresholds of a route's promise, from labels: how the brain's risk and what was really worse go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from msgspec import structs

from dd0c_route.brain.names import bare
from dd0c_route.brain.predictor import Predictor, fingerprints
from dd0c_route.brain.promises import Label, Threshold, risk_of, thresholds
from dd0c_route.brain.training.labels import Labels
from dd0c_route.types import Candidate, Target

NOISE = 0.1  # a score that is lower by no more than this is not worse: who grades is not that exact
MAX_PROMPTS = 5000  # looked at; more make a promise hardly sharper, and each takes 0.2 ms when the router starts


class _Rows(NamedTuple):
    """The prompts that can be used, what the brain says of them, and how many trained it."""

    numbers: list[int]
    odds: dict[str, list[float | None]]  # by model, in the order of *numbers*
    trained: int


def calibrated(
    labels: Labels, predictor: Predictor, targets: Sequence[Target], epsilon: float, delta: float
) -> dict[str, Mapping[Target, Threshold]]:
    """For each model that may be asked for, by its bare name: up to which risk each of *targets* may stand in for it.

    A label counts where both were scored on the same prompt, and where that prompt did not train *predictor*: what it
    has seen, it judges too well.
    """
    columns = {bare(model): column for column, model in enumerate(labels.models)}
    names = [target.model for target in targets]
    rows = _rows(labels, predictor, sorted({*names, *labels.models}))
    found: dict[str, Mapping[Target, Threshold]] = {}
    for asked, column in columns.items():
        judged = {
            target: _pairs(labels, rows, target.model, columns[bare(target.model)], asked, column, names)
            for target in targets
            if bare(target.model) in columns and bare(target.model) != asked
        }
        if judged:
            found[asked] = {
                target: _said(one, rows.trained) for target, one in thresholds(judged, epsilon, delta).items()
            }
    return found


def _rows(labels: Labels, predictor: Predictor, models: list[str]) -> _Rows:
    several = np.flatnonzero(labels.known.sum(1) > 1)
    trained = np.isin(fingerprints([labels.prompts[row] for row in several]), predictor.seen)
    numbers = several[~trained][:MAX_PROMPTS].tolist()
    odds: dict[str, list[float | None]] = {model: [] for model in models}
    for row in numbers:
        said = predictor.predict(labels.prompts[row], models)
        for model, p_good in zip(models, said.p_good, strict=True):
            odds[model].append(p_good)
    return _Rows(numbers, odds, int(trained.sum()))


def _pairs(
    labels: Labels, rows: _Rows, model: str, column: int, asked: str, asked_column: int, names: Sequence[str]
) -> list[Label]:
    """The labels of one candidate against one model asked for, with the risk as a route of *names* sees it."""
    of_asked = next((rows.odds[name] for name in names if bare(name) == asked), None)
    pairs = []
    for place, row in enumerate(rows.numbers):
        if not (labels.known[row, column] and labels.known[row, asked_column]):
            continue
        one = Candidate(Target("", model), rows.odds[model][place])
        other = Candidate(Target("", asked), of_asked[place] if of_asked is not None else None)
        risk = risk_of(one, other)
        if risk is not None:
            worse = labels.scores[row, column] < labels.scores[row, asked_column] - NOISE
            pairs.append(Label(risk, bool(worse)))
    return pairs


def _said(one: Threshold, trained: int) -> Threshold:
    if one.refused is None or not trained:
        return one
    return structs.replace(one, refused=f"{one.refused} ({trained} prompts trained the brain and do not count)")
