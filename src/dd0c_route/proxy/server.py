"""HTTP/1.1 towards clients: bytes in, requests out, one at a time per connection.

llhttp (through httptools) reads; the rules that it leaves open are here: what is refused, every bound, every deadline.
Reading never stops while a call runs, so a hang-up (FIN or RST) is noticed at once in every phase.
"""

from __future__ import annotations

import asyncio
from collections import deque
from io import BytesIO
from typing import Protocol

import httptools
from msgspec import Raw

from dd0c_route.config import Limits
from dd0c_route.errors import BadRequest, BodyTooLarge, HeadTooLarge, NoWebSocket, Overloaded, RouteError, SlowRequest
from dd0c_route.proxy import gate
from dd0c_route.proxy.client import Client, Link
from dd0c_route.proxy.crowd import UNCOUNTED_BYTES, Uploads, address_of
from dd0c_route.proxy.headers import Headers, credential_of
from dd0c_route.types import Secret

LINGER_S = 2.0
"""How long the rest of a refused request is read and thrown away, so that no reset takes the answer from a client that
is still sending."""

AROUND_A_BYTE = 8  # of a chunked body: a chunk of one byte has five around it

WRITE_AHEAD_BYTES = 16 << 10  # what waits beyond the kernel's share before the client counts as slow

GRACE_S = 5.0  # seconds in which the slow start of an upload is not judged


class Inbound:
    """One request as it arrives.

    Attributes:
        target: Path and query as sent.
        at_ns: Wall time when the head was complete.
        started_ns: Monotonic time when the whole request was in (until then: when its head was).
        body: The whole body, once it is in.
        fields: Of a long body, what it was taken apart into.
        held: Bytes of it that are counted among all clients' uploads.
        place: What the application made of the head.
    """

    __slots__ = (
        "at_ns", "body", "client", "fields", "growing", "headers", "held", "http10", "id", "keep_alive", "method",
        "place", "size", "started_ns", "target",
    )  # fmt: skip

    def __init__(self) -> None:
        self.target = b""
        self.headers: Headers = []
        self.method = ""
        self.id = ""
        self.at_ns = 0
        self.started_ns = 0
        self.growing: BytesIO | None = None  # a body of more than one piece: a list of tiny ones would cost memory
        self.size = 0
        self.held = 0
        self.body = b""
        self.fields: dict[str, Raw] | None = None
        self.keep_alive = True
        self.http10 = False
        self.place: object = None
        self.client: Client | None = None

    def credential(self) -> Secret | None:
        """The caller's, as the head shows it."""
        return credential_of(self.headers, self.target.partition(b"?")[2].decode("latin-1"))


class Door(Protocol):
    """What a connection needs of the application behind it."""

    limits: Limits
    draining: bool
    uploads: Uploads
    loop: asyncio.AbstractEventLoop

    @property
    def crowded(self) -> bool:
        """So many connections are one too many that none of them can be heard out."""

    def joined(self, connection: Connection) -> bool:
        """A client has connected; False: one too many."""

    def left(self, connection: Connection, link: Link) -> None: ...

    def head(self, request: Inbound, *, internal: bool) -> bool:
        """The head is in: set `place`, refuse what can be refused now; whether the client waits for `100 Continue`."""

    def serve(self, request: Inbound, *, internal: bool) -> None: ...

    def refuse(self, request: Inbound, error: RouteError) -> None: ...

    def abandoned(self, request: Inbound) -> None:
        """The client left before its request was in."""

    def failed(self, request: Inbound, error: BaseException) -> None:
        """*error* is a fault of ours: report it."""


