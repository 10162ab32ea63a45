"""How well lengths are told, on answers of which it is known."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.routing.lengths import Told

TRUE = np.array([10.0, 100.0, 1000.0, 10000.0])
USUAL = np.full(4, np.log(TRUE).mean())
ROWS = np.arange(4.0)


def test_who_knows_the_lengths_explains_all_of_their_variance() -> None:
    assert Told(ROWS, TRUE, USUAL, np.log(TRUE), TRUE, TRUE).cells() == ["4", "1.00", "100.0 %", "1.00"]


def test_who_tells_the_means_explains_nothing() -> None:
    told = Told(ROWS, TRUE, USUAL, USUAL, np.full(4, TRUE.mean()), np.full(4, 500.0))
    assert told.cells() == ["4", "0.00", "50.0 %", "1.00"]


@pytest.mark.parametrize(("kept", "ratio"), [([True, False, False, False], "2.00"), ([True, True, True, True], "2.00")])
def test_figures_are_of_the_answers_that_are_kept(kept: list[bool], ratio: str) -> None:
    told = Told(ROWS, TRUE, USUAL - 1, np.log(TRUE), 2 * TRUE, TRUE).only(np.array(kept))
    assert told.cells()[0] == str(sum(kept))
    assert told.cells()[3] == ratio
    assert told.rows.tolist() == [number for number, one in enumerate(kept) if one]
