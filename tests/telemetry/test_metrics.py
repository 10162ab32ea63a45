"""The metrics, with a planted key in every text of what they are made of: no name, label or help shows one."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dd0c_route import telemetry
from dd0c_route.telemetry import Metrics, Now
from dd0c_route.types import Entry
from tests.telemetry.planted import KEY, OTHER_KEY, SCAN, filled, texts_of

MOMENT = filled(Now)
CHARGED = {"cost_picodollars": 1, "cost_billable_picodollars": 1, "cost_provider_usd": "0.1", "unpriced": True}


def exposition() -> bytes:
    metrics = Metrics()
    for key in (KEY, f"team-{OTHER_KEY}", KEY[:-20]):
        metrics.observe([filled(Entry, key, tags={"team": key}, usage_consistent=False, **CHARGED)])
    return metrics.render(MOMENT)


def test_no_label_shows_a_key() -> None:
    text = exposition()
    assert not SCAN.find(text)
    families = list(text_string_to_metric_families(text.decode()))
    labels = sum(len(sample.labels) for family in families for sample in family.samples)
    print(f"\nmetrics: {len(families)}, label values searched: {labels}, fields of an entry planted: {texts_of(Entry)}")
    assert b"[redacted:" in text


def test_without_the_redactor_the_same_labels_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "redact_label", lambda text: text)
    assert SCAN.find(exposition())
