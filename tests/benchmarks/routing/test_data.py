"""The shared routing data, as fits take it."""

from __future__ import annotations

import os

import numpy as np
import pytest

from benchmarks.routing.data import PYTHON, load
from tests.benchmarks.routing import made

NAN = float("nan")


def test_labels_leave_out_what_is_not_known() -> None:
    given = made.data(np.array([[1.0, NAN, NAN], [NAN, NAN, NAN], [0.0, 0.5, NAN]]), ["a", "b", "c"])
    labels = given.labels(np.array([0, 1, 2]))
    assert labels.prompts == ["question 0", "question 2"]
    assert labels.models == ["a", "b"]
    assert labels.scores.tolist() == [[1, 0], [0, 0.5]]
    assert labels.known.tolist() == [[True, False], [True, True]]


def test_labels_of_some_models_are_theirs_alone() -> None:
    given = made.data(np.array([[1.0, 0.0], [NAN, 1.0]]), ["a", "b"])
    labels = given.labels(np.array([0, 1]), ["a"])
    assert (labels.prompts, labels.models) == (["question 0"], ["a"])


@pytest.mark.skipif("DD0C_CORPUS" not in os.environ, reason="no recordings: DD0C_CORPUS is not set")
@pytest.mark.skipif(not PYTHON.exists(), reason="make parquet: no pyarrow to convert the data with")
def test_the_shared_data_is_whole_and_no_question_is_in_two_folds() -> None:
    given = load()
    assert (len(given.prompts), int((~np.isnan(given.scores)).sum())) == (31_141, 407_620)
    folds: dict[str, int] = {}
    for qkey, fold in zip(given.qkeys.tolist(), given.fold.tolist(), strict=True):
        assert folds.setdefault(qkey, fold) == fold
