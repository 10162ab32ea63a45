"""From single windows to what is printed: medians and ranges over rounds, and differences to the direct way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from msgspec import Struct

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


class Sample(Struct):
    """One window of one target.

    Attributes:
        kind: `closed`, `open` or `streams`.
        load: Connections, requests a second, or streams.
        spin: Whether the processors were kept from halting.
        figures: Times in microseconds.
        invalid: Why the window does not count; empty where it does.
    """

    kind: str
    load: int
    spin: bool
    target: str
    round: int
    figures: dict[str, float] = {}
    invalid: str = ""


def percentiles(times_ns: Sequence[int], prefix: str) -> dict[str, float]:
    """`{prefix}p50` … in microseconds; nearest rank, empty where nothing was measured."""
    ordered = sorted(times_ns)
    last = len(ordered) - 1
    return {prefix + name: ordered[round(share * last)] / 1e3 for name, share in PERCENTILES.items()} if ordered else {}


class Spread(Struct, frozen=True):
    """A figure over the valid rounds."""

    middle: float
    low: float
    high: float
    rounds: int

    def show(self, digits: int = 0) -> str:
        if self.rounds == 1:
            return f"{self.middle:,.{digits}f}"
        return f"{self.middle:,.{digits}f} ({self.low:,.{digits}f} - {self.high:,.{digits}f})"


def spread(values: Iterable[float]) -> Spread | None:
    found = list(values)
    return Spread(median(found), min(found), max(found), len(found)) if found else None


class Results:
    """All samples, and the questions that are asked of them."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []

    def rows(self) -> list[tuple[str, int, bool]]:
        """What was measured, in that order."""
        return list(dict.fromkeys((s.kind, s.load, s.spin) for s in self.samples))

    def targets(self, row: tuple[str, int, bool]) -> list[str]:
        """The targets of a row, in a fixed order (the rounds take them in turn)."""
        found = {s.target for s in self.samples if (s.kind, s.load, s.spin) == row}
        return [name for name in ("direct", "nginx", "router") if name in found]

    def valid(self, row: tuple[str, int, bool], target: str) -> dict[int, Sample]:
        """By round."""
        return {
            s.round: s for s in self.samples if (s.kind, s.load, s.spin) == row and s.target == target and not s.invalid
        }

    def without_valid_window(self) -> list[tuple[str, int, str]]:
        """Kind, load and target of what was tried and never succeeded."""
        return [
            (row[0], row[1], target)
            for row in self.rows()
            for target in self.targets(row)
            if not self.valid(row, target)
        ]

    def figure(self, row: tuple[str, int, bool], target: str, name: str) -> Spread | None:
        return spread(s.figures[name] for s in self.valid(row, target).values() if name in s.figures)

    def added(self, row: tuple[str, int, bool], target: str, name: str) -> Spread | None:
        """The figure less that of the direct way in the same round."""
        direct = self.valid(row, "direct")
        return spread(
            sample.figures[name] - direct[number].figures[name]
            for number, sample in self.valid(row, target).items()
            if number in direct and name in sample.figures and name in direct[number].figures
        )

    def ratio(self, row: tuple[str, int, bool], target: str, other: str, name: str) -> Spread | None:
        """The figure over another target's in the same round; none over its own."""
        if target == other:
            return None
        others = self.valid(row, other)
        return spread(
            sample.figures[name] / others[number].figures[name]
            for number, sample in self.valid(row, target).items()
            if number in others and others[number].figures.get(name)
        )


def tables(results: Results) -> str:
    """All tables as Markdown."""
    parts = []
    closed = [row for row in results.rows() if row[0] == "closed"]
    if closed:
        parts.append("Closed loop, 8 KB bodies, answers at once\n\n" + _closed(results, closed))
    for spin in (False, True):
        state = "processors kept from halting" if spin else "processors may halt"
        if rows := [row for row in results.rows() if row[0] == "open" and row[2] == spin]:
            parts.append(f"Constant rate, 8 KB bodies, provider takes 20 ms ({state})\n\n" + _open(results, rows))
        if rows := [row for row in results.rows() if row[0] == "streams" and row[2] == spin]:
            parts.append(f"Streams, a chunk every 20 ms ({state})\n\n" + _streams(results, rows))
    if invalid := [s for s in results.samples if s.invalid]:
        lines = [f"- {s.kind} {s.load}, {s.target}, round {s.round}: {s.invalid}" for s in invalid]
        parts.append(f"{len(invalid)} invalid windows, not counted above:\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _closed(results: Results, rows: list[tuple[str, int, bool]]) -> str:
    lines = []
    for row in rows:
        for target in results.targets(row):
            lines.append(
                [
                    str(row[1]),
                    target,
                    _show(results.figure(row, target, "rps")),
                    _show(results.ratio(row, target, "nginx", "rps"), 2),
                    _show(results.ratio(row, target, "direct", "rps"), 2),
                    _show(results.figure(row, target, "cpu_us"), 1),
                    _show(results.figure(row, target, "upstream_connections")),
                ]
            )
    head = [
        "connections",
        "target",
        "requests/s",
        "of nginx",
        "of direct",
        "worker CPU µs/request",
        "new upstream conns",
    ]
    return table(head, lines)


def _open(results: Results, rows: list[tuple[str, int, bool]]) -> str:
    lines = []
    for row in rows:
        for target in results.targets(row):
            of = results.figure if target == "direct" else results.added
            lines.append(
                [
                    str(row[1]),
                    target if target == "direct" else f"{target}, added",
                    *[_show(of(row, target, name)) for name in PERCENTILES],
                    _show(results.figure(row, target, "cpu_us"), 1),
                    _show(results.figure(row, target, "late_p99")),
                ]
            )
    head = ["requests/s", "target", *[f"{name} µs" for name in PERCENTILES]]
    return table([*head, "worker CPU µs/request", "send late p99 µs"], lines)


def _streams(results: Results, rows: list[tuple[str, int, bool]]) -> str:
    names = ["first_p50", "first_p99", "age_p50", "age_p99"]
    lines = []
    for row in rows:
        for target in results.targets(row):
            of = results.figure if target == "direct" else results.added
            lines.append(
                [
                    str(row[1]),
                    target if target == "direct" else f"{target}, added",
                    *[_show(of(row, target, name)) for name in names],
                    _show(results.figure(row, target, "events_per_s")),
                    _show(results.figure(row, target, "cpu_us"), 1),
                ]
            )
    head = ["streams", "target", "first event p50 µs", "p99 µs", "event age p50 µs", "p99 µs", "events/s"]
    return table([*head, "worker CPU µs/event"], lines)


def _show(value: Spread | None, digits: int = 0) -> str:
    return value.show(digits) if value else "-"


def table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table with aligned columns."""
    widths = [max(len(line[column]) for line in [head, *lines]) for column in range(len(head))]
    rule = ["-" * width for width in widths]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in [head, rule, *lines]]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)
