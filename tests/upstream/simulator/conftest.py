"""A simulator in a thread of its own, and a blocking client: two parties over real sockets."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvloop

from dd0c_route.upstream.simulator import Simulator, start

CHAT = "/v1/chat/completions"
DEADLINE_S = 10.0


@dataclass
class Reply:
    """A whole answer; *body* is what came, chunked framing removed."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def events(self) -> list[tuple[str, Any]]:
        """Name and data of each event; data that is not JSON stays text."""
        assert self.body.endswith(b"\n\n")
        return [_event(block) for block in self.body.decode().split("\n\n")[:-1]]


def _event(block: str) -> tuple[str, Any]:
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    data = fields["data"]
    return fields.get("event", ""), json.loads(data) if data.startswith("{") else data


@dataclass
class Running:
    """The client's view of a simulator."""

    simulator: Simulator
    loop: asyncio.AbstractEventLoop
    sockets: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.simulator.port

    def ask(
        self,
        path: str,
        body: Any = None,
        sim: str | None = None,
        headers: dict[str, str] | None = None,
        method: str = "POST",
    ) -> Reply:
        """One call on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        sent = dict(headers or {}) | ({"x-sim": sim} if sim is not None else {})
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """A bare connection, closed when the test is over."""
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)
        self.sockets.append(sock)
        return sock

    def stats(self, query: str = "") -> Any:
        return self.ask(f"/sim/stats{query}", method="GET").json()

    def call(self, sock: socket.socket, sim: str, body: Any = None) -> int:
        """Send a chat call on *sock*; its number in the record."""
        before: int = self.stats()["totals"]["last_call"]
        sock.sendall(request(body if body is not None else chat(stream=True), sim))
        self.until(lambda: self.stats()["totals"]["last_call"] > before)
        return before + 1

    def record(self, call: int) -> Any:
        """The record of one call."""
        return self.stats(f"?since={call - 1}&limit=1")["calls"][0]

    def connection_of(self, call: int) -> Any:
        number = self.record(call)["connection"]
        return self.stats(f"?connections_since={number - 1}&limit=1")["connections"][0]

    def until(self, holds: Callable[[], bool]) -> None:
        """Poll until *holds*."""
        deadline = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.002)


def chat(stream: bool = False, **fields: Any) -> dict[str, Any]:
    """A chat request; five words, so that its JSON has six of them with the space behind the colon."""
    return {"model": "gpt-x", "messages": [{"role": "user", "content": "one two three"}], "stream": stream} | fields


def request(body: Any, sim: str = "", path: str = CHAT) -> bytes:
    """The bytes of a request."""
    data = json.dumps(body).encode()
    return (f"POST {path} HTTP/1.1\r\nhost: sim\r\nx-sim: {sim}\r\ncontent-length: {len(data)}\r\n\r\n").encode() + data


def read_all(sock: socket.socket) -> tuple[bytes, bool]:
    """Everything until the other side ends; True where it ended by a reset."""
    got = b""
    while True:
        try:
            data = sock.recv(65536)
        except ConnectionResetError:
            return got, True
        if not data:
            return got, False
        got += data


def read_until(sock: socket.socket, mark: bytes) -> bytes:
    """Everything up to *mark*, and what came with it."""
    got = bytearray()
    while got.find(mark, max(0, len(got) - 65536 - len(mark))) < 0:
        data = sock.recv(65536)
        assert data, f"ended before {mark!r}"
        got += data
    return bytes(got)


def reset(sock: socket.socket) -> None:
    """Leave rudely: the other side gets an RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Running]]:
    """Start simulators in one thread; all are closed at the end."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    simulators: list[Simulator] = []

    def begin(recordings: Path | None = None, script: Path | None = None) -> Running:
        started = start("127.0.0.1", 0, recordings, script)
        simulator = asyncio.run_coroutine_threadsafe(started, loop).result(DEADLINE_S)
        simulators.append(simulator)
        return Running(simulator, loop)

    yield begin
    for simulator in simulators:
        asyncio.run_coroutine_threadsafe(simulator.close(), loop).result(DEADLINE_S)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(DEADLINE_S)
    loop.close()


@pytest.fixture(scope="session")
def shared(launch: Callable[..., Running]) -> Running:
    """One simulator without script and recordings for the whole run."""
    return launch()


@pytest.fixture
def sim(shared: Running) -> Iterator[Running]:
    """The shared simulator; the test's own sockets are closed behind it."""
    yield shared
    for sock in shared.sockets:
        sock.close()
    shared.sockets.clear()
