"""What Prometheus can ask: every metric's name, its labels and its unit in one place.

Counters and histograms are fed with finished entries; what is true only at the moment (`Now`) is asked for when
somebody scrapes. Label values are bounded: a client can name any model, and each name would be a new time series; and
each passes the redactor once more, where its series begins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dd0c_route.redact import redact_label
from dd0c_route.types import Entry

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER = "other"  # stands for all label values beyond the bound
MAX_VALUES = 100  # of one label: models, teams, keys
MAX_SERIES = 2_000  # of one metric: combinations of its labels

disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each, with the time when it appeared: nobody asks for it

_FAST = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_PICODOLLARS = 1e12  # in a dollar


class Now(msgspec.Struct, frozen=True):
    """What is true at the moment of a scrape.

    Attributes:
        connections: Per provider: open and in-use upstream connections, summed over the workers.
        workers: How many workers answered, and how many did not.
        waiting_records: Records that wait in the workers' memory because the disk refused them.
        backlog_bytes: Journaled but not stored yet.
        journal_errors: Failed writes of the workers now running, and failed looks of the reader.
        lost_records: Given up by the workers now running, because the disk had refused too many before them.
        damaged_bytes: Passed over in journals of writers that are gone.
        bodies_dropped: Calls whose bodies were to be stored and were not.
        audited, audits_skipped: Calls whose counts were compared with the provider's, and those that were not.
        alerts: Counts that no longer fit.
        rolled_back: Routes whose promise was broken.
        drift: Provider, model, kind, exactness, and by how much the counts have moved or which share of them misses.
    """

    connections: dict[str, dict[str, int]]
    in_flight: int
    client_connections: int
    workers: tuple[int, int]
    waiting_records: int
    backlog_bytes: int
    open_calls: int
    journal_errors: int
    lost_records: int
    damaged_bytes: int
    unreadable_records: int
    audited: int = 0
    audits_skipped: int = 0
    bodies_dropped: int = 0
    alerts: int = 0
    rolled_back: int = 0
    drift: list[tuple[str, str, str, str, float]] = []


class Metrics:
    """The metrics of one control process."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._values: dict[str, set[str]] = {}  # by label
        self._known: defaultdict[Counter, dict[tuple[str, ...], Counter]] = defaultdict(dict)
        self._times_of: dict[str, _Times] = {}

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(name, what, labels, registry=registry)

        def histogram(name: str, what: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(name, what, ("provider",), registry=registry, buckets=buckets)

        self._requests = counter(
            "dd0c_requests_total", "Calls by what was asked, what answered and the status",
            "dialect", "provider", "model", "requested_model", "status", "decision",
        )  # fmt: skip
        self._endings = counter("dd0c_endings_total", "Calls by how they ended", "end_state")
        self._cost = counter("dd0c_cost_usd_total", "Cost of calls, in dollars", "provider", "model", "tag_team", "key")
        self._class_cost = counter(
            "dd0c_cost_class_usd_total", "The same by what it was for", "provider", "model", "class"
        )
        self._billable = counter(
            "dd0c_cost_billable_usd_total", "What providers will probably bill, in dollars", "provider", "model"
        )
        self._said = counter(
            "dd0c_cost_provider_usd_total", "What providers themselves say they charged", "provider", "model"
        )
        self._doubtful = counter(
            "dd0c_inconsistent_usage_total", "Reports whose parts do not make up their total", "provider", "model"
        )
        self._list_cost = counter("dd0c_list_cost_usd_total", "Cost of the same tokens at the model asked for")
        self._tokens = counter("dd0c_tokens_total", "Tokens by class; no token is in two classes", "class")
        self._unpriced = counter("dd0c_unpriced_requests_total", "Calls of models without a price", "provider", "model")
        self._fallbacks = counter("dd0c_fallback_total", "Attempts beyond the first of a call")
        self._overhead = histogram("dd0c_overhead_seconds", "The router's own time up to the upstream call", _FAST)
        self._ttft = histogram("dd0c_ttft_seconds", "From the request to the first byte of the answer", _SLOW)
        self._upstream = histogram("dd0c_upstream_seconds", "From sending an attempt to its end", _SLOW)

    def observe(self, entries: list[Entry]) -> None:
        """Count entries that will not change any more."""
        for entry in entries:
            self._observe_call(entry)
            self._observe_tokens(entry)
            self._observe_times(entry)

    def render(self, now: Now) -> bytes:
        """The exposition text (`CONTENT_TYPE`)."""
        moment = CollectorRegistry()
        moment.register(_Moment(now))
        return generate_latest(self._registry) + generate_latest(moment)

    def _observe_call(self, entry: Entry) -> None:
        provider, model = self._value("provider", entry.provider), self._value("model", entry.served_model)
        asked = self._value("model", entry.requested_model)
        verdict = str((entry.decision or {}).get("verdict") or "none")
        self._series(self._requests, entry.dialect, provider, model, asked, str(entry.status), verdict).inc()
        self._series(self._endings, entry.end_state).inc()
        if entry.unpriced:
            self._series(self._unpriced, provider, model).inc()
        if not entry.usage_consistent:
            self._series(self._doubtful, provider, model).inc()
        self._observe_money(entry, provider, model)

    def _observe_money(self, entry: Entry, provider: str, model: str) -> None:
        """Picodollars become binary fractions of dollars here: sums are good to 15 digits, the ledger's are exact."""
        if entry.cost_picodollars is not None:
            team, key = self._value("team", entry.tags.get("team", "")), self._value("key", entry.key_id or "")
            self._series(self._cost, provider, model, team, key).inc(max(0, entry.cost_picodollars) / _PICODOLLARS)
        for line in entry.price_lines:
            self._series(self._class_cost, provider, model, line.name).inc(line.amount_picodollars / _PICODOLLARS)
        if entry.cost_billable_picodollars is not None:
            self._series(self._billable, provider, model).inc(entry.cost_billable_picodollars / _PICODOLLARS)
        if entry.cost_provider_usd is not None:
            self._series(self._said, provider, model).inc(_dollars(entry.cost_provider_usd))
        if entry.baseline_picodollars is not None:
            self._list_cost.inc(max(0, entry.baseline_picodollars) / _PICODOLLARS)

    def _observe_tokens(self, entry: Entry) -> None:
        usage = entry.usage
        for kind, tokens in (
            ("input", usage.input),
            ("cache_read", usage.cache_read),
            ("cache_write", usage.cache_write_5m + usage.cache_write_1h),
            ("output", usage.output),
            ("reasoning", usage.reasoning),
        ):
            if tokens > 0:
                self._series(self._tokens, kind).inc(tokens)

    def _observe_times(self, entry: Entry) -> None:
        if not entry.attempts:
            return
        times = self._times(self._value("provider", entry.provider))
        times.overhead.observe(entry.overhead_ms / 1000)
        if entry.ttft_ms is not None:
            times.ttft.observe(entry.ttft_ms / 1000)
        for attempt in entry.attempts:
            if attempt.ended_ms is not None:
                times.upstream.observe(max(0.0, attempt.ended_ms - attempt.started_ms) / 1000)
        if len(entry.attempts) > 1:
            self._fallbacks.inc(len(entry.attempts) - 1)

    def _times(self, provider: str) -> _Times:
        if (times := self._times_of.get(provider)) is None:
            histograms = (self._overhead, self._ttft, self._upstream)
            said = redact_label(provider)
            times = self._times_of[provider] = _Times(*(histogram.labels(said) for histogram in histograms))
        return times

    def _value(self, label: str, value: str) -> str:
        """*value*, or `OTHER` where the label has enough values already."""
        seen = self._values.setdefault(label, set())
        if value in seen or len(seen) < MAX_VALUES:
            seen.add(value)
            return value
        return OTHER

    def _series(self, metric: Counter, *values: str) -> Counter:
        """The series of these label values, or that of all the series beyond the bound."""
        known = self._known[metric]
        if (series := known.get(values)) is None:
            full = len(known) >= MAX_SERIES
            series = metric.labels(*((OTHER,) * len(values) if full else map(redact_label, values)))
            if not full:
                known[values] = series
        return series


def _dollars(text: str) -> float:
    """What a provider wrote as its charge; 0 for what is no amount: a counter cannot take it back."""
    try:
        amount = float(text)
    except ValueError:
        return 0.0
    return amount if 0 <= amount < float("inf") else 0.0


class _Times(NamedTuple):
    """One provider's histograms."""

    overhead: Histogram
    ttft: Histogram
    upstream: Histogram


class _Moment(Collector):
    """`Now` as metrics; counted elsewhere, so only handed through."""

    def __init__(self, now: Now) -> None:
        self._now = now

    def collect(self) -> Iterator[Metric]:
        now = self._now
        connections = GaugeMetricFamily(
            "dd0c_upstream_connections", "Connections to providers", labels=("provider", "state")
        )
        for provider, counts in sorted(now.connections.items()):
            for state, count in sorted(counts.items()):
                connections.add_metric((redact_label(provider), redact_label(state)), count)
        yield connections
        workers = GaugeMetricFamily("dd0c_workers", "Workers by whether they answer", labels=("state",))
        workers.add_metric(("answering",), now.workers[0])
        workers.add_metric(("missing",), now.workers[1])
        yield workers
        drift = GaugeMetricFamily(
            "dd0c_count_drift",
            "Shift of the median error of estimated counts, or share of exact ones that miss; the last 50 calls",
            labels=("provider", "model", "kind", "exactness"),
        )
        for *labels, value in now.drift:
            drift.add_metric([redact_label(label) for label in labels], value)
        yield drift
        for name, what, value in (
            (
                "dd0c_requests_in_flight",
                "Requests that are being served, the one for the metrics included",
                now.in_flight,
            ),
            ("dd0c_client_connections", "Connections of clients", now.client_connections),
            ("dd0c_writer_queue_depth", "Records in memory because the disk refused them", now.waiting_records),
            ("dd0c_journal_backlog_bytes", "Bytes in the journals that are not stored yet", now.backlog_bytes),
            ("dd0c_count_alerts", "Counts that no longer fit what providers report", now.alerts),
            ("dd0c_routes_rolled_back", "Routes that only watch, their promise being broken", now.rolled_back),
            ("dd0c_open_calls", "Calls without a settlement or without a confirmed delivery", now.open_calls),
        ):
            yield GaugeMetricFamily(name, what, value=value)
        for name, what, value in (
            ("dd0c_audited_total", "Calls whose counts were compared with the provider's", now.audited),
            ("dd0c_audit_skipped_total", "Calls that were not, there being too many at once", now.audits_skipped),
            ("dd0c_bodies_dropped_total", "Calls whose bodies were to be stored and were not", now.bodies_dropped),
            ("dd0c_journal_errors_total", "Failed writes and reads of the journals", now.journal_errors),
            ("dd0c_journal_lost_records_total", "Records given up, the disk having refused too many", now.lost_records),
            ("dd0c_journal_damaged_bytes_total", "Bytes of journals that could not be read", now.damaged_bytes),
            ("dd0c_journal_unreadable_records_total", "Records of another version, kept", now.unreadable_records),
        ):
            yield CounterMetricFamily(name, what, value=value)
