"""What the auditor costs a call: `python -m benchmarks.audit_time`.

Workers as in `benchmarks.call_time`, side by side in one process: one that audits nothing, one that audits as by
default, one that takes every call it can. They are measured in turn, so that what disturbs the machine disturbs all of
them, and compared with their neighbours. What is done beside the calls runs meanwhile, on the same processors.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import statistics
import tempfile
import time
from pathlib import Path

import uvloop

from benchmarks import machine
from benchmarks.call_time import WARM_UP, Bench, a_request, a_whole_answer
from benchmarks.report import table
from dd0c_route.config import Counting

CALLS = 50  # in a turn
NONE, DEFAULT, EVERY = "none", f"at most {Counting().audits_per_s:g} a second", "as many as it can"
SETTINGS = {NONE: 0.0, DEFAULT: Counting().audits_per_s, EVERY: 1e9}


async def measure(rounds: int, settle_s: float = 5.0) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Microseconds of each call by setting, in the order of the rounds; and the calls that were left out.

    Args:
        settle_s: How long the processes that count have for their start.
    """
    loop = asyncio.get_running_loop()
    whole, ask = a_whole_answer(), a_request(stream=False)
    with tempfile.TemporaryDirectory(prefix="dd0c-bench-") as folder:
        benches = {
            name: Bench(Path(folder) / str(index), loop, {"counting.audits_per_s": per_s})
            for index, (name, per_s) in enumerate(SETTINGS.items())
        }
        for bench in benches.values():
            for _ in range(WARM_UP):
                await bench.call(ask, whole, whole[0][-20:])
        await asyncio.sleep(settle_s)
        gc.collect()
        gc.freeze()
        found: dict[str, list[float]] = {name: [] for name in benches}
        before = {name: bench.skipped_audits for name, bench in benches.items()}
        for _ in range(rounds):
            for name, bench in random.sample(list(benches.items()), len(benches)):
                for _ in range(CALLS):
                    started = time.perf_counter()
                    await bench.call(ask, whole, whole[0][-20:])
                    found[name].append((time.perf_counter() - started) * 1e6)
        skipped = {name: bench.skipped_audits - before[name] for name, bench in benches.items()}
        for bench in benches.values():
            await bench.close()
    gc.unfreeze()
    return found, skipped


def rows(found: dict[str, list[float]], skipped: dict[str, int]) -> list[list[str]]:
    """Each setting's median and 99th percentile, and how it differs from a worker that audits nothing, turn by turn."""
    plain = _turns(found[NONE])
    lines = []
    for name, each in found.items():
        differences = [mine - theirs for mine, theirs in zip(_turns(each), plain, strict=True)]
        audited = 0 if name == NONE else len(each) - skipped[name]
        median, tail = statistics.median(each), sorted(each)[len(each) * 99 // 100]
        change = f"{statistics.median(differences):+.1f}"
        lines.append([name, f"{median:.1f}", f"{tail:.1f}", change, f"{audited} of {len(each)}"])
    return lines


def _turns(each: list[float]) -> list[float]:
    return [statistics.median(each[at : at + CALLS]) for at in range(0, len(each), CALLS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=200, help="how often everything is measured")
    options = parser.parse_args()
    print("\n".join(f"{name:12} {value}" for name, value in machine.facts().items()), flush=True)
    found, skipped = uvloop.run(measure(options.rounds))
    print("\nMicroseconds of a JSON call between fake transports.\n")
    print(table(["audits", "median", "p99", "against none", "audited"], rows(found, skipped)))


if __name__ == "__main__":
    main()
