"""What the router adds: `python -m benchmarks.proxy_latency` (`make bench`).

One provider (a mock that is not the bottleneck), reached directly, through nginx and through the router, all running at
once and measured in turn, round by round, so that a noisy moment hits all of them. The router runs as an operator runs
it: `dd0c-route serve`, one worker with a core of its own, ledger on, control process beside it.

- closed loop: requests a second at 1, 16 and 64 connections (by wrk where installed);
- constant rate: latency from the time a request was *due*, less the provider's own time, which the mock's stamps tell
  (the simulated provider, `--upstream simulator`, has none: there only what is added means something);
- streams: time to the first event, and the age of each event when it arrives;
- processor time of the worker per request and event, its memory, and the time from start to ready.

A window with any error, or in which a proxy did not reuse its upstream connections, is invalid and does not count.
The exit code is 1 when some row of some target has no valid window.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import machine, promises, report, targets, wrk
from benchmarks.bench import QUICK, Bench, Plan, request
from benchmarks.load import Load
from benchmarks.report import Results
from benchmarks.targets import Target

BUSY_SHARE = 0.1  # of all cores; above it a run is called noisy


def main() -> int:
    options = _options()
    plan = QUICK if options.quick else Plan()
    plan = msgspec.structs.replace(plan, rounds=options.rounds or plan.rounds, seconds=options.seconds or plan.seconds)
    cores = machine.Cores.of_this_machine()
    os.sched_setaffinity(0, {cores.load})
    busy = machine.busy_share()
    facts = machine.facts() | {"busy before": f"{busy:.0%}", "cores": _cores(cores)}
    print("\n".join(f"{name:12} {value}" for name, value in facts.items()), flush=True)
    if busy > BUSY_SHARE:
        print("ATTENTION: others are using this machine: trust the worker's CPU, not latencies and rates", flush=True)
    stolen = machine.stolen_s()
    with tempfile.TemporaryDirectory(prefix="dd0c-bench-") as folder, contextlib.ExitStack() as running:
        bench = _started(options, plan, cores, Path(folder), running)
        ready_ms = _starts(bench, plan) if "router" in options.targets else []
        at_rest = {way.name: machine.resident_mb(way.worker) for way in bench.ways if way.worker}
        ceiling = _ceiling(bench)
        bench.run({"off": [False], "on": [True], "both": [False, True]}[options.spin])
        memory = {way.name: bench.memory(way) for way in bench.ways if way.name == "router"}
    text = _method(plan, ceiling, machine.stolen_s() - stolen) + "\n\n" + report.tables(bench.results)
    print("\n" + text + "\n\n" + _processes(ready_ms, at_rest, memory), flush=True)
    if "router" in at_rest:
        rest = report.spread([at_rest["router"]])
        print("\n" + promises.show(promises.promises(bench.results, report.spread(ready_ms), rest)), flush=True)
    if options.json:
        _write_json(Path(options.json), facts, bench.results, ready_ms, at_rest, memory)
    missing = bench.results.without_valid_window()
    for kind, load, target in missing:
        print(f"no valid window: {kind} {load}, {target}", file=sys.stderr)
    return 1 if missing else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--targets", default="direct,nginx,router", type=lambda text: text.split(","))
    parser.add_argument("--upstream", choices=["mock", "simulator"], default="mock")
    parser.add_argument("--rounds", type=int, help="how often everything is measured")
    parser.add_argument("--seconds", type=float, help="length of one window")
    parser.add_argument("--quick", action="store_true", help="a minute instead of several: shows that it works")
    parser.add_argument(
        "--spin", choices=["off", "on", "both"], default="off", help="keep the processors from halting (SCHED_IDLE)"
    )
    parser.add_argument("--json", metavar="F", help="write all windows to this file")
    return parser.parse_args()


def _started(
    options: argparse.Namespace, plan: Plan, cores: machine.Cores, folder: Path, running: contextlib.ExitStack
) -> Bench:
    """Everything that is measured, running."""
    provider = running.enter_context(targets.provider(options.upstream, cores.provider, folder))
    ways = [Target("direct", provider.port)]
    if "nginx" in options.targets:
        if shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"):
            ways.append(running.enter_context(targets.nginx(provider.port, cores, folder / "nginx")))
        else:
            print("ATTENTION: nginx is not installed: no ratio to it", flush=True)
    if "router" in options.targets:
        ways.append(running.enter_context(targets.router(provider.port, cores, folder / "router")))
    return Bench(provider, ways, plan, cores, folder)


def _starts(bench: Bench, plan: Plan) -> list[float]:
    """Milliseconds from start to ready: of the router that is measured, and of some more."""
    found = [way.ready_s * 1e3 for way in bench.ways if way.name == "router"]
    for number in range(plan.starts - 1):
        with targets.router(bench.provider.port, bench.cores, bench.folder / f"start-{number}") as another:
            found.append(another.ready_s * 1e3)
    return found


def _ceiling(bench: Bench) -> float:
    """Requests a second that our own generator, on its core, gets out of the provider directly."""
    window = Load(bench.provider.port, request()).closed_loop(16, 1.0)
    return window.answers / window.seconds


def _cores(cores: machine.Cores) -> str:
    return f"proxy worker {cores.proxy}, provider {cores.provider}, load and the rest {cores.load}"


def _method(plan: Plan, ceiling: float, stolen_s: float) -> str:
    closed = "wrk" if wrk.installed() else "the own generator"
    return (
        f"Medians (lowest - highest) of {plan.rounds} interleaved rounds of {plan.seconds:g} s a window. "
        f"Closed loop by {closed}; constant rate and streams by a generator that gets {ceiling:,.0f} requests/s out of "
        "the provider directly. 'Added' is the target's percentile less that of the direct way in the same round. "
        f"The hypervisor took {stolen_s:.1f} s meanwhile."
    )


def _processes(ready_ms: list[float], at_rest: dict[str, float], memory: dict[str, list[tuple[int, float]]]) -> str:
    lines = []
    if ready := report.spread(ready_ms):
        lines.append(f"router, start to ready: {ready.show()} ms")
    for name, megabytes in at_rest.items():
        steps = ", ".join(f"{found:.1f} MB after {count:,} more requests" for count, found in memory.get(name, []))
        lines.append(f"{name} worker, resident: {megabytes:.1f} MB at rest" + (f"; {steps}" if steps else ""))
    return "\n".join(lines)


def _write_json(path: Path, facts: dict[str, str], results: Results, *rest: Any) -> None:
    ready_ms, at_rest, memory = rest
    found = {
        "facts": facts,
        "samples": results.samples,
        "router_ready_ms": ready_ms,
        "resident_mb_at_rest": at_rest,
        "resident_mb_after": memory,
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found)))


if __name__ == "__main__":
    sys.exit(main())
