"""Intents and entries for the ledger's tests."""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.clock import HandClock, new_id, rfc3339
from dd0c_route.types import Attempt, Audit, Count, Entry, Intent, Usage

_clock = HandClock()


def an_id() -> str:
    """A new id, later than all before."""
    _clock.advance(0.002)
    return new_id("dd_", _clock.wall_ns())


def an_intent(call_id: str | None = None, **changes: Any) -> Intent:
    intent = Intent(
        id=call_id or an_id(),
        at=rfc3339(_clock.wall_ns()),
        dialect="openai",
        api="openai.chat",
        requested_model="acme-large",
        provider="acme",
        served_model="acme-small",
        stream=True,
        session="s-1",
        tags={"team": "core"},
    )
    return msgspec.structs.replace(intent, **changes)


def an_entry(call_id: str | None = None, **changes: Any) -> Entry:
    entry = Entry(
        id=call_id or an_id(),
        at=rfc3339(_clock.wall_ns()),
        dialect="openai",
        api="openai.chat",
        provider="acme",
        requested_model="acme-large",
        served_model="acme-small",
        stream=True,
        status=200,
        end_state="complete",
        attempts=(Attempt("acme/acme-small", 0.1, 300.2, 900.4, 200, None, "new:pooled"),),
        usage=Usage(input=1000, cache_read=200, output=300, reasoning=20),
        usage_source="provider_final",
        delivered_output_tokens=320,
        delivered_bytes=12_000,
        received_output_tokens=320,
        billable_output_tokens=320,
        cost_picodollars=123_456_789,
        cost_usd="0.000123456789",
        session="s-1",
        tags={"team": "core"},
        ttft_ms=310.1,
        duration_ms=900.2,
        overhead_ms=0.3,
    )
    return msgspec.structs.replace(entry, **changes)


def an_audit(call_id: str | None = None, **changes: Any) -> Audit:
    audit = Audit(
        id=call_id or an_id(),
        provider="acme",
        model="acme-small",
        api="openai.chat",
        count=Count(1170, "estimated", (1000, 1500), "o200k_base"),
        reported=1200,
        kind="tools",
        tools_hash="0123456789abcdef",
        answer=Count(300, "exact", (300, 300), "o200k_base"),
        answer_reported=300,
    )
    return msgspec.structs.replace(audit, **changes)
