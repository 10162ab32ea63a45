"""The caller's side of one call: what is written to it, what it took, and whether it is still there."""

from __future__ import annotations

import asyncio
import socket
import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Protocol

from dd0c_route.errors import ClientGone
from dd0c_route.proxy.acked import Witness
from dd0c_route.proxy.headers import Headers
from dd0c_route.upstream import Marks

COPIED_BYTES = 64 << 10  # up to here a copy costs less than a second write
_NO_LINGER = struct.pack("ii", 1, 0)
_REASONS = {status.value: status.phrase.encode() for status in HTTPStatus}  # clients show them in their errors


def _is_one_line(header: tuple[bytes, bytes]) -> bool:
    """Names and values come from models, tags, providers and errors: one that breaks out of its line is left out."""
    return not any(sign in part for part in header for sign in (b"\r", b"\n", b"\0"))


class Link:
    """The connection under one or more calls: its transport and how many bytes went into it."""

    __slots__ = ("blocked_since", "ended", "lost", "on_pause", "on_resume", "transport", "witness", "written")

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self.transport = transport
        self.witness = Witness(transport)
        self.written = 0
        self.lost = False
        self.ended = False  # by us and in good order: what was written may still arrive
        self.blocked_since: float | None = None  # loop time since when the client takes nothing
        self.on_pause: Callable[[], None] | None = None
        self.on_resume: Callable[[], None] | None = None

    def write(self, data: bytes) -> None:
        self.written += len(data)
        self.transport.write(data)

    def close(self) -> None:
        """End the connection once what was written is out."""
        self.ended = True
        self.transport.close()

    def abort(self) -> None:
        """End the connection at once; what the kernel does not have yet is dropped."""
        self.ended = self.ended and not self.transport.get_write_buffer_size()
        self.transport.abort()

    def reset(self) -> None:
        """Tear the connection down so that the client sees an error, not an end (RST)."""
        original = self.transport.get_extra_info("socket")
        if original is not None:
            original.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()
        self.witness.close()  # the last descriptor goes: now the kernel acts

    def taken(self) -> int:
        """Bytes that the peer acknowledged; where the kernel does not tell, those that the kernel took."""
        acked = self.witness.acked()
        return self.written - self.transport.get_write_buffer_size() if acked is None else acked


class Copied(Protocol):
    """Takes what the client is given; must not raise."""

    def answered(self, headers: Headers, body: bytes | None) -> None: ...

    def piece(self, data: bytes) -> None: ...


