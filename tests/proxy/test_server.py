"""HTTP/1.1 towards clients, on real sockets, with a small application behind it."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from dd0c_route.config import Limits
from dd0c_route.errors import NotFound, RouteError
from dd0c_route.proxy import server
from dd0c_route.proxy.client import Link
from dd0c_route.proxy.crowd import Uploads
from dd0c_route.proxy.server import Connection, Inbound
from dd0c_route.upstream import Sweeper
from tests.upstream.scripted import on_uvloop, until

BODY = b'{"model":"m"}'
HEAD = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CALL = HEAD + LENGTH + b"\r\n" + BODY
PROBE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


class House:
    """An application that echoes each request; those to `/slow…` wait until they are let go."""

    def __init__(self, **limits: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.draining = False
        self.crowded = False
        self.uploads = Uploads()
        self.address = ("", 0)
        self.limits = msgspec.convert({**msgspec.to_builtins(Limits()), **limits}, Limits)
        self.sweeper = Sweeper(self.loop, 0.005)
        self.connections: set[Connection] = set()
        self.served: list[Inbound] = []
        self.refused: list[RouteError] = []
        self.left_early: list[Inbound] = []
        self.waiting: list[Inbound] = []

    def joined(self, connection: Connection) -> bool:
        self.connections.add(connection)
        self.sweeper.watch(connection)
        return len(self.connections) <= self.limits.connections

    def left(self, connection: Connection, link: Link) -> None:
        self.connections.discard(connection)
        self.sweeper.forget(connection)
        link.witness.close()

    def head(self, request: Inbound, *, internal: bool) -> bool:
        if request.target == b"/nowhere":
            raise NotFound("no such address")
        request.place = request.target
        return any(name == b"expect" for name, _ in request.headers)

    def serve(self, request: Inbound, *, internal: bool) -> None:
        self.served.append(request)
        if request.target.startswith(b"/slow"):
            self.waiting.append(request)
        else:
            self.answer(request)

    def answer(self, request: Inbound) -> None:
        client = request.client
        assert client is not None
        client.whole(200, [(b"x-target", request.target), (b"x-method", request.method.encode())], request.body)

    def failed(self, request: Inbound, error: BaseException) -> None:
        raise AssertionError(request) from error  # nothing of ours fails here

    def refuse(self, request: Inbound, error: RouteError) -> None:
        self.refused.append(error)
        client = request.client
        assert client is not None
        client.whole(error.status, [], error.message.encode())

    def abandoned(self, request: Inbound) -> None:
        self.left_early.append(request)


class Visitor:
    """A client with a bare socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self, *, to_head: bool = False) -> tuple[int, dict[str, str], bytes]:
        """The next answer, whole."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        length = 0 if to_head or status == 100 else int(headers["content-length"])
        return status, headers, await self._reader.readexactly(length)

    async def rest(self) -> bytes:
        """Everything up to the end of the connection; a reset is one too."""
        data = b""
        try:
            while piece := await self._reader.read(65536):
                data += piece
        except ConnectionResetError:
            data += b"<reset>"
        return data

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@asynccontextmanager
async def visiting(**limits: float) -> AsyncIterator[tuple[House, Visitor]]:
    """A house and its first visitor; in the end nobody may be left inside."""
    house = House(**limits)
    listening = await house.loop.create_server(lambda: Connection(house), "127.0.0.1", 0)
    house.address = listening.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection(*house.address)
    visitor = Visitor(reader, writer)
    try:
        yield house, visitor
    finally:
        writer.close()
        await until(lambda: not house.connections)
        listening.close()


def run(test: Callable[[House, Visitor], object], **limits: float) -> None:
    async def on_loop() -> None:
        async with visiting(**limits) as (house, visitor):
            await test(house, visitor)  # type: ignore[misc]  # a case is a coroutine

    on_uvloop(on_loop)


# --- requests and answers -----------------------------------------------------------------------------------


def test_calls_follow_each_other_on_one_connection() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        for _ in range(3):
            visitor.send(CALL)
            status, headers, body = await visitor.answer()
            assert (status, headers["connection"], body) == (200, "keep-alive", BODY)
        assert len(house.connections) == 1

    run(test)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40])
def test_a_request_may_come_in_pieces_of_any_size(size: int) -> None:
    async def test(house: House, visitor: Visitor) -> None:
        chunked = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;ext=1\r\n!\r\n0\r\nX-Trailer: 1\r\n\r\n"
        for start in range(0, len(CALL + chunked), size):
            visitor.send((CALL + chunked)[start : start + size])
            await visitor.writer.drain()
            await asyncio.sleep(0)
        assert (await visitor.answer())[2] == BODY
        assert (await visitor.answer())[2] == b"hello!"
        assert not any(name == b"x-trailer" for name, _ in house.served[1].headers)

    run(test)


def test_requests_sent_ahead_are_answered_one_after_the_other() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        slow = b"GET /slow/1 HTTP/1.1\r\nHost: x\r\n\r\n"
        visitor.send(slow + CALL + slow.replace(b"1 ", b"2 ") + PROBE)
        await until(lambda: len(house.waiting) == 1)
        visitor.send(CALL)
        await asyncio.sleep(0.01)
        assert len(house.served) == 1
        house.answer(house.waiting.pop())
        assert (await visitor.answer())[1]["x-target"] == "/slow/1"
        assert (await visitor.answer())[2] == BODY
        await until(lambda: len(house.waiting) == 1)
        house.answer(house.waiting.pop())
        assert [(await visitor.answer())[1]["x-target"] for _ in range(3)] == ["/slow/2", "/healthz", "/v1/messages"]

    run(test)


def test_too_many_requests_sent_ahead_end_the_connection_after_the_running_answer() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n" + PROBE * 2000)
        await until(lambda: len(house.waiting) == 1)
        house.answer(house.waiting.pop())
        assert (await visitor.answer())[1]["x-target"] == "/slow"
        assert await visitor.rest() == b""
        await until(lambda: len(house.left_early) == Limits().requests_ahead)

    run(test)


def test_too_many_bytes_sent_ahead_end_the_connection() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: len(house.waiting) == 1)
        visitor.send(b"x" * (Limits().ahead_bytes + 1))
        await until(lambda: not house.connections)
        client = house.waiting[0].client
        assert client is not None
        assert client.gone
        client.cut()

    run(test)


def test_http_1_0_is_answered_and_closed_unless_it_asks_otherwise() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (await visitor.answer())[1]["connection"] == "keep-alive"
        visitor.send(b"GET /b HTTP/1.0\r\n\r\n")
        assert (await visitor.answer())[1]["connection"] == "close"
        assert await visitor.rest() == b""

    run(test)


def test_a_client_that_wants_to_close_is_closed_and_what_follows_is_not_read() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + PROBE)
        assert (await visitor.answer())[1]["connection"] == "close"
        assert await visitor.rest() == b""
        assert len(house.served) == 1

    run(test)


def test_to_head_no_body_is_sent() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + PROBE)
        assert (await visitor.answer(to_head=True))[1]["x-method"] == "HEAD"
        assert (await visitor.answer())[1]["x-target"] == "/healthz"

    run(test)


def test_a_client_that_waits_for_leave_gets_it() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(HEAD + LENGTH + b"Expect: 100-continue\r\n\r\n")
        assert (await visitor.answer())[0] == 100
        visitor.send(BODY)
        assert (await visitor.answer())[2] == BODY

    run(test)


def test_a_client_that_waits_for_leave_to_send_too_much_gets_none() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(HEAD + b"Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
        assert (await visitor.answer())[0] == 413

    run(test, body_bytes=1000)


@pytest.mark.parametrize("body", [b"", BODY])
def test_a_wish_for_another_protocol_is_ignored(body: bytes) -> None:
    """Java's HTTP client sends one with the first request of each connection."""

    async def test(house: House, visitor: Visitor) -> None:
        wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA\r\n"
        visitor.send(HEAD + wish + b"Content-Length: %d\r\n\r\n" % len(body) + body + CALL)
        assert (await visitor.answer())[2] == body
        assert (await visitor.answer())[2] == BODY
        assert not any(name == b"upgrade" for name, _ in house.served[0].headers)

    run(test)


