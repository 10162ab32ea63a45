"""The windows of the benchmark: each target in turn, each window with its figures and its validity."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from benchmarks import machine, wrk
from benchmarks.load import Load, Window
from benchmarks.report import Results, Sample, percentiles
from benchmarks.targets import Provider, Target

BODY_BYTES = 8 << 10
PROVIDER_MS = 20
CHUNKS, CHUNK_MS = 50, 20


class Plan(Struct, frozen=True):
    """How much is measured; *seconds* for each window."""

    rounds: int = 3
    seconds: float = 4.0
    connections: tuple[int, ...] = (1, 16, 64)
    rates: tuple[int, ...] = (500, 1000)
    streams: tuple[int, ...] = (50, 200)
    memory_requests: int = 100_000
    starts: int = 3


QUICK = Plan(rounds=2, seconds=1.0, connections=(16,), rates=(500,), streams=(50,), memory_requests=10_000, starts=1)


def request_body(*, stream: bool = False) -> bytes:
    """A chat of 8 KB: varied words, so that nothing along the way finds it easier than a real prompt."""
    words = " ".join(f"{number * 7919 % 9973:04d} tokens" for number in range(BODY_BYTES // 12 + 1))
    prefix = b'{"model":"gpt-4o-mini",' + (b'"stream":true,' if stream else b"")
    prefix, suffix = prefix + b'"messages":[{"role":"user","content":"', b'"}]}'
    return prefix + words[: BODY_BYTES - len(prefix) - len(suffix)].encode() + suffix


def request(*, stream: bool = False, sim: str = "") -> bytes:
    """The same, whole, with its head; *sim* tells the provider how to answer."""
    body = request_body(stream=stream)
    lines = ["POST /v1/chat/completions HTTP/1.1", "host: 127.0.0.1", "authorization: Bearer synthetic-caller-key"]
    lines += ["content-type: application/json", f"content-length: {len(body)}"]
    lines += [f"x-sim: {sim}"] if sim else []
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Bench:
    """The running processes, and one method per kind of window."""

    def __init__(self, provider: Provider, ways: list[Target], plan: Plan, cores: machine.Cores, folder: Path) -> None:
        self.provider, self.ways, self.plan, self.cores, self.folder = provider, ways, plan, cores, folder
        self.results = Results()

    def run(self, spins: list[bool]) -> None:
        """All rounds; in each, every row is measured for every target in turn."""
        for number in range(self.plan.rounds):
            for connections in self.plan.connections:
                for way in self._in_turn(number):
                    self.closed_loop(way, connections, number)
            for spin in spins:
                used = {self.cores.proxy, self.cores.provider, self.cores.load}
                with machine.spinning(used) if spin else contextlib.nullcontext():
                    self._latency(number, spin)

    def closed_loop(self, way: Target, connections: int, number: int) -> None:
        def measure() -> Window:
            if wrk.installed():
                body, seconds = request_body(), self.plan.seconds
                return wrk.closed_loop(way.port, body, connections, seconds, self.cores.load, self.folder)
            return Load(way.port, request()).closed_loop(connections, self.plan.seconds)

        def figures(window: Window) -> dict[str, float]:
            return {"rps": window.answers / window.seconds if window.seconds else 0.0}

        self._take(Sample("closed", connections, False, way.name, number), way, measure, figures, connections)

    def open_loop(self, way: Target, rate: int, number: int, spin: bool) -> None:
        def measure() -> Window:
            return Load(way.port, request(sim=f"ttft_ms={PROVIDER_MS}")).open_loop(rate, self.plan.seconds)

        def figures(window: Window) -> dict[str, float]:
            return percentiles(window.overhead, "") | percentiles(window.late, "late_")

        # A stall of a fifth of a second may pile up as many connections; more than that is no reuse.
        self._take(Sample("open", rate, spin, way.name, number), way, measure, figures, rate // 5)

    def streams(self, way: Target, streams: int, number: int, spin: bool) -> None:
        sim = f"ttft_ms={PROVIDER_MS}; chunks={CHUNKS}; chunk_ms={CHUNK_MS}"
        load = Load(way.port, request(stream=True, sim=sim), stream_events=CHUNKS)

        def measure() -> Window:
            return load.streams(streams, self.plan.seconds)

        def figures(window: Window) -> dict[str, float]:
            rate = {"events_per_s": window.events / window.seconds}
            return rate | percentiles(window.first, "first_") | percentiles(window.age, "age_")

        self._take(Sample("streams", streams, spin, way.name, number), way, measure, figures, streams)

    def memory(self, way: Target) -> list[tuple[int, float]]:
        """Resident MB of the worker after so many requests, in four steps."""
        step = self.plan.memory_requests // 4
        found = []
        for number in range(1, 5):
            window = Load(way.port, request()).closed_loop(16, 60.0, step)
            found.append((number * step, machine.resident_mb(way.worker)))
            if window.errors:
                raise SystemExit(f"{way.name}: {window.errors} while its memory was measured")
        return found

    def _latency(self, number: int, spin: bool) -> None:
        for rate in self.plan.rates:
            for way in self._in_turn(number):
                self.open_loop(way, rate, number, spin)
        for streams in self.plan.streams:
            for way in self._in_turn(number):
                self.streams(way, streams, number, spin)

    def _in_turn(self, number: int) -> list[Target]:
        first = number % len(self.ways)
        return self.ways[first:] + self.ways[:first]

    def _take(
        self,
        sample: Sample,
        way: Target,
        measure: Callable[[], Window],
        figures: Callable[[Window], dict[str, float]],
        allowed_connections: int,
    ) -> None:
        """One window between two looks at the worker's clock and at the provider's counts."""
        counts, cpu_s = self.provider.counts(), machine.cpu_s(way.worker) if way.worker else 0.0
        window = measure()
        sample.figures |= figures(window)
        if way.worker:
            units = window.events or window.answers
            sample.figures["cpu_us"] = (machine.cpu_s(way.worker) - cpu_s) / max(1, units) * 1e6
        if window.errors:
            sample.invalid = ", ".join(f"{count} x {error}" for error, count in window.errors.items())
        elif not window.answers:
            sample.invalid = "no answer"
        after = self.provider.counts()
        if counts and after:
            opened, requests = after[0] - counts[0], after[1] - counts[1]
            sample.figures["upstream_connections"] = opened
            if way.worker and opened > allowed_connections and not sample.invalid:
                sample.invalid = f"{opened} upstream connections for {requests} requests"
        self.results.samples.append(sample)
        note = f": {sample.invalid}" if sample.invalid else ""
        print(f"  round {sample.round + 1}, {sample.kind} {sample.load}, {way.name}{note}", file=sys.stderr, flush=True)
