"""Opening a connection: name, socket, proxy, TLS. Given up at any moment, it leaves no socket behind."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from itertools import chain, zip_longest

from dd0c_route.config.addresses import is_own
from dd0c_route.errors import UpstreamBusy, UpstreamConnectTimeout, UpstreamUnreachable
from dd0c_route.upstream.connection import Connection
from dd0c_route.upstream.guard import refusal
from dd0c_route.upstream.kernel import SocketView
from dd0c_route.upstream.origin import Origin, ProxyServer
from dd0c_route.upstream.tls import tls_context

LAST_GOOD_S = 60.0  # how old an answer of the resolver may be when the resolver fails
SLOW_S = 0.5  # of the resolver, from where on such an answer is used as well
STAGGER_S = 0.25  # head start of an address before the next one is tried beside it; source: RFC 8305 §8
MAX_ADDRESSES = 8  # of one name; with the head start of each, two seconds of trying
PROBE_S = 45  # below the shortest idle limit of common NATs (60 s)
PROBES = 4  # unanswered ones, then the connection counts as lost
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}  # socket(2): not of the other side's making
MAX_CONNECT_REPLY = 16 << 10  # bytes of a proxy's answer to CONNECT

SockAddr = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes] | str]


class Dialer:
    """Opens connections to one origin, directly, through a proxy or by a unix socket.

    Args:
        name: How messages call the provider.
        connect_s: For everything together: name, connection, proxy, TLS handshake.
        ca_file: PEM file of the only authorities to trust instead of the system's.
        allow_private, allow_plain: The provider's settings. An address is asked about by `guard.refusal` before each
            connection, and then connected to as it is; behind a proxy that is the proxy's business.
    """

    def __init__(
        self,
        origin: Origin,
        *,
        name: str,
        loop: asyncio.AbstractEventLoop,
        connect_s: float,
        ca_file: str | None = None,
        allow_private: bool = False,
        allow_plain: bool = False,
        proxy: ProxyServer | None = None,
        unix_path: str | None = None,
    ) -> None:
        self._origin = origin
        self._name = name
        self._loop = loop
        self._connect_s = connect_s
        self._ca_file = ca_file
        self._allow_private = allow_private
        self._allow_plain = allow_plain
        self._proxy = proxy
        self._unix_path = unix_path
        self._next = f"proxy {proxy.host}:{proxy.port}" if proxy else unix_path or origin.host_port
        self._last_good: tuple[float, list[SockAddr]] | None = None
        self._lookup: asyncio.Task[list[SockAddr] | OSError] | None = None
        self._tls: ssl.SSLContext | None = None
        self._tls_lock = asyncio.Lock()

    async def dial(self, make: Callable[[], Connection]) -> Connection:
        """Open a connection.

        Raises:
            UpstreamUnreachable: The name does not resolve, nobody listens, the certificate is not trusted, …
            UpstreamConnectTimeout: It took longer than *connect_s*.
            UpstreamBusy: This machine has no room for another connection.
        """
        try:
            return await self._open_in_time(make)
        except TimeoutError:
            message = f"{self._name}: no connection to {self._next} within {self._connect_s:g} s"
            raise UpstreamConnectTimeout(message) from None
        except (OSError, UnicodeError) as error:
            if isinstance(error, OSError) and error.errno in _OURS:  # no fault of the provider's
                fix = "raise the limit (ulimit -n), or lower [limits] connections"
                raise UpstreamBusy(f"{self._name}: no room for a connection here: {_cause(error)}; {fix}") from None
            raise UpstreamUnreachable(f"{self._name}: cannot reach {self._next}: {_cause(error)}") from None

    async def _open_in_time(self, make: Callable[[], Connection]) -> Connection:
        connection: Connection | None = None
        try:
            async with asyncio.timeout(self._connect_s):
                connection = await self._open(make)
                return connection  # noqa: RET504 - the way out of the block may fail, too
        except BaseException:
            if connection is not None:  # nobody else knows of it yet
                connection.drop()
            raise

    async def _open(self, make: Callable[[], Connection]) -> Connection:
        context = await self._tls_context() if self._origin.tls and self._unix_path is None else None
        sock = await self._connect()
        try:
            if self._unix_path is not None:
                _, connection = await self._loop.create_unix_connection(make, sock=sock)
            elif context is None:
                _, connection = await self._loop.create_connection(make, sock=sock)
            else:
                if self._proxy is not None:
                    await self._ask_proxy(sock, self._proxy)
                connection = await self._shake_hands(make, sock, context)
        except BaseException:  # cancelled too: the socket must not be left
            sock.close()
            raise
        try:
            connection.kernel = SocketView(sock) if connection.usable else None
        except BaseException:  # the loop holds it
            connection.drop()
            raise
        return connection

    async def _shake_hands(
        self, make: Callable[[], Connection], sock: socket.socket, context: ssl.SSLContext
    ) -> Connection:
        try:
            _, connection = await self._loop.create_connection(
                make, sock=sock, ssl=context, server_hostname=self._origin.host, ssl_handshake_timeout=self._connect_s
            )
        except ConnectionError as error:
            raise ConnectionError(f"the TLS handshake failed: {_cause(error)}") from None
        return connection

    async def _tls_context(self) -> ssl.SSLContext:
        """Made at the first call, beside the loop: reading the system's authorities takes tens of milliseconds."""
        async with self._tls_lock:
            if self._tls is None:
                self._tls = await self._loop.run_in_executor(None, tls_context, self._ca_file)
            return self._tls

    async def _resolve(self) -> list[SockAddr]:
        """The addresses of the next hop; the last good ones while the resolver fails or is slow.

        Whoever asks meanwhile waits for the same answer: the resolver's threads are few, and a name that it is slow
        with must not take those that others need.
        """
        if self._lookup is None:
            self._lookup = self._loop.create_task(self._look_up())
            self._lookup.add_done_callback(self._looked_up)
        lookup, good = self._lookup, self._last_good
        is_good = good is not None and self._loop.time() - good[0] <= LAST_GOOD_S
        await asyncio.wait([lookup], timeout=SLOW_S if is_good else None)
        found = lookup.result() if lookup.done() else None
        if isinstance(found, list):
            return found
        if good is not None and is_good:
            return good[1]
        raise found or ConnectionError("the resolver was given up")

    def _looked_up(self, _: object) -> None:
        self._lookup = None

    async def _look_up(self) -> list[SockAddr] | OSError:
        """What the resolver says, families taking turns."""
        host, port = (self._proxy.host, self._proxy.port) if self._proxy else (self._origin.host, self._origin.port)
        try:
            infos = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            return ConnectionError(str(error))
        except OSError as error:
            return error
        found = list(dict.fromkeys((info[0], info[4]) for info in infos))
        first = [address for address in found if address[0] == found[0][0]]
        other = [address for address in found if address[0] != found[0][0]]
        mixed = [address for address in chain.from_iterable(zip_longest(first, other)) if address is not None]
        self._last_good = (self._loop.time(), mixed[:MAX_ADDRESSES])
        return self._last_good[1]

    async def _connect(self) -> socket.socket:
        """The first address that answers, each getting a head start over the next."""
        if self._unix_path is not None:
            return await self._connect_to((socket.AF_UNIX, self._unix_path))
        addresses = self._allowed(await self._resolve())
        if len(addresses) == 1:
            return await self._connect_to(addresses[0])
        tries: list[asyncio.Task[socket.socket]] = []
        winner: asyncio.Task[socket.socket] | None = None
        try:
            for address in addresses:
                tries.append(self._loop.create_task(self._connect_to(address)))
                winner = await _first_good(tries, STAGGER_S)
                if winner is not None:
                    return winner.result()
            winner = await _first_good(tries, None)
            return (winner or tries[0]).result()  # all failed: the first one's reason
        finally:
            for one in tries:
                if one is not winner:
                    _discard(one)

    def _allowed(self, addresses: list[SockAddr]) -> list[SockAddr]:
        """Those of *addresses* at which the provider may be. Raises ConnectionError where there is none."""
        if self._proxy is not None:  # where it goes from there, it alone knows
            if not (self._origin.tls or self._allow_plain or self._allow_private or is_own(self._origin.host)):
                raise ConnectionError(
                    f"http:// would send key and prompt in the clear to {self._origin.host}: use https://, or set "
                    "allow_plain = true"
                )
            return addresses
        allowed, why = [], None
        for address in addresses:
            fault = refusal(
                str(address[1][0]), self._origin.host, tls=self._origin.tls,
                allow_private=self._allow_private, allow_plain=self._allow_plain,
            )  # fmt: skip
            if fault is None:
                allowed.append(address)
            why = why or fault
        if not allowed:
            raise ConnectionError(why or "it has no address")
        return allowed

    async def _connect_to(self, address: SockAddr) -> socket.socket:
        family, where = address
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            if family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                _keep_alive(sock)
            await self._loop.sock_connect(sock, where)
        except BaseException:  # cancelled too: the socket must not be left
            sock.close()
            raise
        return sock

    async def _ask_proxy(self, sock: socket.socket, proxy: ProxyServer) -> None:
        """Have the proxy connect us through (RFC 9110 §9.3.6)."""
        there = self._origin.host_port
        credential = f"proxy-authorization: {proxy.credential.reveal()}\r\n" if proxy.credential else ""
        request = f"CONNECT {there} HTTP/1.1\r\nhost: {there}\r\n{credential}\r\n"
        await self._loop.sock_sendall(sock, request.encode("latin-1"))
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = await self._loop.sock_recv(sock, 4096)
            answer += piece
            if not piece or len(answer) > MAX_CONNECT_REPLY:
                raise ConnectionError("it closed, or sent too much, instead of answering CONNECT")
        version, _, rest = answer.partition(b" ")
        status = rest[:3]
        if not version.startswith(b"HTTP/1.") or not status.isdigit():
            raise ConnectionError("it does not speak HTTP")
        if not status.startswith(b"2") or not answer.endswith(b"\r\n\r\n"):
            raise ConnectionError(f"it answered CONNECT with status {status.decode()}")


