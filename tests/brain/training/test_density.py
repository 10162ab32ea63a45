"""Where texts are known, and to whom."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.training.density import centres_and_reach, evidence

_ROWS = np.concatenate(
    [
        np.random.default_rng(0).normal(place, 0.1, size=(400, 3)).astype(np.float32)
        for place in ((0, 0, 0), (5, 0, 0), (0, 5, 0))
    ]
)
_CENTRES = np.array([[0, 0, 0], [5, 0, 0], [0, 5, 0], [50, 50, 50]], np.float32)  # nobody lives at the last one


def test_a_models_labels_bear_what_is_said_where_they_are() -> None:
    known = np.zeros((len(_ROWS), 2), np.bool_)
    known[:, 0] = known[400:800, 1] = True
    borne = evidence(_ROWS, _CENTRES, known)
    assert (borne[:3, 0] > 0.9).all()
    assert borne[1, 1] > 0.9
    assert (borne[[0, 2], 1] == 0).all()


def test_where_nobody_lives_the_neighbours_labels_count() -> None:
    known = np.ones((len(_ROWS), 1), np.bool_)
    borne = evidence(_ROWS, _CENTRES, known)
    assert borne[3, 0] in borne[:3, 0]


@given(st.integers(1, 200))
def test_more_labels_bear_more_until_there_are_enough(count: int) -> None:
    few, more = np.zeros((2, len(_ROWS), 1), np.bool_)
    few[:count] = more[: count + 1] = True
    less, bears = evidence(_ROWS, _CENTRES, few)[0, 0], evidence(_ROWS, _CENTRES, more)[0, 0]
    assert 0 < less <= bears <= 1
    assert less < bears or bears == 1


def test_a_tenth_of_the_labels_around_is_enough() -> None:
    known = np.zeros((len(_ROWS), 1), np.bool_)
    known[:40] = True
    assert evidence(_ROWS, _CENTRES, known)[0, 0] == 1


def test_texts_are_nearer_than_what_is_far() -> None:
    centres, (near, far) = centres_and_reach(_ROWS, 0)
    own = np.sqrt(((_ROWS[:, None] - centres) ** 2).sum(axis=2)).min(axis=1)
    assert (own < far).all()
    assert 0 < near < far
