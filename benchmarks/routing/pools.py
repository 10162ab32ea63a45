"""Pools: the same prompts answered by several models, with what each answer cost."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.routing.data import FOLDS, Data
from benchmarks.routing.metrics import Floats, Ints

CHARS_PER_TOKEN = 4  # the data has characters where it has no costs


class Pool(NamedTuple):
    """n prompts that all of k models answered.

    Attributes:
        rows: (n,): the prompts in the data.
        scores: (n, k).
        costs: (n, k): dollars per 1,000 requests like this one.
        expected: (n, k): the same, without having seen the answer: the input is known, of the output the model's mean
            on the other folds.
    """

    name: str
    title: str
    models: tuple[str, ...]
    rows: Ints
    scores: Floats
    costs: Floats
    expected: Floats

    def only(self, which: Ints) -> Pool:
        """The pool of those of its prompts, by their place in the pool."""
        kept = (self.rows[which], self.scores[which], self.costs[which], self.expected[which])
        return Pool(self.name, self.title, self.models, *kept)


def rows_of(data: Data, patterns: list[str], subject: str = "*") -> Ints:
    """The prompts whose task is like one of *patterns*, and their subject like *subject*; ascending."""
    tasks = [task for task in np.unique(data.tasks) if any(fnmatch(task, pattern) for pattern in patterns)]
    subjects = [name for name in np.unique(data.subjects) if fnmatch(name, subject)]
    return np.flatnonzero(np.isin(data.tasks, tasks) & np.isin(data.subjects, subjects))


@cache
def _listed() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("pools.toml").read_text(encoding="utf-8"))


def names() -> list[str]:
    return list(_listed())


def pool(data: Data, name: str) -> Pool:
    listed = _listed()[name]
    prices = listed["prices"]
    columns = data.columns(list(prices))
    rows = rows_of(data, listed["tasks"])
    scores, chars, measured = (
        data.scores[rows][:, columns],
        data.out_chars[rows][:, columns],
        data.costs[rows][:, columns],
    )
    if all(prices.values()):
        rates = np.array(list(prices.values())) / 1e3  # $ per million tokens → $ per 1,000 requests and token
        asked = np.array([len(data.prompts[row]) for row in rows])[:, None] / CHARS_PER_TOKEN * rates[:, 0]
        answered = chars / CHARS_PER_TOKEN * rates[:, 1]
    else:
        asked, answered = np.zeros_like(measured), measured * 1e3
    whole = ~np.isnan(scores + answered).any(axis=1)
    rows, scores, asked, answered = rows[whole], scores[whole], asked[whole], answered[whole]
    expected = asked + _mean_of_other_folds(answered, data.fold[rows])
    return Pool(name, listed["title"], tuple(prices), rows, scores, asked + answered, expected)


def _mean_of_other_folds(values: Floats, fold: Ints) -> Floats:
    out = np.zeros_like(values)
    for number in range(FOLDS):
        if (fold == number).any():
            out[fold == number] = values[fold != number].mean(axis=0)
    return out
