"""Fit `tokens/prompt_rates.toml`: `python -m scripts.fit_prompt_rates PROMPTS`. Needs `tiktoken` and numpy.

PROMPTS holds a prompt a line, each a JSON string: those of the shared routing data. They are half of the texts; the
others are what an installation of Python and a Debian system hold: code, documentation, licences, pages, settings. A
quarter of the files and of the prompts is held out, and the error on those is printed.
"""

from __future__ import annotations

import json
import random
import sys
import sysconfig
from collections.abc import Iterator
from datetime import date
from itertools import chain
from pathlib import Path

import numpy as np

from dd0c_route.tokens import count_text_exactly
from dd0c_route.tokens.rough import CLASSES, PAIRS, pairs_of

TEXTS = ("*.py", "**/*.rst", "**/*.txt", "**/*.md", "**/*.html", "**/*.json", "**/*.js", "**/copyright", "**/*.h")
FOLDERS = ("/usr/share/doc", "/usr/share/perl", "/usr/include", "/usr/share")
FILES, CHARS = 150, 2500  # of a kind, of a text
PROMPTS_STEP = 5  # so many prompts for one that is used: then they are about half
RIDGE = 1e-3
MODEL = "gpt-4o"


def prompts(path: Path) -> Iterator[list[str]]:
    """Some put together, as far as they are short."""
    text = ""
    for line in path.read_text("utf-8").splitlines()[::PROMPTS_STEP]:
        text += f"{json.loads(line)}\n\n"
        if len(text) >= CHARS:
            yield [text[:CHARS]]
            text = ""


def texts() -> Iterator[list[str]]:
    """Two of each file."""
    some = random.Random(0)  # noqa: S311 - the same files each time
    paths = sysconfig.get_paths()
    for folder in (paths["stdlib"], paths["purelib"], *FOLDERS):
        for pattern in TEXTS:
            found = sorted(Path(folder).glob(pattern)) if Path(folder).is_dir() else []
            for path in some.sample(found, min(FILES, len(found))):
                try:
                    text = path.read_text("utf-8")
                except (OSError, UnicodeDecodeError):
                    continue
                at = some.randrange(max(1, len(text) - 2 * CHARS))
                parts = [text[at : at + CHARS], text[at + CHARS : at + 2 * CHARS]]
                yield [part for part in parts if len(part) > CHARS // 3 and part.isascii()]


def main() -> None:
    rows, counts, held = [], [], []
    for number, parts in enumerate(chain(texts(), prompts(Path(sys.argv[1])))):
        for part in parts:
            rows.append(np.bincount(pairs_of(json.dumps(part)[1:-1].encode()), minlength=PAIRS))
            counts.append(count_text_exactly(part, MODEL).tokens)
            held.append(number % 4 == 0)
    features, tokens, out = np.array(rows, np.float64), np.array(counts, np.float64), np.array(held)
    usual = np.full(PAIRS, tokens.sum() / features.sum())
    shares = features[~out] / tokens[~out, None]  # so that errors count as shares
    left = shares.T @ (1 - shares @ usual)
    rates = usual + np.linalg.solve(shares.T @ shares + RIDGE * np.eye(PAIRS), left)
    errors = np.abs(features[out] @ rates / tokens[out] - 1)
    error, most = np.median(errors), np.quantile(errors, 0.95)
    width = len(CLASSES) + 2
    lines = [", ".join(f"{rate:.3f}" for rate in rates[at : at + width]) for at in range(0, PAIRS, width)]
    print("# Made by scripts/fit_prompt_rates.py: tokens of o200k_base for each pair of classes of characters.")
    print(f"read = {date.today()}")
    print(
        f'source = """{len(tokens)} texts: prompts, code, documentation and pages; on the {out.sum()} of held-out files'
    )
    print(f'the middle error is {error:.1%}, and 95 of 100 are within {most:.0%}"""')
    print("rates = [")
    print("\n".join(f"  {line}," for line in lines))
    print("]")


if __name__ == "__main__":
    main()
