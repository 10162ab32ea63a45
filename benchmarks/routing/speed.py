"""How long the brain thinks, on one core, and how much it weighs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter_ns, thread_time_ns

import numpy as np

from benchmarks.machine import busy_share
from benchmarks.routing.data import Data
from benchmarks.routing.table import heading, row
from dd0c_route.brain.predictor import SHIPPED, Predictor

TOKENS = (100, 500, 2_000, 20_000, 100_000)
_CHARS = 4  # per token
_ROUNDS = 400
_LOADS = 5
_LOAD = "import time; s = time.perf_counter(); from dd0c_route.brain.predictor import Predictor; Predictor.load(); "
_SIZE = "print((time.perf_counter() - s) * 1000)"


def section(data: Data, predictor: Predictor) -> Iterator[str]:
    """Prompts of the data, put together to the length wanted: no two alike, so that nothing is remembered."""
    title = f"Time for one prompt and {len(predictor.models)} models, µs ({_ROUNDS} prompts a length)"
    yield from heading(title, "tokens", "p50", "p99", "p50, of the processor", "p99, of the processor")
    core = min(os.sched_getaffinity(0))
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        text = "\n".join(data.prompts)
        for tokens in TOKENS:
            wall, processor = _times(text, tokens * _CHARS, predictor)
            shares = (np.percentile(times, share) for times in (wall, processor) for share in (50, 99))
            yield row(f"{tokens:,}", *(f"{ns / 1e3:,.0f}" for ns in shares))
    finally:
        os.sched_setaffinity(0, before)
    yield ""
    yield f"All cores were {busy_share():.0%} in use, mostly by others: times by the clock are upper bounds."
    if SHIPPED.exists():
        loads = sorted(_load_ms() for _ in range(_LOADS))
        yield f"The artefact has {SHIPPED.stat().st_size / 1e6:.2f} MB. Importing numpy and loading it takes"
        yield f"{loads[_LOADS // 2]:.0f} ms in a new process (median of {_LOADS})."


def _times(text: str, chars: int, predictor: Predictor) -> tuple[list[int], list[int]]:
    """Nanoseconds by the clock, and of the processor: what others took meanwhile is not in the latter."""
    random = np.random.default_rng(0)
    wall, processor = [], []
    for start in random.integers(0, len(text) - chars, _ROUNDS):
        prompt = text[start : start + chars]
        began, begun = perf_counter_ns(), thread_time_ns()
        predictor.predict(prompt, predictor.models)
        processor.append(thread_time_ns() - begun)
        wall.append(perf_counter_ns() - began)
    return wall, processor


def _load_ms() -> float:
    source = str(Path(__file__).parents[2] / "src")
    environment = {**os.environ, "PYTHONPATH": source}
    command = [sys.executable, "-c", _LOAD + _SIZE]
    return float(subprocess.run(command, env=environment, capture_output=True, check=True, timeout=60).stdout)
