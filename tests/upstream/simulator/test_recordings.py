from __future__ import annotations

import gzip
import http.client
import json
import os
import struct
import zlib
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dd0c_route.upstream.simulator import ScriptError
from dd0c_route.upstream.simulator.recordings import Library

from .conftest import CHAT, Running, chat, read_all, request

SSE_TEXT = 'data: {"n":  1}\n\ndata: {"text":"Grüße"}\r\n\r\ndata: [DONE]\n\n'


def recording(number: int, url: str, body: Any, **response: Any) -> dict[str, Any]:
    return {"id": f"r{number}", "url": f"https://api.example{url}", "model": "m", "request": body, **response}


CONVERSE = "/model/us.some-model-v1%3A0/converse-stream"
RECORDINGS = [
    recording(1, CHAT, chat(), response={"n": 1.50}),
    recording(2, CHAT, chat(), response={"n": 2}),
    recording(3, CHAT, chat(True), response_sse=SSE_TEXT),
    recording(4, CHAT, chat(True, seed=1), response_events=[{"event": None, "data": {"a": 1}}]),
    recording(5, CONVERSE, {"messages": []}, response_events=[{"event": "messageStop", "data": {"stop": 1}}]),
    recording(6, "/model/m/invoke", {"p": 1}, response_events=[{"event": "chunk", "data": {"x": 1}}]),
    recording(7, "/api/chat", {"p": 2}, response_events=[{"event": None, "data": {"y": 1}}, {"data": {"y": 2}}]),
    recording(8, "/v1/models/g:streamGenerateContent", {"p": 3}, response_events=[{"data": {"z": i}} for i in (1, 2)]),
    recording(9, "/v1/messages", {"p": 4}, response={"type": "error", "error": {"type": "overloaded_error"}}),
    recording(10, CHAT, {"p": 5}, response={"error": {"code": 429, "message": "slow"}}),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings")
    lines = "".join(json.dumps(line) + "\n" for line in RECORDINGS)
    (path / "some.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (path / "other.jsonl.gz").write_bytes(gzip.compress(b'{"a": 1}\n'))
    return path


@pytest.fixture(scope="module")
def replay(launch: Callable[..., Running], folder: Path) -> Running:
    return launch(recordings=folder)


def test_repeats_come_in_recorded_order_and_wrap_around(replay: Running) -> None:
    replay.ask("/sim/reset")
    replies = [replay.ask(CHAT, chat()) for _ in range(3)]
    assert [r.body for r in replies] == [b'{"n":1.5}', b'{"n":2}', b'{"n":1.5}']
    assert [r.headers["x-sim-recording"] for r in replies] == ["r1", "r2", "r1"]


def test_an_id_picks_a_recording_whatever_is_asked(replay: Running) -> None:
    assert replay.ask(CHAT, {"any": "body"}, "id=r2").body == b'{"n":2}'
    assert replay.ask(CHAT, chat(), "id=none").status == 404


def test_the_order_of_keys_the_white_space_and_stream_options_do_not_matter(replay: Running) -> None:
    asked = dict(reversed(chat(True, stream_options={"include_usage": True}).items()))
    reply = replay.ask("/openai/deployments/d/chat/completions?api-version=1", json.dumps(asked, indent=3).encode())
    assert reply.headers["x-sim-recording"] == "r3"
    assert reply.body == SSE_TEXT.encode(), "byte for byte, odd spaces and line ends included"


def test_chunks_become_server_sent_events(replay: Running) -> None:
    assert replay.ask(CHAT, chat(True, seed=1)).body == b'data: {"a":1}\n\ndata: [DONE]\n\n'


def test_lines_stay_lines(replay: Running) -> None:
    reply = replay.ask("/api/chat", {"p": 2})
    assert reply.headers["content-type"] == "application/x-ndjson"
    assert reply.body == b'{"y":1}\n{"y":2}\n'


def test_gemini_chunks_are_events_or_an_array(replay: Running) -> None:
    path = "/v1beta/models/g:streamGenerateContent"
    assert replay.ask(f"{path}?alt=sse", {"p": 3}).body == b'data: {"z":1}\n\ndata: {"z":2}\n\n'
    assert replay.ask(path, {"p": 3}).json() == [{"z": 1}, {"z": 2}]


def test_event_streams_are_framed_with_valid_checksums(replay: Running) -> None:
    reply = replay.ask("/model/us.some-model-v1:0/converse-stream", {"messages": []})
    assert reply.headers["content-type"] == "application/vnd.amazon.eventstream"
    assert list(frames(reply.body)) == [
        ({":event-type": "messageStop", ":content-type": "application/json", ":message-type": "event"}, b'{"stop":1}')
    ]
    ((headers, payload),) = frames(replay.ask("/model/m/invoke", {"p": 1}).body)
    assert headers[":event-type"] == "chunk"
    assert b64decode(json.loads(payload)["bytes"]) == b'{"x":1}'


def test_a_recorded_error_has_an_error_s_status(replay: Running) -> None:
    assert replay.ask("/v1/messages", {"p": 4}).status == 400
    assert replay.ask(CHAT, {"p": 5}).status == 429


@pytest.mark.parametrize("body", [b"", b"{", b'"\\ud800"', b"[" * 100_000])
def test_what_is_not_json_was_never_recorded(replay: Running, body: bytes) -> None:
    assert replay.ask(CHAT, body).status == 404


def test_an_unknown_request_is_refused_with_path_and_key_unless_it_is_scripted(replay: Running) -> None:
    reply = replay.ask(CHAT, {"never": "seen"})
    assert reply.status == 404
    assert "openai.chat" in reply.json()["error"]["message"]
    assert "key " in reply.json()["error"]["message"]
    assert replay.ask("/v1/messages", chat()).status == 404, "another call with the same body"
    assert replay.ask(CHAT, chat(), "text=own").json()["choices"][0]["message"]["content"] == "own"
    assert replay.ask(CHAT, chat(), "status=500").status == 500
    assert replay.ask(CHAT, {"never": "seen"}, "ttft_ms=1").json()["object"] == "chat.completion"


def test_faults_apply_to_recordings(replay: Running) -> None:
    sock = replay.connect()
    sock.sendall(request(chat(True), "cut_after=1; write_bytes=3"))
    wire, _ = read_all(sock)
    assert b"Gr" not in wire
    assert wire.partition(b"\r\n\r\n")[2].count(b"3\r\n") == 5
    assert b'"error"' in replay.ask(CHAT, chat(True), "error_after=1").body


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="no recordings"):
        Library(tmp_path)
    (tmp_path / "torn.jsonl.gz").write_bytes(gzip.compress(b"{\n"))
    with pytest.raises(ScriptError, match="line 1"):
        Library(tmp_path)


def test_every_recording_of_the_corpus_comes_back_as_it_was(launch: Callable[..., Running]) -> None:
    corpus = os.environ.get("DD0C_CORPUS")
    if not corpus:
        pytest.skip("set DD0C_CORPUS to a folder with recordings/ to replay them")
    folder = Path(corpus) / "recordings"
    sim = launch(recordings=folder)
    connection = http.client.HTTPConnection("127.0.0.1", sim.port, timeout=30)
    seen: Counter[str] = Counter()
    for line in corpus_lines(folder):
        path = "/" + urlsplit(line["url"]).path.lstrip("/")
        connection.request("POST", path + "?alt=sse", json.dumps(line["request"]).encode(), {"accept": "*/*"})
        reply = connection.getresponse()
        body = reply.read()
        assert (reply.status, reply.headers["x-sim-recording"]) == (200, line["id"])
        check(line, body)
        seen[line["api"]] += 1
    connection.close()
    assert sum(seen.values()) == sum(1 for _ in corpus_lines(folder)) > 0


def corpus_lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from (line for line in map(json.loads, lines) if "request" in line)


def check(line: dict[str, Any], body: bytes) -> None:
    """What came is what the recording holds, decoded by code of our own."""
    if "response" in line:
        assert json.loads(body) == line["response"], line["id"]
    elif "response_sse" in line:
        assert body == line["response_sse"].encode(), line["id"]
    else:
        events = line["response_events"]
        datas = [event["data"] for event in events]
        if line["api"] == "bedrock.invoke":
            got = [json.loads(b64decode(json.loads(payload)["bytes"])) for _, payload in frames(body)]
        elif line["api"] == "bedrock.converse":
            assert [headers[":event-type"] for headers, _ in frames(body)] == [event["event"] for event in events]
            got = [json.loads(payload) for _, payload in frames(body)]
        elif line["api"] == "ollama":
            got = [json.loads(part) for part in body.splitlines()]
        else:
            got = [json.loads(part[6:]) for part in body.decode().split("\n\n") if part not in ("", "data: [DONE]")]
        assert got == datas, line["id"]


def frames(body: bytes) -> Iterator[tuple[dict[str, str], bytes]]:
    """Headers and payload of each AWS event stream message; both checksums are verified."""
    while body:
        size, headers_size, prelude_crc = struct.unpack(">III", body[:12])
        message, body = body[:size], body[size:]
        assert zlib.crc32(message[:8]) == prelude_crc
        assert zlib.crc32(message[:-4]) == struct.unpack(">I", message[-4:])[0]
        headers, rest = {}, message[12 : 12 + headers_size]
        while rest:
            name_size = rest[0]
            name, rest = rest[1 : 1 + name_size].decode(), rest[1 + name_size :]
            kind, value_size = struct.unpack(">BH", rest[:3])
            assert kind == 7
            headers[name], rest = rest[3 : 3 + value_size].decode(), rest[3 + value_size :]
        yield headers, message[12 + headers_size : -4]
