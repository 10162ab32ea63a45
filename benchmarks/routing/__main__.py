"""`make routing`: how well the brain routes, on the shared data, beside the published lines. Takes most of an hour.

Everything is judged on questions that the fit has not seen: by the data's own folds, or with whole benchmarks left out.
Fits are kept under `target/routing` and made again when the brain's code changes.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from benchmarks.document import put
from benchmarks.machine import facts
from benchmarks.routing import cache, cascade, fits, lengths, mixed, pairs, simple, speed, stream, trust
from benchmarks.routing.bootstrap import RESAMPLES
from benchmarks.routing.data import FOLDS, Data, load
from benchmarks.routing.metrics import Floats
from dd0c_route.brain.predictor import SHIPPED, Predictor

REPORT = SHIPPED.with_name("report.md")


class Bench:
    """What the sections share, made when first asked for."""

    @cached_property
    def data(self) -> Data:
        return load()

    @cached_property
    def unseen(self) -> Floats:
        """p_good by fits to the other folds, (n, m)."""
        return fits.out_of_fold(self.data)

    @cached_property
    def vectors(self) -> Floats:
        return simple.vectors(self.data.prompts)

    @cached_property
    def predictor(self) -> Predictor:
        return Predictor.load()


SECTIONS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "pairs": lambda bench: pairs.section(bench.data, bench.unseen, bench.vectors),
    "pools": lambda bench: mixed.section(bench.data, bench.unseen, bench.vectors),
    "away": lambda bench: mixed.away(bench.data),
    "bandit": lambda bench: mixed.bandit(bench.data, bench.unseen),
    "stream": lambda bench: stream.section(bench.data, bench.unseen),
    "promises": lambda bench: trust.promises(bench.data, bench.unseen),
    "calibration": lambda bench: trust.calibration(bench.data, bench.unseen),
    "lengths": lambda bench: lengths.section(bench.data),
    "cascade": lambda bench: cascade.section(bench.data, bench.unseen),
    "cache": lambda bench: cache.section(),
    "noise": lambda bench: trust.noise(bench.data, bench.predictor),
    "speed": lambda bench: speed.section(bench.data, bench.predictor),
}


def method() -> Iterator[str]:
    machine, python, numpy = facts()["machine"], platform.python_version(), version("numpy")
    yield f"{datetime.now(UTC):%Y-%m-%d}, {machine}, Python {python}, numpy {numpy}."
    yield f"Brackets are 95 % intervals over prompts ({RESAMPLES} resamples, paired where two are compared)."
    yield f"A prompt is judged by a fit to {FOLDS - 1} of {FOLDS} folds, which hold nothing of its question; away"
    yield "from home by a fit that saw nothing of that benchmark. These are exam questions, mathematics and puzzles,"
    yield "mostly in English: no chat, no tools, no agents. What the brain does on those, shadow mode and the control"
    yield "group measure."


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks.routing", description=__doc__)
    options.add_argument("sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; all if none")
    options.add_argument("--into", metavar="FILE", type=Path, help="write them into a document, between its marks")
    options.add_argument("--report", action="store_true", help="write what 'dd0c-route brain report' prints")
    given = options.parse_args()
    if unknown := set(given.sections) - set(SECTIONS):
        options.error(f"no such section: {', '.join(sorted(unknown))}")
    bench, lines = Bench(), list(method())
    print("\n".join(lines), flush=True)
    for name in given.sections or SECTIONS:
        started = time.perf_counter()
        for line in SECTIONS[name](bench):
            print(line, flush=True)
            lines.append(line)
        print(f"\n({name}: {time.perf_counter() - started:.0f} s)", flush=True)
    if given.into is not None:
        put(given.into, "routing", lines)
    if given.report:
        digest = hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
        REPORT.write_text("\n".join((f"<!-- {digest} -->", *lines, "")), encoding="utf-8")


if __name__ == "__main__":
    main()
