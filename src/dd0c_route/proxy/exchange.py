"""The life of one call, in the order it happens."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from functools import lru_cache, partial

from msgspec import structs

from dd0c_route.decide import decide
from dd0c_route.errors import ClientGone, RouteError, ShuttingDown, UpstreamError, UpstreamStale
from dd0c_route.proxy.attempts import REFUSALS, UNFIT, Next, after_error, after_refusal, after_wrong_choice
from dd0c_route.proxy.bill import Bill
from dd0c_route.proxy.bodies import copy_of
from dd0c_route.proxy.call import Address, read_call, speaks, take_apart
from dd0c_route.proxy.checking import Doubtful, can_be_checked, doubtful
from dd0c_route.proxy.client import Client
from dd0c_route.proxy.counts import LOCAL, Counts, body_of, check, headers_of, is_ours, whose
from dd0c_route.proxy.decoding import Decoding
from dd0c_route.proxy.echoes import ErrorAnswer, clean_headers
from dd0c_route.proxy.forward import upstream_body, upstream_target
from dd0c_route.proxy.headers import Headers, client_headers, upstream_headers
from dd0c_route.proxy.models import Lists, answer_of, passes_on
from dd0c_route.proxy.opening import opening
from dd0c_route.proxy.prompt_secrets import looked_at
from dd0c_route.proxy.redirects import REDIRECTS, redirected
from dd0c_route.proxy.refusal import Refusal, refuse
from dd0c_route.proxy.relay import Edit, Relay, hand_on_whole
from dd0c_route.proxy.report import word
from dd0c_route.proxy.server import Inbound
from dd0c_route.proxy.translate import Crossing, Translator, crossing
from dd0c_route.redact import redact_bytes, redact_label, registered
from dd0c_route.runtime import Line, Runtime
from dd0c_route.types import Call, Entry, Target
from dd0c_route.upstream import Reply
from dd0c_route.wire.body import join
from dd0c_route.wire.errors import render_event
from dd0c_route.wire.hide import UsageChunkFilter
from dd0c_route.wire.meter import Meter, meter_for
from dd0c_route.wire.neutral.placed import PlacedMeter
from dd0c_route.wire.show_cost import CostWriter, with_cost
from dd0c_route.wire.stored import is_stored
from dd0c_route.wire.weigh import is_plain

_NAMED = 30  # fields in a header, which clients and proxies take up to 8 KiB of
_JSON = b"application/json"
_EVENTS = b"text/event-stream"
_PAGE = b"text/html"


async def exchange(
    request: Inbound, address: Address, query: str, client: Client, bill: Bill, runtime: Runtime, counts: Counts,
    lists: Lists,
) -> None:  # fmt: skip
    """Serve one metered call: exactly one entry, however it is left."""
    api = speaks(address, request.headers)
    with registered(request.credential):
        try:
            with bill:
                limits = runtime.config.limits
                if not is_plain(request.body, limits):
                    await take_apart(request, address, limits)
                bill.read(call := _resolved(read_call(request, address, query, bill.key_id, limits), runtime))
                if runtime.looks_at_prompts:
                    bill.read(call := await _looked_at(call, client, bill, runtime))
                if runtime.stores_bodies:
                    bill.copy = client.copy = copy_of(call, runtime)
                if is_ours(call):
                    return await _count(call, client, bill, runtime, counts)
                if call.api == "models" and not call.provider and not passes_on(call, runtime.config):
                    return await _list(call, client, bill, runtime, lists)
                bill.decide(decide(call, runtime.router))
                runtime.retry_budget.called()
                with client.present():
                    await _answer(call, client, bill, runtime)
        except ClientGone:
            client.cut()
        except RouteError as error:
            refuse(error, client, api, request.id)
        except asyncio.CancelledError:  # the worker stops, and the time for running calls is over
            refuse(ShuttingDown("the router is shutting down: try again"), client, api, request.id)
            raise
        except BaseException:  # our own bug: the entry says so, and the client is not left hanging
            refuse(RouteError("the router failed on this call: see its log"), client, api, request.id)
            raise


def _resolved(call: Call, runtime: Runtime) -> Call:
    """With the items that it names by ids of ours (`Said`)."""
    fields = runtime.said.resolved(call.fields) if call.api == "openai.responses" else None
    return call if fields is None else structs.replace(call, fields=fields, body=join(fields))


async def _looked_at(call: Call, client: Client, bill: Bill, runtime: Runtime) -> Call:
    """As it may leave: what the operator wants done about secrets in its prompt is done."""
    call, bill.pasted, refusal = await looked_at(call, client, runtime)
    if refusal is not None:
        raise refusal
    return call


async def _count(call: Call, client: Client, bill: Bill, runtime: Runtime, counts: Counts) -> None:
    """Say how long the prompt is: no provider is asked."""
    bill.decision = decision = whose(call, runtime)
    check(call)
    target = decision.plan[0]
    with client.present():
        count = await counts.count(call, target)
    body = body_of(call, count)
    bill.counted(target, count)
    headers = [*headers_of(count), (b"x-dd0c-request-id", call.id.encode())]
    headers += _about(LOCAL.encode(), target.model, call.model, decision.verdict, decision.reason)
    bill.settle("complete", answered=True, more=len(body))
    client.whole(200, headers, body)


async def _list(call: Call, client: Client, bill: Bill, runtime: Runtime, lists: Lists) -> None:
    """Say which models there are: providers are asked beside the call, if at all."""
    with client.present():
        body = await answer_of(call, runtime, lists)
    bill.listed()
    headers = [(b"content-type", _JSON), (b"x-dd0c-request-id", call.id.encode())]
    bill.settle("complete", answered=True, more=len(body))
    client.whole(200, headers, body)


async def _answer(call: Call, client: Client, bill: Bill, runtime: Runtime) -> None:
    """Ask the plan's targets until one answers, and hand its answer on. Nothing is tried twice once a byte is out."""
    assert bill.decision is not None  # noqa: S101 - set one line before
    decision, plan = bill.decision, bill.decision.plan
    held: Refusal | Doubtful | None = None
    tried, index, fresh, judged = 0, 0, False, _is_judged(call)
    while True:
        target = plan[index]
        line = runtime.line(target.provider)
        across = _across(call, target, line, bill, runtime, may_drop=decision.may_drop)
        sent = call if across is None else across.sent
        bill.asking(sent, () if across is None else across.dropped)
        tried += 1
        step: Next | None
        plain = index < decision.checked or across is not None
        try:
            reply, usage_asked = await _ask(sent, target, line, client, bill, fresh=fresh, plain=plain)
        except UpstreamError as error:
            bill.failed(None, error.code)
            fresh = isinstance(error, UpstreamStale)
            step = after_error(error, tried, index, len(plan), runtime.config.retries, runtime.retry_budget)
            if client.gone:
                raise ClientGone("the client hung up") from None
            if step is None:
                if held is not None:  # an earlier try was answered, if only by a refusal: that says more
                    return _hand_back(held, call, client, bill, runtime)
                raise
        else:
            with reply:
                if index < decision.checked and can_be_checked(reply):
                    earlier = held if isinstance(held, Doubtful) else None
                    learned = runtime.taught().checks
                    doubt = await doubtful(sent, target, decision, reply, bill, earlier, learned)
                    if doubt is not None:
                        held = doubt if across is None else doubt.translated(across)
                        index, tried = index if doubt.again else index + 1, 0
                        _go_on(client)
                        continue
                status, said = reply.status, None
                if status == 200 and judged and tried < runtime.config.retries.attempts:
                    status, said = await opening(reply, sent)
                step = None if status < 400 else after_refusal(
                    status, reply.headers, line.provider, tried, index, len(plan),
                    runtime.config.retries, runtime.retry_budget, runtime.clock.wall_ns() / 1e9, random.random,
                )  # fmt: skip
                if step is None:
                    step = after_wrong_choice(status, tried, index, plan, decision.asked, runtime.config.retries)
                is_last = step is None or client.gone
                if is_last and not (isinstance(held, Doubtful) and status >= 400):
                    return await _relay(call, target, line, reply, usage_asked, across, client, bill, runtime)
                refusal = await _set_aside(reply, target, said, across, bill)
                held = held if isinstance(held, Doubtful) else refusal
        _go_on(client)
        nothing_left = step is None or step.index < decision.checked
        if isinstance(held, Doubtful) and (nothing_left or held.again):
            return _hand_back(held, call, client, bill, runtime)
        assert step is not None  # noqa: S101 - else the answer was handed on
        index = step.index
        if step.delay_s:
            await asyncio.sleep(step.delay_s)


