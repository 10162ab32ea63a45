"""A provider that costs next to nothing: `python -m benchmarks.mock [--port P]`.

It answers every POST with the same OpenAI completion (1.4 KB of JSON, or an event stream) and stamps its own receive
and send times, in nanoseconds of CLOCK_MONOTONIC, into each answer and each chunk, so that what a proxy adds can be
told from what the provider took. `x-sim: ttft_ms=20; chunks=50; chunk_ms=20` means what it means to the simulated
provider.

It trusts its peers (no chunked requests, no limits) and must not be used for anything else.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
from collections.abc import Callable
from functools import lru_cache, partial
from time import monotonic_ns
from typing import cast

import uvloop

STAMP = "mock-{:020d}-{:020d}"  # received, sent
_PLACE = b"@" * len(STAMP.format(0, 0))
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SIM = re.compile(rb"\r\nx-sim: *([^\r]+)", re.IGNORECASE)
_STREAM = re.compile(rb'"stream" *: *true')
_USAGE = {"prompt_tokens": 1803, "completion_tokens": 200, "total_tokens": 2003}


def _message() -> bytes:
    """The JSON answer, about 1.4 KB with its head, with a place for the stamp."""
    text = "The router keeps the answer as it is. " * 26
    body = json.dumps(
        {
            "id": _PLACE.decode(),
            "object": "chat.completion",
            "created": 1_800_000_000,
            "model": "gpt-4o-mini",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": _USAGE,
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _event(delta: dict[str, str], finish: str | None = None, usage: dict[str, int] | None = None) -> bytes:
    """One event of a stream as one HTTP chunk, with a place for the stamp."""
    choices = [] if usage else [{"index": 0, "delta": delta, "finish_reason": finish}]
    event = {"id": _PLACE.decode(), "object": "chat.completion.chunk", "created": 1_800_000_000, "model": "gpt-4o-mini"}
    return _chunk(b"data: " + json.dumps(event | {"choices": choices} | ({"usage": usage} if usage else {})).encode())


def _chunk(line: bytes) -> bytes:
    line += b"\n\n"
    return b"%x\r\n%b\r\n" % (len(line), line)


_MESSAGE = _message().split(_PLACE)
_WORD = _event({"content": " word"}).split(_PLACE)
_USAGE_CHUNK = _event({}, usage=_USAGE).split(_PLACE)
_STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_STREAM_END = _chunk(b"data: [DONE]") + b"0\r\n\r\n"


@lru_cache(maxsize=64)
def _settings(sim: bytes) -> tuple[float, int, float]:
    """Seconds to the first byte, number of chunks, seconds between chunks."""
    pairs = dict(part.strip().split("=", 1) for part in sim.decode().split(";") if "=" in part)
    return float(pairs.get("ttft_ms", 0)) / 1e3, int(pairs.get("chunks", 20)), float(pairs.get("chunk_ms", 0)) / 1e3


class Stats:
    """What the other side of a proxy saw."""

    connections = 0
    requests = 0

    def answer(self) -> bytes:
        body = json.dumps({"connections": self.connections, "requests": self.requests}).encode()
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


class Mock(asyncio.Protocol):
    """One connection."""

    def __init__(self, stats: Stats, loop: asyncio.AbstractEventLoop) -> None:
        self._stats = stats
        self._loop = loop
        self._rest = b""
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        received = monotonic_ns()
        rest = self._rest + data if self._rest else data
        while (head_end := rest.find(b"\r\n\r\n")) >= 0:
            head = rest[:head_end]
            length = _LENGTH.search(head)
            end = head_end + 4 + (int(length[1]) if length else 0)
            if len(rest) < end:
                break
            self._answer(head, rest[head_end + 4 : end], received)
            rest = rest[end:]
        self._rest = rest

    def _answer(self, head: bytes, body: bytes, received: int) -> None:
        if head.startswith(b"GET "):  # the statistics, which do not count themselves
            self._transport.write(self._stats.answer())
            return
        self._stats.requests += 1
        if not self._counted:
            self._counted = True
            self._stats.connections += 1
        sim = _SIM.search(head)
        if sim is None:
            self._send_message(received)
            return
        ttft_s, chunks, chunk_s = _settings(sim[1])
        send: Callable[[], None]
        if _STREAM.search(body):
            send = Stream(self._transport, self._loop, received, chunks, chunk_s, b"include_usage" in body).start
        else:
            send = partial(self._send_message, received)
        if ttft_s:
            self._loop.call_later(ttft_s, send)
        else:
            send()

    def _send_message(self, received: int) -> None:
        self._transport.write(_stamped(_MESSAGE, received))


class Stream:
    """One answer in pieces; a slow start does not shift the pieces after it."""

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        received: int,
        chunks: int,
        chunk_s: float,
        wants_usage: bool,
    ) -> None:
        self._transport, self._loop, self._received = transport, loop, received
        self._left, self._chunk_s, self._wants_usage = chunks, chunk_s, wants_usage

    def start(self) -> None:
        self._transport.write(_STREAM_HEAD)
        self._next_s = self._loop.time()
        self._send()

    def _send(self) -> None:
        if self._transport.is_closing():
            return
        while self._left:
            self._transport.write(_stamped(_WORD, self._received))
            self._left -= 1
            if self._chunk_s:
                self._next_s += self._chunk_s
                self._loop.call_at(self._next_s, self._send)
                return
        if self._wants_usage:
            self._transport.write(_stamped(_USAGE_CHUNK, self._received))
        self._transport.write(_STREAM_END)


def _stamped(parts: list[bytes], received: int) -> bytes:
    return STAMP.format(received, monotonic_ns()).encode().join(parts)


async def serve(port: int) -> None:
    """Serve on loopback until SIGTERM; print the address first."""
    loop = asyncio.get_running_loop()
    stats = Stats()
    server = await loop.create_server(lambda: Mock(stats, loop), "127.0.0.1", port, backlog=4096)
    print(f"mock on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    uvloop.run(serve(parser.parse_args().port))
