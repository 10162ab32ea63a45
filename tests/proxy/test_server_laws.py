"""Laws of the server over any bytes: no socket, so that there can be many."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from dd0c_route.config import Limits
from dd0c_route.errors import RouteError
from dd0c_route.proxy.client import Link
from dd0c_route.proxy.crowd import Uploads
from dd0c_route.proxy.server import Connection, Inbound
from tests.proxy.doubles import Transport

REQUESTS = [
    b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=1\r\nyou\r\n0\r\nX: 1\r\n\r\n",
    b"POST /d HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi",
    b"HEAD /e HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"PUT /f HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n!",
]


class Clock:
    """As much of a loop as a connection asks for."""

    def time(self) -> float:
        return 0.0


class House:
    """Answers each request at once."""

    def __init__(self) -> None:
        self.loop: Any = Clock()
        self.draining = False
        self.crowded = False
        self.uploads = Uploads()
        self.limits = Limits(head_bytes=2000, body_bytes=500, header_count=20)
        self.served: list[tuple[str, bytes, bytes]] = []
        self.refused: list[RouteError] = []
        self.left_early = 0

    def joined(self, connection: Connection) -> bool:
        return True

    def left(self, connection: Connection, link: Link) -> None:
        pass

    def head(self, request: Inbound, *, internal: bool) -> bool:
        request.place = request.target
        return False

    def serve(self, request: Inbound, *, internal: bool) -> None:
        self.served.append((request.method, request.target, request.body))
        assert request.client is not None
        request.client.whole(200, [], request.body)

    def failed(self, request: Inbound, error: BaseException) -> None:
        raise AssertionError(request) from error  # nothing of ours fails here

    def refuse(self, request: Inbound, error: RouteError) -> None:
        self.refused.append(error)
        assert request.client is not None
        request.client.whole(error.status, [], b"")

    def abandoned(self, request: Inbound) -> None:
        self.left_early += 1


class Wire(Transport):
    """A transport that can be half closed."""

    def write_eof(self) -> None:
        self.ended = self.ended or "closed"


def visit(data: bytes, cuts: list[int]) -> tuple[House, Wire]:
    """Send *data* in pieces, then leave."""
    house, wire = House(), Wire()
    connection = Connection(house)
    connection.connection_made(wire)  # type: ignore[arg-type]  # a double
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    for start, end in pairwise(places):
        connection.data_received(data[start:end])
    connection.eof_received()
    connection.connection_lost(None)
    return house, wire


some_requests = st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=5)
some_cuts = st.lists(st.integers(0, 2000), max_size=12)


@given(requests=some_requests, cuts=some_cuts)
def test_the_cuts_of_the_network_change_nothing(requests: list[bytes], cuts: list[int]) -> None:
    data = b"".join(requests)
    whole_house, whole_wire = visit(data, [])
    house, wire = visit(data, cuts)

    assert len(house.served) == len(requests)
    assert house.served == whole_house.served
    assert wire.data == whole_wire.data


def damaged(data: bytes, seed: int) -> bytes:
    """*data* with a few bytes replaced, inserted, repeated or cut out."""
    draw = random.Random(seed)
    out = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(out) + 1)
        piece = draw.choice(
            [b"\r", b"\n", b"\r\n", b"\0", b" ", b":", b"\xff", b"0", b"Host: y\r\n", b"Content-Length: 3\r\n"]
        )
        match draw.randrange(3):
            case 0:
                out[at:at] = piece
            case 1:
                out[at : at + len(piece)] = piece
            case _:
                del out[at : at + draw.randint(1, 9)]
    return bytes(out)


@settings(max_examples=400)
@given(requests=some_requests, cuts=some_cuts, seed=st.integers(0, 2**32))
def test_damaged_requests_never_break_it_and_are_refused_at_most_once(
    requests: list[bytes], cuts: list[int], seed: int
) -> None:
    data = damaged(b"".join(requests), seed)

    house, wire = visit(data, cuts)

    assert len(house.refused) <= 1
    assert all(400 <= error.status < 500 for error in house.refused)
    assert len(house.served) <= len(requests) + 1
    assert bool(house.refused) <= bool(wire.ended)
    assert (house.served, [type(error) for error in house.refused]) == (
        visit(data, [])[0].served,
        [type(error) for error in visit(data, [])[0].refused],
    )


@given(data=st.binary(max_size=400), cuts=some_cuts)
def test_noise_never_breaks_it(data: bytes, cuts: list[int]) -> None:
    house, _ = visit(data, cuts)

    assert not house.served
    assert len(house.refused) <= 1
