"""A call and its answer on their way between dialects, through real processes."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from dd0c_route.wire.sse import SseParser
from tests.stand import CHAT, MESSAGES, PROVIDERS, Answer, Stand, until

TOOL = {"name": "look_up", "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}}
CHAT_TOOLS = [{"type": "function", "function": TOOL}]
MESSAGES_TOOLS = [{"name": "look_up", "input_schema": TOOL["parameters"]}]
ASK_CLAUDE = {**CHAT, "model": "sim-anthropic/claude-haiku-4-5"}
ASK_GPT = {**MESSAGES, "model": "sim/gpt-4o-mini"}
AWAY = """
[providers.away]
dialect = "openai"
base_url = "http://127.0.0.1:1/v1"
"""
ROUTES = """
[[routes]]
match = { model = "both" }
candidates = ["away/first", "sim-anthropic/second"]
policy = "ordered"
mode = "on"
control_share = 0.0
"""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand"), ROUTES, providers=PROVIDERS + AWAY) as running:
        yield running


def events(answer: Answer) -> list[tuple[str, Any]]:
    parser = SseParser()
    found = parser.feed(answer.body) + parser.close()
    return [(one.event.decode(), json.loads(one.data) if one.data != b"[DONE]" else None) for one in found]


# --- a chat client before Anthropic ---------------------------------------------------------------------------------


def test_a_chat_client_reads_an_answer_of_anthropics(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", ASK_CLAUDE, {"x-sim": "text=Good%20morning."})
    body = answer.json()

    assert answer.status == 200, answer.body
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["content"] == "Good morning."
    assert body["choices"][0]["finish_reason"] == "stop"
    assert body["usage"]["completion_tokens"] > 0
    assert answer.headers["x-dd0c-model"] == "claude-haiku-4-5"
    assert "x-request-id" in answer.headers


def test_it_is_billed_by_what_the_provider_reported(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", ASK_CLAUDE, {"x-sim": "chunks=7"})
    entry = stand.entry(answer.id)

    assert entry["provider"] == "sim-anthropic"
    assert entry["usage_source"] == "provider_final"
    assert entry["usage"]["output"] == entry["delivered_output_tokens"] == 7
    assert answer.json()["usage"]["completion_tokens"] == 7


def test_a_stream_comes_as_chunks_and_ends_as_chat_does(stand: Stand) -> None:
    body = {**ASK_CLAUDE, "stream": True, "stream_options": {"include_usage": True}}
    answer = stand.post("/v1/chat/completions", body, {"x-sim": "text=Good%20morning."})
    chunks = [event for _, event in events(answer)]

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert chunks[-1] is None
    assert chunks[-2]["choices"] == []
    assert chunks[-2]["usage"]["completion_tokens"] > 0
    said = [chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks[:-2]]
    assert "".join(said) == "Good morning."
    assert chunks[-3]["choices"][0]["finish_reason"] == "stop"
    assert stand.entry(answer.id)["end_state"] == "complete"


def test_a_stream_without_usage_asked_for_has_none(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", {**ASK_CLAUDE, "stream": True}, {"x-sim": "chunks=3"})

    assert b'"usage"' not in answer.body


@pytest.mark.parametrize("stream", [False, True])
def test_a_tools_call_comes_with_its_arguments_as_json(stand: Stand, stream: bool) -> None:
    answer = stand.post(
        "/v1/chat/completions", {**ASK_CLAUDE, "tools": CHAT_TOOLS, "stream": stream}, {"x-sim": "tool=1"}
    )
    if stream:
        deltas = [event["choices"][0]["delta"] for _, event in events(answer) if event and event["choices"]]
        calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
        name, arguments = calls[0]["function"]["name"], "".join(call["function"]["arguments"] for call in calls)
    else:
        call = answer.json()["choices"][0]["message"]["tool_calls"][0]
        name, arguments = call["function"]["name"], call["function"]["arguments"]

    assert name == "look_up"
    assert "query" in json.loads(arguments)


def test_the_results_of_tools_reach_the_provider_as_its_own_blocks(stand: Stand) -> None:
    call = {"id": "functions.look_up:0", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Look."},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "found"},
    ]
    answer = stand.post(
        "/v1/chat/completions", {**ASK_CLAUDE, "messages": turns, "tools": CHAT_TOOLS}, {"x-sim": "chunks=2"}
    )

    assert answer.status == 200, answer.body


@pytest.mark.parametrize("status", [400, 429, 529])
def test_an_error_of_anthropics_comes_in_the_shape_of_openais(stand: Stand, status: int) -> None:
    answer = stand.post("/v1/chat/completions", ASK_CLAUDE, {"x-sim": f"status={status}"})

    assert answer.status == (503 if status == 529 else status)
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


# --- a Messages client before OpenAI ----------------------------------------------------------------------------------


def test_a_messages_client_reads_an_answer_of_openais(stand: Stand) -> None:
    answer = stand.post("/v1/messages", ASK_GPT, {"x-sim": "text=Good%20morning.", "anthropic-version": "2023-06-01"})
    body = answer.json()

    assert answer.status == 200, answer.body
    assert (body["type"], body["role"]) == ("message", "assistant")
    assert body["content"] == [{"type": "text", "text": "Good morning."}]
    assert body["stop_reason"] == "end_turn"
    assert body["usage"]["output_tokens"] > 0
    assert "request-id" in answer.headers


def test_its_stream_has_the_events_in_the_order_that_sdks_rely_on(stand: Stand) -> None:
    answer = stand.post("/v1/messages", {**ASK_GPT, "stream": True}, {"x-sim": "text=Good%20morning."})
    found = events(answer)
    names = [name for name, _ in found]

    assert names[:2] == ["message_start", "content_block_start"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert all(event["type"] == name for name, event in found)
    assert "".join(event["delta"]["text"] for name, event in found if name == "content_block_delta") == "Good morning."
    assert found[-2][1]["usage"]["output_tokens"] > 0
    assert stand.entry(answer.id)["usage_source"] == "provider_final"


def test_what_the_callers_sdk_says_to_its_own_provider_stays_here(stand: Stand) -> None:
    headers = {"x-sim": "echo=1", "x-api-key": "synthetic-callers-key-0123456789", "anthropic-version": "2023-06-01"}
    seen = json.loads(stand.post("/v1/messages", ASK_GPT, headers).json()["content"][0]["text"])
    sent = {name.lower(): value for name, value in dict(seen["headers"]).items()}

    assert "anthropic-version" not in sent
    assert "synthetic-callers-key-0123456789" not in json.dumps(seen)
    assert sent["authorization"] == "Bearer synthetic-sim-key-0123456789"


@pytest.mark.parametrize("status", [401, 429, 500])
def test_an_error_of_openais_comes_in_the_shape_of_anthropics(stand: Stand, status: int) -> None:
    answer = stand.post("/v1/messages", ASK_GPT, {"x-sim": f"status={status}"})

    assert answer.status == status
    assert answer.json()["type"] == "error"
    assert answer.json()["request_id"] == answer.id


# --- what cannot be told ---------------------------------------------------------------------------------------------


def test_what_the_target_cannot_express_is_refused_by_name(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", {**ASK_CLAUDE, "seed": 7, "n": 2})

    assert answer.status == 400
    assert "`seed`" in answer.json()["error"]["message"]
    assert "`n`" in answer.json()["error"]["message"]
    assert "x-dd0c-drop" in answer.json()["error"]["message"]


@pytest.mark.parametrize("way", ["header", "body"])
def test_it_is_left_out_and_named_where_the_caller_allows_that(stand: Stand, way: str) -> None:
    more, headers = ({}, {"x-dd0c-drop": "on"}) if way == "header" else ({"dd0c": {"drop": True}}, {})
    answer = stand.post("/v1/chat/completions", {**ASK_CLAUDE, "seed": 7, **more}, headers)

    assert answer.status == 200, answer.body
    assert answer.headers["x-dd0c-dropped"] == "seed"
    assert stand.entry(answer.id)["decision"]["dropped"] == ["seed"]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_with_a_content_coding_that_nobody_asked_for_is_read(stand: Stand, coding: str, status: int) -> None:
    sim = f"encoding={coding}; text=Good%20morning." + (f"; status={status}" if status != 200 else "")
    answer = stand.post("/v1/chat/completions", ASK_CLAUDE, {"x-sim": sim})

    assert answer.status == status
    assert "content-encoding" not in answer.headers
    if status == 200:
        assert answer.json()["choices"][0]["message"]["content"] == "Good morning."
        assert stand.entry(answer.id)["usage_source"] == "provider_final"
    else:
        assert answer.json()["error"]["type"] == "invalid_request_error"


def test_so_many_fields_are_named_in_the_header_and_the_rest_counted(stand: Stand) -> None:
    turns = [{"role": "user", "content": "x", f"more {number}, {'x' * 200}": 1} for number in range(2000)]
    answer = stand.post("/v1/chat/completions", {**ASK_CLAUDE, "messages": turns}, {"x-dd0c-drop": "on"})

    assert answer.status == 200, answer.body
    named = answer.headers["x-dd0c-dropped"].split(",")
    assert named[0].startswith("messages[0].more 0? xxx")
    assert named[-1] == "... and 1970 more"
    assert sum(map(len, named)) < 8000


def test_fields_without_effect_on_the_answer_are_not_asked_about(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", {**ASK_CLAUDE, "metadata": {"a": "b"}, "user": "u", "store": False})

    assert answer.status == 200, answer.body
    assert "x-dd0c-dropped" not in answer.headers


# --- endings ---------------------------------------------------------------------------------------------------------


def test_a_stream_that_the_provider_cuts_ends_in_the_callers_error_and_no_clean_end(stand: Stand) -> None:
    with stand.raw() as sock:
        _send(sock, "/v1/messages", {**ASK_GPT, "stream": True}, "x-sim: chunks=20; cut_after=5\r\n")
        data = _all(sock)

    assert b"event: error" in data
    assert b"message_stop" not in data
    assert not data.endswith(b"0\r\n\r\n")


def test_a_client_that_leaves_is_billed_for_what_it_got(stand: Stand) -> None:
    with stand.raw() as sock:
        _send(sock, "/v1/messages", {**ASK_GPT, "stream": True}, "x-sim: chunks=400; chunk_ms=5\r\n")
        data = b""
        while data.count(b"text_delta") < 5:
            data += sock.recv(4096)
    id = data.partition(b"x-dd0c-request-id: ")[2].partition(b"\r\n")[0].decode()
    entry = until(lambda: (found := stand.entry(id))["end_state"] == "client_gone" and found, "the entry")

    assert entry["usage_source"] in ("local_exact", "local_estimated", "provider_partial")
    assert 4 <= entry["delivered_output_tokens"] < 300


def test_a_route_falls_back_into_another_dialect(stand: Stand) -> None:
    answer = stand.post(
        "/v1/chat/completions",
        {**CHAT, "model": "both"},
        {"x-sim": "text=Hello."},
    )

    assert answer.status == 200, answer.body
    assert answer.json()["choices"][0]["message"]["content"] == "Hello."
    assert stand.entry(answer.id)["provider"] == "sim-anthropic"


def test_a_stream_carries_its_cost_in_the_callers_dialect(stand: Stand) -> None:
    body = {**ASK_CLAUDE, "model": "sim-anthropic/claude-haiku-4-5", "stream": True, "dd0c": {"cost": True}}
    body["stream_options"] = {"include_usage": True}
    answer = stand.post("/v1/chat/completions", body, {"x-sim": "chunks=3"})

    assert answer.status == 200
    assert events(answer)[-1] == ("", None)


def _send(sock: socket.socket, path: str, body: Any, more: str) -> None:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: router\r\ncontent-type: application/json\r\n{more}"
    sock.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(content) + content)


def _all(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data
