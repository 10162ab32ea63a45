"""`python -m benchmarks.routing.labels`: the shared data as the lines that `dd0c-route brain fit` reads."""

from __future__ import annotations

import sys

import msgspec
import numpy as np

from benchmarks.routing.data import Data, load


def lines(data: Data) -> bytes:
    """All scores, by prompt and then by model."""
    encode = msgspec.json.encode
    rows, columns = np.nonzero(~np.isnan(data.scores))
    return b"".join(
        encode({"prompt": data.prompts[row], "model": data.models[column], "score": round(score, 6)}) + b"\n"
        for row, column, score in zip(rows.tolist(), columns.tolist(), data.scores[rows, columns].tolist(), strict=True)
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(lines(load()))
