from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.tokens import count_text, count_text_exactly, load
from dd0c_route.tokens.claude import GENERATIONS, ClaudeCounter
from dd0c_route.tokens.claude_text import BEGIN, CAPITALS, END, TITLE, marked_word, normal
from tests.tokens.corpus import recordings

COUNTERS = {name: ClaudeCounter(name) for name in sorted(GENERATIONS)}
any_text = st.text(st.characters(min_codepoint=1), max_size=200)  # lone surrogates included

# What another implementation counts on the same vocabulary: see scripts/count_with_ctok.py.
CTOK = json.loads((Path(__file__).parent / "claude_counts.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", COUNTERS)
def test_random_texts_of_all_planes_count_as_another_implementation_counts_them(name: str) -> None:
    ours = [COUNTERS[name].count(text)[0] for text in CTOK["texts"]]
    assert len(ours) == 1500
    assert ours == CTOK["counts"][name]


@pytest.mark.parametrize(
    ("text", "claude_3", "claude_4_8"),
    [
        ("hello, world", 3, 4),
        ("it's", 2, 2),
        ("🌍🔥", 7, 6),
        ("\n" * 27, 1, 1),  # newlines at the end join those that end the message
        (" ", 1, 1),
        ("\x07", 1, 0),  # nothing is left of it but the begin of the message
    ],
)
def test_known_texts_count_as_measured(text: str, claude_3: int, claude_4_8: int) -> None:
    assert COUNTERS["claude_3"].count(text) == (claude_3, 0)
    assert COUNTERS["claude_4_8"].count(text) == (claude_4_8, 0)


@given(any_text, st.sampled_from(sorted(COUNTERS)))
def test_any_text_is_counted(text: str, name: str) -> None:
    tokens, slack = COUNTERS[name].count(text)
    assert 0 <= tokens <= 2 + 4 * len(text) + 4
    assert slack == 0


@given(
    st.lists(st.sampled_from(["one ", "Two, ", "it's ", "人 ", "\n\n", "3.14 ", "— ", "' "]), max_size=60).map("".join)
)
def test_a_long_text_counts_the_same_in_parts(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dd0c_route.tokens.claude._CHUNK_CHARS", 7)
        parts = COUNTERS["claude_3"].count(text)
    assert parts == COUNTERS["claude_3"].count(text)


# --- words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "marked"),
    [
        ("hello", f"{BEGIN}hello{END}"),
        ("Hello", f"{TITLE}{BEGIN}hello{END}"),
        ("I", f"{TITLE}{BEGIN}i{END}"),
        ("HTTP", f"{CAPITALS}{BEGIN}http{END}"),
        ("QQ", f"{BEGIN}QQ{END}"),
        ("iPhone", f"{BEGIN}iPhone{END}"),
        ("École", f"{TITLE}{BEGIN}école{END}"),
        ("ΛΟΓΟΣ", f"{CAPITALS}{BEGIN}λογοσ{END}"),
        ("STRASSE", f"{CAPITALS}{BEGIN}strasse{END}"),
        ("STRAẞE", f"{BEGIN}STRAẞE{END}"),
        ("ไทย", f"{BEGIN}ไทย{END}"),
    ],
)
def test_a_word_is_written_with_its_case(word: str, marked: str) -> None:
    assert marked_word(word, 4) == marked


def test_later_generations_do_not_mark_capitals() -> None:
    assert marked_word("HTTP", None) == f"{BEGIN}HTTP{END}"
    assert marked_word("ΛΟΓΟΣ", None) == f"{BEGIN}ΛΟΓΟΣ{END}"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("e\u0301", "é"),
        ("\u201ca\u2019b", "\"a'b"),
        ("a\u00a0b\u2028c", "a b c"),
        ("a\x07b\x7fc", "abc"),
        ("a\x00b", "a b"),
        ("\ue000a\ue003", "a"),
        ("\ud800", "\ufffd"),
    ],
)
def test_a_text_is_read_in_its_normal_form(text: str, read: str) -> None:
    assert normal(text, fold_quotes=True) == read


