"""What goes wrong between dialects: errors, cuts and hang-ups in each phase, second tries, in the caller's words."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.endings.caller import Caller, body_of
from tests.proxy.told import events
from tests.stand import CHAT, MESSAGES, PROVIDERS, Answer, Stand, until

MORE = """
[providers.away]
dialect = "{dialect}"
base_url = "http://127.0.0.1:1/v1"

[providers.full]
dialect = "{dialect}"
base_url = "http://127.0.0.1:{full}/v1"

[[routes]]
match = {{ model = "away-then-foreign" }}
candidates = ["away/first", "{foreign}/second"]
policy = "ordered"
mode = "on"
control_share = 0.0

[[routes]]
match = {{ model = "full-then-foreign" }}
candidates = ["full/first", "{foreign}/second"]
policy = "ordered"
mode = "on"
control_share = 0.0

[[routes]]
match = {{ model = "foreign-then-own" }}
candidates = ["{foreign}/first", "{own}/second"]
policy = "ordered"
mode = "on"
control_share = 0.0
"""
STATUSES = (400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 504, 529)
CHUNKS = 12
TEXT = "text=" + "%20".join(f"word{number}" for number in range(CHUNKS))


class Way(NamedTuple):
    """A client of one dialect before a provider of another."""

    name: str
    path: str
    body: dict[str, Any]
    own: str  # the provider of the client's own dialect
    foreign: str
    own_529: int

    def asking(self, **more: Any) -> dict[str, Any]:
        return {**self.body, **more}


WAYS = (
    Way("chat", "/v1/chat/completions", {**CHAT, "model": "sim-anthropic/m"}, "sim", "sim-anthropic", 503),
    Way("messages", "/v1/messages", {**MESSAGES, "model": "sim/m"}, "sim-anthropic", "sim", 529),
)


HALF_CHAT = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"Half a"}}]}\n\n'
HALF_MESSAGES = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","role":"assistant","content":[],'
    b'"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,'
    b'"content_block":{"type":"text","text":"Half a"}}\n\n'
)


class _Half(BaseHTTPRequestHandler):
    """A provider that ends its stream properly and its answer not at all."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = HALF_MESSAGES if self.path.endswith("/messages") else HALF_CHAT
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


class _Telltale(BaseHTTPRequestHandler):
    """A provider that says which key it got."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        key = self.headers["x-api-key"] or self.headers["authorization"]
        body = json.dumps({"error": {"type": "authentication_error", "message": f"Wrong key: {key}"}}).encode()
        self.send_response(401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


class _Full(BaseHTTPRequestHandler):
    """A provider that has no room."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = b'{"error":{"message":"no room","type":"server_error"}}'
        self.send_response(503)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextlib.contextmanager
def provider_that(answers: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: way.name)
def placed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Way, Stand]]:
    way: Way = request.param
    dialect = "openai" if way.own == "sim" else "anthropic"
    with provider_that(_Full) as port:
        more = MORE.format(dialect=dialect, full=port, own=way.own, foreign=way.foreign)
        with Stand(tmp_path_factory.mktemp("stand"), more, providers=PROVIDERS) as stand:
            yield way, stand


def error_of(way: Way, body: Any) -> dict[str, Any]:
    """The error object, which has to look as clients of the dialect know it."""
    if way.name == "messages":
        assert body["type"] == "error"
        assert isinstance(body["error"]["type"], str)
    else:
        assert set(body["error"]) == {"message", "type", "param", "code"}
    found: dict[str, Any] = body["error"]
    assert found["message"]
    return found


def text_of(body: bytes) -> str:
    """What a client has read of a stream, in either dialect."""
    return "".join(
        (event.get("delta") or (event.get("choices") or [{}])[0].get("delta") or {}).get(name) or ""
        for event in events(body)
        for name in ("text", "content")
    )


def pieces_in(body: bytes) -> int:
    """The simulator's pieces of text are one token each, and each is an event of its own."""
    return sum(bool(text_of(b"data: " + json.dumps(event).encode() + b"\n\n")) for event in events(body))


def stream_head(way: Way, sim: str) -> bytes:
    body = json.dumps(way.asking(stream=True), separators=(",", ":")).encode()  # the simulator counts blanks
    head = f"POST {way.path} HTTP/1.1\r\nhost: router\r\ncontent-type: application/json\r\nx-sim: {sim}\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body


def id_in(raw: bytes) -> str:
    found = re.search(rb"x-dd0c-request-id: (\S+)", raw)
    assert found, raw[:300]
    return found[1].decode()


