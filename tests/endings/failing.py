"""Calls to simulated providers that fail as they are told to, and what is said of them afterwards."""

from __future__ import annotations

import http.client
import json
from typing import Any

from tests.endings.caller import Caller, post
from tests.stand import DEADLINE_S, Answer, Stand

PROVIDERS = """
[providers.sim]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
price_as = "openai"
timeouts = { connect_s = 0.4, first_byte_s = 0.6, silence_s = 0.6, total_s = 2.0 }

[providers.sim-anthropic]
dialect = "anthropic"
base_url = "http://127.0.0.1:{port}/v1"
timeouts = { connect_s = 0.4, first_byte_s = 0.6, silence_s = 0.6, total_s = 2.0 }

[providers.sim-gemini]
dialect = "gemini"
base_url = "http://127.0.0.1:{port}/v1beta"
timeouts = { connect_s = 0.4, first_byte_s = 0.6, silence_s = 0.6, total_s = 2.0 }

[providers.other]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
price_as = "openai"

[providers.documented]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
retry_unsafe = [500]

[providers.refused]
dialect = "openai"
base_url = "http://127.0.0.1:1/v1"

[providers.nameless]
dialect = "openai"
base_url = "http://nothing.invalid/v1"
timeouts = { connect_s = 0.4, first_byte_s = 0.6, silence_s = 0.6, total_s = 2.0 }

[providers.deaf]
dialect = "openai"
base_url = "http://127.0.0.1:DEAF/v1"
timeouts = { connect_s = 0.4, first_byte_s = 0.6, silence_s = 0.6, total_s = 2.0 }

[[routes]]
match = { model = "second-after-refused" }
candidates = ["refused/gpt-4o-mini", "other/gpt-4o-mini"]
policy = "ordered"
mode = "on"
control_share = 0.0

[[routes]]
match = { model = "second-after-status" }
candidates = ["sim/gpt-4o-mini", "other/gpt-4o-mini"]
policy = "ordered"
mode = "on"
control_share = 0.0

[retries]
budget_share = 1.0
retry_after_cap_s = 1.5
"""

PATHS = {
    "openai": "/v1/chat/completions",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    "passthrough": "/passthrough/sim/chat/completions",
}


def request(scene: str, dialect: str = "openai", *, stream: bool = False, model: str = "") -> bytes:
    """A call that asks for the usage itself, so that no chunk need be hidden."""
    headers = {"x-sim": scene, "authorization": "Bearer synthetic-caller"}
    messages = [{"role": "user", "content": "Hello"}]
    if dialect == "gemini":
        contents = [{"role": "user", "parts": [{"text": "Hello"}]}]
        path = PATHS["gemini"] if stream else PATHS["gemini"].replace("streamGenerate", "generate")
        return post(path, {"contents": contents}, headers)
    usual = "claude-haiku-4-5" if dialect == "anthropic" else "gpt-4o-mini"
    body: dict[str, Any] = {"model": model or usual, "messages": messages, "stream": stream, "max_tokens": 10_000}
    if stream and dialect != "anthropic":
        body["stream_options"] = {"include_usage": True}
    return post(PATHS[dialect], body, headers)


def call(stand: Stand, scene: str, dialect: str = "openai", *, stream: bool = False, model: str = "") -> Caller:
    with Caller(stand.port) as caller:
        caller.send(request(scene, dialect, stream=stream, model=model))
        caller.read_answer()
        return caller


def direct(stand: Stand, scene: str, dialect: str = "openai", *, stream: bool = False) -> Answer:
    """The same call at the provider itself."""
    head, _, body = request(scene, dialect, stream=stream).partition(b"\r\n\r\n")
    path = head.split(b" ")[1].decode()
    connection = http.client.HTTPConnection("127.0.0.1", stand.sim_port, timeout=DEADLINE_S)
    path = path.removeprefix("/passthrough/sim")
    connection.request("POST", path if path.startswith("/v1") else f"/v1{path}", body, {"x-sim": scene})
    response = connection.getresponse()
    answer = Answer(response.status, response.getheaders(), response.read())
    connection.close()
    return answer


def tries(entry: dict[str, Any]) -> list[tuple[int | None, str | None]]:
    return [(attempt["status"], attempt["error"]) for attempt in entry["attempts"]]


def ending(entry: dict[str, Any]) -> tuple[str, str | None]:
    return entry["end_state"], entry["error"]


def message_of(caller: Caller, dialect: str) -> dict[str, Any]:
    """The router's own error, in the shape of *dialect*."""
    error: dict[str, Any] = json.loads(caller.body)["error"]
    shape = {"anthropic": {"type", "message"}, "gemini": {"code", "message", "status"}}
    assert set(error) == shape.get(dialect, {"message", "type", "param", "code"})
    return error
