"""An answer as it comes: its head, then its body in pieces, then its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from dd0c_route.errors import UpstreamCut
from dd0c_route.upstream.marks import Marks

MAX_HELD_BYTES = 256 << 10  # body kept before a sink is attached; reading pauses there


class Source(Protocol):
    """Where the bytes come from: the connection, for as long as the answer runs."""

    def abandon(self, reply: Reply) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Reply:
    """The provider's answer. Use it as a `with` block: leaving before its end closes the connection at once.

    Attributes:
        marks: The marks given to `Pool.send`.
        status: The status code; redirects too are handed on as they are.
        reason: The reason phrase, or empty.
        headers: Lower-case names and raw values in their order, hop-by-hop ones included.
        content_length: The body's length in bytes as the head announces it, or None.
        framed: The body's end is told by its length or its last chunk, and not by the end of the connection.
        has_body: False where the answer can have no body (HEAD, 204, 304, `content-length: 0`).
        complete: The body was read to its end.
    """

    __slots__ = (
        "_fault", "_held", "_held_bytes", "_sink", "_source", "_waiter",
        "complete", "content_length", "framed", "has_body", "headers", "marks", "reason", "status",
    )  # fmt: skip

    def __init__(self, source: Source, marks: Marks) -> None:
        self.marks = marks
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.content_length: int | None = None
        self.has_body = True
        self.framed = True
        self.complete = False
        self._source: Source | None = source
        self._sink: Callable[[bytes], None] | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._fault: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def attach(self, sink: Callable[[bytes], None]) -> None:
        """Call *sink* with each piece of the body, the pieces that are already here at once.

        It is called in the loop's callback, once for what one read brought. What it raises ends the answer, and
        `ended` raises it.
        """
        self._sink = sink if self._source is not None else None  # over already: nothing but what is held
        if held := self._held:
            self._held = []
            if self._held_bytes > MAX_HELD_BYTES:
                self.resume()
            sink(held[0] if len(held) == 1 else b"".join(held))

    @property
    def first(self) -> bytes:
        """The first piece of what is held of the body; empty where nothing is."""
        return self._held[0] if self._held else b""

    async def begun(self, wait_s: float) -> None:
        """Return when something of the body is held, when the answer is over, or after *wait_s* seconds."""
        if self._held or self._source is None:
            return
        loop = asyncio.get_running_loop()
        self._waiter = waiter = loop.create_future()
        timer = loop.call_later(wait_s, self._wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None

    def give_back(self, body: bytes) -> None:
        """What a sink took is held again, all of it: the next sink gets it first."""
        self._sink = None
        self._held, self._held_bytes = [body] if body else [], len(body)

    async def ended(self) -> None:
        """Return when the body is complete. For one waiter at a time.

        Raises:
            UpstreamCut: The connection ended before the answer did, or the answer was given up.
            UpstreamTimeout: The provider was silent for too long, or the answer took too long in all.
            UpstreamInvalid: What came is not HTTP.
        """
        if self._source is not None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._fault is not None:
            raise self._fault

    def pause(self) -> None:
        """Read no further until `resume`: the kernel's window closes, and the provider waits. Not while it is over."""
        if self._source is not None:
            self._source.pause()

    def resume(self) -> None:
        """Read on."""
        if self._source is not None:
            self._source.resume()

    def abort(self) -> None:
        """Close the connection at once unless the answer is over; the provider sees it immediately."""
        if self._source is not None:
            self._source.abandon(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._source is not None:
            self._source.abandon(self)

    # --- the connection calls these ----------------------------------------------------------------

    def take(self, piece: bytes) -> None:
        """A piece of the body came."""
        if self._sink is not None:
            self._sink(piece)
            return
        self._held.append(piece)
        self._held_bytes += len(piece)
        if self._held_bytes > MAX_HELD_BYTES:
            self.pause()
        if self._waiter is not None:
            self._wake(self._waiter)

    def finish(self) -> None:
        """The body is complete."""
        self.complete = True
        self._source = self._sink = None  # the sink knows this reply: no cycle is left for the collector
        if self._waiter is not None:
            self._wake(self._waiter)

    def fail(self, fault: Exception) -> None:
        """Nothing more will come."""
        self._source = self._sink = None
        self._fault = fault
        if self._waiter is not None:
            self._wake(self._waiter)

    def give_up(self) -> None:
        """We closed the connection."""
        self.fail(UpstreamCut("the answer was given up before it was complete"))

    @staticmethod
    def _wake(waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_result(None)
