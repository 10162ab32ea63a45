from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.tokens import calibration
from dd0c_route.tokens.calibration import (
    MOST_PAIRS,
    Calibration,
    Residuals,
    Window,
    keys,
    line_of,
    shift_of,
)
from dd0c_route.tokens.traits import Traits
from dd0c_route.types import Count

TOOLS = Traits("openai.chat", "tools", "", "aaaa")
OTHER_TOOLS = Traits("openai.chat", "tools", "", "bbbb")
TEXT = Traits("openai.chat", "text")
MODEL = ("acme", "large")


def estimated(tokens: int, tokenizer: str = "o200k_base") -> Count:
    return Count(tokens, "estimated", (tokens // 2, tokens * 2), tokenizer)


def exact(tokens: int) -> Count:
    return Count(tokens, "exact", (tokens, tokens), "o200k_base")


def learned(pairs: Window, traits: Traits = TOOLS, tokenizer: str = "o200k_base") -> Calibration:
    residuals = Residuals()
    for counted, reported in pairs:
        residuals.add(estimated(counted, tokenizer), reported, *MODEL, traits)
    return residuals.calibration()


def test_four_calls_teach_nothing_and_five_that_agree_do() -> None:
    pairs = ((100, 130), (200, 230), (300, 330), (400, 430), (500, 530))
    assert learned(pairs[:4]).correct(estimated(250), *MODEL, TOOLS) == estimated(250)
    corrected = learned(pairs).correct(estimated(250), *MODEL, TOOLS)
    assert corrected.tokens == 280
    assert corrected.band[0] <= 280 <= corrected.band[1]
    assert corrected.band[1] - corrected.band[0] < 20


def test_another_tool_set_gets_the_correction_of_its_kind_only_if_that_is_regular() -> None:
    same = tuple((size, size + 30) for size in (100, 200, 300, 400, 500))
    assert learned(same).correct(estimated(250), *MODEL, OTHER_TOOLS).tokens == 280
    residuals = Residuals()
    for size in (100, 200, 300, 400, 500):
        residuals.add(estimated(size), size + 30, *MODEL, TOOLS)
        residuals.add(estimated(size), size + 90, *MODEL, OTHER_TOOLS)
    both = residuals.calibration()
    assert both.correct(estimated(250), *MODEL, TOOLS).tokens == 280
    assert both.correct(estimated(250), *MODEL, OTHER_TOOLS).tokens == 340
    assert both.correct(estimated(250), *MODEL, Traits("openai.chat", "tools", "", "cccc")) == estimated(250)


def test_irregular_residuals_correct_nothing() -> None:
    wild = tuple((1000, 1000 + step) for step in (5, -300, 700, 40, 1500, -90, 260))
    assert learned(wild).correct(estimated(1000), *MODEL, TOOLS) == estimated(1000)


def test_one_outlier_does_not_move_the_correction_but_widens_the_band() -> None:
    regular = tuple((100, 130) for _ in range(9))
    clean = learned(regular).correct(estimated(100), *MODEL, TOOLS)
    mixed = learned((*regular, (100, 500))).correct(estimated(100), *MODEL, TOOLS)
    assert clean.tokens == mixed.tokens == 130
    assert mixed.band[1] >= 500 > clean.band[1]


def test_counts_that_are_mostly_right_are_left_right() -> None:
    right = ((100, 100), (100, 100), (100, 102), (100, 102), (100, 101))
    assert learned(right).correct(estimated(100), *MODEL, TOOLS).tokens == 100


def test_a_vocabulary_that_we_do_not_have_is_learned_as_a_line() -> None:
    pairs = tuple((size, 35 + size * 3 // 4) for size in (20, 80, 240, 400, 1000, 3000))
    corrected = learned(pairs, TEXT, "estimate:unknown").correct(estimated(2000, "estimate:unknown"), *MODEL, TEXT)
    assert abs(corrected.tokens - (35 + 1500)) <= 3


def test_nothing_is_learned_across_models_providers_tokenizers_or_scripts() -> None:
    pairs = tuple((size, 35 + size * 3 // 4) for size in (20, 80, 240, 400, 1000, 3000))
    known = learned(pairs, TEXT, "estimate:unknown")
    asked = estimated(2000, "estimate:unknown")
    assert known.correct(asked, "acme", "small", TEXT) == asked
    assert known.correct(asked, "zenith", "large", TEXT) == asked
    assert known.correct(estimated(2000, "gemma"), *MODEL, TEXT) == estimated(2000, "gemma")
    assert known.correct(asked, *MODEL, Traits("openai.chat", "text", script="cjk")) == asked


def test_what_a_frame_is_off_by_holds_for_estimates_in_a_hurry_too() -> None:
    known = learned(((1000, 1300),) * 6)
    hurried = Count(8000, "estimated", (6000, 10_000), "estimate:o200k_base")
    corrected = known.correct(hurried, *MODEL, TOOLS)
    assert (corrected.tokens, corrected.band) == (8300, (6300, 10_300))
    assert known.correct(Count(9, "estimated", (5, 20), "estimate:other"), *MODEL, TOOLS).tokens == 9


def test_what_the_provider_remembers_is_not_learned() -> None:
    state = Traits("openai.responses", "state")
    assert Residuals().add(estimated(10), 5000, *MODEL, state) == {}


def test_another_picture_may_be_larger_so_its_band_stays() -> None:
    picture = Traits("openai.chat", "image")
    corrected = learned(((100, 130),) * 6, picture).correct(estimated(100), *MODEL, picture)
    assert corrected.tokens == 130
    assert corrected.band[0] <= 50
    assert corrected.band[1] >= 200


def test_memory_is_bounded_and_what_is_used_last_stays() -> None:
    residuals = Residuals()
    for number in range(calibration.MOST_KEYS):
        residuals.add(estimated(10), 12, "acme", f"model-{number}", TOOLS)
    assert len(residuals) == calibration.MOST_KEYS
    dropped = residuals.take_dropped()
    assert len(dropped) == calibration.MOST_KEYS  # two keys a model
    assert any("model-0|" in key for key in dropped)
    assert not residuals.take_dropped()


pairs_of = st.lists(st.tuples(st.integers(1, 100_000), st.integers(1, 100_000)), min_size=1, max_size=60)
exactness_of: st.SearchStrategy[Literal["exact", "estimated"]] = st.sampled_from(["exact", "estimated"])


@given(pairs_of, st.integers(0, 100_000))
def test_an_exact_count_is_never_touched(pairs: list[tuple[int, int]], tokens: int) -> None:
    assert learned(tuple(pairs)).correct(exact(tokens), *MODEL, TOOLS) == exact(tokens)


@given(pairs_of, st.integers(1, 100_000), st.sampled_from(["o200k_base", "estimate:unknown"]))
def test_a_corrected_count_lies_in_its_band_and_is_never_zero(
    pairs: list[tuple[int, int]], tokens: int, tokenizer: str
) -> None:
    corrected = learned(tuple(pairs), TOOLS, tokenizer).correct(estimated(tokens, tokenizer), *MODEL, TOOLS)
    assert 0 <= corrected.band[0] <= corrected.tokens <= corrected.band[1]
    assert corrected.tokens >= 1
    assert corrected.exactness == "estimated"


@given(st.integers(-50, 500), st.lists(st.integers(100, 10_000), min_size=5, max_size=40), st.integers(100, 10_000))
def test_an_error_that_is_always_the_same_is_corrected_to_the_token(error: int, sizes: list[int], tokens: int) -> None:
    corrected = learned(tuple((size, size + error) for size in sizes)).correct(estimated(tokens), *MODEL, TOOLS)
    assert corrected.tokens == tokens + error


@given(pairs_of)
def test_only_the_last_pairs_count(pairs: list[tuple[int, int]]) -> None:
    assert learned(tuple(pairs)) == learned(tuple(pairs[-MOST_PAIRS:]))


@given(pairs_of)
def test_what_is_kept_and_taken_up_again_corrects_alike(pairs: list[tuple[int, int]]) -> None:
    residuals = Residuals()
    kept: dict[str, Window] = {}
    for counted, reported in pairs:
        kept |= residuals.add(estimated(counted, "estimate:x"), reported, *MODEL, TOOLS)
    assert Residuals(kept).calibration() == residuals.calibration()


@given(pairs_of)
def test_a_shift_covers_its_own_window(pairs: list[tuple[int, int]]) -> None:
    shift = shift_of(tuple(pairs))
    assert all(abs(reported - counted - shift.tokens) <= shift.worst for counted, reported in pairs)
    assert 0 <= shift.spread <= shift.worst


@given(pairs_of)
def test_a_line_is_better_than_none_or_is_not_drawn(pairs: list[tuple[int, int]]) -> None:
    line = line_of(tuple(pairs))
    if line is not None:
        assert line.slope > 0
        assert any(reported != counted for counted, reported in pairs)


def test_the_three_keys_differ() -> None:
    assert len(set(keys(estimated(1, "estimate:x"), *MODEL, TOOLS))) == 3
