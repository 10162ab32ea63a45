"""What a text is to the brain."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from statistics import pstdev

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dd0c_route.brain.features import _IS_OF_IT, BUCKETS, SPAN, STEM, SURFACE, _bucket_of, cut, read

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


@given(st.lists(st.sampled_from(["ab", "c", " ", "\n\n", " " * 700, "word " * 100, "long" * 200]), max_size=40))
def test_only_the_ends_of_a_long_text_are_looked_at_and_that_changes_nothing(pieces: list[str]) -> None:
    text = "".join(pieces)[: 8 * SPAN]
    plain = " ".join(text.split())
    ends = plain if len(plain) <= 2 * SPAN + 1 else f"{plain[:SPAN].rstrip()} {plain[-SPAN:].lstrip()}"
    assert cut(text) == ends


# No two of them, their stems or their pairs share a bucket, nor any with a framing word.
some_words = st.lists(st.sampled_from(["v", "xz", "zé0", "09", "vvvvvvvvvvvv", "é"]), max_size=50)


@given(some_words, st.sampled_from([" ", ". ", "-", "  -."]))
def test_each_word_counts_as_itself_as_its_stem_and_with_the_next_one(words: list[str], between: str) -> None:
    text = between.join(words)
    assert read(text).counts.sum() == max(0, 3 * len(words) - 1)
    stems = {word.encode()[:STEM] for word in words}
    assert len(read(text).buckets) <= len(set(words)) + len(stems) + len(set(pairwise(words)))


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


@given(st.lists(st.text("xyz0", min_size=1, max_size=20), min_size=2, max_size=8))
@example(["0", "x0xy00yzzxz"])
def test_options_are_measured(options: list[str]) -> None:
    # Words are known by their buckets: one in the bucket of a word that frames questions may be dropped at an end.
    assume(all(_IS_OF_IT[_bucket_of(word)] for option in options for word in (option, *re.split("(0+)", option))))
    marked = [f"{letter}. {option} " for letter, option in zip("ABCDEFGH", options, strict=False)]
    text = "".join(marked).rstrip()
    sizes = [*map(len, marked[:-1]), len(marked[-1]) - 1]
    mean = len(text) / len(sizes)
    assert column(text, "option_length") == pytest.approx(math.log1p(mean))
    assert column(text, "option_longest") == pytest.approx(math.log1p(max(sizes)))
    assert column(text, "option_spread") == pytest.approx(pstdev(sizes) / (mean + 1), abs=1e-6)
    with_digits = sum("0" in option for option in options)
    assert column(text, "options_with_digits") == pytest.approx(with_digits / len(options))


def test_a_count_of_words_is_a_count_of_words() -> None:
    assert column(QUESTION, "words not") == 1
    assert column("Which, which and which?", "words which") == 3


@pytest.mark.parametrize(
    "noisy",
    [
        f"{'*' * 50}\n{QUESTION}\n{'_' * 7}",
        f"Hello! I have a quick question. {QUESTION}",
        f"Very hard, advanced level: {QUESTION}",
        f"{QUESTION}\n\nThink step by step. What would you answer? Thanks!",
        QUESTION.upper(),
        QUESTION.lower(),
    ],
)
def test_what_is_about_the_question_and_not_of_it_changes_nothing(noisy: str) -> None:
    assert list(read(noisy).buckets) == list(read(QUESTION).buckets)
    assert read(noisy).surface == pytest.approx(read(QUESTION).surface, abs=1e-6)


def test_a_question_of_nothing_but_such_words_is_read_whole() -> None:
    assert column("What is the answer to that?", "words") == pytest.approx(math.log1p(6))


def test_options_to_choose_from_are_no_such_words() -> None:
    assert column("Which verb fits here?\nA. is\nB. was\nC. are", "options") == 3
