"""The number of connections, who gets one, and that giving up at any moment leaves none behind."""

from __future__ import annotations

import asyncio
import gc
import os

import pytest

from dd0c_route.errors import BadRequest, ShuttingDown, UpstreamBusy, UpstreamCut, UpstreamUnreachable
from dd0c_route.upstream import Marks, Reply
from dd0c_route.upstream.connection import Connection
from dd0c_route.upstream.reply import MAX_HELD_BYTES

from .scripted import Peer, answers, chunked, on_uvloop, read, send, serving, until, whole


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


# --- bounds ------------------------------------------------------------------------------------------


def test_callers_beyond_the_bound_wait_in_line() -> None:
    order: list[bytes] = []

    async def slow(peer: Peer) -> None:
        while True:
            order.append((await peer.request()).rpartition(b"\r\n")[2])
            await asyncio.sleep(0.002)
            await peer.write(whole(b"ok"))

    async def test() -> None:
        async with serving(slow, connections=2) as (acme, pool):
            calls = []
            for number in range(20):
                calls.append(asyncio.ensure_future(read(pool, b"%d" % number)))
                await asyncio.sleep(0)
                assert pool.open <= 2
            await asyncio.gather(*calls)
            assert (acme.opened, pool.open, pool.in_use) == (2, 2, 0)
            assert sorted(order[:2]) == [b"0", b"1"]
            assert [abs(int(name) - place) <= 1 for place, name in enumerate(order)] == [True] * 20

    on_uvloop(test)


def test_who_waits_too_long_is_told_which_bound_to_raise() -> None:
    async def test() -> None:
        async with serving(hold, connections=1, connect_s=0.1) as (_, pool):
            held = asyncio.ensure_future(read(pool))
            await until(lambda: pool.in_use == 1)
            with pytest.raises(UpstreamBusy, match="raise `connections`") as raised:
                await read(pool)
            assert (raised.value.sent, raised.value.retryable) == (False, True)
            held.cancel()
            await asyncio.wait([held])
            assert (pool.open, pool.in_use) == (0, 0)

    on_uvloop(test)


def test_a_closed_connection_makes_room_for_who_waits() -> None:
    async def test() -> None:
        async with serving(answers(whole(b"ok", b"connection: close")), connections=2) as (acme, pool):
            await asyncio.gather(*[read(pool) for _ in range(20)])
            assert (acme.opened, pool.open, pool.in_use) == (20, 0, 0)

    on_uvloop(test)


def test_a_failed_dial_makes_room_for_who_waits() -> None:
    async def test() -> None:
        async with serving(answers(whole(b"ok")), connections=1) as (acme, pool):
            await acme.stop()
            calls = [asyncio.ensure_future(read(pool)) for _ in range(5)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(result) for result in results] == [UpstreamUnreachable] * 5
            assert (pool.open, pool.in_use) == (0, 0)

    on_uvloop(test)


def test_the_last_connection_in_is_the_first_one_out_and_the_rest_grows_old() -> None:
    async def test() -> None:
        async with serving(answers(whole(b"ok")), idle_s=0.2) as (acme, pool):
            await asyncio.gather(*[read(pool) for _ in range(4)])
            assert pool.open == 4
            deadline = asyncio.get_running_loop().time() + 0.4
            while asyncio.get_running_loop().time() < deadline:
                await read(pool)
            assert (acme.opened, pool.open) == (4, 1)
            await until(lambda: pool.open == 0)
            await until(lambda: acme.closed == 4)

    on_uvloop(test)


def test_a_connection_is_not_kept_beyond_its_age() -> None:
    async def test() -> None:
        async with serving(answers(whole(b"ok")), max_age_s=0.1) as (acme, pool):
            deadline = asyncio.get_running_loop().time() + 0.35
            while asyncio.get_running_loop().time() < deadline:
                await read(pool)
                assert pool.open <= 1
            assert 3 <= acme.opened <= 5

    on_uvloop(test)


def test_warm_connections_are_open_before_the_first_call() -> None:
    async def test() -> None:
        async with serving(answers(whole(b"ok")), warm_connections=3, connections=8) as (acme, pool):
            assert await pool.warm() == 3
            await until(lambda: acme.opened == 3)
            assert (pool.open, pool.in_use) == (3, 0)
            marks = Marks()
            await read(pool, marks=marks)
            assert (acme.opened, marks.reused) == (3, False)
            assert await pool.warm() == 3
            await acme.stop()
            pool.close_idle()
            assert await pool.warm() == 0

    on_uvloop(test)