async def _set_aside(
    reply: Reply, target: Target, said: str | None, across: Crossing | None, bill: Bill
) -> Refusal | None:  # fmt: skip
    """Note a try whose answer is not the client's, and keep what it says, if that is a refusal in good order."""
    if said is not None:  # a 200 that begins with an error
        bill.failed(reply.status, word(said))
        return None
    refusal = await Refusal.read(reply, target)
    if reply.status in REFUSALS or reply.status in UNFIT or reply.status >= 500:
        bill.failed(reply.status, f"status_{reply.status}")
    else:  # it may be the request's fault
        bill.tried(reply.status, f"status_{reply.status}")
    return refusal if across is None else refusal.translated(across)


def _is_judged(call: Call) -> bool:
    """Whether the answer must be one of the call's API; what is passed through may be anything."""
    return call.dialect != "passthrough" and call.method == "POST"


def _across(
    call: Call, target: Target, line: Line, bill: Bill, runtime: Runtime, *, may_drop: bool
) -> Crossing | None:  # fmt: skip
    """How *call* goes to *target* in another dialect, and who is told on its way back; None where it goes as it is."""
    across = crossing(call, target, line.provider, runtime.router.known.able, may_drop=may_drop)
    if across is not None:
        across.dropping = bill.dropping
        if call.api == "openai.responses" and is_stored(call.fields):
            across.note = runtime.said.note
    return across