def twin(way: Way, stand: Stand, sim: str) -> str:
    """The id of the same call to the same provider in the provider's own words: its account is what is right."""
    own = next(other for other in WAYS if other.name != way.name)
    body = {**own.body, "model": f"{way.foreign}/m", "stream": True}
    with Caller(stand.port) as caller:
        caller.send(stream_head(own._replace(body=body), sim))
        caller.read_answer()
        return id_in(bytes(caller.raw))


def accounted(entry: dict[str, Any]) -> dict[str, Any]:
    names = ("usage", "usage_source", "end_state", "error", "status")
    tokens = ("delivered_output_tokens", "received_output_tokens", "billable_output_tokens", "error_band")
    return {name: entry[name] for name in names + tokens}


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", STATUSES)
def test_a_providers_error_keeps_its_class_in_the_callers_shape(
    placed: tuple[Way, Stand], status: int, stream: bool
) -> None:
    way, stand = placed
    answer = stand.post(way.path, way.asking(stream=stream), {"x-sim": f"status={status}; retry_after=7"})
    entry = stand.entry(answer.id)

    assert answer.status == (way.own_529 if status == 529 else status)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["retry-after"] == "7"
    error_of(way, answer.json())
    assert (entry["end_state"], entry["error"]) == ("upstream_failed", f"status_{status}")
    assert entry["attempts"][-1]["status"] == status
    assert entry["usage"]["output"] == entry["cost_billable_picodollars"] or not entry["cost_billable_picodollars"]


@pytest.mark.parametrize("after", [1, 5, CHUNKS])
def test_an_error_in_a_stream_comes_as_the_callers_own_and_nothing_after_it(
    placed: tuple[Way, Stand], after: int
) -> None:
    way, stand = placed
    answer = stand.post(way.path, way.asking(stream=True), {"x-sim": f"{TEXT}; error_after={after}"})
    *before, last = events(answer.body)
    entry = stand.entry(answer.id)

    error_of(way, last)
    assert not any("error" in event for event in before)
    assert b"[DONE]" not in answer.body
    assert b"message_stop" not in answer.body
    assert entry["end_state"] == "upstream_failed"
    assert accounted(entry) == accounted(stand.entry(twin(way, stand, f"{TEXT}; error_after={after}")))


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("after", [0, 1, 4, CHUNKS])
def test_a_stream_that_breaks_never_ends_cleanly(placed: tuple[Way, Stand], after: int, how: str) -> None:
    way, stand = placed
    sim = f"{TEXT}; cut_after={after}; cut_how={how}"
    with Caller(stand.port) as caller:
        caller.send(stream_head(way, sim))
        caller.read_answer()
        raw = bytes(caller.raw)
    entry = stand.entry(id_in(raw))
    body = body_of(raw)[0]

    assert b"[DONE]" not in body
    assert b"message_stop" not in body
    found = events(body) or [json.loads(body)]  # cut before its first piece, it is an answer with an error
    error_of(way, found[-1])
    assert (entry["end_state"], entry["error"]) == ("upstream_failed", "upstream_cut")
    assert accounted(entry) == accounted(stand.entry(twin(way, stand, sim)))


@pytest.mark.parametrize("size", [1, 3, 40])
def test_a_stream_in_shreds_is_the_same_one(placed: tuple[Way, Stand], size: int) -> None:
    way, stand = placed
    text = "Gr%C3%BC%C3%9Fe%20%F0%9F%98%80%20an%20alle"
    sims = (f"text={text}; tool=1", f"text={text}; tool=1; write_bytes={size}")
    one, other = [stand.post(way.path, way.asking(stream=True), {"x-sim": sim}) for sim in sims]

    assert text_of(one.body) == text_of(other.body)
    assert stand.entry(one.id)["usage"] == stand.entry(other.id)["usage"]


# --- hang-ups ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("seen", [0, 1, 5])
def test_a_client_that_leaves_is_billed_for_the_text_that_it_got(
    placed: tuple[Way, Stand], seen: int, how: Any
) -> None:
    way, stand = placed
    before = len(stand.entries(0))
    with Caller(stand.port) as caller:
        caller.send(stream_head(way, "chunks=2000; chunk_ms=5"))
        caller.read_until(lambda raw: b"\r\n\r\n" in raw and pieces_in(body_of(bytes(raw))[0]) >= seen)
        caller.leave(how)
        raw = bytes(caller.raw)
    entry = until(lambda: (found := stand.entry(id_in(raw)))["end_state"] == "client_gone" and found, "the entry")
    got = pieces_in(body_of(raw)[0])

    assert got <= entry["delivered_output_tokens"] <= entry["received_output_tokens"] < 1500
    assert entry["delivered_output_tokens"] <= got + 40  # what was on its way when it left
    assert entry["usage"]["output"] == entry["delivered_output_tokens"]
    assert len(stand.entries(before + 1)) == before + 1


