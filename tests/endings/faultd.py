"""A provider on a raw socket that does what it is told to the byte, and remembers what it saw.

with Faultd() as faultd:
    faultd.play("one", [b"HTTP/1.1 200 OK\\r\\n", Pause(0.1), Rst()])

A call names its play in the header `x-fault`; what happens on the wire is the play alone: no framing is added.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

from msgspec import Struct

_NAME = re.compile(rb"\r\nx-fault: ([^\r]*)\r\n", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_RESET = struct.pack("ii", 1, 0)


class Pause(Struct, frozen=True):
    """Wait before what follows, so that it comes in a read of its own."""

    seconds: float


class Flood(Struct, frozen=True):
    """Write *piece* so many times, as fast as the other side takes it."""

    piece: bytes
    times: int


class Fin(Struct, frozen=True):
    """Close the connection in good order."""


class Rst(Struct, frozen=True):
    """Tear the connection down."""


class Hold(Struct, frozen=True):
    """Say nothing more, and leave the connection open."""


Step = bytes | Pause | Flood | Fin | Rst | Hold
Play = Sequence[Step]
"""What is written for one request; without an ending at its end the connection stays open for the next one."""


class Faultd:
    """One listening port. What is asked of it from other threads is answered at once.

    Attributes:
        port: On 127.0.0.1.
    """

    def __init__(self) -> None:
        self.port = 0
        self._plays: dict[str, Iterator[Play]] = {}
        self._last: dict[str, Play] = {}
        self._calls: Counter[str] = Counter()
        self._bytes: list[bytes] = []
        self._open: set[_Wire] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="faultd")
        self._listens = threading.Event()
        self._stop = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._listens.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def play(self, name: str, *plays: Play) -> None:
        """What calls named *name* get, one after the other; the last one again and again."""
        self._plays[name] = iter(plays)

    def calls(self, name: str) -> int:
        """How many whole requests of that name came."""
        return self._calls[name]

    @property
    def open(self) -> int:
        """Connections that neither side has closed."""
        return len(self._open)

    @property
    def heard(self) -> bytes:
        """All that was ever sent to this port."""
        return b"".join(self._bytes)

    # --- in the thread --------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        server = await self._loop.create_server(lambda: _Wire(self), "127.0.0.1", 0, backlog=1024)
        self.port = server.sockets[0].getsockname()[1]
        self._listens.set()
        await self._stop.wait()
        server.close()
        for wire in list(self._open):
            wire.end(reset=False)
        await asyncio.sleep(0)

    def next_play(self, name: str) -> Play:
        self._calls[name] += 1
        play = self._last[name] = next(self._plays.get(name, iter(())), self._last.get(name, (Fin(),)))
        return play


class _Wire(asyncio.Protocol):
    """One connection: whole requests in, their plays out."""

    def __init__(self, faultd: Faultd) -> None:
        self._faultd = faultd
        self._request = b""
        self._playing: asyncio.Task[None] | None = None
        self._takes = asyncio.Event()
        self._takes.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._faultd._open.add(self)

    def data_received(self, data: bytes) -> None:
        self._faultd._bytes.append(data)
        self._request += data
        head, end, body = self._request.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if not end or len(body) < (int(length[1]) if length else 0):
            return
        name = _NAME.search(head + b"\r\n")
        self._request = b""
        play = self._faultd.next_play(name[1].decode() if name else "")
        if all(isinstance(step, bytes | Fin | Rst) for step in play):
            for step in play:
                self._at_once(step)
        else:
            self._playing = self._faultd._loop.create_task(self._perform(play))

    def connection_lost(self, exc: Exception | None) -> None:
        self._faultd._open.discard(self)
        if self._playing is not None:
            self._playing.cancel()

    def pause_writing(self) -> None:
        self._takes.clear()

    def resume_writing(self) -> None:
        self._takes.set()

    async def _perform(self, play: Iterable[Step]) -> None:
        for step in play:
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, Hold):
                await asyncio.Event().wait()
            elif isinstance(step, Flood):
                for number in range(step.times):
                    self._transport.write(step.piece)
                    await self._takes.wait()
                    if number % 16 == 0:
                        await asyncio.sleep(0)
            else:
                self._at_once(step)

    def _at_once(self, step: Step) -> None:
        if isinstance(step, bytes):
            self._transport.write(step)
        else:
            self.end(reset=isinstance(step, Rst))

    def end(self, *, reset: bool) -> None:
        if reset:
            with contextlib.suppress(OSError):
                self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()
        else:
            self._transport.close()
