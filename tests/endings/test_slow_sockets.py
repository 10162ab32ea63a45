"""Many clients that send or take their bytes one by one: each has its time and no more, and honest ones notice nothing.

With `DD0C_DOOR` (`make door`) five times as many come at once.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.endings.caller import Caller, post
from tests.stand import CHAT, Stand

SLOW, READERS = (5000, 200) if "DD0C_DOOR" in os.environ else (1000, 60)
READER_BYTES = 256 << 10  # of a worker's memory, for each, at a provider of full speed
HEAD_S, BODY_S = 2.0, 3.0
LATE_S = 1.0  # a deadline is looked at twenty times a second; the rest is for a busy machine
CONFIG = f"""
[limits]
head_s = {HEAD_S}
body_s = {BODY_S}
"""
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Slow: "
UPLOAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n{"
CHUNKED = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand"), CONFIG) as running:
        yield running


def test_slow_clients_are_closed_in_time_and_honest_ones_served(stand: Stand) -> None:
    starts = [HEAD, UPLOAD, CHUNKED, HEAD[:9]]
    open_since: dict[socket.socket, float] = {}
    answers: dict[str, int] = {}
    longest, served = 0.0, 0
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as selector:
        for number in range(SLOW):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", stand.port)))
            sock.sendall(starts[number % len(starts)])
            open_since[sock] = time.monotonic()
            selector.register(sock, selectors.EVENT_READ)
        typed = time.monotonic()
        while open_since:
            if time.monotonic() - typed > 0.5:  # each types one byte more
                typed = time.monotonic()
                for sock in open_since:
                    with contextlib.suppress(OSError):
                        sock.send(b"1")
            assert stand.post("/v1/chat/completions", CHAT).status == 200
            served += 1
            for key, _ in selector.select(0.01):
                assert isinstance(key.fileobj, socket.socket)
                with contextlib.suppress(ConnectionResetError):
                    status = key.fileobj.recv(4096)[9:12].decode()
                    answers[status] = answers.get(status, 0) + 1
                longest = max(longest, time.monotonic() - open_since.pop(key.fileobj))
                selector.unregister(key.fileobj)
    print(
        f"\n{SLOW} slow clients: answers {answers}, the longest stayed {longest:.1f} s; meanwhile {served} calls served"
    )
    assert set(answers) == {"408"}
    assert longest < BODY_S + LATE_S + SLOW / 1000  # they are opened and looked at one after the other


def _has(size: int, raw: bytearray) -> bool:
    return len(raw) >= size


def resident_bytes(stand: Stand) -> int:
    (worker,) = stand.children("dd0c_route.proxy")
    return int(Path(f"/proc/{worker}/statm").read_text().split()[1]) * 4096


def test_a_slow_reader_costs_little_memory(stand: Stand) -> None:
    assert stand.post("/v1/chat/completions", CHAT).status == 200
    before = resident_bytes(stand)
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(Caller(stand.port, receive_bytes=4096)) for _ in range(READERS)]
        for reader in readers:
            scene = "chunks=800; chunk_bytes=20000"  # more than all buffers on the way hold
            reader.send(post("/v1/chat/completions", {**CHAT, "stream": True}, {"x-sim": scene}))
        for reader in readers:
            reader.read_until(lambda raw: len(raw) > 1000, at_most=1024)
        sizes: list[int] = []
        while len(sizes) < 5 or sizes[-1] > sizes[-5]:  # until nothing grows any more
            for reader in readers:
                if len(reader.raw) < 4000:  # a byte each, as long as the kernel has some of the first ones
                    reader.read_until(partial(_has, len(reader.raw) + 1), at_most=1)
            sizes.append(resident_bytes(stand) - before)
            readers[0].rest(0.1)
    print(f"\n{READERS} slow readers: {max(sizes) // READERS >> 10} KiB of the worker's memory each")
    assert max(sizes) < READERS * READER_BYTES
