"""What the router promises about its speed, beside what was measured."""

from __future__ import annotations

from msgspec import Struct

from benchmarks.report import Results, Spread, table


class Promise(Struct, frozen=True):
    """A figure and its limit; `at_least` or `at_most` by *floor*."""

    what: str
    limit: float
    measured: Spread | None
    floor: bool = False

    def line(self) -> list[str]:
        limit = f"{'≥' if self.floor else '≤'} {self.limit:,g}"
        if self.measured is None:
            return [self.what, limit, "-", "not measured"]
        return [self.what, limit, self.measured.show(2 if self.limit < 100 else 0), self._verdict(self.measured)]

    def _verdict(self, measured: Spread) -> str:
        if measured.low < -self.limit:  # a proxy cannot be that much faster than no proxy
            return "too noisy to tell"
        kept = measured.middle >= self.limit if self.floor else measured.middle <= self.limit
        return "kept" if kept else "NOT KEPT"


def promises(results: Results, ready_ms: Spread | None, resident_mb: Spread | None) -> list[Promise]:
    """In the order of the project's own list. Latencies with processors that may halt, where that was measured."""
    spin = not any(not row[2] for row in results.rows() if row[0] == "open")
    rate, streams = ("open", 500, spin), ("streams", 200, spin)
    found = [
        Promise("P99 added at 500 requests/s, ms", 5, _ms(results.added(rate, "router", "p99"))),
        Promise("P50 added at 500 requests/s, ms", 0.35, _ms(results.added(rate, "router", "p50"))),
        Promise("first event, P99 added with 200 streams, ms", 1, _ms(results.added(streams, "router", "first_p99"))),
        Promise("worker CPU per relayed event, µs", 40, results.figure(streams, "router", "cpu_us")),
    ]
    for connections in (16, 64):
        row = ("closed", connections, False)
        at = f"at {connections} connections"
        found.append(Promise(f"requests/s {at}", 8000, results.figure(row, "router", "rps"), floor=True))
        found.append(Promise(f"of nginx {at}", 0.3, results.ratio(row, "router", "nginx", "rps"), floor=True))
    found.append(Promise("start to ready, ms", 1000, ready_ms))
    found.append(Promise("worker resident at rest, MB", 80, resident_mb))
    return found


def show(found: list[Promise]) -> str:
    return table(["promise", "limit", "measured", "verdict"], [promise.line() for promise in found])


def _ms(value: Spread | None) -> Spread | None:
    """From microseconds."""
    return value and Spread(value.middle / 1e3, value.low / 1e3, value.high / 1e3, value.rounds)
