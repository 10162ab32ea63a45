"""The `anthropic` package against the running router."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.sdk import Sdk
from tests.clients.sim import Watched, entry_tagged
from tests.stand import Stand

TOOLS = [
    {"name": "look_up", "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}}},
]


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(event["delta"].get("text", "") for event in events if event["type"] == "content_block_delta")


def test_a_message_has_its_entry_and_says_what_it_cost(anthropic: Sdk, stand: Stand) -> None:
    got = anthropic.do("message", sim="text=good day")
    headers, answer = got["headers"], got["answer"]
    assert answer["content"][0]["text"] == "good day"
    assert headers["x-dd0c-provider"] == "anthropic"
    assert headers["x-dd0c-model"] == answer["model"] == "claude-haiku-4-5"
    assert got["request_id"] == headers["request-id"]  # the provider's own is kept
    entry = stand.entry(headers["x-dd0c-request-id"])
    assert (entry["end_state"], entry["status"], entry["usage_source"]) == ("complete", 200, "provider_final")
    assert entry["usage"]["input"] == answer["usage"]["input_tokens"]
    assert entry["usage"]["output"] == entry["delivered_output_tokens"] == answer["usage"]["output_tokens"]
    assert headers["x-dd0c-cost-usd"] == entry["cost_usd"]


def test_the_callers_key_stays_here_and_the_sdks_headers_cross(anthropic: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        anthropic.do("message")
    (call,) = seen.calls()
    assert list(call["credentials"]) == ["x-api-key"]
    assert "anthropic-version" in call["headers"]
    assert not any(name.startswith("x-dd0c-") for name in call["headers"])


def test_a_stream_has_all_its_events(anthropic: Sdk, stand: Stand) -> None:
    got = anthropic.do("stream", sim="chunks=5")
    kinds = [event["type"] for event in got["events"]]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert len(text_of(got["events"]).split()) == kinds.count("content_block_delta") == 5
    entry = stand.entry(got["headers"]["x-dd0c-request-id"])
    assert (entry["stream"], entry["end_state"], entry["usage_source"]) == (True, "complete", "provider_final")
    assert entry["usage"]["output"] == entry["delivered_output_tokens"] == 5


def test_a_stream_says_its_cost_to_a_client_that_asked(anthropic: Sdk, stand: Stand) -> None:
    got = anthropic.do("stream", sim="chunks=5", cost=True)
    (last,) = [event for event in got["events"] if event["type"] == "message_delta"]
    assert last["usage"]["cost"] == float(stand.entry(got["headers"]["x-dd0c-request-id"])["cost_usd"])
    plain = anthropic.do("stream", sim="chunks=5")["events"]
    assert all("cost" not in event.get("usage", {}) for event in plain)


def test_a_stream_with_thinking_cut_anywhere_is_put_together_by_the_sdk(anthropic: Sdk) -> None:
    scene = "text=Gr%C3%BC%C3%9Fe, %E4%B8%96%E7%95%8C %F0%9F%99%82; reasoning=4; write_bytes=3; write_seed=5"
    thinking, text = anthropic.do("accumulated", sim=scene)["answer"]["content"]
    assert thinking["type"] == "thinking"
    assert thinking["signature"].startswith("sim-signature-")
    assert text["text"].split() == ["Grüße,", "世界", "🙂"]


def test_a_tool_call_arrives_whole(anthropic: Sdk) -> None:
    answer = anthropic.do("message", sim="tool", tools=TOOLS)["answer"]
    (block,) = answer["content"]
    assert (answer["stop_reason"], block["type"], block["name"]) == ("tool_use", "tool_use", "look_up")
    assert block["input"]["query"]


def test_a_tool_calls_input_arrives_piece_by_piece(anthropic: Sdk) -> None:
    (whole,) = anthropic.do("message", sim="tool", tools=TOOLS)["answer"]["content"]
    got = anthropic.do("accumulated", sim="tool; write_bytes=20; write_seed=3", tools=TOOLS)
    assert got["kinds"].count("input_json") > 5
    assert got["answer"]["content"] == [whole]
    events = anthropic.do("stream", sim="tool", tools=TOOLS)["events"]
    parts = [event["delta"]["partial_json"] for event in events if event["type"] == "content_block_delta"]
    assert json.loads("".join(parts)) == whole["input"]


@pytest.mark.parametrize(
    ("status", "kind", "asked"),
    [
        (400, "BadRequestError", 1),
        (401, "AuthenticationError", 1),
        (403, "PermissionDeniedError", 1),
        (404, "NotFoundError", 1),
        (413, "ContentTooLargeError", 1),
        (429, "RateLimitError", 2),
        (500, "InternalServerError", 1),
        (529, "OverloadedError", 2),
    ],
)
def test_a_providers_error_is_the_sdks_own(anthropic: Sdk, stand: Stand, status: int, kind: str, asked: int) -> None:
    with Watched(stand) as seen:
        error = anthropic.fails("message", sim=f"status={status}")
    assert (error["classes"][0], error["status"]) == (kind, status)
    assert error["body"]["error"]["message"] == f"simulated status {status}"
    assert error["request_id"].startswith("req_sim_")
    entry = stand.entry(error["headers"]["x-dd0c-request-id"])
    assert (entry["status"], entry["end_state"]) == (status, "upstream_failed")
    assert [attempt["status"] for attempt in entry["attempts"]] == [status] * asked
    assert len(seen.calls()) == asked


def test_the_sdk_waits_as_long_as_the_provider_asks(anthropic: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        scene = "fail_first=2; key=anthropic-waits; status=429; retry_after=0.05"
        got = anthropic.do("message", sim=scene, tag="waits", retries=1)
    assert len(seen.calls()) == 3  # two tries of the router, then the SDK's second call
    assert len(stand.entry(got["headers"]["x-dd0c-request-id"])["attempts"]) == 1
    mine = [entry for entry in stand.entries(2) if entry["tags"].get("test") == "waits"]
    assert sorted(entry["status"] for entry in mine) == [200, 429]


def test_an_error_of_the_router_says_what_to_do(anthropic: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        error = anthropic.fails("message", model="", retries=2)
    assert error["classes"][0] == "BadRequestError"
    assert "`model` is empty" in error["message"]
    assert error["request_id"] == error["body"]["request_id"] == error["headers"]["x-dd0c-request-id"]
    assert not seen.calls()


def test_a_wrong_access_key_is_refused_and_the_right_one_is_not(
    interpreter: Path, locked: Stand, access_key: tuple[str, str]
) -> None:
    with Watched(locked) as seen, Sdk(interpreter, "anthropic_program.py", locked.port) as stranger:
        error = stranger.fails("message", retries=2)
    assert error["classes"][0] == "AuthenticationError"
    assert error["body"]["error"]["type"] == "authentication_error"
    assert "access_keys" in error["message"]
    assert not seen.calls()
    with Sdk(interpreter, "anthropic_program.py", locked.port, access_key[0]) as friend:
        assert friend.do("message")["answer"]["content"]


def test_leaving_a_stream_aborts_it_upstream_and_bills_what_arrived(anthropic: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        got = anthropic.do("stream", sim="chunks=1000; chunk_ms=20", leave_after=8)
        call = seen.aborted()
    said = len(text_of(got["events"]).split())
    entry = stand.entry(got["headers"]["x-dd0c-request-id"])
    assert (entry["end_state"], entry["status"]) == ("client_gone", 200)
    assert said <= call["text_out"]["tokens"] < 1000
    assert entry["delivered_output_tokens"] > 0
    assert entry["usage"]["input"] == got["events"][0]["message"]["usage"]["input_tokens"]  # as `message_start` said
    assert entry["usage_source"] == "provider_partial"


def test_giving_up_before_the_answer_aborts_it_upstream(anthropic: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        error = anthropic.fails("impatient", sim="ttft_ms=60000", tag="anthropic-impatient", timeout_s=0.2)
        assert error["classes"][0] == "APITimeoutError"
        assert seen.aborted()["body_bytes_out"] == 0
    entry = entry_tagged(stand, "anthropic-impatient")
    assert (entry["end_state"], entry["delivered_output_tokens"], entry["usage"]["output"]) == ("client_gone", 0, 0)


@pytest.mark.parametrize("scene", ["error_after=5; chunks=9", "cut_after=5; chunks=9; chunk_ms=5"])
def test_a_stream_that_breaks_off_raises(anthropic: Sdk, stand: Stand, scene: str) -> None:
    tag = "anthropic-" + scene.partition("=")[0]
    error = anthropic.fails("stream", sim=scene, tag=tag)
    assert "APIError" in error["classes"] or "RemoteProtocolError" in error["classes"]
    entry = entry_tagged(stand, tag)
    assert entry["end_state"] == "upstream_failed"
    assert entry["delivered_output_tokens"] > 0


def test_counting_tokens_costs_nothing(anthropic: Sdk, stand: Stand) -> None:
    assert anthropic.do("count_tokens", tag="counted") == 10
    entry = entry_tagged(stand, "counted")
    assert (entry["provider"], entry["usage_source"]) == ("local", "local_exact")
    assert (entry["api"], entry["end_state"], entry["cost_picodollars"]) == ("anthropic.count_tokens", "complete", 0)


def test_the_asynchronous_client_may_ask_for_many_things_at_once(anthropic: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        got = anthropic.do("at_once", count=24, sim="chunks=6; chunk_ms=2")
    assert {one["text"] for one in got} == {got[0]["text"]}
    ids = [one["headers"]["x-dd0c-request-id"] for one in got]
    assert len(set(ids)) == len(seen.calls()) == 24
    entries = [stand.entry(name) for name in ids]
    assert {(entry["end_state"], entry["usage"]["output"]) for entry in entries} == {("complete", 6)}
