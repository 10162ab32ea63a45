from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from dd0c_route import telemetry
from dd0c_route.telemetry import MAX_VALUES, Metrics, Now
from dd0c_route.types import Attempt, Entry, PriceLine
from tests.ledger.examples import an_entry

NOW = Now(
    connections={"acme": {"open": 3, "in_use": 1}},
    in_flight=1,
    client_connections=2,
    workers=(1, 1),
    waiting_records=4,
    backlog_bytes=5,
    open_calls=6,
    journal_errors=7,
    lost_records=3,
    damaged_bytes=8,
    unreadable_records=9,
    audited=10,
    audits_skipped=11,
    alerts=1,
    drift=[("acme", "large", "tools", "estimated", 0.03)],
)


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = metrics.render(NOW).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float:
    return samples(metrics)[name, tuple(sorted(labels.items()))]


def observed(*entries: Entry) -> Metrics:
    metrics = Metrics()
    metrics.observe(list(entries))
    return metrics


def test_a_call_is_counted_by_what_was_asked_and_what_answered() -> None:
    metrics = observed(an_entry(decision={"verdict": "routed"}), an_entry(decision={"verdict": "routed"}))
    labels = {"dialect": "openai", "provider": "acme", "model": "acme-small", "requested_model": "acme-large"}
    assert value(metrics, "dd0c_requests_total", **labels, status="200", decision="routed") == 2
    assert value(metrics, "dd0c_endings_total", end_state="complete") == 2


def test_money_and_tokens_add_up() -> None:
    entry = an_entry(cost_picodollars=250_000_000_000, baseline_picodollars=1_000_000_000_000, key_id="k1")
    metrics = observed(entry, entry)
    assert value(metrics, "dd0c_cost_usd_total", provider="acme", model="acme-small", tag_team="core", key="k1") == 0.5
    assert value(metrics, "dd0c_list_cost_usd_total") == 2
    for kind, tokens in (("input", 2000), ("cache_read", 400), ("output", 600), ("reasoning", 40)):
        assert value(metrics, "dd0c_tokens_total", **{"class": kind}) == tokens


def test_money_is_told_by_what_it_was_for_by_what_is_billed_and_by_what_the_provider_says() -> None:
    lines = (PriceLine("input", 1, "1", 200_000_000_000), PriceLine("output", 1, "1", 50_000_000_000))
    entry = an_entry(price_lines=lines, cost_billable_picodollars=10**12, cost_provider_usd="0.75")
    metrics = observed(entry, entry, an_entry(cost_provider_usd="much", usage_consistent=False))
    who = {"provider": "acme", "model": "acme-small"}
    assert value(metrics, "dd0c_cost_class_usd_total", **who, **{"class": "input"}) == 0.4
    assert value(metrics, "dd0c_cost_class_usd_total", **who, **{"class": "output"}) == 0.1
    assert value(metrics, "dd0c_cost_billable_usd_total", **who) == 2
    assert value(metrics, "dd0c_cost_provider_usd_total", **who) == 1.5
    assert value(metrics, "dd0c_inconsistent_usage_total", **who) == 1


def test_a_call_without_a_price_is_counted_as_such_and_not_as_free() -> None:
    metrics = observed(an_entry(unpriced=True, cost_picodollars=None))
    assert value(metrics, "dd0c_unpriced_requests_total", provider="acme", model="acme-small") == 1
    assert not any(name == "dd0c_cost_usd_total" for name, _ in samples(metrics))


def test_times_are_in_seconds_and_every_attempt_has_one() -> None:
    failed = Attempt("acme/acme-small", 0.0, None, 500.0, 503, "upstream_error", "new:closed")
    won = Attempt("acme/acme-small", 500.0, 700.0, 2500.0, 200, None, "new:pooled")
    metrics = observed(an_entry(attempts=(failed, won), overhead_ms=2.0, ttft_ms=700.0))
    assert value(metrics, "dd0c_upstream_seconds_sum", provider="acme") == 2.5
    assert value(metrics, "dd0c_upstream_seconds_count", provider="acme") == 2
    assert value(metrics, "dd0c_overhead_seconds_sum", provider="acme") == 0.002
    assert value(metrics, "dd0c_ttft_seconds_sum", provider="acme") == 0.7
    assert value(metrics, "dd0c_fallback_total") == 1


def test_a_call_that_reached_no_provider_has_no_times() -> None:
    metrics = observed(an_entry(attempts=(), ttft_ms=None))
    assert not any(name.startswith("dd0c_overhead") for name, _ in samples(metrics))


def test_model_names_of_clients_do_not_make_endless_series() -> None:
    metrics = observed(*(an_entry(requested_model=f"m-{number}") for number in range(MAX_VALUES + 50)))
    series = {labels: count for (name, labels), count in samples(metrics).items() if name == "dd0c_requests_total"}
    assert len(series) <= MAX_VALUES + 1
    assert sum(series.values()) == MAX_VALUES + 50
    assert sum(count for labels, count in series.items() if ("requested_model", "other") in labels) >= 50


def test_combinations_of_labels_are_bounded_too() -> None:
    metrics = Metrics()
    telemetry.MAX_SERIES, before = 10, telemetry.MAX_SERIES
    try:
        metrics.observe([an_entry(status=status) for status in range(200, 220)])
    finally:
        telemetry.MAX_SERIES = before
    series = {labels: count for (name, labels), count in samples(metrics).items() if name == "dd0c_requests_total"}
    assert len(series) == 11
    assert sum(series.values()) == 20


def test_the_moment_is_there_too() -> None:
    metrics = Metrics()
    assert value(metrics, "dd0c_upstream_connections", provider="acme", state="open") == 3
    assert value(metrics, "dd0c_upstream_connections", provider="acme", state="in_use") == 1
    assert value(metrics, "dd0c_workers", state="missing") == 1
    assert value(metrics, "dd0c_requests_in_flight") == 1
    assert value(metrics, "dd0c_writer_queue_depth") == 4
    assert value(metrics, "dd0c_journal_errors_total") == 7
    assert value(metrics, "dd0c_journal_lost_records_total") == 3
