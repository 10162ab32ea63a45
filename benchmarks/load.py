"""The load generator: one thread, one epoll, raw sockets.

Not on an event loop of asyncio: uvloop's timers tick in milliseconds, and an open loop that is to be measured in
tenths of one needs its sends on the microsecond. `select` with the epoll descriptor in it waits that precisely.

Times are nanoseconds of CLOCK_MONOTONIC, which the mock's stamps use too.
"""

from __future__ import annotations

import ctypes
import gc
import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic_ns

from msgspec import Struct

GRACE_NS = 5_000_000_000  # how long a window waits for its last answers; what has not come by then is an error
MAX_CONNECTIONS = 1024
_STAMP = re.compile(rb'"mock-(\d{20})-(\d{20})"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PR_SET_TIMERSLACK = 29


class Window(Struct):
    """What one measurement saw.

    Attributes:
        seconds: From the first send to the last answer.
        total: Per answer: from the intended send time to its last byte, ns.
        overhead: The same less the provider's own time, from its receive and send stamps (nothing less without stamps).
        late: Per request: how long after its intended time it was really sent, ns.
        first: Per stream: from the send to the first event, less the provider's own time, ns.
        age: Per event: from the provider's send to our receive, ns.
        events: Events that arrived, the closing `[DONE]` among them.
    """

    answers: int = 0
    seconds: float = 0.0
    total: list[int] = []
    overhead: list[int] = []
    late: list[int] = []
    first: list[int] = []
    age: list[int] = []
    events: int = 0
    errors: dict[str, int] = {}

    def failed(self, error: str) -> None:
        self.errors[error] = self.errors.get(error, 0) + 1


class _Connection:
    """A kept-alive connection with at most one request on it."""

    __slots__ = ("body_left", "buffer", "due", "events", "sent", "socket", "unsent")

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.due = self.sent = 0
        self.unsent = memoryview(b"")
        self.buffer = b""
        self.body_left = -1  # unknown until the head is in
        self.events = 0


class Load:
    """Sends one prepared request again and again to one address."""

    def __init__(self, port: int, request: bytes, *, stream_events: int = 0) -> None:
        self._address = ("127.0.0.1", port)
        self._request = request
        self._stream_events = stream_events
        self._epoll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._idle: list[_Connection] = []
        self._window = Window()

    def closed_loop(self, connections: int, seconds: float, requests: int | None = None) -> Window:
        """Each connection sends its next request when it has its answer, for *seconds* or *requests*."""
        left = -1 if requests is None else requests
        with self._measuring() as window:
            started = monotonic_ns()
            stop = started + round(seconds * 1e9)
            for _ in range(connections):
                self._idle.append(self._open())
            while self._idle or len(self._connections) > len(self._idle):
                now = monotonic_ns()
                while self._idle and now < stop and left:
                    left -= 1
                    self._send(self._idle.pop(), monotonic_ns())
                if len(self._idle) == len(self._connections) or now > stop + GRACE_NS:
                    break
                self._wait(stop + GRACE_NS)
            window.seconds = (monotonic_ns() - started) / 1e9
        return window

    def open_loop(self, rate: float, seconds: float) -> Window:
        """Send at a constant *rate* whatever comes back; latency counts from the time a request was due."""
        with self._measuring() as window:
            started = monotonic_ns() + 1_000_000
            count, sent = round(rate * seconds), 0
            deadline = started + round(seconds * 1e9) + GRACE_NS
            while sent < count or len(self._idle) < len(self._connections):
                now = monotonic_ns()
                due = started + round(sent / rate * 1e9)
                if now > deadline:
                    break
                if sent < count and now >= due:
                    sent += 1
                    self._send_due(due)
                    continue
                self._wait(due if sent < count else deadline)
            window.seconds = (monotonic_ns() - started) / 1e9
        return window

    def streams(self, connections: int, seconds: float) -> Window:
        """Keep *connections* streams running, their starts spread over one second, for *seconds*."""
        with self._measuring() as window:
            started = monotonic_ns()
            stop = started + round((seconds + 1.0) * 1e9)
            opened = 0
            while True:
                now = monotonic_ns()
                due = started + opened * 1_000_000_000 // connections
                if opened < connections and now >= due:
                    opened += 1
                    self._send(self._open(), now)
                    continue
                while self._idle and now < stop:
                    self._send(self._idle.pop(), monotonic_ns())
                finished = opened == connections and len(self._idle) == len(self._connections)
                if finished or now > stop + GRACE_NS:
                    break
                self._wait(due if opened < connections else stop + GRACE_NS)
            window.seconds = (monotonic_ns() - started) / 1e9
        return window

    @contextmanager
    def _measuring(self) -> Iterator[Window]:
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)  # 50 µs by default
        self._window = Window()
        gc.collect()
        gc.disable()
        try:
            yield self._window
        finally:
            gc.enable()
            for connection in self._connections.values():
                if connection not in self._idle:
                    self._window.failed("no answer in time")
                connection.socket.close()
            self._connections.clear()
            self._idle.clear()
            self._epoll.close()
            self._epoll = select.epoll()

    def _open(self) -> _Connection:
        connection = _Connection(self._address)
        self._connections[connection.socket.fileno()] = connection
        self._epoll.register(connection.socket.fileno(), select.EPOLLIN)
        return connection

    def _send_due(self, due: int) -> None:
        if self._idle:
            self._send(self._idle.pop(), due)
        elif len(self._connections) < MAX_CONNECTIONS:
            self._send(self._open(), due)
        else:
            self._window.failed(f"more than {MAX_CONNECTIONS} requests under way")

    def _send(self, connection: _Connection, due: int) -> None:
        connection.due, connection.sent = due, monotonic_ns()
        connection.buffer, connection.body_left, connection.events = b"", -1, 0
        connection.unsent = memoryview(self._request)
        self._window.late.append(connection.sent - due)
        self._write(connection)

    def _write(self, connection: _Connection) -> None:
        try:
            sent = connection.socket.send(connection.unsent)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lost(connection, f"send: {error.strerror}")
            return
        connection.unsent = connection.unsent[sent:]
        events = select.EPOLLIN | select.EPOLLOUT if connection.unsent else select.EPOLLIN
        if connection.unsent or sent < len(self._request):
            self._epoll.modify(connection.socket.fileno(), events)

    def _lost(self, connection: _Connection, error: str) -> None:
        self._window.failed(error)
        self._epoll.unregister(connection.socket.fileno())
        del self._connections[connection.socket.fileno()]
        if connection in self._idle:
            self._idle.remove(connection)
        connection.socket.close()

    def _wait(self, until: int) -> None:
        """Handle what is there, or wait for it until *until*."""
        ready = self._epoll.poll(0)
        if not ready:
            pause = (until - monotonic_ns()) / 1e9
            if pause > 0:
                select.select([self._epoll.fileno()], [], [], pause)
            ready = self._epoll.poll(0)
        for number, event in ready:
            connection = self._connections[number]
            if event & select.EPOLLOUT and connection.unsent:
                self._write(connection)
            if event & ~select.EPOLLOUT and number in self._connections:
                self._read(connection)

    def _read(self, connection: _Connection) -> None:
        try:
            data = connection.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(connection, f"receive: {error.strerror}")
            return
        now = monotonic_ns()
        if not data:
            self._lost(connection, "closed in mid-answer" if connection not in self._idle else "closed while idle")
        elif self._stream_events:
            self._read_stream(connection, data, now)
        else:
            self._read_message(connection, data, now)

    def _read_message(self, connection: _Connection, data: bytes, now: int) -> None:
        connection.buffer += data
        if connection.body_left < 0:
            head_end = connection.buffer.find(b"\r\n\r\n")
            if head_end < 0:
                return
            head = connection.buffer[: head_end + 2]
            length = _LENGTH.search(head)
            if head[9:12] != b"200" or length is None:
                self._lost(connection, f"status {head[9:12].decode()}" if length else "no content-length")
                return
            connection.body_left = head_end + 4 + int(length[1])
        if len(connection.buffer) < connection.body_left:
            return
        window = self._window
        window.answers += 1
        window.total.append(now - connection.due)
        stamp = _STAMP.search(connection.buffer)
        provider_ns = int(stamp[2]) - int(stamp[1]) if stamp else 0
        window.overhead.append(now - connection.due - provider_ns)
        self._idle.append(connection)

    def _read_stream(self, connection: _Connection, data: bytes, now: int) -> None:
        window = self._window
        whole, separator, connection.buffer = (connection.buffer + data).rpartition(b"\n\n")
        head = whole or connection.buffer
        if not connection.events and not b"HTTP/1.1 200".startswith(head[:12]):
            self._lost(connection, f"status {head[9:12].decode()}")
            return
        stamps = _STAMP.findall(whole)
        if whole and not connection.events:
            provider_ns = int(stamps[0][1]) - int(stamps[0][0]) if stamps else 0
            window.first.append(now - connection.sent - provider_ns)
        window.age += [now - int(sent) for _, sent in stamps]
        arrived = whole.count(b"data: ")
        connection.events += arrived
        window.events += arrived
        if separator and b"[DONE]" in whole:
            connection.body_left = 0
        if connection.body_left == 0 and connection.buffer.endswith(b"0\r\n\r\n"):
            window.answers += 1
            window.total.append(now - connection.due)
            if connection.events <= self._stream_events:  # those asked for, and [DONE]
                window.failed(f"{connection.events} of {self._stream_events + 1} events")
            self._idle.append(connection)
