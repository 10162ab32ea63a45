"""`python convert.py FOLDER INTO`: prompts.parquet and scores.parquet as a file that numpy reads. Needs pyarrow."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet

NUMBERS = ("score", "out_chars", "n_samples", "score_first", "agree", "score_majority", "out_tokens", "cost_usd")


def main() -> None:
    folder, into = Path(sys.argv[1]), Path(sys.argv[2])
    prompts = parquet.read_table(folder / "prompts.parquet")
    scores = parquet.read_table(folder / "scores.parquet")
    strings = {
        name: prompts[name].to_pylist() for name in ("prompt", "source", "task", "subject", "qkey", "contaminated")
    }
    place = {key: number for number, key in enumerate(prompts["prompt_id"].to_pylist())}
    names = scores["model"].to_pylist()
    models = sorted(set(names))
    column = {name: number for number, name in enumerate(models)}
    np.savez(
        into,
        strings=np.frombuffer(json.dumps({**strings, "models": models}).encode(), np.uint8),
        fold=prompts["fold"].to_numpy(),
        row=np.array([place[key] for key in scores["prompt_id"].to_pylist()]),
        column=np.array([column[name] for name in names]),
        **{name: scores[name].cast("float64").to_numpy(zero_copy_only=False) for name in NUMBERS},
    )


if __name__ == "__main__":
    main()
