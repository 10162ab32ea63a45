"""Make the predictor that is shipped: `DD0C_CORPUS=folder python -m scripts.build_prior [FILE]`.

From all prompts of the shared data, with lengths of answers where the source measured them. The same data gives the
same bytes on the same kind of machine. Takes minutes and 2 GB.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from benchmarks.routing.data import Data, load
from benchmarks.routing.metrics import Floats
from dd0c_route.brain.predictor import SHIPPED
from dd0c_route.brain.training.fit import fit
from dd0c_route.brain.training.lengths import with_lengths

CHARACTERS_PER_TOKEN = 4
# Their hidden reasoning is not in what was measured, or not to be told from it; base models end where they were cut.
NOT_MEASURED = ("o1", "o3", "deepseek-r1", "qwq", "grok-3-mini", "gemini-2.5-pro", "-hf", "Meta-Llama-3-70B", "Yi-34B")
# List prices. gemini-2.5-flash: RouterArena, 2026-07. The other two were entered from memory, not yet checked.
OUTPUT_USD_PER_TOKEN = {"google/gemini-2.5-flash": 2.5e-6, "meta-llama/llama-3.1-8b-instruct": 0.05e-6}
OUTPUT_USD_PER_TOKEN["mistralai/mistral-large-2512"] = 1.5e-6


def tokens(data: Data) -> Floats:
    """Visible output tokens, (prompts, models); nan where they are unknown. Of what has a cost, all cost is output."""
    out = data.out_chars / CHARACTERS_PER_TOKEN
    for model, rate in OUTPUT_USD_PER_TOKEN.items():
        out[:, data.column(model)] = data.costs[:, data.column(model)] / rate
    for column, model in enumerate(data.models):
        if any(part in model for part in NOT_MEASURED):
            out[:, column] = np.nan
    return out


def main() -> None:
    data = load()
    predictor = fit(data.labels(np.arange(len(data.prompts))))
    measured = tokens(data)
    columns = np.flatnonzero((~np.isnan(measured)).any(axis=0))
    predictor = with_lengths(predictor, data.prompts, [data.models[column] for column in columns], measured[:, columns])
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED
    predictor.save(path)
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