def test_later_generations_tell_quotes_apart() -> None:
    assert normal("\u201ca\u201d", fold_quotes=False) == "\u201ca\u201d"


# --- what is repeated ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["claude_3", "claude_4_7"])
def test_a_long_run_of_one_character_costs_one_token_for_each_longest_piece(name: str) -> None:
    """What `_STRETCH` rests on: beyond it, less what the pieces at both ends may take, the cost is periodic."""
    pieces = COUNTERS[name]._pieces
    lengths: dict[str, list[int]] = {}
    for piece, whole in pieces._known.items():
        if whole and len(set(piece)) == 1:
            lengths.setdefault(piece[0], []).append(len(piece))
    assert lengths["-"]
    longest_piece = max(len(piece) for piece in pieces._known)
    for char, pure in lengths.items():
        longest, least = max(pure), [0]
        assert pieces._repeated[char] == longest
        if longest < 3:
            continue
        for n in range(1, longest * longest + 2 * longest):
            least.append(1 + min(least[n - length] for length in pure if length <= n) if 1 in pure else 0)
        periodic_from = 1 + max(
            (n for n in range(longest, len(least)) if least[n] != least[n - longest] + 1), default=0
        )
        assert periodic_from + 2 * longest_piece <= 384


ADVERSARIAL = ("a", "aB", " ", "\n", " \n", "🌍🔥", "人", "^", "'", "'s", "=-", "1", "e\u0301", "สวัสดี", "ネ", "-", ".")


@pytest.mark.parametrize("name", ["claude_3", "claude_4_8"])
@pytest.mark.parametrize("piece", ADVERSARIAL)
def test_100_000_characters_without_a_split_take_no_time(piece: str, name: str) -> None:
    text = (piece * 100_000)[:100_000]
    start = time.perf_counter()
    tokens, _ = COUNTERS[name].count(text)
    assert time.perf_counter() - start < 1.0  # 0.002 to 0.1 s on an idle machine
    assert tokens > 0


def test_what_is_kept_is_bounded() -> None:
    counter = ClaudeCounter("claude_4_8")
    for i in range(3):
        counter.count(" ".join(f"w{i}x{n:b}" for n in range(50_000)))
    assert len(counter._units) <= 1 << 16
    assert len(counter._pieces.tokens) <= 1 << 16


# --- through the port ----------------------------------------------------------------------------------


@given(any_text.filter(bool))
def test_no_text_but_the_empty_one_counts_nothing(text: str) -> None:
    assert count_text_exactly(text, "claude-opus-5").tokens > 0


@pytest.mark.usefixtures("nothing_loaded")
def test_a_short_text_is_exact_once_the_vocabulary_is_loaded() -> None:
    assert count_text("hello, world", "claude-sonnet-4-5").exactness == "estimated"
    assert load("claude-sonnet-4-5")
    count = count_text("hello, world", "claude-sonnet-4-5")
    assert (count.tokens, count.exactness, count.tokenizer) == (3, "exact", "claude_3")
    assert count_text("hello, world " * 1000, "claude-sonnet-4-5").exactness == "estimated"
    assert count_text_exactly("hello, world " * 1000, "claude-sonnet-4-5").tokens == 3001


# --- against what the provider counts ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("generation", "model", "frame"),
    [("v3", "claude-opus-4-5", 7), ("v4.7", "claude-opus-4-7", 11), ("v5", "claude-opus-5", 6)],
)
def test_the_declaration_of_human_rights_is_exact_in_288_languages(generation: str, model: str, frame: int) -> None:
    texts = list(recordings("claude_count_tokens_udhr"))
    wrong = [
        text["id"]
        for text in texts
        if count_text_exactly(text["text"], model).tokens + frame != text["count_tokens"][generation]
    ]
    assert len(texts) == 288
    assert wrong == []
