"""More clients than descriptors: the last ones are refused with an answer, and all is well at once after it."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
from collections import Counter
from collections.abc import Iterator

import pytest

from dd0c_route.proxy.room import OF_A_CLIENT, RESERVED
from tests.endings.caller import Caller, post
from tests.endings.rest import Rest, said
from tests.stand import CHAT, DEADLINE_S, Stand

DESCRIPTORS = 256
ROOM = (DESCRIPTORS - RESERVED) // OF_A_CLIENT
CYCLES = 100 if os.environ.get("DD0C_DISCONNECTS") else 20
CLIENTS = 300  # at once: more than there are descriptors


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    limits = {resource.RLIMIT_NOFILE: DESCRIPTORS}
    with Stand(tmp_path_factory.mktemp("stand"), rlimits=limits) as running:
        yield running


def asked(stand: Stand, stack: contextlib.ExitStack) -> socket.socket:
    sock = stack.enter_context(socket.create_connection(("127.0.0.1", stand.port), timeout=DEADLINE_S))
    sock.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    return sock


def status(sock: socket.socket) -> bytes:
    """The status of the answer; nothing where the connection ended without one."""
    try:
        return sock.recv(65536)[9:12]
    except ConnectionError:
        return b""


def test_who_finds_no_room_is_told_so_and_the_router_recovers_by_itself_each_time(stand: Stand) -> None:
    before, answers = Rest.of(stand), Counter[bytes]()
    for _ in range(CYCLES):
        with contextlib.ExitStack() as stack:
            clients = [asked(stand, stack) for _ in range(CLIENTS)]
            answers.update(map(status, clients))
        before.comes_back(stand)
        assert stand.post("/v1/chat/completions", CHAT).status == 200

    print(f"\n{CYCLES} cycles of {CLIENTS} clients with {DESCRIPTORS} descriptors: {dict(answers)}")
    assert set(answers) == {b"200", b"503"}, answers
    assert answers[b"200"] >= CYCLES * (ROOM - 2)  # the one who asked before may not be gone yet
    assert "Traceback" not in said(stand)


def test_who_found_room_has_a_descriptor_for_the_provider_too(stand: Stand) -> None:
    before = Rest.of(stand)
    with contextlib.ExitStack() as stack:
        callers = [stack.enter_context(Caller(stand.port)) for _ in range(CLIENTS // 2)]
        for caller in callers:
            caller.send(post("/v1/chat/completions", {**CHAT, "stream": True}, {"x-sim": "chunks=20; chunk_ms=20"}))
        for caller in callers:
            caller.read_answer()

    results = Counter((caller.status, caller.whole) for caller in callers)
    assert set(results) == {(200, True), (503, True)}, results
    assert results[200, True] >= ROOM - 2
    assert "sim: cannot reach" not in said(stand)
    before.comes_back(stand)