# --- what is refused ----------------------------------------------------------------------------------------

CHUNKED = b"Transfer-Encoding: chunked\r\n"
MALFORMED = {
    "length and chunks": HEAD + LENGTH + CHUNKED + b"\r\n" + BODY,
    "chunks and length": HEAD + CHUNKED + LENGTH + b"\r\n" + BODY,
    "chunks in 1.0": HEAD.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks twice": HEAD + CHUNKED * 2 + b"\r\n0\r\n\r\n",
    "chunked twice": HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "empty coding": HEAD + b"Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
    "another coding": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "disguised coding": HEAD + b"Transfer-Encoding: xchunked\r\n" + LENGTH + b"\r\n" + BODY,
    "two lengths": HEAD + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY,
    "one length twice": HEAD + LENGTH * 2 + b"\r\n" + BODY,
    "signed length": HEAD + b"Content-Length: +13\r\n\r\n" + BODY,
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n" + BODY,
    "hex length": HEAD + b"Content-Length: 0xd\r\n\r\n" + BODY,
    "list of lengths": HEAD + b"Content-Length: 13, 13\r\n\r\n" + BODY,
    "endless length": HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n" + BODY,
    "empty length": HEAD + b"Content-Length:\r\n\r\n" + BODY,
    "length with blank name": HEAD + b"Content-Length : 13\r\n\r\n" + BODY,
    "no host": HEAD.replace(b"Host: x\r\n", b"") + b"\r\n",
    "two hosts": HEAD + b"Host: x\r\n\r\n",
    "host with a path": HEAD.replace(b": x", b": x/admin?") + b"\r\n",
    "host with a user": HEAD.replace(b": x", b": x@y") + b"\r\n",
    "folded line": HEAD + b"X-A: b\r\n c\r\n\r\n",
    "folded by tab": HEAD + b"X-A: b\r\n\tc\r\n\r\n",
    "bare LF in lines": HEAD.replace(b"\r\n", b"\n") + b"\n",
    "bare LF in a value": HEAD + b"X-A: b\nX-C: d\r\n\r\n",
    "bare CR": HEAD + b"X-A: b\rX-C: d\r\n\r\n",
    "NUL in a value": HEAD + b"X-A: b\0\r\n\r\n",
    "control in a value": HEAD + b"X-A: b\x01\r\n\r\n",
    "NUL in a name": HEAD + b"X\0A: b\r\n\r\n",
    "blank in a name": HEAD + b"X A: b\r\n\r\n",
    "blank before a name": HEAD.replace(b"Host", b" Host") + b"\r\n",
    "no name": HEAD + b": b\r\n\r\n",
    "no colon": HEAD + b"X-A\r\n\r\n",
    "name beyond ASCII": HEAD + "X-É: b\r\n\r\n".encode(),
    "imitated length": HEAD + b"Content_Length: 5\r\n\r\n",
    "unknown method": b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    "small method": b"post / HTTP/1.1\r\nHost: x\r\n\r\n",
    "CONNECT": b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another protocol": b"DESCRIBE / RTSP/1.0\r\nHost: x\r\n\r\n",
    "HTTP/2.0": PROBE.replace(b"1.1", b"2.0"),
    "HTTP/1.2": PROBE.replace(b"1.1", b"1.2"),
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "user as target": PROBE.replace(b"/healthz", b"@evil"),
    "address as target": PROBE.replace(b"/healthz", b"http://evil/"),
    "star as target": PROBE.replace(b"/healthz", b"*"),
    "fragment": PROBE.replace(b"/healthz", b"/healthz#a"),
    "blank in a target": PROBE.replace(b"/healthz", b"/heal thz"),
    "NUL in a target": PROBE.replace(b"/healthz", b"/heal\0thz"),
    "tab in a target": PROBE.replace(b"/healthz", b"/heal\tthz"),
    "target beyond ASCII": PROBE.replace(b"/healthz", b"/\xe9"),
    "prefixed chunk size": HEAD + CHUNKED + b"\r\n0x5\r\nhello\r\n0\r\n\r\n",
    "negative chunk size": HEAD + CHUNKED + b"\r\n-5\r\nhello\r\n0\r\n\r\n",
    "odd chunk size": HEAD + CHUNKED + b"\r\nzz\r\n",
    "blank behind a chunk size": HEAD + CHUNKED + b"\r\n5 \r\nhello\r\n0\r\n\r\n",
    "endless chunk size": HEAD + CHUNKED + b"\r\nffffffffffffffffff\r\n",
    "chunks with bare LF": HEAD + CHUNKED + b"\r\n5\nhello\n0\n\n",
    "chunk without its end": HEAD + CHUNKED + b"\r\n5\r\nhelloXX0\r\n\r\n",
    "LF in a chunk extension": HEAD + CHUNKED + b"\r\n5;a\n\r\nhello\r\n0\r\n\r\n",
    "odd trailer": HEAD + CHUNKED + b"\r\n5\r\nhello\r\n0\r\nX A\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_plain_request_is_refused_and_nothing_behind_it_is_read(request_bytes: bytes) -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(request_bytes + PROBE)
        status, headers, message = await visitor.answer()
        assert status in (400, 405, 413)
        assert headers["connection"] == "close"
        assert message
        assert await visitor.rest() == b""
        assert not house.served

    run(test)


@pytest.mark.parametrize("in_one_piece", [True, False])
def test_a_head_that_is_too_long_is_refused(in_one_piece: bool) -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(HEAD + b"X-A: " + b"x" * 2000 + (b"\r\n\r\n" if in_one_piece else b""))
        assert (await visitor.answer())[0] == 431
        assert await visitor.rest() == b""

    run(test, head_bytes=1000)


def test_a_body_does_not_count_as_head() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(HEAD + b"Content-Length: 9000\r\n\r\n" + b"x" * 9000)
        assert (await visitor.answer())[0] == 200

    run(test, head_bytes=1000)


def test_too_many_headers_are_refused() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(HEAD + b"X: 1\r\n" * 20 + b"\r\n")
        status, _, message = await visitor.answer()
        assert status == 431
        assert b"header_count" in message

    run(test, header_count=20)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_too_long_a_body_is_refused_and_a_client_that_still_sends_reads_why(framing: str) -> None:
    async def test(house: House, visitor: Visitor) -> None:
        if framing == "length":
            visitor.send(HEAD + b"Content-Length: 8000000\r\n\r\n")
        else:
            visitor.send(HEAD + CHUNKED + b"\r\n")
        for _ in range(100):
            visitor.send((b"" if framing == "length" else b"13880\r\n") + b"x" * 80_000 + b"\r\n")
            await visitor.writer.drain()
        status, headers, message = await visitor.answer()
        assert (status, headers["connection"]) == (413, "close")
        assert b"body_bytes" in message
        assert await visitor.rest() == b""

    run(test, body_bytes=100_000)


def test_a_refused_client_that_does_not_leave_is_put_out() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await visitor.answer())[0] == 404
        assert await visitor.rest() == b""
        await until(lambda: not house.connections)

    run(test)


