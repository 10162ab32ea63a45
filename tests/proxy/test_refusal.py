"""Answers that are not an answer."""

from __future__ import annotations

import json

import pytest

from dd0c_route import errors
from dd0c_route.errors import RouteError
from dd0c_route.proxy.refusal import Refusal, refuse
from dd0c_route.types import Target
from tests.proxy.doubles import Transport, client_on
from tests.upstream.scripted import Peer, answers, on_uvloop, send, serving, whole

TARGET = Target("acme", "m-1")


def refused(error: RouteError, api: str = "openai.chat") -> tuple[str, dict[str, str], bytes]:
    transport = Transport()
    refuse(error, client_on(transport), api, "dd_synthetic")
    head, _, body = transport.data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return first, dict(line.split(": ", 1) for line in lines), body


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (errors.BadRequest("x"), "400 Bad Request", "false"),
        (errors.BadKey("x"), "401 Unauthorized", "false"),
        (errors.SlowRequest("x"), "408 Request Timeout", "true"),
        (errors.UpstreamCut("x"), "502 Bad Gateway", "false"),
        (errors.Overloaded("x"), "503 Service Unavailable", "true"),
        (errors.UpstreamTimeout("x"), "504 Gateway Timeout", "false"),
    ],
)
def test_a_client_is_told_whether_to_try_again(error: RouteError, status: str, retry: str) -> None:
    first, headers, _ = refused(error)

    assert first == f"HTTP/1.1 {status}"
    assert headers["x-should-retry"] == retry
    assert headers["x-dd0c-request-id"] == "dd_synthetic"
    assert ("retry-after" in headers) is (error.status == 503)
    assert ("www-authenticate" in headers) is (error.status == 401)


@pytest.mark.parametrize(("api", "field"), [("openai.chat", "code"), ("anthropic.messages", "type"), ("", "code")])
def test_the_body_has_the_shape_of_the_callers_dialect(api: str, field: str) -> None:
    _, headers, body = refused(errors.BadRequest("synthetic fault"), api)

    assert headers["content-type"] == "application/json"
    assert json.loads(body)["error"]["message"] == "synthetic fault"
    assert field in json.loads(body)["error"]


def test_where_an_answer_has_begun_it_ends_visibly() -> None:
    transport = Transport()
    client = client_on(transport)
    client.start(200, [], None)
    written = transport.data
    refuse(errors.UpstreamCut("x"), client, "openai.responses", "dd_synthetic")

    assert b"400" not in transport.data[len(written) :]
    assert not transport.data.endswith(b"0\r\n\r\n")
    assert transport.ended


def test_a_client_that_is_gone_is_told_nothing() -> None:
    transport = Transport()
    client = client_on(transport)
    client.hung_up()
    refuse(errors.BadRequest("x"), client, "", "dd_synthetic")

    assert transport.data == b""
    assert client.done


# --- a provider's refusal that is kept ------------------------------------------------------------------------


def test_a_refusal_is_kept_whole_and_its_connection_used_again() -> None:
    async def test() -> None:
        body = b'{"error":"busy"}'
        async with serving(answers(whole(body, b"retry-after: 1", status=b"503 Busy"))) as (provided, pool):
            for _ in range(2):
                with await send(pool) as reply:
                    kept = await Refusal.read(reply, TARGET)
                assert (kept.status, kept.target) == (503, TARGET)
                assert (b"retry-after", b"1") in kept.headers
            assert provided.opened == 1

    on_uvloop(test)


def test_a_refusal_that_does_not_end_is_kept_without_its_body() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 100\r\n\r\nhalf")
        await peer.closed()

    async def test() -> None:
        async with serving(script) as (_, pool):
            with await send(pool) as reply:
                kept = await Refusal.read(reply, TARGET)
            assert kept.status == 503
            assert kept._body == b""
            assert pool.open == 0

    on_uvloop(test)


def test_an_endless_refusal_is_bounded() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.write(b"HTTP/1.1 503 Busy\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            await peer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")

    async def test() -> None:
        async with serving(script) as (_, pool):
            with await send(pool) as reply:
                kept = await Refusal.read(reply, TARGET)
            assert kept._body == b""
            assert pool.open == 0

    on_uvloop(test)
