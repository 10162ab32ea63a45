"""What an answer may look like on the wire, and what each way of breaking it is called."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import threading
from contextlib import suppress
from typing import Self

import pytest

from dd0c_route.errors import UpstreamCut, UpstreamError, UpstreamInvalid, UpstreamStale, UpstreamTimeout
from dd0c_route.upstream import Marks, Pool, Sweeper
from dd0c_route.upstream.connection import MAX_HEAD_BYTES, MAX_HEADERS, MAX_INTERIM, Connection

from .scripted import Peer, answers, chunked, on_uvloop, provider, read, send, serving, until, whole

PIECES = (b"data: {}\n\n", "données: é".encode(), b"x" * 300)
GOOD = {
    "content-length": (whole(b"hello"), (200, b"hello"), "pooled"),
    "no body": (whole(b""), (200, b""), "pooled"),
    "chunked": (chunked(*PIECES), (200, b"".join(PIECES)), "pooled"),
    "chunked, nothing in it": (chunked(), (200, b""), "pooled"),
    "trailers": (chunked(*PIECES, trailer=b"x-sum: 1\r\nx-more: 2\r\n"), (200, b"".join(PIECES)), "pooled"),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b""), "pooled"),
    "304 with a length": (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", (304, b""), "pooled"),
    "no reason phrase": (b"HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx", (200, b"x"), "pooled"),
    "redirect": (whole(b"there", b"location: http://127.0.0.1:1/", status=b"307 Elsewhere"), (307, b"there"), "pooled"),
    "1xx before": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + whole(b"hello"),
        (200, b"hello"),
        "pooled",
    ),
    "connection: close": (whole(b"hello", b"connection: close"), (200, b"hello"), "closed"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", (200, b"hello"), "closed"),
    "HTTP/1.0 kept": (
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\nconnection: keep-alive\r\n\r\nhello",
        (200, b"hello"),
        "pooled",
    ),
}
TO_THE_END = b"HTTP/1.1 200 OK\r\nx-a: b\r\n\r\nhello"


@pytest.mark.parametrize("name", GOOD)
def test_an_answer_is_read_however_it_is_framed(name: str) -> None:
    answer, expected, outcome = GOOD[name]

    async def test() -> None:
        async with serving(answers(answer)) as (_, pool):
            for _ in range(2):
                marks = Marks()
                assert await read(pool, marks=marks) == expected
                assert marks.outcome == outcome
            assert (pool.open, pool.in_use) == (1 if outcome == "pooled" else 0, 0)

    on_uvloop(test)


@pytest.mark.parametrize("name", ["content-length", "trailers", "1xx before", "204"])
def test_an_answer_does_not_depend_on_where_its_bytes_are_cut(name: str) -> None:
    answer, expected, _ = GOOD[name]

    async def in_two(peer: Peer) -> None:
        for cut in range(1, len(answer)):
            await peer.request()
            await peer.write(answer[:cut])
            await asyncio.sleep(0.0005)  # lets the first part arrive alone, most of the time
            await peer.write(answer[cut:])
        await peer.closed()

    async def test() -> None:
        async with serving(in_two) as (acme, pool):
            for _ in range(1, len(answer)):
                assert await read(pool) == expected
            assert acme.opened == 1

    on_uvloop(test)


@pytest.mark.parametrize("name", ["content-length", "chunked", "1xx before"])
@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_cut_at_any_byte_is_never_taken_for_the_end(name: str, ending: str) -> None:
    answer, _, _ = GOOD[name]
    cuts = iter(range(len(answer)))

    async def cut_short(peer: Peer) -> None:
        await peer.request()
        await peer.write(answer[: next(cuts)])
        if ending == "reset":
            await asyncio.sleep(0.0005)
            linger = struct.pack("ii", 1, 0)
            peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            peer.reset()

    async def test() -> None:
        async with serving(cut_short) as (acme, pool):
            for _ in range(len(answer)):
                marks = Marks()
                with pytest.raises(UpstreamCut):
                    await read(pool, marks=marks)
                assert (marks.outcome, marks.sent, pool.open) == ("failed", True, 0)
            assert acme.opened == len(answer)

    on_uvloop(test)


def test_an_answer_without_framing_ends_with_its_connection() -> None:
    async def test() -> None:
        async with serving(answers(TO_THE_END, then="close")) as (_, pool):
            marks = Marks()
            assert await read(pool, marks=marks) == (200, b"hello")
            assert (marks.outcome, pool.open) == ("closed", 0)

    on_uvloop(test)


def test_an_answer_without_framing_is_cut_by_a_reset() -> None:
    async def reset(peer: Peer) -> None:
        await peer.request()
        await peer.write(TO_THE_END)
        await asyncio.sleep(0.05)
        linger = struct.pack("ii", 1, 0)
        peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        peer.reset()

    async def test() -> None:
        async with serving(reset) as (_, pool):
            with pytest.raises(UpstreamCut):
                await read(pool)

    on_uvloop(test)


def test_head_has_no_body_whatever_its_head_says() -> None:
    async def test() -> None:
        answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"
        async with serving(answers(answer)) as (_, pool):
            with await send(pool, b"", method="HEAD") as reply:
                await reply.ended()
            assert (reply.status, reply.content_length, reply.has_body) == (200, 5, False)
            assert pool.open == 0

    on_uvloop(test)


def test_the_head_is_handed_on_raw_and_in_order() -> None:
    async def test() -> None:
        answer = whole(
            b"x", b"X-One: a  b", b"set-cookie: 1", b"Set-Cookie: 2", b"connection: keep-alive", b"x-e: \xe9"
        )
        async with serving(answers(answer)) as (_, pool):
            with await send(pool) as reply:
                await reply.ended()
            assert reply.reason == b"OK"
            assert reply.headers[:4] == [
                (b"x-one", b"a  b"),
                (b"set-cookie", b"1"),
                (b"set-cookie", b"2"),
                (b"connection", b"keep-alive"),
            ]
            assert reply.headers[4:] == [(b"x-e", b"\xe9"), (b"content-length", b"1")]

    on_uvloop(test)


INVALID = {
    "not HTTP": b"SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2 preface": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "TLS alert": b"\x15\x03\x01\x00\x02\x02\x16",
    "length and chunks": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    "a length twice": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 5\r\n\r\nhello",
    "a list of lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\nhello",
    "negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\nhello",
    "signed length": b"HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello",
    "huge length": b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
    "chunked twice": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "gzip, chunked": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "identity": b"HTTP/1.1 200 OK\r\ntransfer-encoding: identity\r\n\r\nhello",
    "chunks before 1.1": b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\ncontent-length: 0\r\n\r\n",
    "space before colon": b"HTTP/1.1 200 OK\r\ncontent-length : 0\r\n\r\n",
    "NUL": b"HTTP/1.1 200 OK\r\nx-a: b\0c\r\ncontent-length: 0\r\n\r\n",
    "101": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
    "too many 1xx": b"HTTP/1.1 102 Processing\r\n\r\n" * (MAX_INTERIM + 1),
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * (MAX_HEADERS + 1) + b"\r\n",
    "long head": b"HTTP/1.1 200 OK\r\n" + (b"a: " + b"b" * 1000 + b"\r\n") * 70 + b"content-length: 0\r\n\r\n",
    "endless header": b"HTTP/1.1 200 OK\r\na: " + b"b" * (MAX_HEAD_BYTES + 1),
    "endless reason": b"HTTP/1.1 200 " + b"b" * (MAX_HEAD_BYTES + 1),
    "endless trailer": chunked(b"x")[:-2] + b"a: " + b"b" * (16 * MAX_HEAD_BYTES),
    "endless chunk extension": chunked()[:-5] + b"5;" + b"b" * (16 * MAX_HEAD_BYTES),
}


@pytest.mark.parametrize("name", INVALID)
def test_what_is_not_http_or_could_be_read_in_two_ways_is_refused(name: str) -> None:
    async def bad(peer: Peer) -> None:
        await peer.request()
        await peer.write(INVALID[name])
        await peer.closed()

    async def test() -> None:
        async with serving(bad) as (_, pool):
            marks = Marks()
            with pytest.raises(UpstreamInvalid) as raised:
                await read(pool, marks=marks)
            assert raised.value.message.startswith("provider 'acme': the answer ")
            assert (marks.outcome, marks.sent, pool.open, pool.in_use) == ("failed", True, 0, 0)

    on_uvloop(test)


LEFT_OVER = [b"x", b"HTT", whole(b"poison"), b"HTTP/1.1 200 OK\r\nx-a: ", b"\0", b"0\r\n\r\n"]


@pytest.mark.parametrize("extra", LEFT_OVER)
@pytest.mark.parametrize("name", ["content-length", "chunked", "204"])
def test_bytes_behind_an_answer_never_reach_the_next_call(name: str, extra: bytes) -> None:
    answer, expected, _ = GOOD[name]

    async def test() -> None:
        async with serving(answers(answer + extra)) as (acme, pool):
            for _ in range(20):
                assert await read(pool) == expected
                assert pool.open == 0
            assert acme.opened == 20

    on_uvloop(test)


def test_bytes_that_come_while_nobody_asked_close_the_connection() -> None:
    async def chatty(peer: Peer) -> None:
        await peer.request()
        await peer.write(whole(b"hello"))
        await asyncio.sleep(0.02)
        await peer.write(whole(b"poison"))
        await peer.closed()

    async def test() -> None:
        async with serving(chatty) as (_, pool):
            assert await read(pool) == (200, b"hello")
            assert pool.open == 1
            await until(lambda: pool.open == 0)
            assert await read(pool) == (200, b"hello")

    on_uvloop(test)


def test_an_answer_that_comes_before_the_request_is_out_is_good_but_its_connection_is_not() -> None:
    async def hasty(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.write(whole(b"no", status=b"413 Too Large"))
        await asyncio.sleep(0.2)

    async def test() -> None:
        async with serving(hasty) as (_, pool):
            marks = Marks()
            assert await read(pool, b"x" * (32 << 20), marks) == (413, b"no")
            assert (marks.outcome, pool.open) == ("closed", 0)

    on_uvloop(test)


# --- a kept connection that the other side has closed ----------------------------------------------


def test_a_connection_closed_while_idle_is_noticed_at_once() -> None:
    async def test() -> None:
        async with serving(answers(whole(b"hello"), then="close")) as (acme, pool):
            for number in range(50):
                assert await read(pool) == (200, b"hello")
                await until(lambda: pool.open == 0)
                assert acme.opened == number + 1

    on_uvloop(test)


class Behind:
    """A provider in a thread of its own that answers a request and, told to, does one more thing behind the answer.

    So it happens while the loop does not look: `happen` blocks the loop until it has.
    """

    def __init__(self, *, adds: bytes) -> None:
        self._adds = adds  # sent behind the answer; where empty, the connection is closed instead
        self._go = threading.Event()
        self._done = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._listener.close()

    def happen(self) -> None:
        self._done.clear()
        self._go.set()
        assert self._done.wait(5)

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if not (request := connection.recv(1 << 16)):
                    return
                connection.sendall(whole(request.rpartition(b"\r\n")[2]))
                self._go.wait(5)
                self._go.clear()
                if self._adds:
                    self._add(connection)
            self._done.set()

    def _add(self, connection: socket.socket) -> None:
        connection.sendall(self._adds)
        # Else this kernel acknowledges on the spot, which no wire is short enough for.
        connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, "TCP_QUICKACK", 12), 0)
        self._done.set()
        with suppress(OSError):
            while connection.recv(1 << 16):
                pass


@pytest.mark.parametrize("adds", [b"", whole(b"poison")])
def test_what_arrived_while_the_loop_did_not_look_keeps_a_connection_from_being_used(adds: bytes) -> None:
    async def test() -> None:
        loop = asyncio.get_running_loop()
        pool = Pool(provider(behind.port), loop=loop, sweeper=Sweeper(loop), environ={})
        for number in range(200):
            marks = Marks()
            assert await read(pool, b"%d" % number, marks) == (200, b"%d" % number)
            assert not marks.reused
            assert pool.open == 1
            behind.happen()
        await pool.close()

    with Behind(adds=adds) as behind:
        on_uvloop(test)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what the peer acknowledged")
@pytest.mark.parametrize(("adds", "sent"), [(b"", False), (whole(b"poison"), True)])
def test_what_was_under_way_when_the_request_went_out_is_no_answer_to_it(
    adds: bytes, sent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above, but it arrives right behind the look at the socket."""

    async def test() -> None:
        loop = asyncio.get_running_loop()
        pool = Pool(provider(behind.port), loop=loop, sweeper=Sweeper(loop), environ={})
        for _ in range(200):
            await read(pool)
            assert pool.open == 1
            behind.happen()
            marks = Marks()
            with pytest.raises(UpstreamStale) as raised:
                await read(pool, marks=marks)
            assert (raised.value.sent, raised.value.retryable) == (sent, True)
            assert (marks.reused, marks.sent, marks.outcome, pool.open) == (True, sent, "failed", 0)
        await pool.close()

    monkeypatch.setattr(Connection, "is_quiet", lambda self: True)
    with Behind(adds=adds) as behind:
        on_uvloop(test)


