"""How often somebody may try."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.access.throttle import MOST_KNOWN, Throttle


def test_after_five_tries_one_waits_for_the_first_to_be_a_minute_old() -> None:
    throttle = Throttle(5, 60.0)
    assert [throttle.take("a", float(second)) for second in range(5)] == [0.0] * 5
    assert throttle.take("a", 10.0) == 50.0
    assert throttle.take("b", 10.0) == 0.0
    assert throttle.take("a", 60.0) == 0.0
    assert throttle.take("a", 60.5) == 0.5


def test_who_was_let_in_begins_anew() -> None:
    throttle = Throttle(1, 60.0)
    assert throttle.take("a", 0.0) == 0.0
    throttle.forget("a")
    throttle.forget("nobody")
    assert throttle.take("a", 0.0) == 0.0


def test_what_is_remembered_is_bounded() -> None:
    throttle = Throttle(1, 60.0)
    for who in range(MOST_KNOWN + 10):
        throttle.take(str(who), 0.0)
    assert len(throttle._tries) == MOST_KNOWN


@given(st.lists(st.floats(0, 600), max_size=60).map(sorted))
def test_no_minute_has_more_than_five(moments: list[float]) -> None:
    throttle = Throttle(5, 60.0)
    made = [moment for moment in moments if throttle.take("a", moment) == 0.0]
    assert all(sum(start <= moment < start + 60.0 for moment in made) <= 5 for start in made)
