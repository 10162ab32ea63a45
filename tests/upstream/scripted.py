"""A provider that does on the wire exactly what a test tells it to, and counts what it sees."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import uvloop

from dd0c_route.clock import SystemClock
from dd0c_route.config import Provider, Timeouts
from dd0c_route.upstream import Marks, Pool, Reply, Sweeper

Script = Callable[["Peer"], Awaitable[None]]


def on_uvloop(test: Callable[[], Awaitable[None]]) -> None:
    """Run *test* on the loop that the router uses, with a deadline and with the loop's complaints as failures."""

    async def bounded() -> None:
        complaints: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        async with asyncio.timeout(30):
            await test()
        assert not complaints, complaints[:3]

    uvloop.run(bounded())


async def until(true: Callable[[], bool], within_s: float = 5.0) -> None:
    """Wait for *true* to become true."""
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.001)


class Peer:
    """The provider's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """One whole request, head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return head + await self.reader.readexactly(int(line.partition(b":")[2]))
        return head

    async def write(self, data: bytes) -> None:
        if self.writer.transport.is_closing():  # there uvloop raises a RuntimeError
            raise ConnectionResetError
        self.writer.write(data)
        await self.writer.drain()

    async def closed(self) -> None:
        """Until the other side is gone."""
        try:
            while await self.reader.read(1 << 16):
                pass
        except OSError:
            pass

    def reset(self) -> None:
        self.writer.transport.abort()


class Provided:
    """A listening provider.

    Attributes:
        opened, closed: Connections so far.
        requests: What came, in order.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self.opened = 0
        self.closed = 0
        self.requests: list[bytes] = []
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, tls: ssl.SSLContext | None = None, path: str | None = None) -> Self:
        if path is not None:
            self._server = await asyncio.start_unix_server(self._serve, path)
            return self
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.opened += 1
        peer = Peer(reader, writer)
        take = peer.request

        async def counted() -> bytes:
            request = await take()
            self.requests.append(request)
            return request

        peer.request = counted  # type: ignore[method-assign]  # counts, then asks
        try:
            await self._script(peer)
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            self.closed += 1
            self._tasks.discard(task)
            writer.close()


def answers(answer: bytes, then: str = "keep") -> Script:
    """Answer each request with *answer*; then `keep` the connection, `close` it or `reset` it."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.write(answer)
            if then == "close":
                return
            if then == "reset":
                peer.reset()
                return

    return script


def whole(body: bytes, *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """An answer with a content-length."""
    lines = b"".join(field + b"\r\n" for field in fields)
    return b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n\r\n%b" % (status, lines, len(body), body)


def chunked(*pieces: bytes, trailer: bytes = b"") -> bytes:
    """An answer in chunks."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailer + b"\r\n"


def provider(port: int, *, scheme: str = "http", host: str = "127.0.0.1", **settings: Any) -> Provider:
    limits = {name: settings.pop(name) for name in Timeouts.__struct_fields__ if name in settings}
    base_url = f"{scheme}://{host}:{port}/v1"
    return Provider(name="acme", dialect="openai", base_url=base_url, timeouts=Timeouts(**limits), **settings)


@asynccontextmanager
async def serving(
    script: Script, *, ticks_ns: Callable[[], int] = SystemClock.ticks_ns, **settings: Any
) -> AsyncIterator[tuple[Provided, Pool]]:
    """A provider that follows *script*, and a pool of connections to it."""
    loop = asyncio.get_running_loop()
    provided = await Provided(script).start()
    sweeper = Sweeper(loop, 0.01)
    pool = Pool(provider(provided.port, **settings), loop=loop, sweeper=sweeper, environ={}, ticks_ns=ticks_ns)
    try:
        yield provided, pool
    finally:
        await pool.close()
        await provided.stop()
        assert (pool.open, pool.in_use) == (0, 0)


async def send(pool: Pool, body: bytes = b"{}", marks: Marks | None = None, method: str = "POST") -> Reply:
    return await pool.send(method, "/chat/completions", [(b"x-one", b"1")], body, marks or Marks())


async def read(pool: Pool, body: bytes = b"{}", marks: Marks | None = None, method: str = "POST") -> tuple[int, bytes]:
    """One whole call: status and body."""
    pieces: list[bytes] = []
    with await send(pool, body, marks, method) as reply:
        reply.attach(pieces.append)
        await reply.ended()
    return reply.status, b"".join(pieces)