def test_a_kept_connection_that_closes_on_a_received_request_may_have_done_its_work() -> None:
    async def second_one_fails(peer: Peer) -> None:
        await peer.request()
        await peer.write(whole(b"hello"))
        await peer.request()

    async def test() -> None:
        async with serving(second_one_fails) as (_, pool):
            await read(pool)
            marks = Marks()
            with pytest.raises(UpstreamStale) as raised:
                await read(pool, marks=marks)
            assert raised.value.sent
            assert (marks.reused, marks.sent) == (True, True)

    on_uvloop(test)


def test_a_kept_connection_that_closes_much_later_was_not_stale() -> None:
    ticks = iter(range(0, 10**12, 600_000_000))

    async def second_one_fails(peer: Peer) -> None:
        await peer.request()
        await peer.write(whole(b"hello"))
        await peer.request()

    async def test() -> None:
        async with serving(second_one_fails, ticks_ns=lambda: next(ticks) * 2) as (_, pool):
            await read(pool)
            with pytest.raises(UpstreamCut):
                await read(pool)

    on_uvloop(test)


def test_a_new_connection_that_closes_without_an_answer_is_cut_and_not_stale() -> None:
    async def mute(peer: Peer) -> None:
        await peer.request()

    async def test() -> None:
        async with serving(mute) as (_, pool):
            with pytest.raises(UpstreamCut) as raised:
                await read(pool)
            assert raised.value.sent
            assert not raised.value.retryable

    on_uvloop(test)