# --- giving up ---------------------------------------------------------------------------------------


async def feed(peer: Peer) -> None:
    """Answers without end."""
    await peer.request()
    await peer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        await peer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


def test_leaving_an_answer_before_its_end_closes_the_connection_at_once() -> None:
    async def test() -> None:
        for pause in (False, True):
            async with serving(feed) as (acme, pool):
                marks = Marks()
                with await send(pool, marks=marks) as reply:
                    if pause:
                        reply.pause()
                        await asyncio.sleep(0.05)
                assert (pool.open, pool.in_use, marks.outcome) == (0, 0, "aborted")
                await until(lambda: acme.closed == 1, 0.1)

    on_uvloop(test)


def test_a_call_cancelled_before_the_head_closes_the_connection_at_once() -> None:
    async def test() -> None:
        async with serving(hold) as (acme, pool):
            marks = Marks()
            call = asyncio.ensure_future(read(pool, marks=marks))
            await until(lambda: len(acme.requests) == 1)
            call.cancel()
            await asyncio.wait([call])
            assert (pool.open, pool.in_use, marks.outcome, marks.sent) == (0, 0, "aborted", True)
            await until(lambda: acme.closed == 1, 0.1)

    on_uvloop(test)


def test_abort_wakes_who_waits_for_the_end() -> None:
    async def test() -> None:
        async with serving(feed) as (_, pool):
            with await send(pool) as reply:
                reply.attach(lambda piece: None)
                waiting = asyncio.ensure_future(reply.ended())
                await asyncio.sleep(0.01)
                reply.abort()
                with pytest.raises(UpstreamCut, match="given up"):
                    await waiting
            assert pool.open == 0

    on_uvloop(test)


@pytest.mark.parametrize("kept", [0, 1, 2])
@pytest.mark.parametrize("turns", range(25))
def test_a_call_cancelled_at_any_turn_of_the_loop_leaks_nothing(turns: int, kept: int) -> None:
    """Cold, warm, and (with two connections at most) standing in line: the whole life of a call is cut into turns."""

    async def slow(peer: Peer) -> None:
        while True:
            await peer.request()
            await asyncio.sleep(0)
            await peer.write(chunked(b"x" * 10)[:-5])
            await asyncio.sleep(0)
            await peer.write(b"0\r\n\r\n")

    async def test() -> None:
        async with serving(slow, connections=2) as (acme, pool):
            await asyncio.gather(*[read(pool) for _ in range(kept)])
            calls = [asyncio.ensure_future(read(pool)) for _ in range(6)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for call in calls[::2]:
                call.cancel()
            await asyncio.wait(calls)
            assert all(call.result() == (200, b"x" * 10) for call in calls[1::2])
            assert pool.in_use == 0
            assert await read(pool) == (200, b"x" * 10)
            pool.close_idle()
            assert (pool.open, pool.in_use) == (0, 0)
            await until(lambda: acme.opened == acme.closed)

    on_uvloop(test)


# --- the end of a pool -------------------------------------------------------------------------------


def test_a_retired_pool_finishes_its_calls_and_keeps_no_connection() -> None:
    async def test() -> None:
        async with serving(answers(whole(b"ok")), connections=2) as (_, pool):
            await read(pool)
            calls = [asyncio.ensure_future(read(pool)) for _ in range(6)]
            await asyncio.sleep(0)
            pool.retire()
            assert await asyncio.gather(*calls) == [(200, b"ok")] * 6
            assert pool.open == 0
            assert await read(pool) == (200, b"ok")  # by a caller who still holds the old configuration
            assert pool.open == 0

    on_uvloop(test)


def test_a_closed_pool_ends_everything() -> None:
    async def test() -> None:
        async with serving(hold, connections=2) as (acme, pool):
            calls = [asyncio.ensure_future(read(pool)) for _ in range(4)]
            await until(lambda: len(acme.requests) == 2)
            await pool.close()
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(result) for result in results] == [UpstreamCut] * 2 + [ShuttingDown] * 2
            with pytest.raises(ShuttingDown):
                await read(pool)
            await until(lambda: acme.closed == 2, 0.1)

    on_uvloop(test)


def test_no_file_descriptor_is_left_behind() -> None:
    async def test() -> None:
        async with serving(feed) as (_, pool):
            before = len(os.listdir("/proc/self/fd"))
            for turns in range(40):
                call = asyncio.ensure_future(read(pool))
                for _ in range(turns):
                    await asyncio.sleep(0)
                call.cancel()
                await asyncio.wait([call])
            await until(lambda: len(os.listdir("/proc/self/fd")) == before)

    if os.path.isdir("/proc/self/fd"):
        on_uvloop(test)


