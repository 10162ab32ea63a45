from __future__ import annotations

import pytest

from dd0c_route.console.words import clock_time, count, dollars, milliseconds


@pytest.mark.parametrize(
    ("picodollars", "text"),
    [
        (0, "$0.000000"),
        (1, "<$0.000001"),
        (999_999, "<$0.000001"),
        (1_000_000, "$0.000001"),
        (1_500_000, "$0.000002"),
        (123_456_789, "$0.000123"),
        (999_999_999_999, "$1.000000"),
        (1_000_000_000_000, "$1.00"),
        (1_234_567_890_000_000, "$1,234.57"),
        (-123_456_789, "-$0.000123"),
        (-1, "-<$0.000001"),
    ],
)
def test_dollars_are_rounded_but_something_is_never_nothing(picodollars: int, text: str) -> None:
    assert dollars(picodollars) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "\u2013"), (0.25, "0.2 ms"), (9.96, "10.0 ms"), (310.1, "310 ms"), (12_400.0, "12.4 s")]
)
def test_times_have_their_unit(value: float | None, text: str) -> None:
    assert milliseconds(value) == text


def test_counts_and_times_are_readable() -> None:
    assert count(1_234_567) == "1\u2009234\u2009567"
    assert clock_time("2026-11-24T05:30:59.123456Z") == "2026-11-24 05:30:59"
