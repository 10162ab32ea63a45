"""`python -m tests.fuzz [NAME…] [--seconds N] [--jobs N]`: run targets, a line for each; status 1 where one failed.

What was learned stays in `target/fuzz/NAME` for the next run. An input that fails is written to
`tests/fuzz/crashes/NAME`, where the test suite runs it from then on.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.fuzz import guided, recordings
from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS

CRASHES = Path(__file__).parent / "crashes"
LEARNED = guided.ROOT / "target" / "fuzz"
ONE_S = 20  # for one input: a hundred times what the slowest takes on a busy machine
MEMORY_MB = 2048
_STATE = re.compile(r"#\d+\t.*? cov: (\d+) ft: (\d+)")
_RUNS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


class Run(NamedTuple):
    """What became of one target.

    Attributes:
        executions: Inputs that were tried.
        reached: Places of the code that any of them reached, as libFuzzer counts; 0 where nobody looked.
        fault: What failed, or empty.
    """

    name: str
    executions: int
    reached: int
    fault: str


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TARGETS)}; none: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(TARGETS):
        parser.error(f"no target {', '.join(sorted(unknown))}")
    is_guided = guided.atheris() is not None
    if not is_guided:
        print("ATTENTION: no atheris for this Python: plain mutation, which finds far less", flush=True)
    run = _guided if is_guided else _plain
    with ThreadPoolExecutor(asked.jobs) as pool:
        runs = [pool.submit(run, name, asked.seconds) for name in asked.names or TARGETS]
        faults = 0
        for done in runs:
            faults += _say(done.result(), asked.seconds)
    return 1 if faults else 0


def _say(run: Run, seconds: int) -> bool:
    reached = f", {run.reached} places reached" if run.reached else ""
    print(f"fuzz {run.name}: {run.executions} executions in {seconds} s{reached}: {'FAILED' if run.fault else 'ok'}")
    if run.fault:
        print(run.fault)
    sys.stdout.flush()
    return bool(run.fault)


def _guided(name: str, seconds: int) -> Run:
    target = TARGETS[name]
    learned, crashes = LEARNED / name, CRASHES / name
    learned.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    for seed in (*target.seeds(), *recordings.of(name, target.most_bytes)):
        (learned / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    words = LEARNED / f"{name}.dict"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    options = [f"-max_total_time={seconds}", f"-timeout={ONE_S}", f"-rss_limit_mb={MEMORY_MB}", "-print_final_stats=1"]
    options += [f"-max_len={target.most_bytes}", f"-dict={words}", f"-artifact_prefix={crashes}/", "-reload=0"]
    command = (sys.executable, "-m", "tests.fuzz.guided", name, str(learned), str(crashes), *options)
    done = subprocess.run(
        command, cwd=guided.ROOT, env=_environ(), capture_output=True, text=True, errors="replace", check=False
    )
    states = _STATE.findall(done.stderr)
    executions = _RUNS.search(done.stderr)
    fault = "\n".join(_told(done.stdout + done.stderr)) if done.returncode else ""
    if not any(crashes.iterdir()):
        crashes.rmdir()
    return Run(name, int(executions[1]) if executions else 0, int(states[-1][0]) if states else 0, fault)


def _environ() -> dict[str, str]:
    path = os.pathsep.join((str(guided.ROOT / "src"), str(guided.ROOT)))
    return {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}


def _escaped(word: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}" for byte in word)


def _told(output: str) -> Iterator[str]:
    """The traceback and where the input is, of all that libFuzzer says."""
    lines = output.splitlines()
    start = next((at for at, line in enumerate(lines) if "Uncaught Python exception" in line), max(0, len(lines) - 25))
    yield from (line for line in lines[start : start + 400] if not line.startswith(("#", "INFO")))
    yield from (line for line in lines[start + 400 :] if "Test unit written to" in line)


def _plain(name: str, seconds: int) -> Run:
    target, count = TARGETS[name], 0
    seeds, random_ = target.seeds(), random.Random(name)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        count += 1
        data = mutated(seeds, target, random_)
        try:
            target.check(data)
        except Exception:
            place = CRASHES / name / f"crash-{hashlib.sha1(data, usedforsecurity=False).hexdigest()}"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            return Run(name, count, 0, f"{traceback.format_exc()}\n{place}")
    return Run(name, count, 0, "")


if __name__ == "__main__":
    raise SystemExit(main())
