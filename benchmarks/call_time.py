"""What a call costs in the worker's own code: `python -m benchmarks.call_time`.

Client and provider are objects in this process that stand in for their transports: no kernel, no socket and no other
process is measured. A call does all of its work, its two journal records included. The figures compare two versions of
the code on one machine; what users feel is measured by `benchmarks.proxy_latency`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import uvloop

from benchmarks import machine
from benchmarks.report import table
from dd0c_route.clock import SystemClock
from dd0c_route.ledger.journal import Journal
from dd0c_route.proxy.app import App
from dd0c_route.proxy.server import Connection as ClientConnection
from dd0c_route.runtime import build, load_config
from dd0c_route.upstream import Sweeper
from dd0c_route.upstream.connection import Connection as ProviderConnection

BODY_BYTES = 8000
FEW, MANY = 2, 202  # pieces of a stream; a piece costs the difference of the two calls, by 200
USAGE = {"prompt_tokens": 1600, "completion_tokens": 200, "total_tokens": 1800}
WARM_UP = 300  # calls
BATCH = 100  # calls measured together
SETTINGS = {
    "providers.simulated.dialect": "openai",
    "providers.simulated.base_url": "http://127.0.0.1:9/v1",
    "providers.simulated.price_as": "openai",
}


class FakeTransport(asyncio.Transport):
    """Takes everything at once, and tells *on_write*."""

    def __init__(self, on_write: Callable[[bytes], None]) -> None:
        super().__init__()
        self._on_write = on_write

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._on_write(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Bench:
    """A worker between one client and one provider; *more* settings by dotted path."""

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop, more: Mapping[str, object] | None = None) -> None:
        self._loop = loop
        self._pieces: list[bytes] = []
        self._end = b""
        self._over = asyncio.Event()
        clock, sweeper = SystemClock(), Sweeper(loop)
        self._journal = Journal(folder, 0, clock)
        runtime = build(load_config(None, {**SETTINGS, **(more or {})}, {}), self._journal, clock, sweeper, loop)
        pool = runtime.lines["simulated"].pool
        self._provider = ProviderConnection(pool, loop, tls=False)
        self._provider.connection_made(FakeTransport(lambda request: self._answer(0)))
        pool._all.add(self._provider)  # as if the pool had opened it
        pool.give_back(self._provider)
        self._app = App(runtime, pool, loop, _no_reload, Path("bodies"))
        self._client = ClientConnection(self._app)
        self._client.connection_made(FakeTransport(self._answered))

    async def call(self, request: bytes, pieces: list[bytes], end: bytes) -> None:
        """One call: the provider answers with *pieces*, one for each turn of the loop; *end* is the answer's last."""
        self._pieces, self._end = pieces, end
        self._over.clear()
        self._client.data_received(request)
        await self._over.wait()

    @property
    def skipped_audits(self) -> int:
        return self._app.auditor.skipped

    async def close(self) -> None:
        """Settle what is on its way."""
        await self._app.drain(1.0)
        self._journal.close()

    def _answer(self, index: int) -> None:
        if index < len(self._pieces):
            self._loop.call_soon(self._send, index)

    def _send(self, index: int) -> None:
        self._answer(index + 1)
        piece = self._pieces[index]
        self._provider.get_buffer(-1)[: len(piece)] = piece
        self._provider.buffer_updated(len(piece))

    def _answered(self, data: bytes) -> None:
        if data.endswith(self._end):
            self._over.set()


async def _no_reload() -> str:
    return ""


def a_request(*, stream: bool) -> bytes:
    """A client's request as its bytes."""
    question = {"role": "user", "content": "word " * (BODY_BYTES // 5)}
    body = json.dumps({"model": "gpt-4o-mini", "stream": stream, "messages": [question]}).encode()
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: router\r\ncontent-type: application/json\r\n"
        "authorization: Bearer synthetic-benchmark-key\r\nuser-agent: benchmark\r\naccept: */*\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def a_whole_answer() -> list[bytes]:
    """A JSON answer in one piece."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "word " * 200}, "finish_reason": "stop"}
    body = json.dumps({"id": "1", "model": "gpt-4o-mini", "choices": [choice], "usage": USAGE}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return [head.encode() + body]


def a_stream(pieces: int) -> list[bytes]:
    """A stream of so many events, each a piece of its own."""
    choice = {"index": 0, "delta": {"content": " word"}, "finish_reason": None}
    chunk = {"id": "1", "object": "chat.completion.chunk", "model": "gpt-4o-mini", "choices": [choice]}
    event = b"data: %b\n\n" % json.dumps(chunk).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    usage = b"data: %b\n\n" % json.dumps({**chunk, "choices": [], "usage": USAGE}).encode()
    return [head, *[_chunked(event)] * pieces, _chunked(usage), _chunked(b"data: [DONE]\n\n") + b"0\r\n\r\n"]


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def measure(rounds: int) -> dict[str, list[float]]:
    """Microseconds of each kind, one figure a round."""
    with tempfile.TemporaryDirectory(prefix="dd0c-bench-") as folder:
        bench = Bench(Path(folder), asyncio.get_running_loop())
        whole, few, many = a_whole_answer(), a_stream(FEW), a_stream(MANY)
        ask, ask_stream, end = a_request(stream=False), a_request(stream=True), b"0\r\n\r\n"

        async def json_call() -> None:
            await bench.call(ask, whole, whole[0][-20:])

        async def short_stream() -> None:
            await bench.call(ask_stream, few, end)

        async def long_stream() -> None:
            await bench.call(ask_stream, many, end)

        for _ in range(WARM_UP):
            await json_call()
            await short_stream()
        gc.collect()
        gc.freeze()
        found: dict[str, list[float]] = {"JSON call": [], "stream of 2 events": [], "each further event": []}
        for _ in range(rounds):
            found["JSON call"].append(await _each_us(json_call, BATCH))
            short_us = await _each_us(short_stream, BATCH)
            found["stream of 2 events"].append(short_us)
            long_us = await _each_us(long_stream, BATCH // 10)
            found["each further event"].append((long_us - short_us) / (MANY - FEW))
        await bench.close()
    gc.unfreeze()
    return found


async def _each_us(call: Callable[[], Awaitable[None]], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        await call()
    return (time.perf_counter() - started) / times * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=50, help="how often everything is measured")
    options = parser.parse_args()
    print("\n".join(f"{name:12} {value}" for name, value in machine.facts().items()), flush=True)
    found = uvloop.run(measure(options.rounds))
    print("\nMicroseconds between fake transports; the lowest is the least disturbed by others.\n")
    lines = [[kind, f"{min(us):.1f}", f"{statistics.median(us):.1f}"] for kind, us in found.items()]
    print(table(["kind", "lowest", "median"], lines))


if __name__ == "__main__":
    main()
