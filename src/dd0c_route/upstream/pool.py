"""The connections to one provider: kept, counted, bounded.

Taking a connection that is there involves no `await`; everything that may wait gives back what it holds when it is
cancelled.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

from dd0c_route.clock import SystemClock
from dd0c_route.config import Provider
from dd0c_route.errors import BadRequest, ShuttingDown, UpstreamBusy, UpstreamError, UpstreamUnreachable
from dd0c_route.upstream.connection import READ_BYTES, Connection
from dd0c_route.upstream.dial import Dialer
from dd0c_route.upstream.marks import Marks
from dd0c_route.upstream.origin import origin_of, proxy_for
from dd0c_route.upstream.reply import Reply
from dd0c_route.upstream.signing import Signer, credential_line, secrets_of
from dd0c_route.upstream.sweeper import Sweeper

_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})  # get a content-length even where the body is empty


class Pool:
    """One per provider and worker: its connections, and the only place from which its stored key goes out.

    The number of connections never exceeds `connections`; who finds none free waits in line, up to `connect_s`.

    Args:
        unix_path: Talk over this unix socket instead; the base URL then only gives the `host` header and the path.
        environ: Where `HTTP_PROXY` and its like are looked up.
        ticks_ns: Monotonic nanoseconds for the marks.
        wall_ns: Wall time, for signatures.

    Raises:
        ConfigError: A base URL or proxy that cannot be used.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        loop: asyncio.AbstractEventLoop,
        sweeper: Sweeper,
        unix_path: str | None = None,
        environ: Mapping[str, str] | None = None,
        ticks_ns: Callable[[], int] = SystemClock.ticks_ns,
        wall_ns: Callable[[], int] = SystemClock.wall_ns,
    ) -> None:
        origin = origin_of(provider.base_url)
        proxy = None if unix_path else proxy_for(origin, os.environ if environ is None else environ)
        self.name = f"provider {provider.name!r}"
        self.timeouts = provider.timeouts
        self.ticks_ns = ticks_ns
        self.room = memoryview(bytearray(READ_BYTES))
        self._provider = provider
        self._signer = Signer.of(provider)
        self._secrets = secrets_of(provider)
        self._wall_ns = wall_ns
        self._loop = loop
        self._sweeper = sweeper
        self._tls = origin.tls and unix_path is None
        self._dialer = Dialer(
            origin,
            name=self.name,
            loop=loop,
            connect_s=provider.timeouts.connect_s,
            ca_file=provider.ca_file,
            allow_private=provider.allow_private,
            allow_plain=provider.allow_plain,
            proxy=proxy,
            unix_path=unix_path,
        )
        self._before_target = origin.path
        self._after_target = f" HTTP/1.1\r\nhost: {origin.authority}\r\n"
        if proxy is not None and not origin.tls:  # a plain request goes to the proxy with the whole URL
            self._before_target = f"http://{origin.authority}{origin.path}"
            if proxy.credential is not None:
                self._after_target += f"proxy-authorization: {proxy.credential.reveal()}\r\n"
        self._after_target += credential_line(provider)  # here, since a pool has one origin and no other
        self._own_lines = self._after_target.count("\n") + 1  # with the empty one at the end
        self._all: set[Connection] = set()
        self._idle: list[Connection] = []  # the last one in is the first one out, so that the rest can age
        self._dialing = 0
        # Who waits gets a connection, or None: room to dial, already counted in `_dialing`.
        self._waiters: deque[tuple[float, asyncio.Future[Connection | None]]] = deque()
        self._keeping = True
        self._closed = False

    @property
    def open(self) -> int:
        """Connections, those that are being opened included."""
        return len(self._all) + self._dialing

    @property
    def in_use(self) -> int:
        """Connections that carry a call or are being opened for one."""
        return len(self._all) - len(self._idle) + self._dialing

    def is_repeated_in(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether a value of *headers*, which came with an answer, holds the stored key."""
        if not self._secrets:
            return False
        said = b"\n".join([value for _, value in headers])
        return any(secret in said for secret in self._secrets)

    async def send(
        self,
        method: str,
        target: str,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        marks: Marks,
        *,
        fresh: bool = False,
    ) -> Reply:
        """Send a request and return when the answer's head is in. Cancelled, it closes the connection at once.

        Args:
            target: Appended to the path of the provider's base URL: `/chat/completions?x=1`.
            headers: As they go out, without `host`, `content-length`, the stored key and hop-by-hop fields: those are
                made here.
            fresh: Use no kept connection: one had died, and the others are no younger.

        Raises:
            UpstreamUnreachable, UpstreamConnectTimeout, UpstreamBusy: Nothing was sent.
            UpstreamStale: A kept connection turned out to be closed.
            UpstreamCut, UpstreamInvalid, UpstreamTimeout: No answer, not an answer, no answer in time.
            BadRequest: A line break or NUL in the target or a header.
            ShuttingDown: The pool is closed.
        """
        if self._signer is not None:
            headers = self._signer.signed(method, target, headers, body, self._wall_ns())
        head = self._head(method, target, headers, body)
        if fresh and self._idle:
            self._idle[-1].drop()  # makes room for a new one
        connection = None if fresh else self._take_idle()
        if connection is None:
            try:
                connection = await self._acquire(fresh=fresh)
            except UpstreamError:
                marks.outcome = "failed"
                raise
        reply: Reply | None = None
        try:
            reply, head_is_in = connection.begin(method, head, body, marks)
            await head_is_in
        except BaseException:  # cancelled, most of all; after a failure there is nothing left to give up
            if reply is not None:
                reply.abort()
            else:
                connection.drop()
            raise
        return reply

    async def warm(self) -> int:
        """Open connections ahead, up to `warm_connections`; return how many there are now.

        What fails here is told by the first call that needs a connection.
        """
        missing = min(self._provider.warm_connections, self._provider.connections) - self.open
        await asyncio.gather(*[self._warm_one() for _ in range(missing)])
        return self.open

    def close_idle(self) -> None:
        """Close the connections that carry no call."""
        for connection in tuple(self._idle):
            connection.drop()

    def retire(self) -> None:
        """Keep no connection any longer than its call: for a pool that a new configuration has replaced."""
        self._keeping = False
        self.close_idle()

    async def close(self) -> None:
        """Close everything now: running answers are cut off, who waits is refused, and so is who comes later."""
        self._closed = True
        self.retire()
        while self._waiters:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(self._refusal())
        for connection in tuple(self._all):
            connection.drop()
        await asyncio.sleep(0)  # an aborted transport closes its socket in the next turn of the loop

    # --- connections and the sweeper call these ----------------------------------------------------

    def give_back(self, connection: Connection) -> bool:
        """Hand *connection* to who waits longest, else keep it; False where it is too old or not wanted."""
        now = self._loop.time()
        connection.idle_until = min(now + self._provider.idle_s, connection.born + self._provider.max_age_s)
        if connection.idle_until <= now or not self._keeping:
            return False
        if self._waiters and (waiter := self._next_waiter()):
            waiter.set_result(connection)
        else:
            self._idle.append(connection)
        return True

    def gone(self, connection: Connection) -> None:
        """Forget *connection*, which is closed."""
        self._all.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._pass_on_room()

    def check(self, now: float) -> None:
        """Act on what is due: callers that waited too long, and each connection's own deadlines."""
        while self._waiters and self._waiters[0][0] <= now:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                limit = self._provider.connections
                message = f"{self.name}: all {limit} connections are taken; raise `connections` in dd0c.toml"
                waiter.set_exception(UpstreamBusy(message))
        for connection in tuple(self._all):
            connection.check(now)
        if not self._all and not self._waiters:
            self._sweeper.forget(self)

    # --- steps -------------------------------------------------------------------------------------

    def _head(self, method: str, target: str, headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
        """The request's head. Raises BadRequest where a value would break out of its line."""
        first = f"{method} {self._before_target}{target}{self._after_target}"
        lines = self._own_lines + len(headers)
        if body or method in _BODY_METHODS:
            first += f"content-length: {len(body)}\r\n"
            lines += 1
        if " " in target or not first.isascii():
            raise BadRequest("the request's target holds a space or a character beyond ASCII: percent-encode it")
        head = first.encode() + b"\r\n".join([*map(b": ".join, headers), b"\r\n"])
        if head.count(b"\n") != lines or head.count(b"\r") != lines or 0 in head:
            raise BadRequest("a header or the target holds a line break or NUL")
        return head

    async def _acquire(self, *, fresh: bool) -> Connection:
        """A connection of our own: one that is free or comes free, or a new one."""
        while True:
            if self._closed:
                raise self._refusal()
            connection = None if fresh else self._take_idle()
            if connection is not None:
                return connection
            if self.open < self._provider.connections:
                self._dialing += 1
            else:
                connection = await self._wait()
            if connection is None:
                try:
                    return await self._dial()
                finally:
                    self._dialing -= 1
                    self._pass_on_room()
            if connection.usable and connection.is_quiet():
                return connection
            connection.drop()  # closed by the other side between being handed over and now

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            connection.idle_until = 0.0  # should its caller fail before it writes, the sweeper closes it
            if connection.is_quiet():
                return connection
            connection.drop()
        return None

    async def _wait(self) -> Connection | None:
        """Stand in line for a connection, or for room to open one (None)."""
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        place = (self._loop.time() + self.timeouts.connect_s, waiter)
        self._waiters.append(place)
        self._sweeper.watch(self)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.cancelled():
                with suppress(ValueError):  # passed over already
                    self._waiters.remove(place)
            elif waiter.exception() is None:  # it was served in the very moment in which its caller went away
                self._put_back(waiter.result())
            raise

    async def _dial(self) -> Connection:
        """Open a connection; who calls this counts the room for it in `_dialing` until it is there."""
        connection = await self._dialer.dial(lambda: Connection(self, self._loop, tls=self._tls))
        try:
            if self._closed:
                raise self._refusal()
            if not connection.usable:
                raise UpstreamUnreachable(f"{self.name}: the connection was closed as soon as it was open")
            self._all.add(connection)
            self._sweeper.watch(self)
        except BaseException:
            connection.drop()
            raise
        return connection

    async def _warm_one(self) -> None:
        if self.open >= self._provider.connections or self._closed:
            return
        self._dialing += 1
        try:
            connection = await self._dial()
        except UpstreamError:
            return
        finally:
            self._dialing -= 1
            self._pass_on_room()
        self._put_back(connection)

    def _put_back(self, got: Connection | None) -> None:
        """Return what a caller was given and did not use."""
        if got is None:
            self._dialing -= 1
            self._pass_on_room()
        elif got.usable and not self.give_back(got):
            got.drop()

    def _pass_on_room(self) -> None:
        while self.open < self._provider.connections and (waiter := self._next_waiter()):
            self._dialing += 1
            waiter.set_result(None)

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiters:
            _, waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    def _refusal(self) -> ShuttingDown:
        return ShuttingDown(f"{self.name}: its connections are closed")
