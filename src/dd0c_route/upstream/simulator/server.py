"""The simulated provider as a server: in this process for tests, or on its own until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import uvloop

from dd0c_route.redact import hooks
from dd0c_route.upstream.simulator.connection import Connection
from dd0c_route.upstream.simulator.recordings import Library
from dd0c_route.upstream.simulator.script import Script, load_script
from dd0c_route.upstream.simulator.stage import Request, Stage
from dd0c_route.upstream.simulator.witness import Witness

_BACKLOG = 4096  # as many as a load test connects at once
_DEFAULT_LIMIT = 10_000  # calls and connections in one report: a few megabytes


class Simulator:
    """A running simulator. *port* is where it listens."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.witness = Witness()
        self.connections: set[Connection] = set()
        self.port = 0
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int, fd: int | None = None) -> None:
        """Take connections at *host* and *port*, or at the listening socket *fd*, which somebody else has opened."""
        loop = asyncio.get_running_loop()
        if fd is None:
            self._server = await loop.create_server(lambda: Connection(self), host, port, backlog=_BACKLOG)
        else:
            self._server = await loop.create_server(lambda: Connection(self), sock=socket.socket(fileno=fd))
        self.port = self._server.sockets[0].getsockname()[1]

    def stats(self, since: int = 0, connections_since: int = 0, limit: int = _DEFAULT_LIMIT) -> dict[str, Any]:
        """What `GET /sim/stats` answers."""
        for connection in self.connections:
            connection.note()
        return self.witness.report(since, connections_since, limit)

    def reset(self) -> None:
        """Forget what is over, and begin again with repeated recordings and scripted failures."""
        self.witness.reset()
        self.stage.reset()

    def administer(self, request: Request) -> tuple[bytes, bytes]:
        """Answer a call below `/sim/`: status line and JSON body."""
        if request.path == "/sim/reset" and request.method == b"POST":
            self.reset()
            return b"200 OK", b"{}"
        if request.path == "/sim/stats" and request.method == b"GET":
            given = {name: values[-1] for name, values in parse_qs(request.query).items()}
            given = {name: number for name, number in given.items() if name in ("since", "connections_since", "limit")}
            if not all(number.isdecimal() for number in given.values()):
                return b"400 Bad Request", b'{"error":"since, connections_since and limit are whole numbers"}'
            return b"200 OK", msgspec.json.encode(self.stats(**{name: int(n) for name, n in given.items()}))
        return b"404 Not Found", b'{"error":"GET /sim/stats or POST /sim/reset"}'

    async def close(self) -> None:
        """Stop listening and drop every connection at once."""
        if self._server:
            self._server.close()
        for connection in tuple(self.connections):
            connection.drop()
        if self._server:
            await self._server.wait_closed()


async def start(
    host: str = "127.0.0.1", port: int = 0, recordings: Path | None = None, script: Path | None = None,
    fd: int | None = None,
) -> Simulator:  # fmt: skip
    """Start a simulator in the running loop (uvloop or asyncio's own).

    Raises:
        ScriptError: The script or the recordings cannot be read.
        OSError: The address is taken.
    """
    library = Library(recordings) if recordings else None
    simulator = Simulator(Stage(library, load_script(script) if script else Script([])))
    await simulator.listen(host, port, fd)
    return simulator


def main(
    host: str, port: int, recordings: Path | None = None, script: Path | None = None, fd: int | None = None
) -> None:
    """Run until SIGTERM or SIGINT; say the address on standard output once it listens."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(host, port, recordings, script, fd))


async def _serve(host: str, port: int, recordings: Path | None, script: Path | None, fd: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    hooks.install_loop(loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    simulator = await start(host, port, recordings, script, fd)
    gc.collect()
    gc.freeze()  # the index of recordings never dies: no need to walk it again
    gc.set_threshold(50_000, 20, 100)  # calls leave no cycles behind; a benchmark's tail shall not be our collector's
    shown = f"[{host}]" if ":" in host else host
    print(f"simulator on http://{shown}:{simulator.port}", flush=True)
    await stop.wait()
    await simulator.close()