def test_one_connection_too_many_is_told_so() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        assert (await visitor.answer())[0] == 503
        assert await visitor.rest() == b""

    async def on_loop() -> None:
        async with visiting(connections=1) as (house, _):
            await until(lambda: len(house.connections) == 1)
            host, port = next(iter(house.connections))._link.transport.get_extra_info("sockname")
            reader, writer = await asyncio.open_connection(host, port)
            await test(house, Visitor(reader, writer))
            writer.close()

    on_uvloop(on_loop)


# --- deadlines ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begun", [b"P", b"POST / HTTP/1.1\r\nHost: x\r\nX-A"])
def test_a_head_that_does_not_come_is_given_up(begun: bytes) -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(begun)
        assert (await visitor.answer())[0] == 408
        assert await visitor.rest() == b""

    run(test, head_s=0.05)


def test_a_head_that_trickles_is_given_up_all_the_same() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        async def trickle() -> None:
            visitor.send(HEAD + b"X-A: ")
            while not visitor.writer.transport.is_closing():
                visitor.send(b"x")
                await asyncio.sleep(0.01)

        trickling = asyncio.ensure_future(trickle())
        assert (await visitor.answer())[0] == 408
        trickling.cancel()

    run(test, head_s=0.1)


def test_a_body_that_does_not_come_is_given_up() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(HEAD + LENGTH + b"\r\n{")
        status, _, message = await visitor.answer()
        assert status == 408
        assert b"body_s" in message

    run(test, body_s=0.05)


