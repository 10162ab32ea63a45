"""`on_disconnect = "drain"`: the provider's answer is read on without its client, so that its own figures are known."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from dd0c_route.tokens import count_text_exactly
from tests.endings.caller import Caller, How, text_of, whole_events
from tests.endings.cases import Case
from tests.stand import Stand, until

DRAIN_S = 1.0
DRAIN_BYTES = 300_000

PROVIDERS = f"""
[providers.sim]
dialect = "openai"
base_url = "http://127.0.0.1:{{port}}/v1"
price_as = "openai"
on_disconnect = "drain"
drain_s = {DRAIN_S}
drain_bytes = {DRAIN_BYTES}

[providers.sim-anthropic]
dialect = "anthropic"
base_url = "http://127.0.0.1:{{port}}/v1"
price_as = "anthropic"
on_disconnect = "drain"
drain_s = {DRAIN_S}
drain_bytes = {DRAIN_BYTES}
"""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand"), providers=PROVIDERS) as running:
        yield running


def leave_early(stand: Stand, case: Case, scene: str, read_bytes: int = 0) -> Caller:
    """A client that reads so many bytes, or waits a moment, and leaves."""
    with Caller(stand.port) as caller:
        caller.send(case.request(scene))
        if read_bytes:
            caller.read_until(lambda raw: len(raw) >= read_bytes)
        else:
            until(lambda: call_at_provider(stand, case), "the call's arrival at the provider")
        caller.leave(case.how)
    return caller


def call_at_provider(stand: Stand, case: Case) -> dict[str, Any] | None:
    calls = [call for call in stand.sim_stats()["calls"] if case.fingerprint in call["credentials"].values()]
    return calls[0] if calls else None


def end_at_provider(stand: Stand, case: Case) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        call = call_at_provider(stand, case)
        return call if call is not None and call["state"] != "running" else None

    call: dict[str, Any] = until(ended, "the end of the provider's call")
    return call


def entry_of(stand: Stand, case: Case) -> dict[str, Any]:
    def mine(entries: list[dict[str, Any]]) -> dict[str, Any] | None:
        return next((entry for entry in entries if entry["session"] == f"case-{case.number}"), None)

    until(lambda: mine(stand.entries(0)), "the entry")
    entry = mine(stand.confirmed(1))
    assert entry is not None
    return entry


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_drained_stream_is_billed_whole_and_delivered_in_part(stand: Stand, dialect: Any, how: How) -> None:
    case = Case({"openai": 10, "anthropic": 20}[dialect] + (how == "rst"), "", how, True, dialect, 0)

    left = leave_early(stand, case, "chunks=40; chunk_ms=10", read_bytes=2500)

    assert end_at_provider(stand, case)["state"] == "complete"
    entry = entry_of(stand, case)
    assert entry["end_state"] == "client_gone"
    assert entry["billable_output_tokens"] == entry["received_output_tokens"] == 40
    assert len(left.body) <= entry["delivered_bytes"] < 40 * 150
    text = text_of(whole_events(left.body))
    assert entry["delivered_output_tokens"] >= count_text_exactly(text, entry["served_model"]).tokens
    assert entry["delivered_output_tokens"] < 40
    assert entry["usage"]["output"] == entry["delivered_output_tokens"]
    assert entry["cost_billable_picodollars"] > entry["cost_picodollars"]


@pytest.mark.parametrize(("number", "stream"), [(30, True), (31, False)])
def test_a_client_that_leaves_before_the_first_byte_is_drained_too(stand: Stand, number: int, stream: bool) -> None:
    case = Case(number, "", "rst", stream, "openai", 0)

    leave_early(stand, case, "ttft_ms=300; chunks=25")

    assert end_at_provider(stand, case)["state"] == "complete"
    entry = entry_of(stand, case)
    assert (entry["end_state"], entry["delivered_bytes"], entry["delivered_output_tokens"]) == ("client_gone", 0, 0)
    assert entry["billable_output_tokens"] == 25


def test_draining_ends_after_its_seconds(stand: Stand) -> None:
    """They count from the hang-up, not from the answer's beginning."""
    case = Case(40, "", "fin", True, "openai", 0)

    left = leave_early(stand, case, "chunks=1000; chunk_ms=20", read_bytes=12_000)

    assert end_at_provider(stand, case)["state"] == "aborted_by_peer"
    assert DRAIN_S * 0.9 <= time.monotonic() - left.left_at <= DRAIN_S + 1.0
    entry = entry_of(stand, case)
    assert entry["end_state"] == "client_gone"
    assert entry["received_output_tokens"] > entry["delivered_output_tokens"] > 0


@pytest.mark.parametrize(("number", "scene"), [(50, "ttft_ms=60000"), (51, "head_ms=0; ttft_ms=60000")])
def test_draining_a_silent_provider_ends_after_its_seconds(stand: Stand, number: int, scene: str) -> None:
    case = Case(number, "", "fin", True, "openai", 0)

    left = leave_early(stand, case, scene)

    assert end_at_provider(stand, case)["state"] == "aborted_by_peer"
    assert DRAIN_S * 0.9 <= time.monotonic() - left.left_at <= DRAIN_S + 1.0
    assert entry_of(stand, case)["end_state"] == "client_gone"


@pytest.mark.parametrize(("number", "rest_s"), [(60, 0.0), (61, 0.4)])
def test_draining_ends_after_its_bytes(stand: Stand, number: int, rest_s: float) -> None:
    """Also where the client had stopped reading before, so that the provider had been told to wait."""
    case = Case(number, "", "rst", True, "openai", 0)
    with Caller(stand.port, receive_bytes=4096) as caller:
        caller.send(case.request("chunks=4000; chunk_bytes=4000"))
        caller.read_until(lambda raw: len(raw) >= 2000, at_most=2000)
        caller.rest(rest_s)
        caller.leave(case.how)

    call = end_at_provider(stand, case)

    assert call["state"] == "aborted_by_peer"
    assert time.monotonic() - caller.left_at < DRAIN_S
    entry = entry_of(stand, case)
    assert entry["end_state"] == "client_gone"
    assert entry["delivered_output_tokens"] < entry["received_output_tokens"]


def test_no_retry_is_made_for_a_client_that_is_gone(stand: Stand) -> None:
    case = Case(70, "", "rst", True, "openai", 0)

    leave_early(stand, case, "status=429; retry_after=1", read_bytes=0)

    entry = entry_of(stand, case)
    assert entry["end_state"] == "client_gone"
    assert [attempt["status"] for attempt in entry["attempts"]] == [429]


def test_nothing_is_left_when_all_drains_are_over(stand: Stand) -> None:
    until(lambda: sum(counts["in_use"] for counts in stand.connections().values()) == 0, "the end of all drains")