def _go_on(client: Client) -> None:
    """Until the next try is sent, a hang-up ends the call."""
    client.drains = None
    if client.gone:
        raise ClientGone("the client hung up")


def _hand_back(held: Refusal | Doubtful, call: Call, client: Client, bill: Bill, runtime: Runtime) -> None:
    """Nothing better came: the client gets what was held back."""
    line = runtime.line(held.target.provider)
    if isinstance(held, Doubtful):
        headers = partial(_headers, call, held.target, line, held.headers, bill)
        held.hand_on(client, bill, headers)
    else:
        coding = dict(held.headers).get(b"content-encoding", b"").decode("latin-1")
        told = ErrorAnswer(held.headers, coding, None)
        held.hand_on(client, bill, told, partial(_headers, call, held.target, line, told.headers, bill, None))


async def _ask(
    call: Call, target: Target, line: Line, client: Client, bill: Bill, *, fresh: bool, plain: bool = False
) -> tuple[Reply, bool]:
    """Send the call to *target*; returns when the head of the answer is in, and whether usage was asked for unasked."""
    body, usage_asked = upstream_body(call, line.provider, target)
    where = upstream_target(call, line.provider, line.base_path, target)
    if bill.copy is not None:
        bill.copy.asked(body)
    headers = upstream_headers(call, line.provider, plain=usage_asked or call.wants_cost or plain)
    marks = bill.trying(target)
    if line.provider.on_disconnect == "drain":
        client.drains, client.drain_s = marks, line.provider.drain_s
    reply = await line.pool.send(call.method, where, headers, body, marks, fresh=fresh)
    if reply.status in REDIRECTS and call.dialect != "passthrough":
        reply.abort()
        error = redirected(reply.status, reply.headers, line.provider)
        bill.failed(reply.status, error.code)  # answered, if not as it should be: nothing was worked on
        raise error
    return reply, usage_asked