class Connection(asyncio.Protocol):
    """One client connection. States: idle, receiving a request, answering it, closing.

    Attributes:
        internal: Of this machine's control process, not of a client.
        address: Whose it is, None where that is not counted (`crowd.address_of`).
    """

    __slots__ = (
        "_ahead", "_body_wire_bytes", "_busy", "_closing", "_door", "_head_bytes", "_headers", "_held", "_lingers",
        "_link", "_next", "_parser", "_refused", "_request", "_since", "_trailers", "_upload_bytes", "address",
        "internal",
    )  # fmt: skip

    def __init__(self, door: Door, *, internal: bool = False) -> None:
        self._door = door
        self.internal = internal
        self._parser = httptools.HttpRequestParser(self)
        self._request: Inbound | None = None  # being received
        self._headers: Headers | None = None  # of a head that is being received
        self._next: deque[Inbound] = deque()  # complete, waiting for the answer before it
        self._busy: Client | None = None
        self._ahead = b""
        self._head_bytes = 0
        self._upload_bytes = 0
        self._body_wire_bytes = 0  # what came since the head, chunks with all that stands around them
        self._trailers = 0
        self._held = 0  # of the running call's body
        self._refused = False
        self._closing = False
        self._lingers = False
        self._since = 0.0
        self.address: str | None = None

    # --- transport events -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        try:
            self._link = Link(transport)  # type: ignore[arg-type]  # uvloop's transports do not subclass asyncio's
            self._link.transport.set_write_buffer_limits(high=WRITE_AHEAD_BYTES)
            self._since = self._door.loop.time()
            self.address = None if self.internal else address_of(transport.get_extra_info("peername"))
            is_welcome = self._door.joined(self)
        except BaseException:  # nobody would serve it, and the loop would not tell us of its end
            transport.abort()  # type: ignore[attr-defined]  # the same
            raise
        if not is_welcome:
            self._link.witness.close()  # it is not asked what arrives of a refusal
            self._refuse(Overloaded("too many client connections ([limits]): try again shortly"))
            if self._door.crowded:
                self.close()

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        if self._busy is not None or self._refused:
            self._ahead += data
            if len(self._ahead) > self._door.limits.ahead_bytes:
                self._link.abort()
            return
        try:
            self._feed(data)
        except Exception as error:  # a fault of ours; the loop's report would not know the caller's credential
            self._failed(self._request or Inbound(), error)

    def _feed(self, data: bytes) -> None:
        if self._request is None or not self._request.method:
            self._head_bytes += len(data)
        else:
            self._body_wire_bytes += len(data)
        behind: bytes | None = None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__ or error
            if isinstance(cause, RouteError):
                self._refuse(cause)
            else:  # a fault of ours
                self._door.failed(self._request or Inbound(), cause)
                self._refuse(RouteError("the router failed on this request: see its log"))
        except httptools.HttpParserUpgrade as upgrade:
            behind = data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            self._refuse(BadRequest(f"not a well-formed HTTP/1.1 request: {error}"))
        else:
            most, request = self._door.limits.head_bytes, self._request
            if self._head_bytes > most and self._in_head():
                self._refuse(HeadTooLarge(f"request head over {most} bytes ([limits] head_bytes)"))
            elif request is not None and self._body_wire_bytes > most + AROUND_A_BYTE * request.size:
                self._refuse(HeadTooLarge(f"over {most} bytes of chunk extensions or trailers ([limits] head_bytes)"))
        if behind is not None:  # not while an exception is handled: llhttp's next one would hide its cause behind that
            self._ignore_upgrade(behind)

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Read the request again as if it wished for no other protocol; llhttp would leave its body unread."""
        request, version = self._request, self._parser.get_http_version()
        if request is not None and (b"upgrade", b"websocket") in [(n, v.lower()) for n, v in request.headers]:
            self._refuse(NoWebSocket("WebSockets are not spoken here: send the request as a plain POST over HTTP"))
            return
        self._parser = httptools.HttpRequestParser(self)
        if request is not None:
            self._feed(gate.without_upgrade(request.method, version, request.target, request.headers) + rest)

    def _in_head(self) -> bool:
        return self._busy is None and (self._request is None or not self._request.method)

    def eof_received(self) -> bool:
        """The client will send nothing more: while a call runs, that is a hang-up."""
        self._hung_up()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = self._link.lost = True
        try:
            self._over()
        finally:
            self._door.left(self, self._link)

    def _over(self) -> None:
        self._hung_up()
        while self._next:
            self._abandon(self._next.popleft())
        if self._request is not None:  # begun behind a running call
            self._let_go(self._request)

    def _hung_up(self) -> None:
        if self._busy is not None:
            self._busy.hung_up()
        elif self._request is not None and self._request.place is not None:
            request, self._request = self._request, None
            self._abandon(request)

    def _abandon(self, request: Inbound) -> None:
        self._let_go(request)
        request.client = self._client_for(request)
        request.client.hung_up()
        try:
            self._door.abandoned(request)
        except Exception as error:  # the connection is over all the same
            self._failed(request, error)

    def pause_writing(self) -> None:
        # The client counts as slow: more than WRITE_AHEAD_BYTES wait beyond what the kernel takes.
        self._link.blocked_since = self._door.loop.time()
        if self._link.on_pause is not None:
            self._link.on_pause()

    def resume_writing(self) -> None:
        self._link.blocked_since = None
        if self._link.on_resume is not None:
            self._link.on_resume()

    # --- llhttp's callbacks -----------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._request = request = Inbound()
        self._body_wire_bytes = self._trailers = 0
        self._headers = request.headers
        self._since = self._door.loop.time()

    def on_url(self, url: bytes) -> None:
        if self._request is not None:
            self._request.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        headers = self._headers
        if headers is not None:
            headers.append((name.lower(), value))
        else:  # what is not refused of trailers is dropped
            self._trailers += 1
            gate.check_trailer(name.lower(), value, self._trailers, self._door.limits)

    def on_headers_complete(self) -> None:
        request = self._request
        if request is None:
            return
        self._headers = None
        self._head_bytes = 0
        self._upload_bytes = 0
        limits = self._door.limits
        if len(request.headers) > limits.header_count:
            raise HeadTooLarge(f"more than {limits.header_count} headers ([limits] header_count)")
        parser = self._parser
        request.method = parser.get_method().decode("ascii")
        version = parser.get_http_version()
        request.http10 = version == "1.0"
        announced = gate.check(request.method, version, request.target, request.headers, limits)
        if parser.should_upgrade():
            return
        request.keep_alive = parser.should_keep_alive() and not self._door.draining
        expects = self._door.head(request, internal=self.internal)  # raises what can be refused without the body
        if announced > limits.body_bytes:
            raise _too_large(limits)
        if announced > UNCOUNTED_BYTES and self._door.uploads.held + announced > limits.upload_bytes:
            raise _no_room(limits)
        if expects and self._busy is None:
            self._link.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        request = self._request
        if request is None:
            return
        request.size += len(data)
        self._upload_bytes += len(data)
        if request.size > self._door.limits.body_bytes:
            raise _too_large(self._door.limits)
        if request.size > UNCOUNTED_BYTES:
            self._hold(request)
        if not request.body:
            request.body = data  # nearly always all of it
            return
        if request.growing is None:
            request.growing = BytesIO()  # gives all of it back without a copy
            request.growing.write(request.body)
        request.growing.write(data)

    def _hold(self, request: Inbound) -> None:
        """Count what came of a long body; what was only announced is not counted, since it costs nothing."""
        limits = self._door.limits
        if not self._door.uploads.take(request.size - request.held, limits.upload_bytes):
            raise _no_room(limits)
        request.held = request.size

    def _let_go(self, request: Inbound) -> None:
        held, request.held = request.held, 0
        self._door.uploads.give_back(held)

    def on_message_complete(self) -> None:
        request = self._request
        if request is None or self._parser.should_upgrade():
            return
        most = self._door.limits.requests_ahead
        if self._busy is not None and len(self._next) >= most:
            raise BadRequest(f"more than {most} requests sent ahead of their answers ([limits] requests_ahead)")
        self._request = None
        if request.growing is not None:
            request.body, request.growing = request.growing.getvalue(), None
        if self._busy is not None:
            self._next.append(request)
        else:
            self._begin(request)

    # --- calls ------------------------------------------------------------------------------------------

    def _begin(self, request: Inbound) -> None:
        request.client = self._busy = self._client_for(request)
        self._held = request.held
        try:
            self._door.serve(request, internal=self.internal)
        except Exception as error:  # nobody answers
            self._failed(request, error)

    def _failed(self, request: Inbound, error: Exception) -> None:
        """*error*, a fault of ours, keeps *request* from being answered: the client sees a cut."""
        self.abort()
        self._door.failed(request, error)

    def _client_for(self, request: Inbound) -> Client:
        return Client(
            self._link,
            http10=request.http10,
            keep_alive=request.keep_alive,
            head_only=request.method == "HEAD",
            on_done=self._answered,
        )

    def _answered(self, keep_alive: bool) -> None:
        self._busy = None
        if self._held:
            self._door.uploads.give_back(self._held)
            self._held = 0
        self._since = self._door.loop.time()
        self._link.on_pause = self._link.on_resume = None
        if self._refused:
            self._linger()
        elif not keep_alive or self._door.draining:
            self.close()
        elif self._next:
            self._begin(self._next.popleft())
        elif self._ahead:
            data, self._ahead = self._ahead, b""
            self.data_received(data)

    def _refuse(self, error: RouteError) -> None:
        """Answer *error* and close: after it, where the next request begins is not known."""
        if self._closing:
            return  # what follows an answer that was the connection's last is not read
        request, self._request = self._request or Inbound(), None
        self._let_go(request)
        self._refused = True
        request.keep_alive = False
        if self._busy is None:
            request.client = self._busy = self._client_for(request)
            try:
                self._door.refuse(request, error)
            except Exception as fault:
                self._failed(request, fault)
        # else: the running answer ends with the connection

    def _linger(self) -> None:
        """Nothing more is said; what still comes is thrown away until the client closes, or for a moment."""
        self._closing = self._lingers = True
        self._link.transport.write_eof()

    def close(self) -> None:
        """Close once what was written is out."""
        self._closing = True
        self._link.close()

    def stop(self, error: RouteError) -> None:
        """Close; a request that is not in yet is answered with *error*."""
        if self.receiving:
            self._refuse(error)
        else:
            self.close()

    def abort(self) -> None:
        """Close at once."""
        self._closing = True
        self._link.abort()

    @property
    def idle(self) -> bool:
        return self._busy is None and self._request is None

    @property
    def receiving(self) -> bool:
        """The head of a request is in, its body is not."""
        return self._busy is None and self._request is not None and self._request.place is not None

    @property
    def unsent(self) -> bool:
        """Bytes are still waiting to go out."""
        return self._link.transport.get_write_buffer_size() > 0

    # --- deadlines (called by the sweeper) ------------------------------------------------------------------

    def check(self, now: float) -> None:
        if self._link.lost:  # letting it go failed half way
            self._door.left(self, self._link)
            return
        limits = self._door.limits
        waited = now - self._since
        if self._busy is not None:
            blocked = self._link.blocked_since
            is_stalled = blocked is not None and now - blocked > limits.stalled_client_s
            if is_stalled or self._busy.done:  # the latter: what should have let the next call in has failed
                self.abort()
        elif self._closing:
            if waited > (LINGER_S if self._lingers else limits.stalled_client_s):
                self._link.abort()
        elif self._request is None and not self._head_bytes:
            if waited > limits.idle_s:
                self.close()
        elif self._request is None or not self._request.method:
            if waited > limits.head_s:
                self._refuse(SlowRequest(f"the request's head took longer than {limits.head_s:g} s ([limits] head_s)"))
        elif waited > limits.body_s:
            self._refuse(SlowRequest(f"the request's body took longer than {limits.body_s:g} s ([limits] body_s)"))
        elif waited > GRACE_S and self._upload_bytes < (least := limits.body_bytes_per_s) * waited:
            self._refuse(SlowRequest(f"the request's body came with less than {least} bytes a second"))


def _too_large(limits: Limits) -> BodyTooLarge:
    return BodyTooLarge(f"request body over {limits.body_bytes} bytes ([limits] body_bytes)")


def _no_room(limits: Limits) -> Overloaded:
    return Overloaded(f"the bodies of running requests take {limits.upload_bytes} bytes ([limits] upload_bytes)")
