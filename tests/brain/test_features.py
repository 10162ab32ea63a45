"""What a text is to the brain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.features import BUCKETS, SPAN, SURFACE, cut, read

QUESTION = "Which of the following is not a prime number?\nA. 2\nB. 9\nC. 11\nD. 13"


def column(text: str, name: str) -> float:
    return float(read(text).surface[SURFACE.index(name)])


@given(st.text(max_size=300))
def test_every_text_has_features(text: str) -> None:
    reading = read(text)
    assert np.isfinite(reading.surface).all()
    assert len(reading.surface) == len(SURFACE)
    assert ((reading.buckets >= 0) & (reading.buckets < BUCKETS)).all()
    assert (np.diff(reading.buckets) > 0).all()
    assert len(reading.counts) == len(reading.buckets)


@given(st.text(max_size=40), st.integers(1, 900))
def test_cutting_twice_is_cutting_once(text: str, times: int) -> None:
    assert cut(cut(text * times)) == cut(text * times)


def test_of_a_long_text_both_ends_are_read() -> None:
    long = "head " * SPAN + "middle " * 10_000 + "tail " * SPAN
    assert cut(long) == cut("head " * SPAN + "other " * 50_000 + "tail " * SPAN)
    assert 2 * SPAN - 10 < len(cut(long)) <= 2 * SPAN + 1


@pytest.mark.parametrize(
    "noisy",
    [
        f"  {QUESTION}\n\n\n",
        QUESTION.replace("\n", "   \n\t "),
        f"Please, {QUESTION}",
        f"Hello, could you please help me? {QUESTION} Thank you!",
        QUESTION.upper(),
    ],
)
def test_white_space_case_and_politeness_add_no_words(noisy: str) -> None:
    assert set(read(QUESTION).buckets) >= set(read(noisy).buckets) - set(read("you help").buckets)


def test_words_of_the_same_stem_share_a_bucket() -> None:
    assert set(read("multiplication").buckets) & set(read("multiplying").buckets)
    assert not set(read("addition").buckets) & set(read("multiplying").buckets)


def test_a_number_counts_by_its_length_alone() -> None:
    assert list(read("17 apples").buckets) == list(read("42 apples").buckets)
    assert list(read("17 apples").buckets) != list(read("417 apples").buckets)


def test_options_are_found() -> None:
    assert column(QUESTION, "options") == 4
    assert column("What is 2 + 2?", "options") == 0


def test_a_count_of_words_is_a_count_of_words() -> None:
    assert column(QUESTION, "words not") == 1
    assert column("Which, which and which?", "words which") == 3
