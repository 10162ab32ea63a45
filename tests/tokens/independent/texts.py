"""Random texts of every kind that a tokenizer may stumble over."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

EMOJI = [
    *("🌍", "🔥", "🌍🔥", "👩\u200d💻", "👨\u200d👩\u200d👧\u200d👦", "👍🏽", "🏳️\u200d🌈", "🇩🇪", "🇺🇸", "❤️", "1️⃣", "#️⃣"),
]
SPACES = [" ", "  ", "    ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u2003", "\u3000", " \n", "a", "."]
WORDS = [
    *("the", "Answer", "it's", "DON'T", "HTTP", "naïve", "日本", "🔥", "3.14", "12345", "x_y", "\n", "ПРИВЕТ", "f(x)"),
    *("Straße", "İstanbul", "<|endoftext|>", "שלום", "สวัสดี", "नमस्ते", "한국어", "مرحبا", "e\u0301"),
]
CODE = [
    *("def f(x):", "\n    ", "\n\t", "return", " ", "{", "}", "});", "// x=1", "a_b", "aB", "==", "=>", '"', "'"),
    *("\\n", "<b>", "</div>", "#!/bin/sh", "0x1F", "1e-9", "self.x", "[0]", "&&", "SELECT * FROM t;", "$VAR", "--flag"),
]
MARKS = [
    *("a", "e", "o", " ", "क", "ก", "\u0627", "\u0301", "\u0308", "\u093c", "\u0e4d", "\u0651"),
    *("\ufe0f", "\u200d", "\u20e3"),
]
CONTROLS = [
    *("\x00", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\x1b", "\x7f", "\x85"),
    *("\u200b", "\u2028", "\ufeff", "\ufffd"),
]
ASCII = ((0x20, 0x7F),)
PLANES = ((0x80, 0x3000), (0x3000, 0xD800), (0xE000, 0x10000), (0x10000, 0x20000), (0x20000, 0x110000))
CJK = ((0x4E00, 0xA000), (0x3040, 0x3100), (0xAC00, 0xD7A4), (0x20000, 0x20100))

Ranges = tuple[tuple[int, int], ...]


def characters(rng: random.Random, ranges: Ranges) -> str:
    """Only what the interpreter's Unicode knows: newer letters split differently in older data."""
    drawn = [chr(rng.randrange(*rng.choice(ranges))) for _ in range(rng.randint(1, 40))]
    return "".join([char for char in drawn if unicodedata.category(char) != "Cn"]) or "a"


def joined(rng: random.Random, pieces: list[str], most: int, separator: str = "") -> str:
    return separator.join(rng.choices(pieces, k=rng.randint(1, most)))


KINDS: tuple[Callable[[random.Random], str], ...] = (
    lambda rng: characters(rng, ASCII),
    lambda rng: characters(rng, PLANES),
    lambda rng: characters(rng, CJK),
    lambda rng: joined(rng, EMOJI, 10),
    lambda rng: joined(rng, SPACES, 40),
    lambda rng: joined(rng, WORDS, 30, " "),
    lambda rng: joined(rng, WORDS + EMOJI + SPACES, 30),
    lambda rng: joined(rng, CODE, 30),
    lambda rng: joined(rng, MARKS, 20),
    lambda rng: str(rng.randrange(10 ** rng.randint(1, 30))) + rng.choice(["", ".5", " 000", "٣", "½"]),
    lambda rng: rng.choice(CONTROLS) if rng.random() < 0.2 else joined(rng, CONTROLS + WORDS, 12),
)


def random_texts(seed: int, count: int) -> list[str]:
    """*count* texts that are not empty, the same for the same *seed*."""
    rng = random.Random(seed)
    return [rng.choice(KINDS)(rng) for _ in range(count)]
