"""Google's and Amazon's clients before other providers, and others before theirs, through real processes."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dd0c_route.wire.eventstream import EventStreamParser
from dd0c_route.wire.sse import SseParser
from tests.stand import CHAT, MESSAGES, PROVIDERS, Answer, Stand, until

# The access key is made up.
BEDROCK = """
[providers.sim-bedrock]
dialect = "bedrock"
base_url = "http://127.0.0.1:{port}"
aws_region = "us-east-1"
aws_access_key_id = {{ env = "SIM_AWS_ID" }}
aws_secret_access_key = {{ env = "SIM_AWS_SECRET" }}
"""
SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Say something."}]}]}
GOOGLE_TOOLS = [{"functionDeclarations": [{"name": "look_up", "parametersJsonSchema": SCHEMA}]}]
CONVERSE = {"messages": [{"role": "user", "content": [{"text": "Say something."}]}]}
AMAZON_TOOLS = {"tools": [{"toolSpec": {"name": "look_up", "inputSchema": {"json": SCHEMA}}}]}
GENERATE = "/v1beta/models/{}:generateContent"
STREAM = "/v1beta/models/{}:streamGenerateContent?alt=sse"
CLAUDE, GPT = "sim-anthropic/claude-haiku-4-5", "sim/gpt-4o-mini"
ASK_GEMINI = {**CHAT, "model": "sim-gemini/gemini-2.5-flash"}
ASK_NOVA = {**CHAT, "model": "sim-bedrock/amazon.nova-lite-v1:0"}

USAGE = {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10}
_NOVA = "https://bedrock-runtime.example.test/model/amazon.nova-lite-v1%3A0"
_GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash"
_CODE = {"executableCode": {"language": "PYTHON", "code": "plot()"}}
_DRAWN = [{"text": "See:"}, _CODE, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}]
DRAWN = {
    "candidates": [{"content": {"role": "model", "parts": _DRAWN}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10},
    "modelVersion": "gemini-2.5-flash",
}
RECORDED = [
    {
        "id": "whole",
        "url": f"{_NOVA}/converse",
        "request": {},
        "response": {
            "output": {"message": {"role": "assistant", "content": [{"text": "Good morning."}]}},
            "stopReason": "end_turn",
            "usage": USAGE,
            "metrics": {"latencyMs": 5},
        },
    },
    {
        "id": "streamed",
        "url": f"{_NOVA}/converse-stream",
        "request": {},
        "response_events": [
            {"event": "messageStart", "data": {"role": "assistant"}},
            {"event": "contentBlockDelta", "data": {"contentBlockIndex": 0, "delta": {"text": "Good "}}},
            {"event": "contentBlockDelta", "data": {"contentBlockIndex": 0, "delta": {"text": "morning."}}},
            {"event": "contentBlockStop", "data": {"contentBlockIndex": 0}},
            {"event": "messageStop", "data": {"stopReason": "end_turn"}},
            {"event": "metadata", "data": {"usage": USAGE, "metrics": {"latencyMs": 5}}},
        ],
    },
    {"id": "drawn", "url": f"{_GEMINI}:generateContent", "request": {}, "response": DRAWN},
    {
        "id": "drawing",
        "url": f"{_GEMINI}:streamGenerateContent?alt=sse",
        "request": {},
        "response_events": [{"event": None, "data": DRAWN}],
    },
]  # written by hand, in the shape of the API's reference


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    recordings = tmp_path_factory.mktemp("recordings")
    with gzip.open(recordings / "converse.jsonl.gz", "wt") as lines:
        lines.writelines(json.dumps(record) + "\n" for record in RECORDED)
    folder: Path = tmp_path_factory.mktemp("stand")
    keys = {"SIM_AWS_ID": "AKIASYNTHETIC0EXAMPLE", "SIM_AWS_SECRET": "synthetic-secret-0123456789-abcdef"}
    with Stand(folder, providers=PROVIDERS + BEDROCK, recordings=recordings, environ=keys) as running:
        yield running


def generate(stand: Stand, model: str, sim: str, path: str = GENERATE, **fields: Any) -> Answer:
    return stand.post(path.format(model), {**CONTENTS, **fields}, {"x-sim": sim})


def converse(stand: Stand, model: str, sim: str, end: str = "converse", **fields: Any) -> Answer:
    return stand.post(f"/model/{model.replace('/', '%2F')}/{end}", {**CONVERSE, **fields}, {"x-sim": sim})


def chunks(answer: Answer) -> list[Any]:
    parser = SseParser()
    return [json.loads(event.data) for event in parser.feed(answer.body) + parser.close()]


def frames(data: bytes) -> list[tuple[str, Any]]:
    return [(frame.name.decode(), json.loads(frame.payload)) for frame in EventStreamParser(checks=True).feed(data)]


# --- a client of Google's ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [CLAUDE, GPT])
def test_googles_client_reads_a_whole_answer_of_anybodys(stand: Stand, model: str) -> None:
    answer = generate(stand, model, "text=Good%20morning.")
    body = answer.json()
    entry = stand.entry(answer.id)

    assert answer.status == 200, answer.body
    assert body["candidates"][0]["content"] == {"parts": [{"text": "Good morning."}], "role": "model"}
    assert body["candidates"][0]["finishReason"] == "STOP"
    assert body["modelVersion"] == entry["served_model"] == model.partition("/")[2]
    assert entry["usage_source"] == "provider_final"
    assert body["usageMetadata"]["candidatesTokenCount"] == entry["usage"]["output"] > 0


@pytest.mark.parametrize("model", [CLAUDE, GPT])
def test_its_stream_has_chunks_and_no_comment(stand: Stand, model: str) -> None:
    answer = generate(stand, model, "text=Good%20morning.", STREAM)
    found = chunks(answer)

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert all(line.startswith(b"data: ") or not line for line in answer.body.split(b"\r\n"))
    texts = [part["text"] for one in found for part in one["candidates"][0]["content"]["parts"]]
    assert "".join(texts) == "Good morning."
    assert [one["candidates"][0].get("finishReason") for one in found][-2:] == [None, "STOP"]
    assert found[-1]["usageMetadata"]["totalTokenCount"] > 0
    assert stand.entry(answer.id)["end_state"] == "complete"


def test_without_alt_sse_its_stream_is_one_json_array(stand: Stand) -> None:
    answer = generate(stand, CLAUDE, "text=Good%20morning.", STREAM.partition("?")[0])
    texts = [part["text"] for one in answer.json() for part in one["candidates"][0]["content"]["parts"]]

    assert answer.headers["content-type"] == "application/json"
    assert "".join(texts) == "Good morning."


@pytest.mark.parametrize("path", [GENERATE, STREAM])
@pytest.mark.parametrize("model", [CLAUDE, GPT])
def test_its_tools_are_called_whole_and_their_results_come_back(stand: Stand, model: str, path: str) -> None:
    answer = generate(stand, model, "tool=1", path, tools=GOOGLE_TOOLS)
    whole = chunks(answer) if path == STREAM else [answer.json()]
    parts = [part for one in whole for part in one["candidates"][0]["content"]["parts"]]
    call = next(part["functionCall"] for part in parts if "functionCall" in part)
    result = {"id": call["id"], "name": "look_up", "response": {"output": "found"}}
    turns = [
        *CONTENTS["contents"],
        {"role": "model", "parts": [{"functionCall": call}]},
        {"role": "user", "parts": [{"functionResponse": result}]},
    ]
    again = generate(stand, model, "text=Done.", tools=GOOGLE_TOOLS, contents=turns)

    assert (call["name"], set(call["args"])) == ("look_up", {"query"})
    assert again.json()["candidates"][0]["content"]["parts"] == [{"text": "Done."}]


@pytest.mark.parametrize(
    ("status", "seen", "word"),
    [(400, 400, "INVALID_ARGUMENT"), (429, 429, "RESOURCE_EXHAUSTED"), (529, 503, "UNAVAILABLE")],
)
def test_an_error_comes_in_googles_shape(stand: Stand, status: int, seen: int, word: str) -> None:
    answer = generate(stand, CLAUDE, f"status={status}")

    assert answer.status == seen
    assert answer.json()["error"]["code"] == seen
    assert answer.json()["error"]["status"] == word


def test_googles_own_tools_are_refused_by_name_elsewhere(stand: Stand) -> None:
    answer = generate(stand, CLAUDE, "chunks=1", tools=[{"googleSearch": {}}])

    assert answer.status == 400
    assert "`tools: googleSearch`" in answer.json()["error"]["message"]


# --- others before Google ---------------------------------------------------------------------------------------------


def test_a_chat_client_reads_an_answer_of_geminis(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", ASK_GEMINI, {"x-sim": "text=Good%20morning."})
    entry = stand.entry(answer.id)

    assert answer.status == 200, answer.body
    assert answer.json()["choices"][0]["message"]["content"] == "Good morning."
    assert (entry["provider"], entry["usage_source"]) == ("sim-gemini", "provider_final")
    assert answer.json()["usage"]["completion_tokens"] == entry["usage"]["output"] > 0


def test_a_messages_client_reads_a_stream_of_geminis(stand: Stand) -> None:
    body = {**MESSAGES, "model": "sim-gemini/gemini-2.5-flash", "stream": True}
    answer = stand.post("/v1/messages", body, {"x-sim": "text=Good%20morning."})

    assert answer.body.count(b"event: content_block_delta") >= 2
    assert answer.body.endswith(b'event: message_stop\ndata: {"type":"message_stop"}\n\n')
    assert stand.entry(answer.id)["end_state"] == "complete"


@pytest.mark.parametrize("stream", [False, True])
def test_geminis_calls_get_an_id_that_the_results_come_back_with(stand: Stand, stream: bool) -> None:
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": SCHEMA}}]
    answer = stand.post("/v1/chat/completions", {**ASK_GEMINI, "tools": tools, "stream": stream}, {"x-sim": "tool=1"})
    if stream:
        data = [line[6:] for line in answer.body.split(b"\n\n") if line.startswith(b"data: {")]
        deltas = [json.loads(line)["choices"][0]["delta"] for line in data]
        calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
        id, arguments = calls[0]["id"], "".join(call["function"].get("arguments", "") for call in calls)
    else:
        call = answer.json()["choices"][0]["message"]["tool_calls"][0]
        id, arguments = call["id"], call["function"]["arguments"]
    said = {"id": id, "type": "function", "function": {"name": "look_up", "arguments": arguments}}
    turns = [
        *CHAT["messages"],
        {"role": "assistant", "tool_calls": [said]},
        {"role": "tool", "tool_call_id": id, "content": "1"},
    ]
    again = stand.post("/v1/chat/completions", {**ASK_GEMINI, "tools": tools, "messages": turns}, {"x-sim": "text=Ok."})

    assert id.startswith("call_")
    assert set(json.loads(arguments)) == {"query"}
    assert again.json()["choices"][0]["message"]["content"] == "Ok."


def test_an_error_of_geminis_comes_in_the_callers_shape(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", ASK_GEMINI, {"x-sim": "status=429"})

    assert answer.status == 429
    assert answer.json()["error"]["type"] == "rate_limit_error"


# --- a client of Amazon's ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [CLAUDE, GPT, "sim-gemini/gemini-2.5-flash"])
def test_amazons_client_reads_a_whole_answer_of_anybodys(stand: Stand, model: str) -> None:
    answer = converse(stand, model, "text=Good%20morning.")
    body = answer.json()
    entry = stand.entry(answer.id)

    assert answer.status == 200, answer.body
    assert body["output"]["message"] == {"role": "assistant", "content": [{"text": "Good morning."}]}
    assert body["stopReason"] == "end_turn"
    assert body["usage"]["outputTokens"] == entry["usage"]["output"] > 0
    assert (entry["dialect"], entry["usage_source"]) == ("bedrock", "provider_final")


@pytest.mark.parametrize("model", [CLAUDE, GPT, "sim-gemini/gemini-2.5-flash"])
def test_its_stream_is_made_of_frames(stand: Stand, model: str) -> None:
    answer = converse(stand, model, "text=Good%20morning.", "converse-stream")
    found = frames(answer.body)
    names = [name for name, _ in found]

    assert answer.headers["content-type"] == "application/vnd.amazon.eventstream"
    assert (names[0], names[-3:]) == ("messageStart", ["contentBlockStop", "messageStop", "metadata"])
    said = [event["delta"]["text"] for name, event in found if name == "contentBlockDelta"]
    assert "".join(said) == "Good morning."
    assert found[-1][1]["usage"]["totalTokens"] > 0
    assert stand.entry(answer.id)["end_state"] == "complete"


@pytest.mark.parametrize("end", ["converse", "converse-stream"])
@pytest.mark.parametrize("model", [CLAUDE, GPT])
def test_its_tools_are_called_and_their_results_come_back(stand: Stand, model: str, end: str) -> None:
    answer = converse(stand, model, "tool=1", end, toolConfig=AMAZON_TOOLS)
    if end == "converse":
        call = answer.json()["output"]["message"]["content"][0]["toolUse"]
    else:
        found = frames(answer.body)
        call = next(event["start"]["toolUse"] for name, event in found if name == "contentBlockStart")
        pieces = [event["delta"]["toolUse"]["input"] for name, event in found if name == "contentBlockDelta"]
        call["input"] = json.loads("".join(pieces))
    result = {"toolUseId": call["toolUseId"], "content": [{"text": "found"}], "status": "success"}
    turns = [
        *CONVERSE["messages"],
        {"role": "assistant", "content": [{"toolUse": call}]},
        {"role": "user", "content": [{"toolResult": result}]},
    ]
    again = converse(stand, model, "text=Done.", toolConfig=AMAZON_TOOLS, messages=turns)

    assert (call["name"], set(call["input"])) == ("look_up", {"query"})
    assert again.json()["output"]["message"]["content"] == [{"text": "Done."}]


@pytest.mark.parametrize(
    ("status", "seen", "word"),
    [
        (400, 400, "ValidationException"),
        (401, 403, "UnrecognizedClientException"),
        (429, 429, "ThrottlingException"),
        (529, 503, "ServiceUnavailableException"),
    ],
)
def test_an_error_comes_in_amazons_shape(stand: Stand, status: int, seen: int, word: str) -> None:
    answer = converse(stand, CLAUDE, f"status={status}")

    assert (answer.status, answer.json()["__type"]) == (seen, word)
    assert answer.json()["message"]


def test_a_stream_that_the_provider_cuts_ends_in_an_exception(stand: Stand) -> None:
    path = f"/model/{CLAUDE.replace('/', '%2F')}/converse-stream"
    with stand.raw() as sock:
        _send(sock, path, CONVERSE, "x-sim: chunks=20; cut_after=5\r\n")
        data = _all(sock)
    body = b"".join(_chunks(data.partition(b"\r\n\r\n")[2]))
    names = [frame.name for frame in EventStreamParser(checks=True).feed(body)]

    assert (names[0], names[-1]) == (b"messageStart", b"internalServerException")
    assert b"messageStop" not in names
    assert not data.endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("path", "body", "mark"),
    [
        (f"/model/{CLAUDE.replace('/', '%2F')}/converse-stream", CONVERSE, b"contentBlockDelta"),
        (STREAM.format(CLAUDE), CONTENTS, b'"candidates"'),
    ],
)
def test_a_client_that_leaves_is_billed_for_what_it_got(stand: Stand, path: str, body: Any, mark: bytes) -> None:
    with stand.raw() as sock:
        _send(sock, path, body, "x-sim: chunks=400; chunk_ms=5\r\n")
        data = b""
        while data.count(mark) < 5:
            data += sock.recv(4096)
    id = data.partition(b"x-dd0c-request-id: ")[2].partition(b"\r\n")[0].decode()
    entry = until(lambda: (found := stand.entry(id))["end_state"] == "client_gone" and found, "the entry")

    assert 3 <= entry["delivered_output_tokens"] < 300


# --- others before Amazon ---------------------------------------------------------------------------------------------


def test_a_chat_client_reads_an_answer_of_bedrocks(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", ASK_NOVA, {"x-sim": "id=whole"})
    body = answer.json()
    entry = stand.entry(answer.id)

    assert answer.status == 200, answer.body
    assert body["choices"][0]["message"]["content"] == "Good morning."
    assert (body["model"], body["id"]) == ("amazon.nova-lite-v1:0", answer.id)
    assert (entry["usage_source"], entry["usage"]["input"], entry["usage"]["output"]) == ("provider_final", 7, 3)


def test_a_chat_client_reads_a_stream_of_bedrocks(stand: Stand) -> None:
    body = {**ASK_NOVA, "stream": True, "stream_options": {"include_usage": True}}
    answer = stand.post("/v1/chat/completions", body, {"x-sim": "id=streamed"})
    data = [json.loads(line[6:]) for line in answer.body.split(b"\n\n") if line.startswith(b"data: {")]

    assert answer.headers["content-type"].startswith("text/event-stream")
    said = [one["choices"][0]["delta"].get("content") or "" for one in data[:-1]]
    assert "".join(said) == "Good morning."
    assert data[-1]["usage"]["total_tokens"] == 10
    assert stand.entry(answer.id)["end_state"] == "complete"


def _send(sock: socket.socket, path: str, body: Any, more: str) -> None:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: router\r\ncontent-type: application/json\r\n{more}"
    sock.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(content) + content)


def _all(sock: socket.socket) -> bytes:
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


def _chunks(data: bytes) -> Iterator[bytes]:
    """The chunks of a body that may be cut."""
    while data:
        size, _, data = data.partition(b"\r\n")
        yield data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]


# --- what of an answer cannot be told ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [{}, {"logprobs": True}])
def test_images_and_code_of_googles_are_named_in_the_entry_and_the_header(stand: Stand, seed: dict[str, Any]) -> None:
    answer = stand.post("/v1/chat/completions", {**ASK_GEMINI, **seed}, {"x-sim": "id=drawn", "x-dd0c-drop": "on"})
    named = ["answer: executableCode", "answer: image", *seed]

    assert answer.json()["choices"][0]["message"]["content"] == "See:"
    assert answer.headers["x-dd0c-dropped"] == ",".join(named)
    assert stand.entry(answer.id)["decision"]["dropped"] == named


def test_in_a_stream_they_are_named_in_the_entry(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", {**ASK_GEMINI, "stream": True}, {"x-sim": "id=drawing"})

    assert b"See:" in answer.body
    assert stand.entry(answer.id)["decision"]["dropped"] == ["answer: executableCode", "answer: image"]


def test_an_answer_that_can_be_told_drops_nothing(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", ASK_GEMINI, {"x-sim": "text=Hi"})

    assert "x-dd0c-dropped" not in answer.headers
    assert "dropped" not in stand.entry(answer.id)["decision"]
