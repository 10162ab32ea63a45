"""The kinds of calls in which exceptions are raised, and what a whole answer of each looks like."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from tests.endings.caller import Caller, post

PROVIDERS = """
[providers.sim]
dialect = "openai"
base_url = "http://127.0.0.1:WIRE/v1"
price_as = "openai"
timeouts = { connect_s = 1.0, first_byte_s = 1.0, silence_s = 1.0, total_s = 4.0 }
idle_s = 2.0

[providers.keyed]
dialect = "openai"
base_url = "http://127.0.0.1:WIRE/v1"
price_as = "openai"
api_key = {{ env = "SIM_KEY" }}
timeouts = { connect_s = 1.0, first_byte_s = 1.0, silence_s = 1.0, total_s = 4.0 }
idle_s = 2.0

[providers.fresh]
dialect = "openai"
base_url = "http://127.0.0.1:WIRE/v1"
price_as = "openai"
timeouts = { connect_s = 1.0, first_byte_s = 1.0, silence_s = 1.0, total_s = 4.0 }
idle_s = 0.001

[providers.sim-anthropic]
dialect = "anthropic"
base_url = "http://127.0.0.1:WIRE/v1"
price_as = "anthropic"
timeouts = { connect_s = 1.0, first_byte_s = 1.0, silence_s = 1.0, total_s = 4.0 }
idle_s = 2.0

[providers.sim-gemini]
dialect = "gemini"
base_url = "http://127.0.0.1:WIRE/v1beta"
timeouts = { connect_s = 1.0, first_byte_s = 1.0, silence_s = 1.0, total_s = 4.0 }
idle_s = 2.0

[[routes]]
match = { model = "routed" }
candidates = ["keyed/gpt-4o-mini", "keyed/gpt-4o"]
floor = 0.01
mode = "on"
control_share = 0.0

[[routes]]
match = { model = "ordered" }
candidates = ["keyed/gpt-4o-mini", "sim/gpt-4o"]
policy = "ordered"
mode = "on"
control_share = 0.0

[[routes]]
match = { model = "across" }
candidates = ["sim-anthropic/claude-haiku-4-5", "keyed/gpt-4o"]
policy = "ordered"
mode = "on"
control_share = 0.0

