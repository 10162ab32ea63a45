"""One answer on its way out: timers and writes, no task; its record stays true at every moment."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dd0c_route.upstream.simulator.plan import Plan, payload
from dd0c_route.upstream.simulator.witness import CallRecord, State

if TYPE_CHECKING:
    from dd0c_route.upstream.simulator.connection import Connection


class Performance:
    """Plays a plan over a connection, from the whole request to the last byte or the peer's leaving."""

    __slots__ = (
        "_body_bytes",
        "_call",
        "_connection",
        "_due",
        "_head_out",
        "_index",
        "_keep_alive",
        "_loop",
        "_plan",
        "_timer",
        "_waits",
    )

    def __init__(self, connection: Connection, plan: Plan, call: CallRecord, keep_alive: bool) -> None:
        self._connection = connection
        self._plan = plan
        self._call = call
        self._keep_alive = keep_alive and plan.framing != "eof"
        self._index = 0  # the next write
        self._body_bytes = 0  # of the writes before it
        self._head_out = False
        self._timer: asyncio.Handle | None = None
        self._waits = False  # for the kernel to take the last write
        call.model = plan.answer.model
        call.recording = plan.answer.recording
        call.status = plan.answer.status

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; an answer without a wait is written before this returns."""
        plan = self._plan
        self._loop = loop
        if plan.immediate:
            self._index = 1
            self._body_bytes = plan.body_bytes
            if self._connection.write(self._head() + plan.writes[0].wire):
                self._end()
            else:
                self._waits = True
            return
        self._due = loop.time() + plan.ttft_s
        if plan.head_s is not None and plan.head_s < plan.ttft_s:
            self._timer = loop.call_later(plan.head_s, self._send_head)
        elif plan.ttft_s:
            self._timer = loop.call_at(self._due, self._step)
        else:
            self._step()

    def resume(self) -> None:
        """The kernel has taken everything that was written."""
        if self._waits:
            self._waits = False
            self._after_write()

    def lost(self, unsent: int, state: State) -> None:
        """The connection is gone with *unsent* bytes still on our side."""
        if self._timer:
            self._timer.cancel()
        if unsent and self._index:
            write = self._plan.writes[self._index - 1]
            sent = max(0, len(write.wire) - unsent)
            framing = self._plan.framing
            self._body_bytes -= payload(write, framing, len(write.wire)) - payload(write, framing, sent)
        self.note()
        self._connection.witness.ended(self._call, state)

    def note(self) -> None:
        """Bring the record up to date: what the kernel was given so far, and what stands in it."""
        call, plan = self._call, self._plan
        call.body_bytes_out = self._body_bytes
        whole = self._body_bytes == plan.body_bytes
        call.chunks_out, call.chars_out, call.tokens_out = (
            plan.total if whole else plan.answer.through(self._body_bytes)
        )

    def _head(self) -> bytes:
        """The head, with what only this call knows. From here on the head counts as out."""
        self._head_out = True
        self._call.head_ns = self._connection.witness.now_ns()
        if not self._plan.head:
            return b""
        keep = b"keep-alive" if self._keep_alive else b"close"
        return b"%sconnection: %s\r\n%s: req_sim_%d\r\nx-sim-call: %d\r\n\r\n" % (
            self._plan.head,
            keep,
            self._plan.answer.id_header,
            self._call.id,
            self._call.id,
        )

    def _send_head(self) -> None:
        if self._plan.cut_head is not None:
            self._step()
            return
        self._timer = self._loop.call_at(self._due, self._step)
        self._connection.write(self._head())

    def _step(self) -> None:
        """Write what is due."""
        self._timer = None
        plan = self._plan
        data = b"" if self._head_out else self._head()
        if plan.cut_head is not None:
            self._connection.write(data[: plan.cut_head])
            self._finish("cut", plan.cut_how)
            return
        write = plan.writes[self._index]
        self._index += 1
        self._body_bytes += sum(write.frames)
        self._due += plan.chunk_s
        if self._connection.write(data + write.wire):
            self._after_write()
        else:
            self._waits = True

    def _after_write(self) -> None:
        plan = self._plan
        if self._index < len(plan.writes):
            if plan.chunk_s:
                self._timer = self._loop.call_at(self._due, self._step)
            else:
                self._timer = self._loop.call_soon(self._step)
        elif plan.ending == "done":
            self._end()
        elif plan.ending != "stall":
            # When the next piece would have come, so that the last one is not swallowed by a reset.
            self._timer = self._loop.call_later(plan.chunk_s, self._finish, "cut", plan.ending)

    def _end(self) -> None:
        how = self._plan.cut_how
        if self._plan.stale == "1":
            self._finish("complete", how)
        elif self._plan.stale == "next":
            self._finish("complete", end_on_next=how)
        else:
            self._finish("complete", "" if self._keep_alive else "fin")

    def _finish(self, state: State, end: str = "", end_on_next: str = "") -> None:
        self._timer = None
        self.note()
        self._connection.witness.ended(self._call, state)
        self._connection.played(end, end_on_next)
