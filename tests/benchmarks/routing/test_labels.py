"""The shared data as lines for a fit."""

from __future__ import annotations

import numpy as np

from benchmarks.routing.labels import lines
from dd0c_route.brain.training.labels import read_labels
from tests.benchmarks.routing import made


def test_a_fit_reads_what_was_written() -> None:
    given = made.data(np.array([[1.0, np.nan], [0.25, 0.0]]), ["a", "b"])
    labels = read_labels(lines(given).splitlines())
    assert labels.prompts == given.prompts
    assert labels.models == ["a", "b"]
    assert labels.scores.tolist() == [[1, 0], [0.25, 0]]
    assert labels.known.tolist() == [[True, False], [True, True]]
