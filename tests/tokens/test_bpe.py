from __future__ import annotations

import subprocess
import sys
import time

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from dd0c_route.tokens import count_text, count_text_exactly, load
from dd0c_route.tokens.bpe import _parts, shipped_counter

NAMES = ("cl100k_base", "o200k_base", "p50k_base")
COUNTERS = {name: shipped_counter(name) for name in NAMES}
any_text = st.text(st.characters(min_codepoint=1), max_size=300)  # lone surrogates included


@pytest.mark.parametrize(
    ("name", "text", "tokens"),
    [
        # The examples of OpenAI's cookbook, "How to count tokens with tiktoken".
        ("cl100k_base", "antidisestablishmentarianism", 6),
        ("cl100k_base", "2 + 2 = 4", 7),
        ("cl100k_base", "お誕生日おめでとう", 9),
        ("o200k_base", "antidisestablishmentarianism", 6),
        ("o200k_base", "2 + 2 = 4", 7),
        ("o200k_base", "お誕生日おめでとう", 8),
        ("p50k_base", "antidisestablishmentarianism", 5),
        ("p50k_base", "2 + 2 = 4", 5),
        ("p50k_base", "お誕生日おめでとう", 14),
        # A name of a special token is text, where a user writes it.
        ("cl100k_base", "<|endoftext|>", 7),
    ],
)
def test_published_examples_count_as_published(name: str, text: str, tokens: int) -> None:
    assert COUNTERS[name].count(text) == (tokens, 0)


@given(any_text, st.sampled_from(NAMES))
def test_no_text_but_the_empty_one_counts_nothing(text: str, name: str) -> None:
    tokens, slack = COUNTERS[name].count(text)
    assert (tokens > 0) == bool(text)
    assert slack == 0


PIECES = ["a", "Bc", "é", "你", "🔥", " ", "  ", "\n", "\t", " \n ", "'s", "1", "12", ".", "/", "-", "\r\n", "\u200d"]
texts_with_places_to_cut = st.lists(st.sampled_from(PIECES), max_size=200).map("".join)


@settings(max_examples=300)
@given(texts_with_places_to_cut, st.sampled_from(NAMES), st.integers(8, 40))
def test_a_text_cut_at_the_right_places_counts_as_one(text: str, name: str, part: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dd0c_route.tokens.bpe._PART_CHARS", part)
        patch.setattr("dd0c_route.tokens.bpe._SEARCH_CHARS", part - 1)
        parts = list(_parts(text))
        tokens, slack = COUNTERS[name].count(text)
    assert "".join(cut for cut, _ in parts) == text
    assert abs(tokens - COUNTERS[name].count(text)[0]) <= slack


ADVERSARIAL = ("a", "aB", " ", "\n", " \n", "🌍🔥", "人", "^", "'", "\u200d", "1", "e\u0301", "<|endoftext|>")


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4"])
@pytest.mark.parametrize("piece", ADVERSARIAL)
def test_100_000_characters_without_a_split_take_no_time(piece: str, model: str) -> None:
    load(model)
    text = (piece * 100_000)[:100_000]
    start = time.perf_counter()
    count = count_text_exactly(text, model)
    assert time.perf_counter() - start < 1.0  # 0.06 s on an idle machine
    assert count.exactness == "exact"


@pytest.mark.parametrize("piece", ADVERSARIAL)
def test_a_text_too_long_for_the_pattern_engine_is_counted_in_parts(piece: str) -> None:
    tokens, slack = COUNTERS["o200k_base"].count(piece * (1_500_000 // len(piece)))
    assert tokens > 0
    assert slack < 0.01 * tokens + 50


def test_prose_of_any_length_is_exact() -> None:
    sentence = "The answer to the question of the day,\nand the reason for it.\n\n"
    tokens, slack = COUNTERS["o200k_base"].count(sentence * 20_000)
    assert slack == 0
    assert tokens == len(tiktoken_encoding("o200k_base").encode_ordinary(sentence)) * 20_000


def tiktoken_encoding(name: str) -> tiktoken.Encoding:
    return COUNTERS[name]._encode.__self__  # type: ignore[no-any-return,attr-defined]


def test_counting_does_not_even_import_what_could_download() -> None:
    code = (
        "import sys, socket\n"
        "socket.socket.connect = socket.getaddrinfo = None\n"
        "from dd0c_route.tokens import count_text_exactly\n"
        "assert count_text_exactly('hello world', 'gpt-4o').exactness == 'exact'\n"
        "print([name for name in ('tiktoken.load', 'requests', 'urllib3', 'http.client') if name in sys.modules])\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout.strip() == "[]"


@pytest.mark.usefixtures("nothing_loaded")
def test_a_short_text_is_estimated_until_the_vocabulary_is_loaded() -> None:
    assert count_text("hello world", "gpt-4o").exactness == "estimated"
    assert load("gpt-4o")
    count = count_text("hello world", "gpt-4o")
    assert (count.tokens, count.exactness, count.band, count.tokenizer) == (2, "exact", (2, 2), "o200k_base")
    assert count_text("hello world", "gpt-4").exactness == "estimated"


def test_a_long_text_is_estimated_where_nobody_may_wait() -> None:
    load("gpt-4o")
    assert count_text("hello " * 10_000, "gpt-4o").exactness == "estimated"
    assert count_text_exactly("hello " * 10_000, "gpt-4o").tokens == 10_001


def test_a_model_without_a_vocabulary_is_estimated_either_way() -> None:
    assert not load("grok-4.3")
    assert count_text_exactly("hello world", "grok-4.3") == count_text("hello world", "grok-4.3")
