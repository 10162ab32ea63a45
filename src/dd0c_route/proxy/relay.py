"""The answer's way to the client: hand a piece on first, then show it to the meter.

A JSON answer is held until it is whole, so that its cost can stand in a header; a long or slow one is not waited for.
Everything else goes out piece by piece as it comes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from dd0c_route.errors import ClientGone, UpstreamCut, UpstreamInvalid
from dd0c_route.proxy.bill import Bill
from dd0c_route.proxy.client import Client
from dd0c_route.proxy.echoes import MAX_ERROR_BYTES, ErrorEvents
from dd0c_route.proxy.headers import Headers
from dd0c_route.proxy.report import word
from dd0c_route.redact import redact_bytes
from dd0c_route.types import Entry
from dd0c_route.upstream import Reply, Sweeper
from dd0c_route.wire.errors import status_of
from dd0c_route.wire.meter import Meter

HOLD_BYTES = 1 << 20  # longer JSON answers go out as they come, without a cost header
CHANGED_BYTES = 32 << 20  # of one that must be whole before it can be translated
HOLD_S = 0.25  # so do those that trickle: some providers send blanks to keep a slow answer's connection alive

_LAST = (b"[DONE]", b"message_stop", b'"response.')
"""What an API's terminal event contains: then the meter looks first, and the entry is written before it goes out."""


class Edit(Protocol):
    """What may change a stream on its way: `UsageChunkFilter`, `CostWriter`, `Translator`."""

    def feed(self, data: bytes) -> bytes: ...

    def end(self) -> bytes: ...


Whole = Callable[[int, bytes], tuple[int, bytes]]
"""Status and body of an answer that came whole → what the client gets of them."""

Shown = Callable[[bytes], bytes]
"""The body that the client gets → the same with the call's cost in it."""


def hand_on_whole(
    reply: Reply, client: Client, bill: Bill, meter: Meter, headers: Callable[[Entry | None], Headers], now_ns: int,
    changed: Whole | None = None, shown: Shown | None = None, *, judged: bool,
) -> None:  # fmt: skip
    """Hand on an answer that is complete already, as nearly every JSON answer is: the same as `Relay.hold`.

    Without the machinery for what has yet to come: 5 % of a call between fake transports.
    """
    pieces: list[bytes] = []
    reply.attach(pieces.append)
    body = pieces[0] if pieces else b""
    if body:
        bill.ttft_ns = now_ns
    meter.whole(body)
    _insist_on_the_end(reply, meter, judged=judged)
    status, body = _told(reply, meter, body, changed, judged=judged)
    bill.status = status
    body = body if shown is None else shown(body)
    entry = _settled(reply.status, client, bill, meter, len(body))
    client.whole(status, headers(entry), body)


def _settled(status: int, client: Client, bill: Bill, meter: Meter, more: int) -> Entry:
    """The provider's answer is whole: the entry is written; *more* bytes of it are still to be handed on."""
    if client.gone:
        return bill.settle("client_gone", "client_gone", answered=True, more=more)
    if status >= 400:
        return bill.settle("upstream_failed", f"status_{status}", answered=True, more=more)
    if meter.error is not None:
        return bill.settle("upstream_failed", word(meter.error), answered=True, more=more)
    return bill.settle("complete", answered=True, more=more)


def _insist_on_the_end(reply: Reply, meter: Meter, *, judged: bool) -> None:
    """Only the API's own end tells whether all of an answer came: a body may end with its connection, and a server in
    between ends in good order what was cut behind it. An answer that is not *judged* was passed through: there its
    length or its last chunk will do.

    Raises:
        UpstreamCut: That end did not come.
        UpstreamInvalid: What came is no answer of any API.
    """
    if reply.status >= 300 or not (judged or not reply.framed):
        return
    if meter.cut_short:
        raise UpstreamCut("the provider ended its answer before it was complete")
    if judged and meter.is_no_answer:
        raise UpstreamInvalid("the provider answered with something that is neither JSON nor a stream of events")


def _told(reply: Reply, meter: Meter, body: bytes, changed: Whole | None, *, judged: bool) -> tuple[int, bytes]:
    """Status and body of an answer that came whole, as the client gets them: an error is none with 200."""
    status, failed = reply.status, meter.error is not None
    if judged and status < 300 and meter.error is not None:
        status = status_of(meter.error)
    if changed is not None:
        status, body = changed(status, body)
    return status, redact_bytes(body) if failed else body


