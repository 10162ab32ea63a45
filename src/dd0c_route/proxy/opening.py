"""How an answer begins: with a 200 whose first word is that it failed, or with an answer.

Such an error is a refusal as long as nothing has gone to the client: another try may follow it, as one follows a 529.
"""

from __future__ import annotations

from dd0c_route.types import Call
from dd0c_route.upstream import Reply
from dd0c_route.wire.errors import status_of
from dd0c_route.wire.meter import meter_for

WAIT_S = 0.25  # for the first piece behind a head; tokens are not kept waiting, only a head that came without one
_LOOKED_AT = 4096  # an error is short, and comes first
_OVERLOADED = 529
_SIGNS = (
    b'"error":{', b'"error": {', b'"error":"', b'"error": "', b"event: error", b"event:error", b"response.failed",
    b"xception", b'"__type"',
)  # fmt: skip


async def opening(reply: Reply, call: Call) -> tuple[int, str | None]:
    """The status that the answer to *call* really has, and its error's type where its status hides that.

    Returns when the first piece of the body is there, or after `WAIT_S`; nothing of the body is taken away. An error
    that does not blame the request counts as 529: nothing was said, so nothing is lost with it.
    """
    first = reply.first
    if not first:
        await reply.begun(WAIT_S)
        first = reply.first
    start = first[:_LOOKED_AT]
    if b"rror" not in start and b"xception" not in start and b"failed" not in start:  # nearly always
        return reply.status, None
    if not any(sign in start for sign in _SIGNS):
        return reply.status, None
    fields = dict(reply.headers)
    kind, coding = fields.get(b"content-type", b"").lower(), fields.get(b"content-encoding", b"")
    meter = meter_for(call.api, kind.decode("latin-1"), coding.decode("latin-1"))
    meter.feed(first)
    meter.end()
    if meter.error is None or meter.has_output:
        return reply.status, None
    status = status_of(meter.error)
    return (status if status < 500 else _OVERLOADED), meter.error