def test_a_body_that_trickles_is_given_up_long_before_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "GRACE_S", 0.05)

    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(HEAD + LENGTH + b"\r\n{")
        status, _, message = await visitor.answer()
        assert status == 408
        assert b"a second" in message

    run(test)


def test_a_body_of_countless_pieces_takes_no_more_memory_than_its_bytes() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        pieces = 200_000
        tracemalloc.start()
        visitor.send(HEAD + CHUNKED + b"\r\n")
        for _ in range(pieces // 1000):
            visitor.send(b"2\r\nxy\r\n" * 1000)
            await visitor.writer.drain()
        connection = await first_connection(house)
        await until(lambda: connection._request is not None and connection._request.size == 2 * pieces)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert held < 2 * pieces * 3
        visitor.send(b"0\r\n\r\n")
        assert (await visitor.answer())[2] == b"xy" * pieces

    run(test)


def test_the_bodies_of_all_clients_have_room_together_until_their_calls_are_over() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        size = 50_000
        upload = b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
        visitor.send(upload)
        await until(lambda: len(house.waiting) == 1)
        assert house.uploads.held == size
        other = await another(house)
        other.send(upload)
        assert (await other.answer())[0] == 503
        assert house.uploads.held == size
        chunked = await another(house)
        chunked.send(HEAD + CHUNKED + b"\r\nc000\r\n" + b"x" * 0xC000 + b"\r\n0\r\n\r\n")
        assert (await chunked.answer())[0] == 503
        house.answer(house.waiting.pop())
        assert len((await visitor.answer())[2]) == size
        assert house.uploads.held == 0
        third = await another(house)
        third.send(upload[:-1])
        await until(lambda: house.uploads.held == size - 1)
        third.writer.close()
        await until(lambda: house.uploads.held == 0)

    run(test, upload_bytes=90_000)


async def another(house: House) -> Visitor:
    """One more visitor of *house*."""
    return Visitor(*await asyncio.open_connection(*house.address))


def test_an_idle_connection_is_closed_without_a_word() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(PROBE)
        await visitor.answer()
        assert await visitor.rest() == b""
        assert not house.refused

    run(test, idle_s=0.05)


def test_a_running_call_has_no_deadline_of_the_connection() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: len(house.waiting) == 1)
        await asyncio.sleep(0.15)
        house.answer(house.waiting.pop())
        assert (await visitor.answer())[0] == 200

    run(test, idle_s=0.02, head_s=0.02, body_s=0.02, stalled_client_s=0.02)


