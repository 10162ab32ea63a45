"""Shapes of the answers, read by code that shares nothing with what wrote them."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any
from urllib.parse import quote

import pytest

from .conftest import CHAT, Running, chat

MESSAGES = "/v1/messages"
GEMINI = "/v1beta/models/gemini-x"


def gemini(**fields: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "one two three"}]}]} | fields


def test_a_chat_answer_reports_the_tokens_of_its_own_text(sim: Running) -> None:
    reply = sim.ask(CHAT, chat())
    body = reply.json()
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert body["object"] == "chat.completion"
    assert body["model"] == "gpt-x"
    message = body["choices"][0]["message"]
    assert body["usage"]["completion_tokens"] == len(message["content"].split()) == 16
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + 16
    assert body["choices"][0]["finish_reason"] == "stop"


def test_equal_prompts_get_equal_answers_and_others_get_others(sim: Running) -> None:
    first, again = sim.ask(CHAT, chat()), sim.ask(CHAT, chat())
    other = sim.ask(CHAT, chat(messages=[{"role": "user", "content": "something else"}]))
    assert first.body == again.body
    assert first.json()["choices"][0]["message"] != other.json()["choices"][0]["message"]


def test_a_chat_stream_says_the_same_as_the_whole_answer(sim: Running) -> None:
    reply = sim.ask(CHAT, chat(stream=True))
    assert reply.headers["content-type"].startswith("text/event-stream")
    *chunks, (_, done) = reply.events()
    assert done == "[DONE]"
    deltas = [chunk["choices"][0]["delta"] for _, chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    text = "".join(delta.get("content") or "" for delta in deltas)
    assert text == sim.ask(CHAT, chat()).json()["choices"][0]["message"]["content"]
    assert [chunk["choices"][0]["finish_reason"] for _, chunk in chunks][-2:] == [None, "stop"]
    assert all("usage" not in chunk for _, chunk in chunks)


@pytest.mark.parametrize("path", [CHAT, "/v1/completions"])
def test_a_stream_ends_with_usage_where_that_was_asked(sim: Running, path: str) -> None:
    asked = chat(stream=True, prompt="one two three", stream_options={"include_usage": True})
    *chunks, (_, usage), (_, done) = sim.ask(path, asked, "chunks=5").events()
    assert done == "[DONE]"
    assert usage["choices"] == []
    assert usage["usage"]["completion_tokens"] == 5
    assert {"usage": None}.items() <= chunks[0][1].items()
    assert all(chunk["usage"] is None for _, chunk in chunks)


def test_max_tokens_ends_an_answer_early(sim: Running) -> None:
    openai = sim.ask(CHAT, chat(max_completion_tokens=3)).json()
    assert openai["choices"][0]["finish_reason"] == "length"
    assert openai["usage"]["completion_tokens"] == 3
    anthropic = sim.ask(MESSAGES, chat(max_tokens=3)).json()
    assert (anthropic["stop_reason"], anthropic["usage"]["output_tokens"]) == ("max_tokens", 3)
    google = sim.ask(f"{GEMINI}:generateContent", gemini(generationConfig={"maxOutputTokens": 3})).json()
    assert google["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert google["usageMetadata"]["candidatesTokenCount"] == 3
    responses = sim.ask("/v1/responses", {"model": "m", "input": "x", "max_output_tokens": 3}).json()
    assert (responses["status"], responses["usage"]["output_tokens"]) == ("incomplete", 3)


def test_a_message_has_blocks_and_usage(sim: Running) -> None:
    body = sim.ask(MESSAGES, chat(max_tokens=100)).json()
    assert (body["type"], body["role"], body["stop_reason"]) == ("message", "assistant", "end_turn")
    assert body["usage"]["output_tokens"] == len(body["content"][0]["text"].split())
    assert body["usage"]["input_tokens"] == sim.ask(f"{MESSAGES}/count_tokens", chat()).json()["input_tokens"]


def test_a_message_stream_has_named_events_in_order(sim: Running) -> None:
    events = sim.ask(MESSAGES, chat(stream=True, max_tokens=100), "chunks=2; reasoning=1").events()
    assert [name for name, _ in events] == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert all(data["type"] == name for name, data in events)
    assert events[0][1]["message"]["usage"]["output_tokens"] == 1, "a placeholder, as the provider sends it"
    assert events[-2][1]["usage"]["output_tokens"] == 3
    assert [data["index"] for name, data in events if name == "content_block_start"] == [0, 1]


def test_a_gemini_answer_counts_its_candidates(sim: Running) -> None:
    body = sim.ask(f"{GEMINI}:generateContent", gemini()).json()
    text = body["candidates"][0]["content"]["parts"][0]["text"]
    assert body["usageMetadata"]["candidatesTokenCount"] == len(text.split())
    assert body["modelVersion"] == "gemini-x"
    counted = sim.ask(f"{GEMINI}:countTokens", gemini()).json()
    assert counted["totalTokens"] == body["usageMetadata"]["promptTokenCount"]


def test_a_gemini_stream_is_events_or_an_array_with_growing_usage(sim: Running) -> None:
    path = f"{GEMINI}:streamGenerateContent"
    events = [data for _, data in sim.ask(f"{path}?alt=sse", gemini(), "chunks=3; reasoning=2").events()]
    array = sim.ask(path, gemini(), "chunks=3; reasoning=2")
    assert array.headers["content-type"] == "application/json"
    assert array.json() == events
    assert [e["usageMetadata"]["candidatesTokenCount"] for e in events] == [0, 0, 1, 2, 3]
    assert events[-1]["usageMetadata"]["thoughtsTokenCount"] == 2
    assert [e["candidates"][0].get("finishReason") for e in events] == [None] * 4 + ["STOP"]


def test_a_responses_stream_is_numbered_and_ends_completed(sim: Running) -> None:
    asked = {"model": "m", "input": "one two", "stream": True}
    events = sim.ask("/v1/responses", asked, "chunks=2").events()
    assert [name for name, _ in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [data["sequence_number"] for _, data in events] == list(range(10))
    final = events[-1][1]["response"]
    assert final["usage"]["output_tokens"] == 2
    whole = sim.ask("/v1/responses", asked | {"stream": False}, "chunks=2").json()
    assert whole["output"] == final["output"]


def test_a_legacy_completion_streams_its_text(sim: Running) -> None:
    asked = {"model": "m", "prompt": "one two", "stream": True}
    *chunks, (_, done) = sim.ask("/v1/completions", asked).events()
    whole = sim.ask("/v1/completions", asked | {"stream": False}).json()
    assert done == "[DONE]"
    assert "".join(c["choices"][0]["text"] for _, c in chunks) == whole["choices"][0]["text"]
    assert whole["object"] == "text_completion"


def test_embeddings_are_numbers_or_base64_of_the_same(sim: Running) -> None:
    asked = {"model": "m", "input": ["a", "b c"], "dimensions": 5}
    numbers = sim.ask("/v1/embeddings", asked).json()
    packed = sim.ask("/v1/embeddings", asked | {"encoding_format": "base64"}).json()
    assert [len(row["embedding"]) for row in numbers["data"]] == [5, 5]
    for row, bytes_row in zip(numbers["data"], packed["data"], strict=True):
        assert struct.unpack("<5f", base64.b64decode(bytes_row["embedding"])) == tuple(row["embedding"])
    one = sim.ask("/v1/embeddings", {"model": "m", "input": [1, 2, 3]}).json()
    assert len(one["data"]) == 1, "a list of token numbers is one text"


def test_the_list_of_models_has_the_shape_of_the_caller(sim: Running) -> None:
    openai = sim.ask("/v1/models", method="GET").json()
    assert openai["object"] == "list"
    anthropic = sim.ask("/v1/models", method="GET", headers={"anthropic-version": "2023-06-01"}).json()
    assert anthropic["data"][0]["type"] == "model"
    google = sim.ask("/v1beta/models", method="GET").json()
    assert google["models"][0]["name"].startswith("models/")


@pytest.mark.parametrize("path", ["/chat/completions", CHAT, "/openai/v1/chat/completions", "/a/b/chat/completions"])
def test_any_prefix_before_the_path_is_accepted(sim: Running, path: str) -> None:
    assert sim.ask(path, chat()).json()["object"] == "chat.completion"


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_call_comes_where_the_scene_asks(sim: Running, stream: bool) -> None:
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]
    reply = sim.ask(CHAT, chat(stream, tools=tools), "tool=1; chunks=3")
    if stream:
        deltas = [c["choices"][0]["delta"] for _, c in reply.events()[:-1]]
        calls = [call for delta in deltas for call in delta.get("tool_calls", [])]
        arguments = "".join(call["function"]["arguments"] for call in calls)
        assert calls[0]["function"]["name"] == "look_up"
        assert reply.events()[-2][1]["choices"][0]["finish_reason"] == "tool_calls"
    else:
        message = reply.json()["choices"][0]["message"]
        arguments = message["tool_calls"][0]["function"]["arguments"]
        assert message["content"] is None
        assert reply.json()["usage"]["completion_tokens"] == 5
    assert arguments.startswith('{"query": "')
    assert arguments.endswith('"}')


def test_tools_of_the_other_dialects_are_called_too(sim: Running) -> None:
    named = [{"name": "look_up", "input_schema": {}}]
    block = sim.ask(MESSAGES, chat(tools=named), "tool=1").json()["content"][0]
    assert (block["type"], block["name"]) == ("tool_use", "look_up")
    streamed = sim.ask(MESSAGES, chat(True, tools=named), "tool=1").events()
    parts = [data["delta"]["partial_json"] for name, data in streamed if name == "content_block_delta"]
    assert f'"{block["input"]["query"]}"' in "".join(parts)
    declared = [{"functionDeclarations": [{"name": "look_up"}]}]
    google = sim.ask(f"{GEMINI}:generateContent", gemini(tools=declared), "tool=1").json()
    assert google["candidates"][0]["content"]["parts"][0]["functionCall"]["name"] == "look_up"
    asked = {"model": "m", "input": "x", "tools": [{"type": "function", "name": "look_up"}], "stream": True}
    events = sim.ask("/v1/responses", asked, "tool=1").events()
    assert events[-1][1]["response"]["output"][0]["name"] == "look_up"


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (CHAT, ("error", "message")),
        (MESSAGES, ("error", "message")),
        (f"{GEMINI}:generateContent", ("error", "status")),
    ],
)
def test_errors_have_the_shape_of_the_dialect(sim: Running, path: str, place: tuple[str, str]) -> None:
    reply = sim.ask(path, chat(), "status=429; retry_after=7")
    assert (reply.status, reply.headers["retry-after"]) == (429, "7")
    assert isinstance(reply.json()[place[0]][place[1]], str)
    assert (reply.json().get("type") == "error") == (path == MESSAGES)


def test_bedrocks_errors_have_its_shape(sim: Running) -> None:
    reply = sim.ask("/model/m/converse", {"messages": []}, "status=429")
    assert (reply.status, reply.json()["__type"]) == (429, "ThrottlingException")
    assert reply.json()["message"]


@pytest.mark.parametrize(("path", "name"), [(CHAT, "x-request-id"), (MESSAGES, "request-id")])
@pytest.mark.parametrize("scene", ["", "status=500"])
def test_the_request_id_stands_in_the_header_of_the_dialect(sim: Running, path: str, name: str, scene: str) -> None:
    headers = sim.ask(path, chat(), scene).headers
    assert headers[name] == f"req_sim_{headers['x-sim-call']}"


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"a":\xff}', b'{"a":' + b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(sim: Running, body: bytes) -> None:
    assert sim.ask(CHAT, body).status == 400


def test_a_call_that_nobody_knows_is_not_found(sim: Running) -> None:
    reply = sim.ask("/v1/audio/speech", {"model": "m"})
    assert reply.status == 404
    assert "/v1/audio/speech" in reply.json()["error"]["message"]


def called(name: str) -> str:
    return "call=" + quote(json.dumps({"name": name, "arguments": {"command": "echo hi there"}}))


def test_a_call_that_the_scene_names_comes_once_and_only_where_its_tool_is_offered(sim: Running) -> None:
    tools = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("first", "shell")]
    (call,) = sim.ask(CHAT, chat(tools=tools), called("shell")).json()["choices"][0]["message"]["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == (
        "shell",
        {"command": "echo hi there"},
    )
    result = [{"role": "tool", "tool_call_id": call["id"], "content": "hi there"}]
    for asked in (chat(tools=tools, messages=result), chat(tools=tools[:1]), chat()):
        message = sim.ask(CHAT, asked, called("shell")).json()["choices"][0]["message"]
        assert message["content"]
        assert "tool_calls" not in message


def test_a_call_that_the_scene_names_is_an_object_where_the_dialect_wants_one(sim: Running) -> None:
    named = [{"name": "first", "input_schema": {}}, {"name": "shell", "input_schema": {}}]
    block = sim.ask(MESSAGES, chat(tools=named), called("shell")).json()["content"][0]
    assert (block["name"], block["input"]) == ("shell", {"command": "echo hi there"})
    declared = [{"functionDeclarations": [{"name": "first"}, {"name": "shell"}]}]
    google = sim.ask(f"{GEMINI}:generateContent", gemini(tools=declared), called("shell")).json()
    part = google["candidates"][0]["content"]["parts"][0]
    assert part["functionCall"] == {"name": "shell", "args": {"command": "echo hi there"}}