class Relay:
    """One answer on its way. `pieces` go to `held`, then to `stream`."""

    def __init__(
        self, reply: Reply, client: Client, bill: Bill, meter: Meter, *, edit: Edit | None,
        headers: Callable[[Entry | None], Headers], sweeper: Sweeper, ticks_ns: Callable[[], int],
        drain_bytes: int, judged: bool, changed: Whole | None = None, shown: Shown | None = None,
    ) -> None:  # fmt: skip
        self._reply = reply
        self._client = client
        self._bill = bill
        self._meter = meter
        self._edit = edit
        self._headers = headers
        self._sweeper = sweeper
        self._ticks_ns = ticks_ns
        self._judged = judged
        self._changed = changed
        self._shown = shown
        self._held: list[bytes] | None = None
        self._held_bytes = 0
        self._hold_until = 0.0
        self._edge = b"\n\n"  # the last bytes that went out
        self._errors: ErrorEvents | None = None  # only of a stream that speaks of one
        self._fault: Exception | None = None  # of ours, outside of the call's own task
        self._over = False
        self._drained = 0
        self._drain_bytes = drain_bytes

    async def stream(self) -> None:
        """Hand pieces on as they come, to the end.

        Raises:
            UpstreamError: The answer did not come whole.
            ClientGone: The client left (where draining is allowed: and the drain reached its bound).
        """
        self._start()
        self._reply.attach(self._piece)
        await self._ended()
        self._finish()

    async def hold(self, now: float) -> None:
        """Hand the answer on in one piece when it is whole; too long or too slow, as `stream`.

        Raises: as `stream`.
        """
        self._held = []
        self._hold_until = now + HOLD_S
        self._reply.attach(self._hold)
        await self._ended()
        if self._held is None:
            self._finish()
            return
        body = b"".join(self._held)
        self._meter.whole(body)
        _insist_on_the_end(self._reply, self._meter, judged=self._judged)
        status, body = _told(self._reply, self._meter, body, self._changed, judged=self._judged)
        self._bill.status = status
        body = body if self._shown is None else self._shown(body)
        entry = self._settle(len(body))
        self._client.whole(status, self._headers(entry), body)

    async def _ended(self) -> None:
        watched = not self._reply.complete and self._held is not None
        if watched:
            self._sweeper.watch(self)
        try:
            await self._reply.ended()
        except BaseException:  # cut or given up: what can be read of it is read before the bill is left
            self._meter.feed(b"".join(self._held or ()))
            self._meter.end()
            if self._fault is not None:
                raise self._fault from None
            raise
        finally:
            self._over = True
            self._client.still()
            if watched:
                self._sweeper.forget(self)

    def _start(self) -> None:
        reply = self._reply
        # Of nothing, too, an edit may make something; and behind a length that is full no end can be withheld.
        length = reply.content_length if self._edit is None and not self._judged else None
        self._client.start(reply.status, self._headers(None), length)
        self._client.flow(reply.pause, reply.resume)

    # --- called for each piece ------------------------------------------------------------------------------

    def _piece(self, data: bytes) -> None:
        bill, meter, client = self._bill, self._meter, self._client
        if bill.ttft_ns is None:
            bill.ttft_ns = self._ticks_ns()
        self._edge = data[-4:]
        if self._errors is not None or b"error" in data:
            meter.feed(data)
            out = self._without_secrets(data if self._edit is None else self._edit.feed(data))
            if meter.finished:
                self._settle(len(out))
            client.send(out)
        elif self._edit is None and _LAST[0] not in data and _LAST[1] not in data and _LAST[2] not in data:
            client.send(data)
            meter.feed(data)
        else:
            meter.feed(data)
            out = data if self._edit is None else self._edit.feed(data)
            if meter.finished:
                self._settle(len(out))
            client.send(out)
        if client.gone:
            self._gone(len(data))

    def _without_secrets(self, out: bytes) -> bytes:
        if self._errors is None:
            self._errors = ErrorEvents()
        return self._errors.feed(out)

    def _hold(self, data: bytes) -> None:
        if self._held is None:
            self._piece(data)
            return
        if self._bill.ttft_ns is None:
            self._bill.ttft_ns = self._ticks_ns()
        self._held.append(data)
        self._held_bytes += len(data)
        if self._changed is not None:
            most = CHANGED_BYTES if self._reply.status < 400 else MAX_ERROR_BYTES
            if self._held_bytes > most:
                raise UpstreamInvalid(f"the provider's answer is longer than {most} bytes: too long to hold")
        elif self._held_bytes > HOLD_BYTES:
            self._release()

    def check(self, now: float) -> None:
        """The sweeper asks: has it been held for long enough?"""
        if self._over:  # it was to be forgotten then, and that failed
            self._sweeper.forget(self)
        elif self._held and now > self._hold_until and self._changed is None and not self._client.gone:
            try:
                self._release()
            except Exception as error:  # nothing may follow: it could be a body without a head
                self._fault = error
                self._reply.abort()

    def _release(self) -> None:
        held, self._held = b"".join(self._held or ()), None
        self._start()
        self._piece(held)

    @property
    def between_events(self) -> bool:
        """Nothing has come yet, or the last thing was a blank line: something may be said without garbling an event."""
        return self._edge.endswith((b"\n\n", b"\r\n\r\n", b"\r\r"))

    # --- the end --------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """The provider's answer is whole."""
        self._meter.end()
        _insist_on_the_end(self._reply, self._meter, judged=self._judged)
        out = b"" if self._edit is None else self._edit.end()
        if self._errors is not None:
            out = self._errors.feed(out) + self._errors.end()
        if out:
            self._client.send(out)
        self._settle(0)
        self._client.finish()

    def _settle(self, more: int) -> Entry:
        return _settled(self._reply.status, self._client, self._bill, self._meter, more)

    # --- without the client ---------------------------------------------------------------------------------

    def _gone(self, size: int) -> None:
        """Read on where that is allowed, so that the provider's own figures are known: at most so far."""
        self._drained += size
        if self._client.drains is None or self._drained > self._drain_bytes:
            raise ClientGone("the client hung up")
