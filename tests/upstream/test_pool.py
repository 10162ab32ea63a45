from __future__ import annotations

import asyncio

import pytest

from dd0c_route.errors import BadRequest
from dd0c_route.upstream import Marks

from .scripted import Peer, answers, on_uvloop, read, serving, whole


async def hold(peer: Peer) -> None:
    """Take a request and never answer."""
    await peer.request()
    await peer.closed()


def test_a_thousand_calls_in_turn_use_one_connection() -> None:
    async def test() -> None:
        async with serving(answers(whole(b"hello"))) as (acme, pool):
            for number in range(1000):
                marks = Marks()
                assert await read(pool, b"%d" % number, marks) == (200, b"hello")
                assert (marks.reused, marks.outcome) == (number > 0, "pooled")
            assert (acme.opened, pool.open, pool.in_use) == (1, 1, 0)
            assert [request.rpartition(b"\r\n")[2] for request in acme.requests] == [b"%d" % n for n in range(1000)]

    on_uvloop(test)


def test_sixteen_callers_use_at_most_sixteen_connections_and_get_their_own_answers() -> None:
    async def echo(peer: Peer) -> None:
        while True:
            await peer.write(whole((await peer.request()).rpartition(b"\r\n")[2]))

    async def test() -> None:
        async with serving(echo) as (acme, pool):

            async def caller(name: int) -> None:
                for number in range(100):
                    body = b"%d/%d" % (name, number)
                    assert await read(pool, body) == (200, body)

            await asyncio.gather(*[caller(name) for name in range(16)])
            assert acme.opened <= 16
            assert (pool.open, pool.in_use) == (acme.opened, 0)

    on_uvloop(test)


def test_the_request_goes_out_as_given_with_host_and_length() -> None:
    async def test() -> None:
        async with serving(answers(whole(b""))) as (acme, pool):
            await read(pool, b'{"a":1}')
            await read(pool, b"", method="GET")
            await read(pool, b"", method="POST")
        first = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{acme.port}\r\n"
        rest = "x-one: 1\r\n\r\n"
        assert acme.requests[0].decode() == first + "content-length: 7\r\n" + rest + '{"a":1}'
        assert acme.requests[1].decode() == first.replace("POST", "GET") + rest
        assert acme.requests[2].decode() == first + "content-length: 0\r\n" + rest

    on_uvloop(test)


@pytest.mark.parametrize("bad", [b"a\r\nx: y", b"a\nb", b"a\rb", b"a\0b"])
def test_a_header_cannot_break_out_of_its_line(bad: bytes) -> None:
    async def test() -> None:
        async with serving(answers(whole(b""))) as (acme, pool):
            with pytest.raises(BadRequest):
                await pool.send("POST", "/x", [(b"x-tag", bad)], b"", Marks())
            with pytest.raises(BadRequest):
                await pool.send("POST", "/x" + bad.decode(), [], b"", Marks())
            assert (acme.opened, pool.open) == (0, 0)

    on_uvloop(test)


@pytest.mark.parametrize("bad", ["/x HTTP/1.1", "/ü"])
def test_a_target_must_be_one_ascii_word(bad: str) -> None:
    async def test() -> None:
        async with serving(answers(whole(b""))) as (_, pool):
            with pytest.raises(BadRequest):
                await pool.send("GET", bad, [], b"", Marks())

    on_uvloop(test)
