"""Write `tests/tokens/claude_counts.json`: texts, and what PyPI's `ctok` counts for them.

    pip download --no-deps --python-version 3.12 ctok==1.3.0
    python scripts/count_with_ctok.py ctok-1.3.0-py3-none-any.whl          # writes the file
    python scripts/count_with_ctok.py ctok-1.3.0-py3-none-any.whl 20000    # compares as many new texts instead

ctok is the independent implementation that ours is held against. It is no dependency: it wants Python 3.12 (its code
runs under 3.11, too), and PyPI's `regex`.
"""

# ruff: noqa: RUF001 - characters that look like others are what is tested
from __future__ import annotations

import json
import random
import re
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from dd0c_route.tokens.claude import ClaudeCounter

TARGET = Path(__file__).parents[1] / "tests" / "tokens" / "claude_counts.json"
# Our generation -> ctok's version, and the tokens of the message around a text, which ctok counts, too.
GENERATIONS = {"claude_3": ("3.0", 7), "claude_4_7": ("4.7", 11), "claude_4_8": ("4.8", 6)}
RECORDED = 1500
# Everything that has a rule of its own: contractions, cases, borders, marks, numbers, symbols, what is folded.
ATOMS = re.findall(
    r"\S+",
    """
    ' 's 'll n't 've 'S . , ! ? ( ) — … – « » “ ” ‘x’ “a” a I QQ HTTP Hello hello iPhone GaN WiFi ẞ İs
    sİ Straße ÉCOLE École ΑΣ Ελλάδα привет ПРИВЕТ Привет 人 人人生 。 ， ） （ 〓 々 〱 ひらがな
    カタカナー 한국어 ㄱ ไทย สวัสดี नमस्ते १२ १ ٣ ۳ ١1 1 12 123 1234 3.14 ² ², ²}-. ① ②③ ½ 🌍 🔥 🌍🔥
    👩‍💻 👨‍👩‍👧‍👦 👍🏽 🇩🇪 ⚖️ ❤️ 1️⃣ Ⅷ ⅷ ⓐⒷ © ® ™ → · ─ ════ ---------- == => }); // x=1 a_b a-b ϴ Θϴ
    ℳ ϒ ଆ ܐ ܑ க், ் Ａ ！ ：" 𝒜 𐐀 𞤀 𠀀 － □ • 'REXX 'tis rock 'n' roll def f(x): {"a":1} <b> #!/bin/sh
    """,
)
ATOMS += ["\u0301", "\u0301\u0301a", "\u093c", "\u0f71", "\u0730", "\u08f0", "\ufe0f", "\u0bcd.", "\u0e4d\u0e32"]
ATOMS += ["\u200d", "\u200b", "\ufeff", "\u00a0", "\u3000", "\u2028", "\u202f", "\x00", "\x07", "\ue123", "\ufdd0"]
ATOMS += ["\ufdd1", "\ud800", "\u1c89b", "\ua7cbA", "\u0264", "\u0711", "\u0651", "\r\n", "\t"]
SPACES = [" ", " ", " ", "  ", "\n", "\n\n", "   ", "\t", "\n    "]
PLANES = ((0x20, 0x7F), (0x80, 0x3000), (0x3000, 0xD7FF), (0xE000, 0x10000), (0x10000, 0x20000), (0x1F300, 0x1FAFF))


def random_text(rng: random.Random) -> str:
    match rng.randrange(4):
        case 0:
            return "".join(rng.choices(ATOMS, k=rng.randint(1, 12)))
        case 1:
            return " ".join(rng.choices(ATOMS, k=rng.randint(1, 12)))
        case 2:
            return "".join(rng.choices([*ATOMS, *SPACES * 8], k=rng.randint(1, 20)))
        case _:
            codes = [rng.randrange(*rng.choice(PLANES)) for _ in range(rng.randint(1, 25))]
            return "".join([chr(code) if rng.random() < 0.8 else rng.choice(" '") for code in codes])


def main(wheel: str, compared: int) -> None:
    sys.path.insert(0, wheel)
    token_count = import_module("ctok").token_count
    rng = random.Random(compared)  # noqa: S311 - texts, not keys
    texts = [random_text(rng) for _ in range(compared or RECORDED)]
    counts = {
        name: [token_count(text, version) - around for text in texts] for name, (version, around) in GENERATIONS.items()
    }
    if not compared:
        TARGET.write_text(
            json.dumps({"source": "ctok 1.3.0", "texts": texts, "counts": counts}) + "\n", encoding="utf-8"
        )
        return
    wrong = 0
    for name, expected in counts.items():
        counter = ClaudeCounter(name)
        for text, tokens in zip(texts, expected, strict=True):
            if (ours := counter.count(text)[0]) != tokens:
                wrong += 1
                print(f"{name}: {text!a}: {ours}, ctok says {tokens}")
    print(f"{len(texts)} texts in {len(counts)} generations: {wrong} differ")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
