"""What a client is written, what it took of it, and its leaving."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.errors import ClientGone
from dd0c_route.proxy.client import Link
from dd0c_route.upstream import Marks
from tests.proxy.doubles import Transport, Witness, client_on
from tests.upstream.scripted import on_uvloop


def head_and_body(data: bytes) -> tuple[list[bytes], bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    return head.split(b"\r\n"), body


# --- framing ------------------------------------------------------------------------------------------------


def test_a_whole_answer_has_its_length() -> None:
    transport = Transport()
    kept: list[bool] = []
    client_on(transport, on_done=kept.append).whole(200, [(b"x-one", b"1")], b"hello")

    assert head_and_body(transport.data) == (
        [b"HTTP/1.1 200 OK", b"x-one: 1", b"content-length: 5", b"connection: keep-alive"],
        b"hello",
    )
    assert kept == [True]


def test_an_answer_of_unknown_length_is_chunked_piece_by_piece() -> None:
    transport = Transport()
    client = client_on(transport)
    client.start(200, [], None)
    for piece in (b"hello", b"", b"x" * 20):
        client.send(piece)
    client.finish()

    head, body = head_and_body(transport.data)
    assert b"transfer-encoding: chunked" in head
    assert body == b"5\r\nhello\r\n14\r\n" + b"x" * 20 + b"\r\n0\r\n\r\n"


def test_to_http_1_0_the_end_of_the_connection_is_the_end_of_the_answer() -> None:
    transport = Transport()
    kept: list[bool] = []
    client = client_on(transport, http10=True, on_done=kept.append)
    client.start(200, [], None)
    client.send(b"hello")
    client.finish()

    head, body = head_and_body(transport.data)
    assert head[-1] == b"connection: close"
    assert not any(line.startswith((b"content-length", b"transfer-encoding")) for line in head)
    assert body == b"hello"
    assert kept == [False]


def test_to_head_only_the_head_is_written() -> None:
    transport = Transport()
    client = client_on(transport, head_only=True)
    client.whole(200, [], b"hello")

    head, body = head_and_body(transport.data)
    assert b"content-length: 5" in head
    assert body == b""
    assert (client.offered, client.delivered()) == (0, 0)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_can_have_no_body_has_no_length(status: int) -> None:
    transport = Transport()
    client = client_on(transport)
    client.start(status, [], 0)
    client.finish()

    head, body = head_and_body(transport.data)
    assert not any(line.startswith((b"content-length", b"transfer-encoding")) for line in head)
    assert body == b""


@pytest.mark.parametrize(("status", "reason"), [(200, b"OK"), (418, b"I'm a Teapot"), (429, b"Too Many Requests")])
def test_a_status_has_its_usual_words(status: int, reason: bytes) -> None:
    transport = Transport()
    client_on(transport).whole(status, [], b"")

    assert transport.data.startswith(b"HTTP/1.1 %d %b\r\n" % (status, reason))


def test_a_status_that_nobody_knows_passes_too() -> None:
    transport = Transport()
    client_on(transport).whole(529, [], b"")

    assert transport.data.startswith(b"HTTP/1.1 529 ")


# --- endings ------------------------------------------------------------------------------------------------


def test_a_framed_answer_is_cut_by_closing_so_that_what_came_still_goes_out() -> None:
    transport = Transport()
    client = client_on(transport)
    client.start(200, [], None)
    client.send(b"hello")
    client.cut()

    assert transport.ended == "closed"
    assert not transport.data.endswith(b"0\r\n\r\n")


def test_an_answer_without_a_frame_is_cut_by_a_reset_since_an_end_would_look_complete() -> None:
    transport = Transport()
    client = client_on(transport, http10=True)
    client.start(200, [], None)
    client.cut()

    assert transport.ended == "aborted"


def test_an_answer_ends_once() -> None:
    transport = Transport()
    ends: list[bool] = []
    client = client_on(transport, on_done=ends.append)
    client.whole(200, [], b"hello")
    written = transport.data
    client.finish()
    client.cut()

    assert ends == [True]
    assert (transport.data, transport.ended) == (written, "")


def test_nothing_is_written_to_a_client_that_is_gone_but_what_came_for_it_counts() -> None:
    transport = Transport()
    client = client_on(transport)
    client.start(200, [], None)
    client.send(b"hello")
    written = transport.data
    client.hung_up()
    client.send(b"more")
    client.finish()

    assert transport.data == written
    assert client.offered == 9
    assert client.delivered() <= 5


# --- presence -----------------------------------------------------------------------------------------------


def test_a_hang_up_ends_what_the_call_waits_for_at_once() -> None:
    async def test() -> None:
        client = client_on(Transport())
        loop = asyncio.get_running_loop()
        loop.call_soon(client.hung_up)
        with pytest.raises(ClientGone), client.present():
            await loop.create_future()
        current = asyncio.current_task()
        assert current is not None
        assert not current.cancelling()
        with pytest.raises(ClientGone), client.present():
            raise AssertionError("nothing is begun for a client that is gone")

    on_uvloop(test)


def test_a_call_whose_answer_is_paid_for_anyway_goes_on_without_its_client() -> None:
    async def test() -> None:
        client = client_on(Transport())
        client.drains, client.drain_s = Marks(sent=True), 60.0
        with client.present():
            client.hung_up()
            await asyncio.sleep(0)
        assert client.gone

    on_uvloop(test)


def test_a_call_that_was_not_sent_yet_ends_with_its_client_all_the_same() -> None:
    async def test() -> None:
        client = client_on(Transport())
        client.drains = Marks()
        asyncio.get_running_loop().call_soon(client.hung_up)
        with pytest.raises(ClientGone), client.present():
            await asyncio.get_running_loop().create_future()

    on_uvloop(test)


def test_a_hang_up_after_the_call_cancels_nothing() -> None:
    async def test() -> None:
        client = client_on(Transport())
        with client.present():
            pass
        client.hung_up()
        await asyncio.sleep(0)

    on_uvloop(test)


def test_the_workers_stop_is_not_taken_for_a_hang_up() -> None:
    async def test() -> None:
        client = client_on(Transport())

        async def work() -> None:
            with client.present():
                await asyncio.get_running_loop().create_future()

        task = asyncio.get_running_loop().create_task(work())
        await asyncio.sleep(0)
        client.stopping = True
        client.hung_up()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    on_uvloop(test)


# --- back-pressure ------------------------------------------------------------------------------------------


def test_a_client_that_is_behind_pauses_the_answer_from_its_first_moment() -> None:
    link = Link(Transport())  # type: ignore[arg-type]  # a double
    said: list[str] = []
    link.blocked_since = 1.0
    client = client_on(Transport(), link)
    client.flow(lambda: said.append("pause"), lambda: said.append("resume"))
    assert said == ["pause"]
    client.still()
    assert link.on_pause is None
    assert link.on_resume is None


# --- delivery -----------------------------------------------------------------------------------------------


def body_in(wire: bytes, *, chunked: bool) -> int:
    """How much of a body stands in the first bytes of an answer on the wire, counted the slow way."""
    _, end, rest = wire.partition(b"\r\n\r\n")
    if not end:
        return 0
    if not chunked:
        return len(rest)
    total = 0
    while rest:
        size, end, rest = rest.partition(b"\r\n")
        if not end:
            return total
        total += min(int(size, 16), len(rest))
        rest = rest[int(size, 16) + 2 :]
    return total


pieces = st.lists(st.integers(0, 40), max_size=8).map(lambda sizes: [b"x" * size for size in sizes])


@given(before=pieces, now=pieces, chunked=st.booleans(), acked=st.integers(0, 1000))
def test_the_bytes_that_the_kernel_acknowledged_are_the_body_bytes_that_stand_in_them(
    before: list[bytes], now: list[bytes], chunked: bool, acked: int
) -> None:
    transport = Transport()
    link = Link(transport)  # type: ignore[arg-type]  # a double
    link.witness = witness = Witness()  # type: ignore[assignment]  # a double
    for answer in (before, now):  # an earlier answer on the same connection shifts everything
        begins = len(transport.data)
        client = client_on(transport, link)
        client.start(200, [(b"x-one", b"1")], None if chunked else sum(map(len, answer)))
        for piece in answer:
            client.send(piece)
        client.finish()

    witness.figure = begins + acked
    wire = transport.data[begins : begins + acked]
    assert client.delivered() == body_in(wire, chunked=chunked)
    assert client.offered == sum(map(len, now))


@given(sent=pieces, chunked=st.booleans(), figures=st.lists(st.integers(0, 600), max_size=6).map(sorted))
def test_what_was_delivered_never_shrinks_and_never_exceeds_what_was_written(
    sent: list[bytes], chunked: bool, figures: list[int]
) -> None:
    transport = Transport()
    link = Link(transport)  # type: ignore[arg-type]  # a double
    link.witness = witness = Witness()  # type: ignore[assignment]  # a double
    client = client_on(transport, link)
    client.start(200, [], None if chunked else sum(map(len, sent)))
    seen = 0
    for piece in sent:
        client.send(piece)
        for figure in figures:
            witness.figure = figure
        assert seen <= client.delivered() <= client.offered
        seen = client.delivered()
    witness.figure = 0
    assert client.delivered() == 0


def test_where_the_kernel_does_not_tell_what_it_took_counts() -> None:
    transport = Transport()
    client = client_on(transport)
    client.start(200, [], 10)
    client.send(b"x" * 10)
    assert client.delivered() == 10
    transport.waiting = 4
    assert client.delivered() == 6
