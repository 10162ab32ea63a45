"""`make accuracy`: count and price every recording of `DD0C_CORPUS`, and compare with what its provider reported."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path

import msgspec
from msgspec import Raw

from benchmarks.accuracy import others, tables
from benchmarks.accuracy.cases import Case, answers, languages, prompts
from benchmarks.accuracy.delivered import cuts
from benchmarks.accuracy.measured import Measured, share
from benchmarks.accuracy.money import money_tables
from benchmarks.accuracy.speed import speed_of, speed_table
from benchmarks.document import put
from dd0c_route.tokens import count_answer, count_request_exactly, count_text_exactly
from dd0c_route.tokens.extras import path_of, vocabularies
from dd0c_route.types import Count

LITELLM = Path(__file__).parents[2] / ".venv-litellm" / "bin" / "python"


def counted(case: Case) -> Count:
    """Our own count of a case: nothing is learned from one case for the next."""
    if case.kind == "answer":
        return count_answer(case.request, case.model, case.api, case.provider)
    if case.kind == "text":
        return count_text_exactly(case.request, case.model)
    fields = {name: Raw(msgspec.json.encode(value)) for name, value in case.request.items()}
    return count_request_exactly(case.api, fields, case.model, case.provider)


def measured(cases: Sequence[Case]) -> list[Measured]:
    """Every case counted by everybody."""
    ours = [counted(case) for case in cases]
    litellm: Sequence[float | None] = [None] * len(cases)
    claude_2: dict[int, float | None] = {}
    if LITELLM.exists():
        litellm = others.by_litellm(cases, LITELLM)
        claude = [number for number, case in enumerate(cases) if "Claude" in case.row or "claude" in case.row]
        claude_2 = dict(zip(claude, others.by_claude_2([cases[number] for number in claude], LITELLM), strict=True))
    return [
        Measured(case, ours[number], litellm[number], claude_2.get(number), others.by_length(case))
        for number, case in enumerate(cases)
    ]


def report(folder: Path) -> Iterator[str]:
    started = time.perf_counter()
    found = measured(list(chain(prompts(folder), answers(folder), languages(folder))))
    yield from machine(len(found))
    yield from ("", "### Targets", "", *tables.targets_table(found))
    stream = list(cuts(folder))
    names, right = len({cut.record for cut in stream}), share(cut.truth == cut.counted for cut in stream)
    cut = f"delivered tokens at {len(stream)} cuts of {names} streams with log-probabilities"
    yield tables.line(cut, len(stream), "exact", "100.0 %", tables.reached(right, 1.0), "-", "-", "-")
    yield from ("", "### What counts say of themselves", "", *tables.estimates_table(found))
    yield from ("", "### By class", "", *tables.classes_table(found))
    yield from ("", "### Money", "", *money_tables(folder, LITELLM))
    yield from ("", f"in {time.perf_counter() - started:.0f} s")


def machine(cases: int) -> Iterator[str]:
    """What was run, on what."""
    packages = ["tiktoken", "genai-prices"]
    versions = ", ".join(f"{name} {installed(name)}" for name in packages)
    litellm = others.version_of("litellm", LITELLM) if LITELLM.exists() else "not installed (make litellm)"
    yield f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, Python {platform.python_version()}, {versions},"
    yield f"litellm {litellm}; {cases} counts, nothing is learned from one case for the next."
    extras = [row.name for row in vocabularies().values() if path_of(row) is not None]
    yield f"Vocabularies from extras: {', '.join(extras) or 'none'}."


def installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    options.add_argument("--speed", action="store_true", help="measure speed and memory instead")
    options.add_argument("--speed-of", metavar="MODEL", help=argparse.SUPPRESS)
    options.add_argument("--into", metavar="FILE", type=Path, help="write it into a document, between its marks")
    given = options.parse_args()
    if "DD0C_CORPUS" not in os.environ:
        sys.exit("set DD0C_CORPUS to the folder that holds recordings/")
    folder = Path(os.environ["DD0C_CORPUS"]) / "recordings"
    if given.speed_of:
        print(speed_of(folder, given.speed_of))
        return
    lines = []
    for line in speed_table() if given.speed else report(folder):
        print(line, flush=True)
        lines.append(line)
    if given.into is not None:
        put(given.into, "speed" if given.speed else "accuracy", lines)


if __name__ == "__main__":
    main()
