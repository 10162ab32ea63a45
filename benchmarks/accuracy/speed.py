"""How fast texts are counted, and what a vocabulary takes: each model in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.accuracy.cases import answers
from benchmarks.accuracy.tables import head, line
from dd0c_route.tokens import count_text_exactly, load

MODELS = ("gpt-4o", "gpt-4", "text-davinci-003", "claude-sonnet-4-5", "claude-opus-5")


def speed_table() -> Iterator[str]:
    yield from head("model", "load", "memory", "first time", "again", "100,000 letters without a split")
    for model in MODELS:
        command = [sys.executable, "-m", "benchmarks.accuracy", "--speed-of", model]
        yield subprocess.run(command, check=True, capture_output=True, text=True).stdout.rstrip("\n")


def speed_of(folder: Path, model: str) -> str:
    """One line of the table, on recorded English answers."""
    text = "\n".join([case.request for case in answers(folder) if case.api == "openai.chat"])
    count_text_exactly("x", "unknown")
    before, start = memory_mb(), time.perf_counter()
    load(model)
    loaded, memory = time.perf_counter() - start, memory_mb() - before
    seconds = []
    for counted in (text, text, "abcdefghij" * 10_000):
        start = time.perf_counter()
        count_text_exactly(counted, model)
        seconds.append(time.perf_counter() - start)
    first, again = (f"{len(text.encode()) / taken / 1e6:.1f} MB/s" for taken in seconds[:2])
    return line(model, f"{loaded:.2f} s", f"{memory:.0f} MB", first, again, f"{seconds[2] * 1e3:.0f} ms")


def memory_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