# --- deadlines ---------------------------------------------------------------------------------------


async def silent(peer: Peer) -> None:
    await peer.request()
    await peer.closed()


async def stalls(peer: Peer) -> None:
    await peer.request()
    await peer.write(chunked(b"hello")[:-5])
    await peer.closed()


async def drips(peer: Peer) -> None:
    await peer.request()
    await peer.write(chunked()[:-5])
    while True:
        await peer.write(b"1\r\nx\r\n")
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("script", "limits", "says"),
    [
        (silent, {"first_byte_s": 0.1}, "no byte of an answer within 0.1 s"),
        (stalls, {"silence_s": 0.1}, "silent for 0.1 s"),
        (drips, {"silence_s": 0.1, "total_s": 0.3}, "longer than 0.3 s in all"),
        (silent, {"total_s": 0.1}, "longer than 0.1 s in all"),
    ],
)
def test_a_provider_that_takes_too_long_is_given_up(script: object, limits: dict[str, float], says: str) -> None:
    async def test() -> None:
        async with serving(script, **limits) as (acme, pool):  # type: ignore[arg-type]  # settings by name
            marks = Marks()
            with pytest.raises(UpstreamTimeout, match=says):
                await read(pool, marks=marks)
            assert (marks.outcome, marks.sent, pool.open) == ("failed", True, 0)
            await until(lambda: acme.closed == 1, 1)

    on_uvloop(test)


def test_silence_does_not_count_while_we_do_not_listen() -> None:
    async def test() -> None:
        async with serving(stalls, silence_s=0.1) as (_, pool):
            with await send(pool) as reply:
                reply.pause()
                await asyncio.sleep(0.3)
                waiting = asyncio.ensure_future(reply.ended())
                await asyncio.sleep(0)
                assert not waiting.done()
                reply.resume()
                with pytest.raises(UpstreamTimeout):
                    await waiting

    on_uvloop(test)


def test_every_fault_of_a_provider_has_the_providers_name() -> None:
    async def test() -> None:
        async with serving(silent, first_byte_s=0.05) as (_, pool):
            with pytest.raises(UpstreamError, match="provider 'acme'"):
                await read(pool)

    on_uvloop(test)
