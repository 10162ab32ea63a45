"""Times and ids."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.clock import HandClock, SystemClock, new_id, rfc3339

moments = st.integers(0, 4_000_000_000 * 10**9)


def test_the_machines_clock_goes_on() -> None:
    clock = SystemClock()
    first, then = clock.ticks_ns(), clock.ticks_ns()

    assert first <= then
    assert clock.wall_ns() > 1_700_000_000 * 10**9


def test_a_hand_clock_stands_still_until_it_is_moved() -> None:
    clock = HandClock(1_000)
    assert (clock.wall_ns(), clock.ticks_ns()) == (1_000, 0)
    clock.advance(1.5)
    assert (clock.wall_ns(), clock.ticks_ns()) == (1_500_001_000, 1_500_000_000)


@given(wall_ns=moments)
def test_an_id_is_its_prefix_and_a_ulid(wall_ns: int) -> None:
    assert re.fullmatch(r"dd_[0-7][0-9A-HJKMNP-TV-Z]{25}", new_id("dd_", wall_ns))


@given(one=moments, other=moments)
def test_ids_sort_by_time(one: int, other: int) -> None:
    if one // 10**6 < other // 10**6:
        assert new_id("dd_", one) < new_id("dd_", other)


def test_ids_of_one_moment_differ() -> None:
    assert len({new_id("dd_", 1) for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("wall_ns", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456Z"),
        (951_782_400 * 10**9, "2000-02-29T00:00:00.000000Z"),
    ],
)
def test_a_moment_has_one_text(wall_ns: int, text: str) -> None:
    assert rfc3339(wall_ns) == text


@given(wall_ns=moments)
def test_a_moments_text_is_read_back_to_the_microsecond(wall_ns: int) -> None:
    read = datetime.fromisoformat(rfc3339(wall_ns))

    assert read.tzinfo is UTC or read.utcoffset() == datetime.now(UTC).utcoffset()
    assert round(read.timestamp() * 1e6) == wall_ns // 1000


@given(one=moments, other=moments)
def test_texts_sort_as_the_moments_do(one: int, other: int) -> None:
    one, other = sorted((one, other))

    assert rfc3339(one) <= rfc3339(other)
