"""The `openai` package against the running router."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.sdk import Sdk
from tests.clients.sim import Watched, entry_tagged
from tests.stand import Stand, until

PARAMETERS = {"type": "object", "properties": {"query": {"type": "string"}}}
TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": PARAMETERS}}]
USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}


def text_of(chunks: list[dict[str, Any]]) -> str:
    return "".join(chunk["choices"][0]["delta"]["content"] or "" for chunk in chunks if chunk["choices"])


def test_a_completion_has_its_entry_and_says_what_it_cost(openai: Sdk, stand: Stand) -> None:
    got = openai.do("chat", sim="text=good day")
    headers, answer = got["headers"], got["answer"]
    assert answer["choices"][0]["message"]["content"] == "good day"
    assert headers["x-dd0c-provider"] == "openai"
    assert headers["x-dd0c-model"] == headers["x-dd0c-requested-model"] == answer["model"] == "gpt-4o-mini"
    assert headers["x-dd0c-decision"].startswith("kept; reason=")
    assert headers["x-request-id"].startswith("req_sim_")  # the provider's own is kept
    entry = stand.entry(headers["x-dd0c-request-id"])
    assert (entry["end_state"], entry["status"], entry["usage_source"]) == ("complete", 200, "provider_final")
    assert entry["usage"]["input"] == answer["usage"]["prompt_tokens"]
    assert entry["usage"]["output"] == entry["delivered_output_tokens"] == answer["usage"]["completion_tokens"]
    assert headers["x-dd0c-cost-usd"] == entry["cost_usd"]


def test_the_callers_key_stays_here_and_the_providers_goes_upstream(openai: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        openai.do("chat")
        openai.do("chat", sim="chunks=2")
    first, second = seen.calls()
    assert first["credentials"] == second["credentials"]
    assert list(first["credentials"]) == ["authorization"]
    assert not any(name.startswith("x-dd0c-") for name in first["headers"])
    assert "x-stainless-lang" in first["headers"]  # what the SDK says of itself is not ours to remove
    assert first["connection"] == second["connection"]


def test_a_stream_shows_no_usage_to_a_client_that_asked_for_none(openai: Sdk, stand: Stand) -> None:
    got = openai.do("stream", sim="chunks=5")
    assert len(got["chunks"]) == 7  # the role, five pieces, the finish
    assert all(chunk["choices"] and not chunk["usage"] for chunk in got["chunks"])
    assert len(text_of(got["chunks"]).split()) == 5
    entry = stand.entry(got["headers"]["x-dd0c-request-id"])
    assert (entry["stream"], entry["end_state"], entry["usage_source"]) == (True, "complete", "provider_final")
    assert entry["usage"]["output"] == entry["delivered_output_tokens"] == 5
    assert entry["ttft_ms"] is not None


def test_a_stream_shows_its_usage_to_a_client_that_asked(openai: Sdk, stand: Stand) -> None:
    got = openai.do("stream", sim="chunks=5", **USAGE)
    *others, last = got["chunks"]
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 5)
    assert all(chunk["choices"] for chunk in others)
    assert stand.entry(got["headers"]["x-dd0c-request-id"])["usage"]["output"] == 5


def test_a_stream_says_its_cost_to_a_client_that_asked(openai: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        asked = {"dd0c": {"cost": True, "tags": {"team": "search"}}}
        got = openai.do("stream", sim="chunks=5", extra_body=asked, **USAGE)
    entry = stand.entry(got["headers"]["x-dd0c-request-id"])
    assert got["chunks"][-1]["usage"]["cost"] == float(entry["cost_usd"])
    assert entry["tags"] == {"team": "search"}
    plain = openai.do("stream", sim="chunks=5", **USAGE)
    assert "cost" not in plain["chunks"][-1]["usage"]
    assert [chunk["choices"] for chunk in plain["chunks"]] == [chunk["choices"] for chunk in got["chunks"]]
    with Watched(stand) as without:
        openai.do("stream", sim="chunks=5", **USAGE)
    assert seen.calls()[0]["request_bytes"] == without.calls()[0]["request_bytes"]  # what is ours did not go upstream


@pytest.mark.parametrize("options", [{}, USAGE], ids=["unasked", "asked"])
def test_a_stream_cut_anywhere_is_put_together_by_the_sdk(openai: Sdk, options: dict[str, Any]) -> None:
    text = "Grüße, 世界 🙂 "
    scene = "text=Gr%C3%BC%C3%9Fe, %E4%B8%96%E7%95%8C %F0%9F%99%82 ; write_bytes=3; write_seed=11"
    got = openai.do("accumulated", sim=scene, **options)
    assert got["answer"]["choices"][0]["message"]["content"].split() == text.split()
    assert "content.done" in got["kinds"]
    assert (got["answer"]["usage"] is not None) == bool(options)


def test_a_tool_call_arrives_whole(openai: Sdk, stand: Stand) -> None:
    got = openai.do("chat", sim="tool", tools=TOOLS)
    (choice,) = got["answer"]["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert (choice["finish_reason"], call["function"]["name"]) == ("tool_calls", "look_up")
    assert json.loads(call["function"]["arguments"])["query"]
    assert stand.entry(got["headers"]["x-dd0c-request-id"])["end_state"] == "complete"


def test_a_tool_calls_arguments_arrive_piece_by_piece(openai: Sdk) -> None:
    whole = openai.do("chat", sim="tool", tools=TOOLS)["answer"]["choices"][0]["message"]["tool_calls"][0]
    got = openai.do("accumulated", sim="tool; write_bytes=20; write_seed=3", tools=TOOLS)
    assert got["kinds"].count("tool_calls.function.arguments.delta") > 5
    (call,) = got["answer"]["choices"][0]["message"]["tool_calls"]
    assert call["id"] == whole["id"]
    assert json.loads(call["function"]["arguments"]) == json.loads(whole["function"]["arguments"])


@pytest.mark.parametrize(
    ("status", "kind", "asked"),
    [
        (400, "BadRequestError", 1),
        (401, "AuthenticationError", 1),
        (403, "PermissionDeniedError", 1),
        (404, "NotFoundError", 1),
        (422, "UnprocessableEntityError", 1),
        (429, "RateLimitError", 2),
        (500, "InternalServerError", 1),
        (503, "InternalServerError", 2),
    ],
)
def test_a_providers_error_is_the_sdks_own(openai: Sdk, stand: Stand, status: int, kind: str, asked: int) -> None:
    with Watched(stand) as seen:
        error = openai.fails("chat", sim=f"status={status}")
    assert (error["classes"][0], error["status"]) == (kind, status)
    assert error["body"]["message"] == f"simulated status {status}"
    assert error["request_id"].startswith("req_sim_")
    entry = stand.entry(error["headers"]["x-dd0c-request-id"])
    assert (entry["status"], entry["end_state"]) == (status, "upstream_failed")
    assert [attempt["status"] for attempt in entry["attempts"]] == [status] * asked
    assert len(seen.calls()) == asked


def test_a_rate_limit_that_passes_is_not_the_clients_business(openai: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        got = openai.do("chat", sim="fail_first=1; key=passes; status=429; retry_after=0.05")
    assert len(seen.calls()) == 2
    entry = stand.entry(got["headers"]["x-dd0c-request-id"])
    assert entry["end_state"] == "complete"
    assert [attempt["status"] for attempt in entry["attempts"]] == [429, 200]


def test_a_long_wait_is_left_to_the_client(openai: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        error = openai.fails("chat", sim="status=429; retry_after=30")
    assert error["headers"]["retry-after"] == "30"
    assert len(seen.calls()) == 1


def test_the_sdk_repeats_what_the_router_may_not(openai: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        got = openai.do("chat", sim="fail_first=1; key=repeated; status=500", tag="repeated", retries=1)
    assert len(seen.calls()) == 2
    entry = stand.entry(got["headers"]["x-dd0c-request-id"])
    assert len(entry["attempts"]) == 1  # a 500 may have been billed: each call of the SDK has its own entry
    mine = [one for one in stand.entries(2) if one["tags"].get("test") == "repeated"]
    assert sorted(one["status"] for one in mine) == [200, 500]


@pytest.mark.parametrize(
    ("action", "arguments", "kind", "says"),
    [
        ("chat", {"model": "", "retries": 2}, "BadRequestError", "`model` is empty"),
        ("elsewhere", {"path": "/nowhere"}, "NotFoundError", "no such address: POST /v1/nowhere"),
    ],
)
def test_an_error_of_the_router_says_what_to_do(
    openai: Sdk, stand: Stand, action: str, arguments: dict[str, Any], kind: str, says: str
) -> None:
    with Watched(stand) as seen:
        error = openai.fails(action, **arguments)
    assert error["classes"][0] == kind
    assert says in error["message"]
    assert error["request_id"] == error["headers"]["x-dd0c-request-id"]
    assert not seen.calls()


def test_a_wrong_access_key_is_refused_and_the_right_one_is_not(
    interpreter: Path, locked: Stand, access_key: tuple[str, str]
) -> None:
    with Watched(locked) as seen, Sdk(interpreter, "openai_program.py", locked.port) as stranger:
        error = stranger.fails("chat", retries=2)
    assert error["classes"][0] == "AuthenticationError"
    assert error["body"]["code"] == "invalid_api_key"
    assert "access_keys" in error["message"]
    assert not seen.calls()
    with Sdk(interpreter, "openai_program.py", locked.port, access_key[0]) as friend:
        assert friend.do("chat")["answer"]["choices"]


def test_leaving_a_stream_aborts_it_upstream_and_bills_what_arrived(openai: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        got = openai.do("stream", sim="chunks=1000; chunk_ms=20", leave_after=5)
        call = seen.aborted()
    said = len(text_of(got["chunks"]).split())

    def counted() -> Any:  # an estimate stands for a moment, while the first count loads its vocabulary
        entry = stand.entry(got["headers"]["x-dd0c-request-id"])
        return entry if entry["usage_source"] == "local_exact" else None

    entry = until(counted, "the exact count")
    assert (entry["end_state"], entry["status"]) == ("client_gone", 200)
    assert said <= entry["delivered_output_tokens"] <= call["text_out"]["tokens"] < 1000
    assert entry["delivered_output_tokens"] <= entry["received_output_tokens"]


@pytest.mark.parametrize(("action", "arguments"), [("impatient", {"timeout_s": 0.2}), ("cancelled", {"after_s": 0.2})])
def test_giving_up_before_the_answer_aborts_it_upstream(
    openai: Sdk, stand: Stand, action: str, arguments: dict[str, Any]
) -> None:
    with Watched(stand) as seen:
        if action == "impatient":
            assert openai.fails(action, sim="ttft_ms=60000", tag=action, **arguments)["classes"][0] == "APITimeoutError"
        else:
            assert openai.do(action, sim="ttft_ms=60000", tag=action, **arguments) == {"outcome": "cancelled"}
        assert seen.aborted()["body_bytes_out"] == 0
    entry = entry_tagged(stand, action)
    assert (entry["end_state"], entry["delivered_output_tokens"], entry["usage"]["output"]) == ("client_gone", 0, 0)


@pytest.mark.parametrize("scene", ["error_after=4; chunks=9", "cut_after=4; chunks=9; chunk_ms=5"])
def test_a_stream_that_breaks_off_raises(openai: Sdk, stand: Stand, scene: str) -> None:
    tag = scene.partition("=")[0]
    error = openai.fails("stream", sim=scene, tag=tag)
    assert "APIError" in error["classes"] or "RemoteProtocolError" in error["classes"]
    entry = entry_tagged(stand, tag)
    assert entry["end_state"] == "upstream_failed"
    assert entry["delivered_output_tokens"] > 0


def test_embeddings_come_in_base64_as_the_sdk_asks(openai: Sdk, stand: Stand) -> None:
    got = openai.do("embed", texts=["one", "two"])
    assert json.loads(got["sent"])["encoding_format"] == "base64"
    assert [len(vector) for vector in got["vectors"]] == [8, 8]
    assert all(-1 <= number <= 1 for vector in got["vectors"] for number in vector)
    entry = stand.entry(got["headers"]["x-dd0c-request-id"])
    assert (entry["api"], entry["end_state"], entry["usage"]["output"]) == ("openai.embeddings", "complete", 0)
    assert entry["usage"]["input"] > 0
    assert got["headers"]["x-dd0c-cost-usd"] == entry["cost_usd"]


@pytest.mark.parametrize("streamed", [False, True])
def test_the_older_completions_work(openai: Sdk, stand: Stand, streamed: bool) -> None:
    tag = f"completions-{streamed}"
    got = openai.do("complete", sim="chunks=4", tag=tag, stream=streamed)
    assert len(got["text"].split()) == 4
    assert got["parts"] == (5 if streamed else 1)
    entry = entry_tagged(stand, tag)
    assert (entry["api"], entry["end_state"], entry["stream"]) == ("openai.completions", "complete", streamed)
    assert entry["usage"]["output"] > 0


@pytest.mark.parametrize("streamed", [False, True])
def test_the_responses_api_works(openai: Sdk, stand: Stand, streamed: bool) -> None:
    tag = f"responses-{streamed}"
    got = openai.do("respond", sim="chunks=4", tag=tag, stream=streamed)
    assert len(got["text"].split()) == 4
    assert got["kinds"][-1:] == (["response.completed"] if streamed else [])
    entry = entry_tagged(stand, tag)
    assert (entry["api"], entry["usage"]["output"], entry["usage_source"]) == ("openai.responses", 4, "provider_final")


def test_the_asynchronous_client_may_ask_for_many_things_at_once(openai: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        got = openai.do("at_once", count=24, sim="chunks=6; chunk_ms=2")
    assert {one["text"] for one in got} == {got[0]["text"]}
    ids = [one["headers"]["x-dd0c-request-id"] for one in got]
    assert len(set(ids)) == len(seen.calls()) == 24
    entries = [stand.entry(name) for name in ids]
    assert {(entry["end_state"], entry["usage"]["output"]) for entry in entries} == {("complete", 6)}


def test_counting_tokens_costs_nothing_and_asks_nobody(openai: Sdk, stand: Stand) -> None:
    with Watched(stand) as seen:
        assert openai.do("count_tokens", tag="openai-counted") == 10
        assert not seen.calls()
    entry = entry_tagged(stand, "openai-counted")
    assert (entry["api"], entry["provider"], entry["usage_source"]) == ("openai.input_tokens", "local", "local_exact")
    assert (entry["usage"]["input"], entry["cost_picodollars"]) == (10, 0)