async def _first_good(
    tries: list[asyncio.Task[socket.socket]], within_s: float | None
) -> asyncio.Task[socket.socket] | None:
    """The first try that succeeded within *within_s*; None when none did, or as soon as all have failed."""
    deadline = None if within_s is None else asyncio.get_running_loop().time() + within_s
    while True:
        for one in tries:
            if one.done() and not one.cancelled() and one.exception() is None:
                return one
        running = [one for one in tries if not one.done()]
        left = None if deadline is None else deadline - asyncio.get_running_loop().time()
        if not running or (left is not None and left <= 0):
            return None
        await asyncio.wait(running, timeout=left, return_when=asyncio.FIRST_COMPLETED)


def _keep_alive(sock: socket.socket) -> None:
    """Probe a silent connection: a model may think for minutes, and routers on the way forget idle flows sooner."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", PROBE_S), ("TCP_KEEPINTVL", PROBE_S), ("TCP_KEEPCNT", PROBES)):
        if hasattr(socket, option):  # not everywhere
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _discard(one: asyncio.Task[socket.socket]) -> None:
    """Close what the try opened, now or when it ends."""

    def close(done: asyncio.Task[socket.socket]) -> None:
        if not done.cancelled() and done.exception() is None:
            done.result().close()

    one.cancel()
    one.add_done_callback(close)


def _cause(error: Exception) -> str:
    """The reason in words, without addresses of Python objects or source lines."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"the TLS handshake failed: {error.reason or 'no reason given'}"
    if isinstance(error, OSError) and error.errno and error.errno > 0:  # the resolver's numbers are negative
        return os.strerror(error.errno)
    if isinstance(error, ConnectionError) and not str(error):
        return "the other side closed the connection"
    return getattr(error, "strerror", None) or str(error)
