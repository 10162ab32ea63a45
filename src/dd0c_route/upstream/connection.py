"""One connection to a provider: a request out, an answer in, and then the next.

The hottest code of the router: no task, no queue and no timer for a call; one future for the answer's head, and
one for its end where somebody has to wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NoReturn, Protocol, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from dd0c_route.config import Timeouts
from dd0c_route.errors import UpstreamCut, UpstreamError, UpstreamInvalid, UpstreamStale, UpstreamTimeout
from dd0c_route.upstream.kernel import SocketView
from dd0c_route.upstream.marks import Marks, Outcome
from dd0c_route.upstream.reply import Reply

MAX_HEAD_BYTES = 64 << 10  # also of what comes without yielding body: trailers, chunk extensions
MAX_HEADERS = 200  # providers send some thirty
MAX_INTERIM = 8  # 1xx heads before the answer
COPIED_BYTES = 64 << 10  # up to here a copy costs less than a second buffer; both are one system call
READ_BYTES = 16 << 10  # at a time: of a fast provider so much is on its way to a slow client before it is paused
STALE_NS = 1_000_000_000  # a reused connection that closes later than this was still alive when the request came

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class Owner(Protocol):
    """Where a connection belongs: its pool."""

    name: str
    timeouts: Timeouts
    ticks_ns: Callable[[], int]
    room: memoryview  # for what is read, shared by all connections: nothing of it is kept

    def give_back(self, connection: Connection) -> bool:
        """The connection can carry another call. False: it is not wanted any more."""

    def gone(self, connection: Connection) -> None:
        """The connection is closed."""


class Connection(asyncio.BufferedProtocol):
    """The way to the provider for one call at a time.

    Attributes:
        usable: Open, as far as we know.
        born: When it was opened, in the loop's seconds.
        idle_until: When it is to be closed if no call comes, in the loop's seconds.
        kernel: A look below the transport; None where there is no socket of our own.
    """

    __slots__ = (  # 4 % of a call's time
        "_acked_before", "_barren", "_chunked", "_complete", "_content_length", "_endless", "_fault", "_head",
        "_headers", "_heard", "_interim", "_interims", "_keep", "_loop", "_method", "_owner", "_parser", "_paused",
        "_pieces", "_quiet_since", "_reason", "_reply", "_started", "_tls", "_transport", "_written", "born",
        "idle_until", "kernel", "on_body", "usable",
    )  # fmt: skip

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop, *, tls: bool) -> None:
        self.usable = False
        self.born = loop.time()
        self.idle_until = 0.0
        self.kernel: SocketView | None = None
        self._owner = owner
        self._loop = loop
        self._tls = tls
        self._fault: UpstreamInvalid | None = None
        self._written = 0  # bytes of requests so far, above TLS
        self._reply: Reply | None = None
        self._paused = False
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # called by the parser: no frame of ours for a piece
        self._parser = HttpResponseParser(self)

    def is_quiet(self) -> bool:
        """Nothing has arrived that the loop has not read yet: neither bytes that nobody asked for, nor the end."""
        return self.kernel is None or not self.kernel.has_news()

    def begin(self, method: str, head: bytes, body: bytes, marks: Marks) -> tuple[Reply, asyncio.Future[None]]:
        """Write the request. The future is done when the answer's head is in the reply, or fails with the reason."""
        self._method = method
        self._headers: list[tuple[bytes, bytes]] = []
        self._reason = b""
        self._content_length: int | None = None
        self._chunked = self._endless = self._interim = self._complete = self._keep = self._heard = False
        self._interims = self._barren = 0
        self._started = self._quiet_since = self._loop.time()
        marks.reused = self._written > 0
        # What the peer's kernel had acknowledged before. Under TLS only the kernel knows how much was written.
        self._acked_before = self._bytes_acked() if self._tls else 1 + self._written
        self._written += len(head) + len(body)
        marks.sent = True  # or at least begun, should the write fail
        if len(body) <= COPIED_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))
        marks.sent_at = self._owner.ticks_ns()
        self._reply = reply = Reply(self, marks)
        self._head: asyncio.Future[None] | None = self._loop.create_future()
        return reply, self._head

    # --- the reply and the pool call these ---------------------------------------------------------

    def pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    def abandon(self, reply: Reply) -> None:
        """Give *reply* up, if it is still running: the socket is closed now."""
        if self._reply is reply:
            self._over(reply, "aborted")
            self.drop()
            reply.give_up()
            self._reply = self._head = None

    def drop(self) -> None:
        """Close for good."""
        if self.usable:
            self.usable = False
            try:
                # Not `close`: under TLS that waits for the peer's farewell, and with unsent bytes for the peer to read.
                self._transport.abort()
            finally:
                self._owner.gone(self)
            del self._parser  # it calls us, so the two would wait for the garbage collector

    def check(self, now: float) -> None:
        """Act on the deadlines that are over at *now*: an idle connection is closed, a running call fails."""
        reply, limits = self._reply, self._owner.timeouts
        if not self.usable:  # letting it go failed half way
            self._owner.gone(self)
            return
        if reply is None:
            if now >= self.idle_until:
                self.drop()
            return
        if self._heard or self._paused:  # a provider that we do not listen to is not silent
            self._heard = False
            self._quiet_since = now
        if now - self._started >= limits.total_s:
            self._fail(UpstreamTimeout(f"{self._owner.name}: the answer took longer than {limits.total_s:g} s in all"))
        elif reply.marks.first_byte_at is None:
            if now - self._started >= limits.first_byte_s:
                self._fail(
                    UpstreamTimeout(f"{self._owner.name}: no byte of an answer within {limits.first_byte_s:g} s")
                )
        elif now - self._quiet_since >= limits.silence_s:
            self._fail(UpstreamTimeout(f"{self._owner.name}: silent for {limits.silence_s:g} s within an answer"))

    # --- the transport calls these -----------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.usable = True

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._owner.room

    def buffer_updated(self, nbytes: int) -> None:
        reply = self._reply
        if reply is None:
            self.drop()  # bytes that nobody asked for must not become the next call's answer
            return
        if reply.marks.first_byte_at is None:
            if reply.marks.reused and not self._request_arrived():
                # They were under way before the request: a farewell, or somebody else's answer.
                self._fail(UpstreamStale(f"{self._owner.name}: bytes came that answer an earlier call", sent=True))
                return
            reply.marks.first_byte_at = self._owner.ticks_ns()
        self._heard = True
        self._barren += nbytes
        fault: Exception | None = None
        try:
            self._parser.feed_data(self._owner.room[:nbytes])  # it copies what it hands on
        except (HttpParserError, HttpParserUpgrade) as error:
            self._keep = False
            fault = self._fault or self._invalid(f"is not HTTP/1.1: {error}")
        if pieces := self._pieces:
            self._barren = 0
            piece = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            try:
                reply.take(piece)
            except Exception as failure:  # the sink's own fault: its call fails with it, not the loop
                fault, self._complete = failure, False
            if self._reply is not reply:
                return  # given up by its sink
        if self._complete:
            self._finish(reply)
        elif fault is not None:
            self._fail(fault)
        elif self._barren > MAX_HEAD_BYTES:
            self._fail(self._invalid(f"has more than {MAX_HEAD_BYTES} bytes of head, chunk extension or trailer"))

    def eof_received(self) -> None:
        if self._reply is None:
            self.drop()
        elif self._endless:
            self._finish(self._reply)
        else:
            self._lost()

    def connection_lost(self, exc: Exception | None) -> None:
        try:
            if self._reply is not None:
                self._lost()
        finally:
            self.drop()

    # --- the parser calls these --------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:
            self._refuse("is followed by bytes that were not asked for")  # the answer itself stays good

    def on_status(self, status: bytes) -> None:
        self._reason = status

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is None:
            return  # a trailer
        name = name.lower()
        self._headers.append((name, value))
        if name in _FRAMING:
            self._frame(name, value)

    def on_headers_complete(self) -> None:
        reply, head = self._reply, self._head
        assert reply is not None  # noqa: S101 - the parser runs only within an answer
        assert head is not None  # noqa: S101 - set with the reply
        headers = self._headers
        if len(headers) > MAX_HEADERS:
            self._refuse(f"has more than {MAX_HEADERS} header fields")
        if self._barren > MAX_HEAD_BYTES and sum(len(n) + len(v) + 4 for n, v in headers) > MAX_HEAD_BYTES:
            self._refuse(f"has a head of more than {MAX_HEAD_BYTES} bytes")
        status = self._parser.get_status_code()
        if status < 200:
            self._interims += 1
            if status == 101 or status < 100 or self._interims > MAX_INTERIM:
                self._refuse(f"has an unasked status {status}")
            self._interim = True
            return
        if self._chunked and (self._content_length is not None or self._parser.get_http_version() != "1.1"):
            self._refuse("has a transfer-encoding beside a content-length, or before HTTP/1.1")
        self._barren = 0
        bodiless = self._method == "HEAD" or status in (204, 304)
        self._endless = not (bodiless or self._chunked or self._content_length is not None)
        reply.status, reply.reason, reply.headers = status, self._reason, headers
        reply.content_length = self._content_length
        reply.has_body = not bodiless and self._content_length != 0
        reply.framed = not self._endless
        if not head.done():
            head.set_result(None)
        self._head = None
        if self._method == "HEAD":
            self._complete = True
            self._refuse("ends here")  # the parser would wait for the body that the head announces

    def on_message_complete(self) -> None:
        if self._interim:
            self._interim = self._chunked = False
            self._headers, self._reason, self._content_length = [], b"", None
            return
        # Asked here and not later: httptools resets it behind this call.
        self._keep = self._parser.should_keep_alive()
        self._complete = True

    # --- steps -------------------------------------------------------------------------------------

    def _frame(self, name: bytes, value: bytes) -> None:
        """Take note of how the body is framed; refuse what two readers could read differently."""
        if name == b"content-length":
            if self._content_length is not None or not value.isdigit() or len(value) > 18:
                self._refuse("has a content-length that is repeated or not a number")
            self._content_length = int(value)
        else:
            if self._chunked or value.strip().lower() != b"chunked":
                self._refuse("has a transfer-encoding other than `chunked`")
            self._chunked = True

    def _finish(self, reply: Reply) -> None:
        """The answer is complete: keep the connection for the next call, if it is clean."""
        try:
            if self._keep and not self._transport.get_write_buffer_size():
                self._over(reply, "pooled")
                if self._paused:  # by the very read that completed it
                    self.resume()
                if not self._owner.give_back(self):
                    reply.marks.outcome = "closed"
                    self.drop()
            else:  # also where the answer came before the request was written
                self._over(reply, "closed")
                self.drop()
        finally:  # its call waits for this
            reply.finish()
            self._reply = None  # and not before: what fails until here is told when the connection is lost

    def _fail(self, fault: Exception) -> None:
        reply, head = self._reply, self._head
        assert reply is not None  # noqa: S101 - only called while one runs
        try:
            self._over(reply, "failed")
            self.drop()
        finally:  # its call waits for one of these
            if head is not None and not head.done():
                head.set_exception(fault)
            reply.fail(fault)
            self._reply = self._head = None

    def _over(self, reply: Reply, outcome: Outcome) -> None:
        reply.marks.outcome = outcome
        reply.marks.ended_at = self._owner.ticks_ns()

    def _lost(self) -> None:
        """The connection ended before the answer did."""
        reply, name = self._reply, self._owner.name
        assert reply is not None  # noqa: S101 - only called while one runs
        marks = reply.marks
        fault: UpstreamError
        if marks.first_byte_at is None:
            marks.sent = self._request_arrived()
            young = self._owner.ticks_ns() - (marks.sent_at or 0) < STALE_NS
            if marks.reused and (young or not marks.sent):
                fault = UpstreamStale(f"{name}: the kept-alive connection was closed", sent=marks.sent)
            else:
                fault = UpstreamCut(f"{name}: the connection was closed without an answer", sent=marks.sent)
        else:
            fault = UpstreamCut(f"{name}: the connection was closed before the answer was complete")
        self._fail(fault)

    def _request_arrived(self) -> bool:
        """Whether the peer's kernel has any of the request, as far as ours can tell: if in doubt, it has."""
        acked = self._bytes_acked()
        return acked is None or self._acked_before is None or acked > self._acked_before

    def _bytes_acked(self) -> int | None:
        return self.kernel.bytes_acked() if self.kernel is not None else None

    def _invalid(self, why: str) -> UpstreamInvalid:
        return UpstreamInvalid(f"{self._owner.name}: the answer {why}")

    def _refuse(self, why: str) -> NoReturn:
        """Stop the parser, which wraps what its callbacks raise."""
        self._fault = self._invalid(why)
        raise self._fault