@pytest.mark.parametrize("fields", [[], [b"connection: close"]])
def test_a_call_leaves_nothing_for_the_garbage_collector(fields: list[bytes]) -> None:
    async def test() -> None:
        async with serving(answers(whole(b"ok", *fields))) as (_, pool):
            await read(pool)
            gc.collect()
            gc.disable()
            for _ in range(100):
                await read(pool)
            await asyncio.sleep(0.01)
            left = [thing for thing in gc.get_objects() if isinstance(thing, Connection | Reply)]
            assert len(left) == pool.open

    try:
        on_uvloop(test)
    finally:
        gc.enable()


# --- the body ----------------------------------------------------------------------------------------


def test_a_paused_answer_holds_the_provider_back() -> None:
    async def test() -> None:
        async with serving(feed) as (_, pool):
            got = 0

            def take(piece: bytes) -> None:
                nonlocal got
                got += len(piece)
                if got > 100_000:
                    reply.pause()

            with await send(pool) as reply:
                reply.attach(take)
                await until(lambda: got > 100_000)
                stopped_at = got
                await asyncio.sleep(0.05)
                assert got == stopped_at < 100_000 + (1 << 19)
                got = 0
                reply.resume()
                await until(lambda: got > 100_000)

    on_uvloop(test)


def test_an_answer_that_nobody_takes_is_held_back_too() -> None:
    async def test() -> None:
        async with serving(feed) as (_, pool):
            with await send(pool) as reply:
                await until(lambda: reply._held_bytes > MAX_HELD_BYTES)
                pieces: list[bytes] = []
                reply.attach(pieces.append)
                assert MAX_HELD_BYTES < len(pieces[0]) < (1 << 20)
                await until(lambda: len(pieces) > 10)

    on_uvloop(test)


def test_an_answer_paused_by_its_last_piece_gives_back_a_connection_that_listens() -> None:
    async def test() -> None:
        async with serving(answers(whole(b"hello"))) as (acme, pool):
            for _ in range(10):
                with await send(pool) as reply:
                    reply.attach(lambda piece, reply=reply: reply.pause())  # type: ignore[misc]  # binds it
                    await reply.ended()
            assert acme.opened == 1

    on_uvloop(test)


def test_what_a_sink_raises_fails_its_own_call_only() -> None:
    class OurBug(Exception):
        pass

    def broken(piece: bytes) -> None:
        raise OurBug

    async def late(peer: Peer) -> None:
        await peer.request()
        await peer.write(whole(b"hello")[:-5])
        await asyncio.sleep(0.02)
        await peer.write(b"hello")

    async def test() -> None:
        async with serving(late) as (_, pool):
            marks = Marks()
            with await send(pool, marks=marks) as reply:
                reply.attach(broken)
                with pytest.raises(OurBug):
                    await reply.ended()
            assert (pool.open, marks.outcome) == (0, "failed")

    on_uvloop(test)


def test_a_sink_may_give_its_answer_up() -> None:
    async def test() -> None:
        async with serving(feed) as (acme, pool):
            with await send(pool) as reply:
                reply.attach(lambda piece: reply.abort())
                with pytest.raises(UpstreamCut, match="given up"):
                    await reply.ended()
            await until(lambda: acme.closed == 1, 0.1)

    on_uvloop(test)


def test_marks_tell_the_times_of_a_call_in_order() -> None:
    async def test() -> None:
        async with serving(answers(whole(b"hello"))) as (_, pool):
            marks = Marks()
            await read(pool, marks=marks)
            assert marks.sent_at is not None
            assert marks.first_byte_at is not None
            assert marks.ended_at is not None
            assert marks.sent_at < marks.first_byte_at < marks.ended_at

    on_uvloop(test)


@pytest.mark.parametrize("connections", [2, 10])
def test_a_fresh_connection_is_a_new_one_even_where_kept_ones_fill_the_pool(connections: int) -> None:
    async def test() -> None:
        async with serving(answers(whole(b"{}")), connections=connections) as (provided, pool):
            await asyncio.gather(read(pool), read(pool))
            assert (provided.opened, pool.open, pool.in_use) == (2, 2, 0)

            marks = Marks()
            with await pool.send("POST", "/chat/completions", [], b"{}", marks, fresh=True) as reply:
                assert not marks.reused
                assert pool.open <= connections
                await reply.ended()
            assert provided.opened == 3

    on_uvloop(test)
