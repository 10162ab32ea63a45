"""A call that the router makes by itself, beside its clients' calls: its answer stays here, its cost in the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from msgspec import Struct, structs

from dd0c_route.brain.capabilities import Capability
from dd0c_route.clock import new_id, rfc3339
from dd0c_route.errors import RouteError, UpstreamError
from dd0c_route.ledger.money import UNKNOWN
from dd0c_route.proxy.call import MODEL_CHARS
from dd0c_route.proxy.charges import charge, charged_fields
from dd0c_route.proxy.forward import upstream_body, upstream_target
from dd0c_route.proxy.headers import upstream_headers
from dd0c_route.proxy.report import word
from dd0c_route.proxy.statement import Account, Facts, account
from dd0c_route.proxy.translate import crossing
from dd0c_route.redact import redact_label
from dd0c_route.runtime import Line, Runtime
from dd0c_route.types import Attempt, Call, Delivery, EndState, Entry, Intent, PicoUSD, Target, Usage
from dd0c_route.upstream import Marks
from dd0c_route.wire.answer import Output
from dd0c_route.wire.meter import Meter, meter_for

MOST_BYTES = 4 << 20  # of an answer; a longer one is cut
TOTAL_S = 300.0
_NOTHING = Account(Usage(), "none", None, 0, 0, 0, None)


class Aside(Struct, frozen=True):
    """What came of it.

    Attributes:
        output: None where the provider did not answer, or not whole.
        cost: None: no price.
    """

    output: Output | None
    usage: Usage
    cost: PicoUSD | None


class _Try(Struct):
    """How far it came."""

    status: int = 0
    sent: Call | None = None  # as the provider got it
    meter: Meter | None = None
    body_bytes: int = 0
    whole: bool = False
    error: str | None = None
    end_state: EndState = "upstream_failed"


async def ask_aside(call: Call, target: Target, about: str, purpose: str, runtime: Runtime) -> Aside:
    """Send *call* to *target* and read the answer. Exactly one entry, however it is left.

    Args:
        about: Id of the client's call that this one is for.
        purpose: What for, in a few words.

    Raises:
        JournalError: It could not be accounted for, and was not made.
    """
    now_ns = runtime.clock.wall_ns()
    call = structs.replace(call, id=new_id("dd_", now_ns), at_ns=now_ns, started_ns=runtime.clock.ticks_ns())
    runtime.journal.intent(_intent(call, target))
    so_far, marks = _Try(), Marks()
    try:
        async with asyncio.timeout(TOTAL_S):
            await _read(call, target, runtime.line(target.provider), runtime.router.known.able, so_far, marks)
    except RouteError as error:
        so_far.error = error.code
        so_far.end_state = error.end_state if isinstance(error, UpstreamError) else "upstream_failed"
    except TimeoutError:
        so_far.error, so_far.end_state = "upstream_timeout", "timed_out"
    except asyncio.CancelledError:
        so_far.error, so_far.end_state = "shut_down", "shut_down"
        raise
    finally:
        entry = _entry(call, target, about, purpose, so_far, marks, runtime)
        runtime.journal.settle(entry)
        runtime.journal.deliver(Delivery(entry.id))
    good = so_far.whole and so_far.status == 200 and so_far.meter is not None and so_far.meter.error is None
    output = so_far.meter.output_at() if good and so_far.meter is not None else None
    return Aside(output, entry.usage, entry.cost_picodollars)


async def _read(
    call: Call, target: Target, line: Line, able_of: Callable[[Target], Capability], so_far: _Try, marks: Marks
) -> None:  # fmt: skip
    across = crossing(call, target, line.provider, able_of)
    so_far.sent = call = call if across is None else across.sent
    body, _ = upstream_body(call, line.provider, target)
    where = upstream_target(call, line.provider, line.base_path, target)
    headers = upstream_headers(call, line.provider)
    with await line.pool.send(call.method, where, headers, body, marks) as reply:
        fields = dict(reply.headers)
        kind = fields.get(b"content-type", b"").lower().decode("latin-1")
        meter = meter_for(call.api, kind, fields.get(b"content-encoding", b"").lower().decode("latin-1"))
        so_far.status, so_far.meter = reply.status, meter

        def feed(piece: bytes) -> None:
            so_far.body_bytes += len(piece)
            meter.feed(piece)
            if so_far.body_bytes > MOST_BYTES:
                reply.abort()

        reply.attach(feed)
        await reply.ended()
        meter.end()
        so_far.whole = True
        so_far.end_state = "complete" if reply.status < 300 and meter.error is None else "upstream_failed"
        so_far.error = f"status_{reply.status}" if reply.status >= 300 else None  # a redirect is not followed
        if meter.error:
            so_far.error = word(meter.error)


def _intent(call: Call, target: Target) -> Intent:
    return Intent(
        id=call.id,
        at=rfc3339(call.at_ns),
        dialect=call.dialect,
        api=call.api,
        requested_model=redact_label(target.model),
        provider=target.provider,
        served_model=redact_label(target.model),
        stream=call.stream,
        session=call.session,
        tags=call.tags,
        key_id=call.key_id,
    )


def _entry(
    call: Call, target: Target, about: str, purpose: str, so_far: _Try, marks: Marks, runtime: Runtime
) -> Entry:  # fmt: skip
    line, meter = runtime.line(target.provider), so_far.meter
    facts = Facts(
        sent=marks.sent, status=so_far.status, meter=meter, answered=so_far.whole, delivered_bytes=so_far.body_bytes,
        body_bytes=so_far.body_bytes, whole_json=not call.stream, aborted=so_far.end_state == "shut_down",
        billed=line.provider.billed_after_abort,
    )  # fmt: skip
    used = account(so_far.sent or call, target, facts) if marks.sent else _NOTHING
    reported = meter.reported if meter is not None else None
    served = (meter.served_model if meter is not None else None) or target.model
    spent = charge(call, target, served, used, reported, None, runtime.price) if marks.sent else UNKNOWN
    now_ns = runtime.clock.ticks_ns()

    def since(ticks_ns: int | None) -> float:
        return max(0.0, round(((ticks_ns or now_ns) - call.started_ns) / 1e6, 3))

    attempt = Attempt(
        target=redact_label(str(target)),
        started_ms=since(marks.sent_at or call.started_ns),
        first_byte_ms=since(marks.first_byte_at) if marks.first_byte_at else None,
        ended_ms=since(marks.ended_at),
        status=so_far.status or None,
        error=so_far.error,
        connection=f"{'reused' if marks.reused else 'new'}:{marks.outcome or 'aborted'}",
    )
    return Entry(
        id=call.id,
        at=rfc3339(call.at_ns),
        dialect=call.dialect,
        api=call.api,
        provider=target.provider,
        requested_model=redact_label(target.model),
        served_model=redact_label(served[:MODEL_CHARS]),
        stream=call.stream,
        status=so_far.status,
        end_state=so_far.end_state,
        error=so_far.error,
        attempts=(attempt,),
        delivered_bytes=so_far.body_bytes,
        unpriced=marks.sent and spent.cost is None,
        decision={"verdict": "pinned", "reason": purpose, "policy": None, "decide_us": 0.0},
        session=call.session,
        tags=call.tags,
        key_id=call.key_id,
        duration_ms=since(None),
        shadow_of=about,
        **charged_fields(used, spent, reported, (attempt,)),
    )