def test_a_client_that_leaves_before_the_first_byte_gets_and_pays_nothing_of_the_answer(
    placed: tuple[Way, Stand],
) -> None:
    way, stand = placed
    before = len(stand.entries(0))
    with Caller(stand.port) as caller:
        caller.send(stream_head(way, "ttft_ms=20000; chunks=5"))
        until(lambda: stand.gauge("dd0c_open_calls") == 1, "the call")
        caller.leave("fin")
    until(lambda: stand.gauge("dd0c_open_calls") == 0, "its end")
    entry = stand.entries(before + 1)[0]

    assert (entry["end_state"], entry["delivered_output_tokens"], entry["usage"]["output"]) == ("client_gone", 0, 0)
    assert entry["usage"]["input"] > 0


def test_the_prompt_is_counted_as_the_provider_got_it(placed: tuple[Way, Stand]) -> None:
    """Where no usage was reported our own count stands in, and it has to be of the request that was sent."""
    way, stand = placed
    own = next(other for other in WAYS if other.name != way.name)
    counts = []
    for asked in (way, own._replace(body={**own.body, "model": f"{way.foreign}/m"})):
        answer = stand.post(asked.path, asked.body, {"x-sim": "chunks=3; usage=none"})
        counts.append(stand.entry(answer.id)["usage"]["input"])

    assert counts[0] == counts[1]


# --- second tries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["away-then-foreign", "full-then-foreign"])
def test_a_plan_goes_on_into_another_dialect(placed: tuple[Way, Stand], model: str, stream: bool) -> None:
    way, stand = placed
    answer = stand.post(way.path, way.asking(model=model, stream=stream), {"x-sim": "text=Hello%20there."})
    entry = stand.entry(answer.id)

    assert answer.status == 200, answer.body
    assert whole_text(way, answer, stream=stream) == "Hello there."
    assert (entry["provider"], entry["end_state"]) == (way.foreign, "complete")
    assert len(entry["attempts"]) == 2
    assert entry["usage_source"] == "provider_final"


@pytest.mark.parametrize("stream", [False, True])
def test_a_plan_goes_on_from_another_dialect_into_the_callers_own(placed: tuple[Way, Stand], stream: bool) -> None:
    way, stand = placed
    key = f"{way.name}-{stream}"
    answer = stand.post(
        way.path,
        way.asking(model="foreign-then-own", stream=stream),
        {"x-sim": f"text=Hello%20there.; fail_first=1; key={key}"},
    )
    entry = stand.entry(answer.id)

    assert answer.status == 200, answer.body
    assert whole_text(way, answer, stream=stream) == "Hello there."
    assert entry["provider"] == way.own
    assert [attempt["status"] for attempt in entry["attempts"]] == [503, 200]


def whole_text(way: Way, answer: Answer, *, stream: bool) -> str:
    if stream:
        return text_of(answer.body)
    body = answer.json()
    return str(body["content"][0]["text"] if way.name == "messages" else body["choices"][0]["message"]["content"])


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_half_an_answer_does_not_end_like_a_whole_one(way: Way, tmp_path: Path) -> None:
    dialect = "anthropic" if way.name == "chat" else "openai"
    with provider_that(_Half) as port:
        half = f'[providers.half]\ndialect = "{dialect}"\nbase_url = "http://127.0.0.1:{port}/v1"\n'
        with Stand(tmp_path, half + 'api_key = {{ env = "SIM_KEY" }}\n') as stand, Caller(stand.port) as caller:
            caller.send(stream_head(way._replace(body={**way.body, "model": "half/m", "stream": True}), ""))
            caller.read_answer()
            told, _ = body_of(bytes(caller.raw))
            entry = stand.entry(id_in(bytes(caller.raw)))

    assert text_of(told) == "Half a"
    assert "ended its answer before it was complete" in error_of(way, events(told)[-1])["message"]
    assert (entry["end_state"], entry["error"]) == ("upstream_failed", "upstream_cut")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_an_error_that_repeats_our_key_does_not_tell_it_to_the_caller(way: Way, tmp_path: Path) -> None:
    dialect = "anthropic" if way.name == "chat" else "openai"
    with provider_that(_Telltale) as port:
        one = f'[providers.one]\ndialect = "{dialect}"\nbase_url = "http://127.0.0.1:{port}/v1"\n'
        with Stand(tmp_path, one + 'api_key = {{ env = "SIM_KEY" }}\n') as stand:
            answer = stand.post(way.path, {**way.body, "model": "one/m"})

    assert answer.status == 401
    assert error_of(way, answer.json())["message"].startswith("Wrong key: ")
    assert b"synthetic-sim-key" not in answer.body