def test_a_client_that_takes_nothing_of_its_answer_is_put_out() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio's own
        visitor.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: len(house.waiting) == 1)
        client = house.waiting[0].client
        assert client is not None
        client.start(200, [], None)
        while client.link.blocked_since is None:
            client.send(b"x" * 1_000_000)
            await asyncio.sleep(0)
        await until(lambda: not house.connections)
        assert client.gone
        client.cut()

    run(test, stalled_client_s=0.05)


# --- leaving ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["fin", "half", "rst"])
def test_a_client_that_leaves_is_noticed_while_its_call_runs(how: str) -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(lambda: len(house.waiting) == 1)
        client = house.waiting[0].client
        assert client is not None
        assert not client.gone
        leave(visitor, how)
        await until(lambda: client.gone)
        client.cut()
        await until(lambda: not house.connections)

    run(test)


@pytest.mark.parametrize("how", ["fin", "half", "rst"])
def test_a_client_that_leaves_in_mid_request_is_known_only_if_its_head_was_in(how: str) -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(HEAD + LENGTH + b"\r\n{")
        connection = await first_connection(house)
        await until(lambda: not connection.idle and connection._request.place is not None)  # type: ignore[union-attr]  # it is there
        leave(visitor, how)
        await until(lambda: not house.connections)
        assert len(house.left_early) == 1

    async def in_head(house: House, visitor: Visitor) -> None:
        visitor.send(HEAD)
        connection = await first_connection(house)
        await until(lambda: not connection.idle)
        leave(visitor, how)
        await until(lambda: not house.connections)
        assert not house.left_early

    run(test)
    run(in_head)


async def first_connection(house: House) -> Connection:
    await until(lambda: len(house.connections) == 1)
    return next(iter(house.connections))


def leave(visitor: Visitor, how: str) -> None:
    if how == "rst":
        visitor.reset()
    elif how == "half":
        visitor.writer.write_eof()
    else:
        visitor.writer.close()


def test_no_refusal_repeats_what_came() -> None:
    async def test(house: House, visitor: Visitor) -> None:
        visitor.send(HEAD + b"X A: synthetic-secret-value\r\n\r\n")
        assert re.search(b"secret", (await visitor.answer())[2]) is None

    run(test)