class Client:
    """Answers one call.

    Attributes:
        also: Further headers of the answer, whoever makes it.
        copy: Takes what the client is given, where bodies are stored.
        gone: The client has hung up.
        committed: A byte of an answer is out; no second answer can follow.
        offered: Bytes of the answer's body so far, also those that came when the client had gone.
        handed: Bytes of the body that were written to the connection.
        ends_at: Bytes written to the connection up to the end of this answer (or so far).
        drains: The marks of a try whose answer is read on without the client, once it was sent.
        drain_s: For at most so many seconds from the hang-up.
        worker: The task that serves the call.
        task: The same while a hang-up cancels it (`present`), else None.
        done: The answer has ended, one way or the other.
    """

    __slots__ = (
        "_chunked", "_closes", "_framed", "_head_only", "_on_done", "_pieces", "_start", "also", "committed",
        "copy", "done", "drain_s", "drains", "ends_at", "gone", "handed", "link", "offered", "stopping",
        "task", "worker",
    )  # fmt: skip

    def __init__(self, link: Link, *, http10: bool, keep_alive: bool, head_only: bool, on_done: Callable[[bool], None]):
        self.link = link
        self._chunked = not http10
        self._closes = not keep_alive
        self._head_only = head_only
        self._on_done = on_done
        self.also: Headers = []
        self.copy: Copied | None = None
        self.task: asyncio.Task[None] | None = None
        self.worker: asyncio.Task[None] | None = None
        self._start = self.ends_at = link.written
        # Where each piece ended on the wire, counted from `_start`, and in the body; from the second piece on.
        self._pieces: tuple[array[int], array[int]] | None = None
        self.gone = False
        self.stopping = False
        self.drains: Marks | None = None
        self.drain_s = 0.0
        self.committed = False
        self.done = False
        self.offered = 0
        self.handed = 0
        self._framed = True  # the end of the body shows without the end of the connection

    # --- presence --------------------------------------------------------------------------------------

    def present(self) -> Present:
        """Run a `with` block only as long as the client is there.

        Raises:
            ClientGone: The client hung up; whatever the block waited for was cancelled that instant.
        """
        return Present(self)

    def hung_up(self) -> None:
        """The connection is lost or half closed: cancel the call, or let it go on without its client (`drains`)."""
        if self.gone:
            return
        self.gone = True
        if self.task is None:
            return
        if self.drains is not None and self.drains.sent:
            self.task.get_loop().call_later(self.drain_s, self._drained)
            if self.link.on_resume is not None:  # nobody is to be waited for any more
                self.link.on_resume()
            self.still()
        else:
            self.task.cancel()

    def _drained(self) -> None:
        if self.task is not None:
            self.task.cancel()

    # --- the answer ------------------------------------------------------------------------------------

    def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """A complete answer in one write."""
        head = self._head(status, headers, len(body))
        self.offered = 0 if self._head_only else len(body)
        if self.copy is not None:
            self.copy.answered(headers, body)
        if not self.gone:
            if 0 < self.offered <= COPIED_BYTES:
                self._put(head + body, len(head))
            else:
                self.link.write(head)
                self._put(body[: self.offered], 0)
        self.finish()

    @property
    def begun(self) -> bool:
        """A byte of the answer is written."""
        return self.link.written > self._start

    def start(self, status: int, headers: Headers, length: int | None) -> None:
        """The head of an answer whose body follows in pieces; *length* in bytes, None where unknown."""
        head = self._head(status, headers, length)
        if self.copy is not None:
            self.copy.answered(headers, None)
        if not self.gone:
            self.link.write(head)

    def send(self, data: bytes) -> None:
        """A piece of the body."""
        self.offered += len(data)
        if self.gone or not data:
            return
        if self.copy is not None:
            self.copy.piece(data)
        if self._chunked:
            frame = b"%x\r\n%b\r\n" % (len(data), data)
            self._put(frame, len(frame) - len(data))
        else:
            self._put(data, 0)

    def finish(self) -> None:
        """The body is complete; the connection is free for the next call, or closes."""
        if self.done:
            return
        if not self.gone and self._chunked:
            self.link.write(b"0\r\n\r\n")
        self.done = True
        self._on_done(not self._closes)

    def cut(self) -> None:
        """End an answer that did not come to its end: visibly, by tearing the connection down."""
        if self.done:
            return
        if not self.gone:
            if self._framed:
                self.link.close()  # what was received still goes out; then the missing end shows
            else:
                self.link.reset()
        self.done = True
        self._on_done(False)

    def _head(self, status: int, headers: Headers, length: int | None) -> bytes:
        """The head of the answer that is now decided on."""
        self.committed = True
        if length is not None or self._head_only or status in (204, 304):
            self._chunked = False
        elif not self._chunked:
            self._closes = True  # HTTP/1.0 without a length: the end of the connection is the end of the body
            self._framed = False
        last = b"connection: close\r\n\r\n" if self._closes else b"connection: keep-alive\r\n\r\n"
        if length is not None and status not in (204, 304):
            last = b"content-length: %d\r\n%b" % (length, last)
        elif self._chunked:
            last = b"transfer-encoding: chunked\r\n" + last
        if self.also:
            headers = [*headers, *self.also]
        first = b"HTTP/1.1 %d %b" % (status, _REASONS.get(status, b"-"))
        lines = [first, *map(b": ".join, headers)]
        said = b"".join(lines)  # half a microsecond for the three searches
        if b"\r" in said or b"\n" in said or b"\0" in said:
            lines = [first, *map(b": ".join, filter(_is_one_line, headers))]
        return b"\r\n".join([*lines, last])

    def _put(self, wire: bytes, around: int) -> None:
        """Write a piece of the body with *around* other bytes, which stand before it or frame it."""
        if not wire:
            return
        if self.handed and self._pieces is None:
            self._pieces = array("Q", (self.ends_at - self._start,)), array("Q", (self.handed,))
        self.handed += len(wire) - around
        self.link.write(wire)
        self.ends_at = self.link.written
        if self._pieces is not None:
            self._pieces[0].append(self.ends_at - self._start)
            self._pieces[1].append(self.handed)

    # --- back-pressure and delivery -----------------------------------------------------------------------

    def flow(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        """Call *pause* when the client takes less than it is sent, *resume* when it has caught up."""
        if self.gone:
            return
        self.link.on_pause, self.link.on_resume = pause, resume
        if self.link.blocked_since is not None:
            pause()

    def still(self) -> None:
        """Nobody is to be paused any more."""
        self.link.on_pause = self.link.on_resume = None

    def delivered(self) -> int:
        """Bytes of the body that reached the client, as far as the kernel tells."""
        taken = self.link.taken()
        if taken >= self.ends_at:
            return self.handed
        taken, end, before, size = taken - self._start, self.ends_at - self._start, 0, self.handed
        if self._pieces is not None:
            wire_ends, body_ends = self._pieces
            piece = bisect_right(wire_ends, taken)
            before = body_ends[piece - 1] if piece else 0
            end, size = wire_ends[piece], body_ends[piece] - before
        tail = 2 if self._chunked else 0
        into = size - (end - tail - taken)  # counted from the piece's end, whatever stands before it
        return before + max(0, min(size, into))


class Present:
    """The block that `Client.present` guards; a class and not a generator, since every call enters one."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def __enter__(self) -> None:
        if self._client.gone:
            raise ClientGone("the client hung up")
        self._client.task = self._client.worker or asyncio.current_task()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client = self._client
        task, client.task = client.task, None
        if isinstance(error, asyncio.CancelledError) and client.gone and not client.stopping:
            if task is not None:
                task.uncancel()
            raise ClientGone("the client hung up") from None
