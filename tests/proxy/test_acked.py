"""What the kernel tells of the other side, on real connections."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from dd0c_route.proxy.acked import Witness
from tests.stand import until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")


class Transport:
    """As much of a transport as a witness asks for."""

    def __init__(self, sock: socket.socket | None) -> None:
        self._sock = sock

    def get_extra_info(self, name: str) -> object:
        return self._sock if name == "socket" else None


@contextmanager
def connected(small_buffers: bool = False) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Our end and the client's."""
    with closing(socket.socket()) as listening, closing(socket.socket()) as client:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        if small_buffers:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(listening.getsockname())
        ours, _ = listening.accept()
        with closing(ours):
            yield ours, client


def read_exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (piece := sock.recv(count - len(data))):
        data += piece
    return data


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def fill(sock: socket.socket) -> int:
    """Write until the kernel takes no more; how much it took."""
    sock.setblocking(False)
    taken = 0
    while True:
        try:
            taken += sock.send(b"x" * 65536)
        except BlockingIOError:
            return taken


def test_what_was_read_is_acknowledged_to_the_byte() -> None:
    with connected() as (ours, client):
        witness = Witness(Transport(ours))  # type: ignore[arg-type]  # a double
        assert witness.acked() == 0
        ours.sendall(b"x" * 12345)
        read_exactly(client, 12345)
        until(lambda: witness.acked() == 12345, "the acknowledgement")
        witness.close()


def test_what_a_client_does_not_take_is_not_acknowledged() -> None:
    with connected(small_buffers=True) as (ours, client):
        witness = Witness(Transport(ours))  # type: ignore[arg-type]  # a double
        written = fill(ours)
        acked = witness.acked()
        assert acked is not None
        assert 0 < acked < written
        assert len(read_exactly(client, acked)) == acked
        witness.close()


@pytest.mark.parametrize("end", ["fin", "rst"])
def test_the_figure_outlives_the_connection_and_its_first_descriptor(end: str) -> None:
    with connected() as (ours, client):
        witness = Witness(Transport(ours))  # type: ignore[arg-type]  # a double
        ours.sendall(b"x" * 1000)
        read_exactly(client, 1000)
        until(lambda: witness.acked() == 1000, "the acknowledgement")
        reset(client) if end == "rst" else client.close()
        ours.close()
        assert witness.acked() == 1000
        witness.close()


@pytest.mark.parametrize("end", ["fin", "rst"])
def test_a_client_that_leaves_without_reading_never_counts_as_having_taken_all(end: str) -> None:
    with connected(small_buffers=True) as (ours, client):
        witness = Witness(Transport(ours))  # type: ignore[arg-type]  # a double
        written = fill(ours)
        reset(client) if end == "rst" else client.close()
        ours.close()
        acked = witness.acked()
        assert acked is not None
        assert acked < written
        witness.close()


def test_the_last_figure_stays_when_the_witness_has_let_go() -> None:
    with connected() as (ours, client):
        witness = Witness(Transport(ours))  # type: ignore[arg-type]  # a double
        ours.sendall(b"x" * 1000)
        read_exactly(client, 1000)
        until(lambda: witness.acked() == 1000, "the acknowledgement")
        ours.sendall(b"never acknowledged by anybody who asks later")
        reset(client)
        witness.close()
        assert witness.acked() is not None
        witness.close()


def test_the_connection_ends_for_the_client_only_when_the_witness_lets_go() -> None:
    with connected() as (ours, client):
        witness = Witness(Transport(ours))  # type: ignore[arg-type]  # a double
        ours.close()
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)
        witness.close()
        client.settimeout(5)
        assert client.recv(1) == b""


def test_a_socket_of_this_machine_tells_nothing() -> None:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        witness = Witness(Transport(ours))  # type: ignore[arg-type]  # a double
        assert witness.acked() is None
        witness.close()
    assert Witness(Transport(None)).acked() is None  # type: ignore[arg-type]  # a double