[retries]
budget_share = 1.0
retry_after_cap_s = 1.5
"""

CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
GEMINI = "/v1beta/models/gemini-2.5-flash:{}"
_PROMPT = [{"role": "user", "content": "Say something about the sea."}]
_VARIES = re.compile(rb"[A-Za-z0-9_-]{16,}|\d+(\.\d+)?")


class Kind(Struct, frozen=True):
    """One kind of call.

    Attributes:
        metered: It leaves an entry when a provider got it.
        leaves: The client hangs up when this holds for what it has read; it reads to the end where None.
        otherwise: Of the `shape` of its answer, what may stand otherwise, and how: a fault of ours in the first try
            leaves the provider's one refusal to the second, and then the first target answers, not the second.
    """

    path: str
    body: Any
    scene: str = ""
    headers: dict[str, str] = {}
    metered: bool = True
    leaves: Callable[[bytearray], bool] | None = None
    method: str = "POST"
    otherwise: tuple[bytes, bytes] = (b"", b"")

    def request(self, key: str) -> bytes:
        """The bytes of the call by a client whose credential is *key*."""
        name, _, prefix = self._credential().partition(" ")
        headers = {"x-sim": self.scene, name: f"{prefix}{key}", **self.headers}
        if self.method != "POST":
            lines = [f"{self.method} {self.path} HTTP/1.1", "host: router"]
            lines += [f"{one}: {value}" for one, value in headers.items()]
            return "\r\n".join([*lines, "", ""]).encode()
        if isinstance(self.body, bytes):
            return (
                post(self.path, {}, headers).replace(b"content-length: 2", b"content-length: %d" % len(self.body))[:-2]
                + self.body
            )
        return post(self.path, self.body, headers)

    def _credential(self) -> str:
        if self.path.startswith(MESSAGES):
            return "x-api-key "
        return "x-goog-api-key " if self.path.startswith("/v1beta") else "authorization Bearer "


def _chat(model: str = "sim/gpt-4o-mini", *, stream: bool = False, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": _PROMPT, "stream": stream, **more}


def _messages(model: str = "sim-anthropic/claude-haiku-4-5", *, stream: bool = False) -> dict[str, Any]:
    return {"model": model, "messages": _PROMPT, "max_tokens": 1000, "stream": stream}


_GEMINI = {"contents": [{"role": "user", "parts": [{"text": "Say something."}]}]}
_RESPONSE = {"model": "sim/gpt-4o-mini", "input": "Say something."}
_SHORT, _SLOW, _LONG = "chunks=5", "chunks=5; chunk_ms=1", "chunks=400; chunk_ms=2"
_SOME = lambda raw: len(raw) > 900  # noqa: E731
_NONE = lambda raw: True  # noqa: E731

KINDS: dict[str, Kind] = {
    "chat": Kind(CHAT, _chat(), _SHORT),
    "chat, streamed": Kind(CHAT, _chat(stream=True), _SLOW),
    "chat, cost asked for": Kind(CHAT, _chat(stream=True, dd0c={"cost": True}), _SLOW),
    "messages": Kind(MESSAGES, _messages(), _SHORT),
    "messages, streamed": Kind(MESSAGES, _messages(stream=True), _SLOW),
    "gemini": Kind(GEMINI.format("generateContent"), _GEMINI, _SHORT),
    "gemini, streamed": Kind(GEMINI.format("streamGenerateContent?alt=sse"), _GEMINI, _SLOW),
    "responses": Kind(RESPONSES, _RESPONSE, _SHORT),
    "responses, streamed": Kind(RESPONSES, {**_RESPONSE, "stream": True}, _SLOW),
    "chat to messages": Kind(CHAT, _chat("sim-anthropic/claude-haiku-4-5"), _SHORT),
    "chat to messages, streamed": Kind(CHAT, _chat("sim-anthropic/claude-haiku-4-5", stream=True), _SLOW),
    "chat to gemini, streamed": Kind(CHAT, _chat("sim-gemini/gemini-2.5-flash", stream=True), _SLOW),
    "messages to chat": Kind(MESSAGES, _messages("sim/gpt-4o-mini"), _SHORT),
    "messages to chat, streamed": Kind(MESSAGES, _messages("sim/gpt-4o-mini", stream=True), _SLOW),
    "responses to messages, streamed": Kind(
        RESPONSES, {"model": "sim-anthropic/claude-haiku-4-5", "input": "Say something.", "stream": True}, _SLOW
    ),
    "routed": Kind(CHAT, _chat("routed"), _SHORT),
    "routed, streamed": Kind(CHAT, _chat("routed", stream=True), _SLOW),
    "routed across": Kind(CHAT, _chat("across"), _SHORT),
    "embeddings": Kind("/v1/embeddings", {"model": "sim/text-embedding-3-small", "input": "the sea"}),
    "passed through": Kind("/passthrough/sim/chat/completions", _chat("gpt-4o-mini"), _SHORT),
    "gzip": Kind(CHAT, _chat(), "chunks=5; encoding=gzip"),
    "slow": Kind(CHAT, _chat(), "chunks=40; write_bytes=40; chunk_ms=25"),
    "counted": Kind(MESSAGES + "/count_tokens", {"model": "sim/gpt-4o-mini", "messages": _PROMPT}),
    "models": Kind("/v1/models", None, method="GET", metered=False),
    "retried": Kind(CHAT, _chat(stream=True), "status=503; fail_first=1; key=KEY"),
    "second target": Kind(
        CHAT,
        _chat("ordered"),
        "status=503; fail_first=1; key=KEY",
        otherwise=(b'"model":"gpt-#o"', b'"model":"gpt-#o-mini"'),
    ),
    "refused twice": Kind(CHAT, _chat(), "status=429"),
    "provider's error": Kind(CHAT, _chat(), "status=400"),
    "provider's error, translated": Kind(MESSAGES, _messages("sim/gpt-4o-mini"), "status=400"),
    "cut": Kind(CHAT, _chat(stream=True), "chunks=9; chunk_ms=1; cut_after=3"),
    "cut, translated": Kind(MESSAGES, _messages("sim/gpt-4o-mini", stream=True), "chunks=9; chunk_ms=1; cut_after=3"),
    "no answer": Kind(CHAT, _chat(), "cut_head=0"),
    "no HTTP": Kind(CHAT, _chat(), "junk"),
    "error event": Kind(CHAT, _chat(stream=True), "chunks=9; chunk_ms=1; error_after=3"),
    "new connection": Kind(CHAT, _chat("fresh/gpt-4o-mini"), _SHORT),
    "stale connection": Kind(CHAT, _chat(), "chunks=5; stale=1"),
    "no JSON": Kind(CHAT, b'{"model": "sim/gpt-4o-mini", "messages": ['),
    "no model": Kind(CHAT, _chat("nowhere/nothing")),
    "no address": Kind("/v1/nothing", {}, metered=False),
    "no HTTP of the client": Kind("/v1/\x01", {}, metered=False),
    "left in mid-stream": Kind(CHAT, _chat(stream=True), _LONG, leaves=_SOME),
    "left a translated stream": Kind(MESSAGES, _messages("sim/gpt-4o-mini", stream=True), _LONG, leaves=_SOME),
    "left at once": Kind(CHAT, _chat(), "ttft_ms=60000", leaves=_NONE),
    "alive": Kind("/healthz", None, method="GET", metered=False),
    "the ledger": Kind("/api/v1/requests?limit=2", None, method="GET", metered=False),
    "the metrics": Kind("/metrics", None, method="GET", metered=False),
}


def shape(caller: Caller) -> tuple[int, bool, bytes]:
    """What is the same each time of an answer: its status, whether it came whole, its body without what varies."""
    return caller.status, caller.whole, _VARIES.sub(b"#", caller.body)


def parsed(line: bytes) -> Any:
    return json.loads(line)
