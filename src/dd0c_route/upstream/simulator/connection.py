"""One client connection: requests in, planned answers out, every byte and every ending on the record."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING, cast

import httptools

from dd0c_route.upstream.simulator.performance import Performance
from dd0c_route.upstream.simulator.stage import Request
from dd0c_route.upstream.simulator.witness import CallRecord, ClosedBy, State

if TYPE_CHECKING:
    from dd0c_route.upstream.simulator.server import Simulator

MAX_BODY_BYTES = 64 << 20  # twice what the router takes
MAX_WAITING = 64  # pipelined requests; more end the connection
_REFUSED = b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Connection(asyncio.Protocol):
    """Reads while it writes, so that a peer that leaves is noticed in every phase."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.witness = simulator.witness
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._playing: Performance | None = None
        self._waiting: deque[tuple[Request, CallRecord, bool]] = deque()
        self._receiving: CallRecord | None = None
        self._paused = False
        self._closing: ClosedBy | None = None
        self._end_on_next = ""  # how to end when the next request arrives; empty: do not

    # --- the transport's side ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        # No buffer of ours: what was written is with the kernel, or we are paused.
        self.transport.set_write_buffer_limits(high=0)
        self.record = self.witness.opened()
        self._simulator.connections.add(self)

    def data_received(self, data: bytes) -> None:
        self.record.bytes_in += len(data)
        if self._end_on_next:
            self.end(self._end_on_next)
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            self._refuse(b"500 Internal Server Error")
            raise  # our own bug: the loop's handler shows it
        except httptools.HttpParserUpgrade:
            self._refuse(b"501 Not Implemented")
        except httptools.HttpParserError:
            self._refuse(b"400 Bad Request")

    def eof_received(self) -> bool:
        self._lost("peer_fin")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost("peer_fin" if exc is None else "peer_rst")
        self._simulator.connections.discard(self)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._playing:
            self._playing.resume()

    def write(self, data: bytes) -> bool:
        """Write; True where the kernel has taken all of it."""
        self.record.bytes_out += len(data)
        self.transport.write(data)
        return not self._paused

    def end(self, how: str) -> None:
        """Close from our side: `fin` in good order, `rst` at once and rudely."""
        if self._closing is None:
            self._closing = "self"
        if how == "rst":
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()

    def drop(self) -> None:
        """Close at once, whatever is under way."""
        self._closing = self._closing or "self"
        self.transport.abort()

    def note(self) -> None:
        """Bring the record of the call under way up to date."""
        if self._playing:
            self._playing.note()

    def _lost(self, closed_by: ClosedBy) -> None:
        """The connection is over; whatever was under way ends here. Harmless the second time."""
        if self.record.closed_by != "open":
            return
        unsent = self.transport.get_write_buffer_size()
        self.record.bytes_out -= unsent
        self.witness.closed(self.record, self._closing or closed_by)
        state: State = "cut" if self._closing else "aborted_by_peer"
        if self._playing:
            self._playing.lost(unsent, state)
            self._playing = None
        for call in [call for _, call, _ in self._waiting] + ([self._receiving] if self._receiving else []):
            self.witness.ended(call, state)
        self._waiting.clear()
        self._receiving = None

    def _refuse(self, status: bytes) -> None:
        if not self._playing:
            self.write(_REFUSED % status)
        self.end("fin")

    # --- the parser's side -------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._url = b""
        self._pairs: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._pairs.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        headers = dict(self._pairs)
        target = self._url.decode("latin-1")
        if not target.startswith("/"):  # absolute form, as a proxy's client sends it
            target = "/" + target.partition("://")[2].partition("/")[2]
        path, _, query = target.partition("?")
        self._request = Request(self._parser.get_method(), path, query, headers, self._pairs, b"")
        if path.startswith("/sim/"):
            return
        self._receiving = self.witness.asked(self.record, path, headers)
        if headers.get(b"expect", b"").lower() == b"100-continue" and not self._playing:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._body.append(data)
        self._body_bytes += len(data)
        if self._receiving:
            self._receiving.request_bytes = self._body_bytes
        if self._body_bytes > MAX_BODY_BYTES:
            self._refuse(b"413 Content Too Large")

    def on_message_complete(self) -> None:
        body = self._body
        request = self._request
        request.body = body[0] if len(body) == 1 else b"".join(body)
        # Asked here because the parser forgets it before the next message.
        keep_alive = self._parser.should_keep_alive()
        call, self._receiving = self._receiving, None
        if call is None:
            self._administer(request, keep_alive)
            return
        call.received_ns = self.witness.now_ns()
        if self._playing or self._waiting:
            self._waiting.append((request, call, keep_alive))
            if len(self._waiting) > MAX_WAITING:
                self.end("fin")
        else:
            self._play(request, call, keep_alive)

    def _play(self, request: Request, call: CallRecord, keep_alive: bool) -> None:
        if self._closing:
            self.witness.ended(call, "cut")
            return
        plan = self._simulator.stage.plan(request)
        self._playing = Performance(self, plan, call, keep_alive)
        self._playing.start(self._loop)

    def played(self, end: str = "", end_on_next: str = "") -> None:
        """The performance is over; *end* the connection by `fin` or `rst`, now or on the next request, or keep it."""
        self._playing = None
        self._end_on_next = end_on_next
        if end:
            self.end(end)
        elif self._waiting:
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        if self._end_on_next and self._waiting:
            self.end(self._end_on_next)
        elif self._waiting and not self._playing:
            self._play(*self._waiting.popleft())

    def _administer(self, request: Request, keep_alive: bool) -> None:
        self.witness.administered(self.record)
        status, body = self._simulator.administer(request)
        head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
        self.write(head + body)
        if not keep_alive:
            self.end("fin")
