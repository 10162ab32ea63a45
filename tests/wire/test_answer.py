"""Text and its places."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.wire import answer
from dd0c_route.wire.answer import Track


@given(st.lists(st.tuples(st.integers(1, 5), st.text(max_size=4)), max_size=20), st.integers(0, 100))
def test_a_track_knows_what_stood_behind_every_event(steps: list[tuple[int, str]], offset: int) -> None:
    track, end, expected = Track(), 0, ""
    for step, piece in steps:
        end += step
        track.add(end, piece)
        if end <= offset:
            expected += piece
    assert track.upto(offset) == expected
    assert track.upto(None) == "".join(piece for _, piece in steps)


def test_old_places_of_a_very_long_answer_are_thinned_downwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "_MARKS", 100)
    track = Track()
    for end in range(1, 1001):
        track.add(end, "x")
        assert track._places is None or len(track._places[0]) <= 100
    assert all(len(track.upto(offset)) <= offset for offset in range(1001))
    assert len(track.upto(990)) == 990
