"""The sparse product is the dense one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.training.ragged import both_ways


@given(st.lists(st.lists(st.integers(0, 19), max_size=30), min_size=1, max_size=40), st.integers(1, 4))
def test_products_both_ways_are_those_of_the_dense_matrix(rows: list[list[int]], width: int) -> None:
    pointers = np.concatenate(([0], np.cumsum([len(row) for row in rows])))
    columns = np.array([column for row in rows for column in row], np.int64)
    random = np.random.default_rng(0)
    values = random.normal(size=len(columns)).astype(np.float32)
    dense = np.zeros((len(rows), 20), np.float32)
    np.add.at(dense, (np.repeat(np.arange(len(rows)), np.diff(pointers)), columns), values)
    matrix, transpose = both_ways(pointers, columns, values, 20)
    right = random.normal(size=(20, width)).astype(np.float32)
    left = random.normal(size=(len(rows), width)).astype(np.float32)
    assert np.allclose(matrix @ right, dense @ right, atol=1e-4)
    assert np.allclose(transpose @ left, dense.T @ left, atol=1e-4)
