"""RouteLLM's protocol: one strong and one weak model, and how much of the gap is had for how many strong calls."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.routing import fits, simple
from benchmarks.routing.data import FOLDS, Data
from benchmarks.routing.judged import on_pair, random_pair
from benchmarks.routing.metrics import Floats, Ints
from benchmarks.routing.table import heading, row
from dd0c_route.brain.predictor import Predictor

STRONG, WEAK = "gpt-4-1106-preview", "mistralai/Mixtral-8x7B-Instruct-v0.1"
TASKS = {"routellm-mmlu": "RouteLLM, MMLU", "routellm-gsm8k": "RouteLLM, GSM8K"}
FEW = 1500  # labels: as many of the benchmark as RouteLLM's best routers had
_SEEDS = range(20)


class Asked(NamedTuple):
    """The prompts of a task, (n,) each: their rows in the data, folds, and the scores of both models."""

    rows: Ints
    fold: Ints
    strong: Floats
    weak: Floats


def asked(data: Data, task: str) -> Asked:
    rows = np.flatnonzero((data.tasks == task) & ~data.contaminated)
    strong, weak = data.scores[rows][:, [data.column(STRONG), data.column(WEAK)]].T
    return Asked(rows, data.fold[rows], strong, weak)


def section(data: Data, unseen: Floats, vectors: Floats) -> Iterator[str]:
    """
    Args:
        unseen: (n, m): p_good of each model, by fits to the other folds.
        vectors: (n, d): what kNN looks at.
    """
    published = tomllib.loads(Path(__file__).with_name("published.toml").read_text(encoding="utf-8"))["pairs"]
    for task, title in TASKS.items():
        given = asked(data, task)
        yield from heading(f"{title}, n = {len(given.rows):,}", "router", "APGR", "CPT50, %", "CPT80, %")
        mean, low, high = random_pair(given.strong, given.weak, _SEEDS)
        yield row(f"random, {len(_SEEDS)} seeds (least and most)", f"{mean:.3f} ({low:.3f}, {high:.3f})", "-", "-")
        for line in published[task]:
            yield row(f"{line['who']}: published", *(str(line[name]) for name in ("apgr", "cpt50", "cpt80")))
        for who, need in _needs(data, task, given, unseen, vectors):
            judged = on_pair(need, given.strong, given.weak)
            yield row(who, judged.apgr.text(), judged.cpt50.text(1), judged.cpt80.text(1))


def _needs(data: Data, task: str, given: Asked, unseen: Floats, vectors: Floats) -> Iterator[tuple[str, Floats]]:
    gain = (given.strong - given.weak)[:, None]
    if task == "routellm-mmlu":
        yield "true subject's mean gain", simple.by_group(gain, given.fold, data.subjects[given.rows])[:, 0]
    yield "kNN", simple.by_neighbours(gain, given.fold, vectors[given.rows])[:, 0]
    if task == "routellm-mmlu":
        without = fits.without(data, given.rows)
        yield "**ours, no labels of its questions**", _need(data, fits.predicted(data, without, given.rows))
        yield f"**ours, {FEW:,} labels**", _few(data, given, without)
        yield f"ours, {FEW:,} labels and no prior", _few(data, given, None)
    yield "**ours, all labels**", _need(data, unseen[given.rows])
    yield "oracle", given.strong - given.weak


def _need(data: Data, p_good: Floats) -> Floats:
    return np.asarray(p_good[:, data.column(STRONG)] - p_good[:, data.column(WEAK)])


def _few(data: Data, given: Asked, below: Predictor | None) -> Floats:
    """Each fold by a fit to `FEW` labels of the others, on top of what knows nothing of the pair here."""
    need = np.zeros(len(given.rows))
    for number in range(FOLDS):
        rest = given.rows[given.fold != number]
        drawn = np.sort(np.random.default_rng(number).choice(rest, FEW, replace=False))
        inside = given.fold == number
        predictor = fits.fitted(data, drawn, (STRONG, WEAK), below)
        need[inside] = _need(data, fits.predicted(data, predictor, given.rows[inside]))
    return need
