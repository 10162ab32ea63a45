"""Every refusal has the shape that its caller's SDK reads, on every path, before and after the body."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stand import Stand

KEYS = '[server]\naccess_keys = ["synthetic-access-key-0123456789"]\n'
KEY = {"x-dd0c-key": "synthetic-access-key-0123456789"}
CONVERSE = "/passthrough/sim/model/a.b/converse"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("refused"), KEYS) as running:
        yield running


def family(answer: Any) -> str:
    """Whose shape an error has."""
    body = answer.json()
    if "__type" in body:
        return "bedrock"
    if body.get("type") == "error":
        return "anthropic"
    return "gemini" if "status" in body["error"] else "openai"


PATHS = [
    ("POST", "/v1/chat/completions", {}, "openai"),
    ("POST", "/v1/responses", {}, "openai"),
    ("POST", "/v1/messages", {}, "anthropic"),
    ("POST", "/v1/messages?beta=true", {}, "anthropic"),
    ("POST", "/v1beta/models/m:generateContent", {}, "gemini"),
    ("POST", "/v1/models/m:streamGenerateContent", {}, "gemini"),
    ("GET", "/v1/models", {}, "openai"),
    ("GET", "/v1/models", {"anthropic-version": "2026-10-21"}, "anthropic"),
    ("GET", "/v1beta/models", {}, "gemini"),
    ("POST", CONVERSE, {}, "bedrock"),
]
NOWHERE = [
    ("POST", "/v1/nowhere", {}, "openai"),
    ("POST", "/v1/messages/nowhere", {}, "anthropic"),
    ("GET", "/v1/nowhere", {"anthropic-version": "2023-06-01"}, "anthropic"),
    ("POST", "/v1beta/models/m:nowhere", {}, "gemini"),
    ("POST", "/model/a.b/nowhere", {}, "bedrock"),
]


@pytest.mark.parametrize(("method", "path", "headers", "whose"), PATHS)
def test_a_wrong_key_is_refused_in_the_callers_dialect(
    stand: Stand, method: str, path: str, headers: dict[str, str], whose: str
) -> None:
    answer = stand.request(method, path, b"{}" if method == "POST" else b"", headers)
    assert (answer.status, family(answer)) == (401, whose)
    assert answer.headers["x-should-retry"] == "false"
    shown = {"anthropic": "request-id", "bedrock": "x-amzn-requestid"}.get(whose, "x-request-id")
    assert answer.headers[shown] == answer.headers["x-dd0c-request-id"]


@pytest.mark.parametrize(("method", "path", "headers", "whose"), NOWHERE)
def test_a_path_that_is_no_address_is_answered_in_the_callers_dialect(
    stand: Stand, method: str, path: str, headers: dict[str, str], whose: str
) -> None:
    answer = stand.request(method, path, b"{}" if method == "POST" else b"", {**headers, **KEY})
    assert (answer.status, family(answer)) == (404, whose)


@pytest.mark.parametrize(("method", "path", "headers", "whose"), PATHS[:6])
def test_a_body_that_cannot_be_read_is_refused_in_the_callers_dialect(
    stand: Stand, method: str, path: str, headers: dict[str, str], whose: str
) -> None:
    answer = stand.request(method, path, b"no json", {**headers, **KEY})
    assert (answer.status, family(answer)) == (400, whose)


def test_who_wishes_for_a_websocket_is_sent_to_plain_http_at_once(stand: Stand) -> None:
    head = (
        "GET /v1/responses HTTP/1.1\r\nhost: router\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        "sec-websocket-version: 13\r\nsec-websocket-key: c3ludGhldGlj\r\n"
        "openai-beta: responses_websockets=2026-02-06\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", stand.port), timeout=20) as connection:
        connection.sendall(head.encode())
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 426 ")
    assert b"\r\nupgrade: HTTP/1.1\r\n" in answer
    assert b'"code":"websocket_not_spoken"' in answer


@pytest.mark.parametrize("path", ["/", "/api/hello"])
def test_claude_codes_probes_are_answered_without_a_key(stand: Stand, path: str) -> None:
    answer = stand.request("HEAD", path)
    assert (answer.status, answer.body) == (200, b"")
