"""Where in a text the question stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.features import cut, read

SUM = "A baker sold 48 rolls in April, then half as many in May. How many rolls altogether?"


@pytest.mark.parametrize(
    "noisy",
    [
        f"Good evening, pardon me for this! {SUM} I would be so glad of a hint. Best wishes!",
        f"We had lunch by the river. {SUM}",
        f"My son brought this home: {SUM}",
        f"{SUM} Many, many thanks!!",
    ],
)
def test_what_is_said_in_passing_is_outside(noisy: str) -> None:
    assert list(read(noisy).buckets) == list(read(SUM).buckets)


@pytest.mark.parametrize("whole", ["I like my tea.", "We met! I left.", "Hello! Who am I?"])
def test_a_text_that_is_nothing_else_is_read(whole: str) -> None:
    assert read(whole).surface.any()


def test_sentences_with_figures_are_never_said_in_passing() -> None:
    assert len(read(f"I have 3 dogs. {SUM}").buckets) > len(read(SUM).buckets)


@given(st.text("aI my.!?: B)x", max_size=60))
def test_any_text_is_read_twice_alike(text: str) -> None:
    assert list(read(text).buckets) == list(read(cut(text)).buckets)