async def _relay(call: Call, target: Target, line: Line, reply: Reply, usage_asked: bool, across: Crossing | None,
                 client: Client, bill: Bill, runtime: Runtime) -> None:  # fmt: skip
    """Hand the answer to the client, byte for byte; one in another dialect, as the client reads it."""
    fields = dict(reply.headers)
    kind, coding = fields.get(b"content-type", b"").lower(), fields.get(b"content-encoding", b"")
    judged = _is_judged(call)
    whole_json = _comes_whole(call, reply, kind, judged=judged)
    is_plain_stream = kind.startswith(_EVENTS) and reply.status == 200 and not coding
    theirs, changed = reply.headers, None
    meter: Meter
    if across is None:
        meter = meter_for(call.api, kind.decode("latin-1"), coding.decode("latin-1"))
    else:
        meter = placed = PlacedMeter(across.sent.api, kind.decode("latin-1"), coding.decode("latin-1"))
        whole_json = reply.status != 200 or not across.is_stream(kind)
        theirs = across.headers(theirs, streamed=call.stream and reply.status < 400)
        changed = partial(across.encoded, coding.decode("latin-1")) if coding else across.whole
    if reply.status >= 400:
        told = ErrorAnswer(theirs, coding.decode("latin-1"), changed)
        theirs, changed, whole_json = told.headers, told.whole, reply.has_body
    elif reply.status >= 300 or line.pool.is_repeated_in(theirs):
        theirs = clean_headers(theirs)
    bill.answering(target, reply.status, meter, whole_json=whole_json)
    headers = partial(_headers, call, target, line, theirs, bill)
    shown = partial(with_cost, cost=bill.cost_so_far) if call.wants_cost and not coding else None
    if whole_json and reply.complete:
        now_ns = runtime.clock.ticks_ns()
        return hand_on_whole(reply, client, bill, meter, headers, now_ns, changed, shown, judged=judged)
    edit: Edit | None = None
    translator: Translator | None = None
    if across is not None:
        edit = translator = across.stream(placed, bill.cost_so_far if call.wants_cost else None)
        if coding and not whole_json:
            edit = Decoding(coding.decode("latin-1"), translator)
    elif is_plain_stream and call.wants_cost:
        edit = CostWriter(bill.cost_so_far)
    elif is_plain_stream and usage_asked:
        edit = UsageChunkFilter()
    relay = Relay(
        reply, client, bill, meter, edit=edit, headers=headers,
        sweeper=runtime.sweeper, ticks_ns=runtime.clock.ticks_ns, drain_bytes=line.provider.drain_bytes,
        judged=judged, changed=changed, shown=shown,
    )  # fmt: skip
    now = asyncio.get_running_loop().time()
    if whole_json:
        return await relay.hold(now)
    try:
        await relay.stream()
    except UpstreamError as error:
        # Say why, before the cut shows that; before the head, and behind the stream's own last event, nobody listens.
        listens = client.begun and not meter.finished
        if listens and translator is not None:
            client.send(translator.cut(error))
        elif listens and kind.startswith(_EVENTS) and not coding and relay.between_events:
            client.send(redact_bytes(render_event(error, call.api, call.id)))
        raise


def _comes_whole(call: Call, reply: Reply, kind: bytes, *, judged: bool) -> bool:
    """Whether the answer is held until it is whole: JSON, and what can be no answer."""
    if judged and (kind.startswith(_PAGE) or not reply.has_body or (reply.complete and not reply.first)):
        return True
    is_array = call.stream and call.dialect == "gemini" and reply.first[:1] != b"{"
    return reply.has_body and kind.startswith(_JSON) and not is_array


def _headers(call: Call, target: Target, line: Line, theirs: Headers, bill: Bill, entry: Entry | None) -> Headers:
    """The provider's headers and ours (docs/reference.md)."""
    decision = bill.decision
    assert decision is not None  # noqa: S101 - made before any try
    simulated = line.provider.simulated
    out = client_headers(theirs)
    out.append((b"x-dd0c-request-id", call.id.encode()))
    out += _about(b"simulated" if simulated else line.name, target.model, call.model, decision.verdict, decision.reason)
    out.append((b"x-dd0c-overhead-ms", b"%.3f" % bill.overhead_ms()))
    if decision.dropped:
        out.append((b"x-dd0c-dropped", _named(decision.dropped)))
    if bill.pasted is not None:
        out.append((b"x-dd0c-prompt-secrets", bill.pasted.header()))
    if entry is not None and entry.cost_usd is not None:
        out.append((b"x-dd0c-cost-usd", entry.cost_usd.encode()))
    return out


@lru_cache(maxsize=256)  # few are different; bounded, since clients choose the model's name
def _about(provider: bytes, model: str, requested_model: str, verdict: str, reason: str) -> Headers:
    """What is the same for many answers."""
    return [
        (b"x-dd0c-provider", provider),
        (b"x-dd0c-model", _visible(redact_label(model))),
        (b"x-dd0c-requested-model", _visible(redact_label(requested_model))),
        (b"x-dd0c-decision", b"%b; reason=%b" % (verdict.encode(), _line(reason))),
    ]


def _line(text: str) -> bytes:
    """A sentence as a header value: what it repeats of a client's words must not end the line."""
    return "".join(c if " " <= c < "\x7f" else "?" for c in text).encode()


def _named(fields: Sequence[str]) -> bytes:
    """Fields of a request as a header's value: their names, and how many there are, are the caller's choice."""
    named = [_line(name[:128].replace(",", "?")) for name in fields[:_NAMED]]
    return b",".join(named) + (b",... and %d more" % (len(fields) - _NAMED) if len(fields) > _NAMED else b"")


def _visible(text: str) -> bytes:
    """Text as a header value: printable ASCII, bounded; what came from a client must not end a line."""
    if len(text) <= 256 and text.isascii() and text.isprintable() and " " not in text:
        return text.encode()
    return "".join(c if " " < c < "\x7f" else "?" for c in text[:256]).encode()
