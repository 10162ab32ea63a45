"""Answers that are not an answer: the router's own errors, and a provider's refusal kept while another try is made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dd0c_route.errors import RouteError, UpstreamError
from dd0c_route.proxy.bill import Bill
from dd0c_route.proxy.client import Client
from dd0c_route.proxy.echoes import ErrorAnswer
from dd0c_route.proxy.headers import Headers
from dd0c_route.proxy.translate import Crossing
from dd0c_route.redact import redact_bytes
from dd0c_route.types import Target
from dd0c_route.upstream import Reply
from dd0c_route.wire.errors import headers_of, render
from dd0c_route.wire.meter import meter_for

KEPT_BYTES = 64 << 10  # an error body is a few hundred bytes; a longer one is not worth a connection
KEPT_S = 1.0  # nor is waiting longer for its end


def refuse(error: RouteError, client: Client, api: str, request_id: str) -> None:
    """Answer with *error* in the caller's dialect; where an answer has already begun, end it visibly."""
    if client.done:
        return
    if client.committed or client.gone:
        client.cut()
        return
    headers = [*headers_of(error, api, request_id), (b"x-dd0c-request-id", request_id.encode())]
    client.whole(error.status, headers, redact_bytes(render(error, api, request_id)))


class Refusal:
    """A provider's refusal, read to its end so that its connection can be used again."""

    def __init__(self, target: Target, status: int, headers: Headers, body: bytes) -> None:
        self.target = target
        self.status = status
        self.headers = headers
        self._body = body

    @classmethod
    async def read(cls, reply: Reply, target: Target) -> Refusal:
        """Read the body, bounded in bytes and time; one that does not end in time is kept without it."""
        pieces: list[bytes] = []

        def keep(piece: bytes) -> None:
            pieces.append(piece)
            if sum(map(len, pieces)) > KEPT_BYTES:
                reply.abort()

        reply.attach(keep)
        try:
            async with asyncio.timeout(KEPT_S):
                await reply.ended()
        except (UpstreamError, TimeoutError):
            pieces.clear()
        return cls(target, reply.status, reply.headers, b"".join(pieces))

    def translated(self, across: Crossing) -> Refusal:
        """The same in the caller's dialect."""
        status, body = across.whole(self.status, self._body)
        return Refusal(self.target, status, across.headers(self.headers, streamed=False), body)

    def hand_on(self, client: Client, bill: Bill, told: ErrorAnswer, headers: Callable[[], Headers]) -> None:
        """This is the answer after all: nobody gave a better one."""
        status, body = told.whole(self.status, self._body)
        bill.answering(self.target, self.status, meter_for("unknown", "", ""), whole_json=True)
        bill.settle("upstream_failed", f"status_{self.status}", answered=True, more=len(body))
        client.whole(status, headers(), body)
