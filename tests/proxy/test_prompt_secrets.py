"""What becomes of secrets in prompts, by what the provider really got."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, cast

import pytest

from dd0c_route.proxy.client import Client
from dd0c_route.proxy.prompt_secrets import _found
from dd0c_route.redact.prompts import Found
from tests.redact.synthetic import credential
from tests.stand import Answer, Stand, until

KEY = credential("sk-ant-api03-{W93}AA", 11)
MASKED = "[redacted:anthropic]"

PROVIDERS = """
[server]
prompt_secrets = "mask"
[providers.openai]
base_url = "http://127.0.0.1:{provider}/v1"
api_key = {{ env = "SIM_KEY" }}
[providers.anthropic]
base_url = "http://127.0.0.1:{provider}/v1"
api_key = {{ env = "SIM_KEY" }}
[providers.google]
base_url = "http://127.0.0.1:{provider}/v1beta"
api_key = {{ env = "SIM_KEY" }}
[[routes]]
match = {{ model = "gpt-refuse" }}
candidates = ["openai/gpt-refuse"]
prompt_secrets = "refuse"
mode = "off"
[[routes]]
match = {{ model = "gpt-warn" }}
candidates = ["openai/gpt-warn"]
prompt_secrets = "warn"
mode = "on"
[[routes]]
match = {{ model = "gpt-plain" }}
candidates = ["openai/gpt-plain"]
prompt_secrets = "off"
[[routes]]
match = {{ model = "gpt-across" }}
candidates = ["anthropic/claude-haiku-4-5"]
mode = "on"
control_share = 0.0
policy = "pinned"
"""

ANSWERS: dict[str, Any] = {
    "/v1/chat/completions": {
        "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
    },
    "/v1/messages": {
        "id": "m", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "ok"}],
        "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 1},
    },
    "/v1/responses": {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m",
        "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": "ok", "annotations": []}]}],
        "usage": {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10},
    },
    "generateContent": {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "ok"}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1, "totalTokenCount": 10},
    },
}  # fmt: skip


class Provider(BaseHTTPRequestHandler):
    """Keeps what it gets."""

    protocol_version = "HTTP/1.1"
    got: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.got.append(self.rfile.read(int(self.headers["content-length"])))
        answer: dict[str, Any] = next((one for path, one in ANSWERS.items() if path in self.path), {})
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Router(Stand):
    """Before that provider."""

    got: list[bytes]

    def ask(self, path: str, body: Any, headers: dict[str, str] | None = None) -> tuple[Answer, bytes | None]:
        """The answer, and what the provider got."""
        self.got.clear()
        answer = self.post(path, body, headers)
        return answer, self.got[0] if self.got else None

    def log(self) -> str:
        return (self.folder / "router.log").read_text()


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    providers = PROVIDERS.replace("{provider}", str(server.server_port))
    with Router(tmp_path_factory.mktemp("prompts"), providers=providers) as stand:
        stand.got = Provider.got
        yield stand
    server.shutdown()
    server.server_close()


CALLS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "gpt-4o", "messages": [{"role": "user", "content": f"key {KEY}\n é"}]},
    "/v1/messages": {
        "model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": f"key {KEY}"}],
    },
    "/v1/responses": {"model": "gpt-4o", "instructions": f"{KEY}", "input": "x"},
    "/v1beta/models/gemini-2.5-flash:generateContent": {"contents": [{"parts": [{"text": f"a {KEY}"}]}]},
    "/passthrough/openai/v1/chat/completions": {"model": "gpt-4o", "messages": [{"role": "user", "content": KEY}]},
}  # fmt: skip


@pytest.mark.parametrize("path", CALLS)
def test_the_provider_gets_the_same_bytes_with_the_secret_masked(router: Router, path: str) -> None:
    body = json.dumps(CALLS[path], indent=1, ensure_ascii=False).encode()
    answer, got = router.ask(path, body)
    assert answer.status == 200, answer.body
    assert got == body.replace(KEY.encode(), MASKED.encode())
    assert answer.headers["x-dd0c-prompt-secrets"] == "masked; anthropic=1"
    entry = router.entry(answer.id)
    assert entry["prompt_secrets"] == {"anthropic": 1}
    assert entry["prompt_secrets_were"] == "masked"
    assert KEY[:24] not in json.dumps(entry)


def test_a_translated_call_is_masked_too(router: Router) -> None:
    answer, got = router.ask("/v1/chat/completions", {**CALLS["/v1/chat/completions"], "model": "gpt-across"})
    assert answer.status == 200, answer.body
    assert got is not None
    assert json.loads(got)["messages"][0]["content"] in (
        f"key {MASKED}\n é",
        [{"type": "text", "text": f"key {MASKED}\n é"}],
    )


@pytest.mark.parametrize("headers", [{}, {"x-dd0c-route": "off"}])
def test_a_route_refuses_and_names_rule_and_place_only(router: Router, headers: dict[str, str]) -> None:
    answer, got = router.ask("/v1/chat/completions", {**CALLS["/v1/chat/completions"], "model": "gpt-refuse"}, headers)
    assert (answer.status, got) == (400, None)
    error = answer.json()["error"]
    assert error["code"] == "secret_in_prompt"
    assert "1 anthropic" in error["message"]
    assert "messages[0].content" in error["message"]
    assert KEY[:24].encode() not in answer.body
    entry = router.entry(answer.id)
    assert (entry["end_state"], entry["error"]) == ("denied", "secret_in_prompt")
    assert (entry["prompt_secrets"], entry["prompt_secrets_were"]) == ({"anthropic": 1}, "refused")


def test_a_route_warns_in_header_entry_and_log(router: Router) -> None:
    body = {**CALLS["/v1/chat/completions"], "model": "gpt-warn"}
    answer, got = router.ask("/v1/chat/completions", body)
    assert got == json.dumps(body).encode()
    assert answer.headers["x-dd0c-prompt-secrets"] == "warned; anthropic=1"
    assert router.entry(answer.id)["prompt_secrets_were"] == "warned"
    until(lambda: answer.id in router.log(), "the log line")
    assert "routes[1].prompt_secrets" in router.log()
    assert KEY[:24] not in router.log()


def test_a_route_may_switch_it_off(router: Router) -> None:
    body = {**CALLS["/v1/chat/completions"], "model": "gpt-plain"}
    answer, got = router.ask("/v1/chat/completions", body)
    assert got == json.dumps(body).encode()
    assert "x-dd0c-prompt-secrets" not in answer.headers
    assert router.entry(answer.id)["prompt_secrets_were"] is None


def test_a_prompt_without_secrets_is_the_clients_own_bytes(router: Router) -> None:
    body = b'{ "model":"gpt-4o",\n"messages":[{"role":"user","content":"sk-learn \\/ \\u00e9"}] }'
    answer, got = router.ask("/v1/chat/completions", body)
    assert got == body
    assert "x-dd0c-prompt-secrets" not in answer.headers


def test_a_long_prompt_is_searched_beside_the_loop() -> None:
    """While it is, the worker serves others."""
    body = json.dumps({"messages": [{"content": "The router sends each call on.\n" * 20_000 + KEY}]}).encode()

    class Present:
        def present(self) -> contextlib.AbstractContextManager[None]:
            return contextlib.nullcontext()

    async def searched() -> tuple[Found | None, int]:
        search = asyncio.ensure_future(_found(body, cast(Client, Present())))
        turns = 0
        while not search.done():
            await asyncio.sleep(0)
            turns += 1
        return search.result(), turns

    found, turns = asyncio.run(searched())
    print(f"{len(body)} bytes searched, {turns} turns of the loop meanwhile")
    assert found is not None
    assert turns > 10


def test_a_request_with_an_image_of_many_megabytes_is_masked(router: Router) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "QUJD" * 4_000_000}}
    content = [{"type": "text", "text": f"see {KEY}"}, image]
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": content}]}).encode()
    answer, got = router.ask("/v1/chat/completions", body)
    assert answer.headers["x-dd0c-prompt-secrets"] == "masked; anthropic=1"
    assert got == body.replace(KEY.encode(), MASKED.encode())
