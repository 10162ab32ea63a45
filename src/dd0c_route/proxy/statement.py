"""What one call used, what of it the client got, and what the provider will bill: the account of a call. Pure.

The provider's own report is the truth when it is complete and the client stayed. On every other ending what is known
stays (Anthropic's `message_start`, Gemini's last chunk), the rest is counted from the text, and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import Struct, structs

from dd0c_route.proxy.billable import Band, Billed, after_abort, after_failure, may_hide_reasoning
from dd0c_route.tokens import count_request, count_text, ended
from dd0c_route.types import Call, Count, Target, Usage, UsageSource
from dd0c_route.wire.meter import Meter, Output, Reported
from dd0c_route.wire.output_limit import output_limit

_NOTHING = Output("", "", "")


class Counting(NamedTuple):
    """How tokens are counted that nobody reported."""

    text: Callable[[str, str], Count]
    request: Callable[..., Count]


AT_ONCE = Counting(count_text, count_request)  # on the loop: a millisecond at most


class Facts(Struct, frozen=True):
    """How far a call came.

    Attributes:
        sent: The provider may have worked on the request (it answered, or nothing came back).
        status: What it answered, 0 where it did not.
        meter: What was seen of the answer; None where there was none.
        answered: The provider's answer came whole.
        delivered_bytes: Bytes of the body that reached the client.
        body_bytes: Bytes of the body that came from the provider for the client.
        whole_json: The answer is one JSON document, not a stream.
        aborted: It was us who ended the try: the client had gone, or the time was over.
        billed: What its provider bills then.
    """

    sent: bool
    status: int
    meter: Meter | None
    answered: bool
    delivered_bytes: int
    body_bytes: int
    whole_json: bool
    aborted: bool = False
    billed: Billed = "unknown"


class Account(Struct, frozen=True):
    """The token fields of an entry (docs/reference.md).

    Attributes:
        priced: What the cost prices, where the provider invoices other units than it processed (None: `usage`).
        invoiced: What the invoice prices, where that is something else (None: the same as the cost).
    """

    usage: Usage
    usage_source: UsageSource
    error_band: Band | None
    delivered: int
    received: int
    billable: int
    reported: dict[str, Any] | None
    billable_band: Band | None = None
    priced: Usage | None = None
    invoiced: Usage | None = None


_NONE = Account(Usage(), "none", None, 0, 0, 0, None)


def account(call: Call, target: Target, facts: Facts, counting: Counting = AT_ONCE) -> Account:
    """Count what was used, received and delivered."""
    meter = facts.meter
    reported = meter.reported if meter is not None else None
    if not facts.sent or meter is None:
        return _without_answer(call, target, facts, counting)
    if (facts.status >= 300 or meter.error is not None) and not meter.has_output and reported is None:
        return _NONE  # refused: nothing was worked on

    if reported is not None and reported.final:
        received = reported.usage.output_total
        received_band: Band | None = None
    else:
        count = _received(call, target, facts, meter, counting)
        received, received_band = count.tokens, None if count.exactness == "exact" else count.band
        so_far = reported.usage.output_total if reported is not None else 0
        if so_far > received:  # the provider knows of more than shows: thoughts, for one
            received, received_band = so_far, None
    raw = reported.raw if reported is not None else None

    if facts.answered and facts.delivered_bytes >= facts.body_bytes and reported is not None:
        source: UsageSource = "provider_final" if reported.final else "provider_partial"
        usage = reported.usage if reported.final else structs.replace(reported.usage, output=received, reasoning=0)
        band = None if reported.final else received_band
        return Account(usage, source, band, received, received, received, raw, priced=reported.billed)

    delivered, delivered_band = _delivered(facts, meter, received, received_band, target.model, counting)
    is_whole = facts.answered or (reported is not None and reported.final)
    billable = (received, None) if is_whole else _billable(call, target, facts, received, received_band)
    if reported is not None:
        return _invoiced(_of_a_part(reported, delivered, delivered_band, received, billable), facts)
    prompt = counting.request(call.api, call.fields, target.model, target.provider)
    usage = Usage(input=prompt.tokens, output=delivered)
    exact = prompt.exactness == "exact" and delivered_band is None
    source = "local_exact" if exact else "local_estimated"
    band = _sum(prompt.band, delivered_band or (delivered, delivered))
    return _invoiced(Account(usage, source, band, delivered, received, billable[0], raw, billable[1]), facts)


def _of_a_part(
    reported: Reported, delivered: int, band: Band | None, received: int, billable: tuple[int, Band | None]
) -> Account:
    """The account where the provider has reported something and the client did not get all of it."""
    usage = structs.replace(reported.usage, output=delivered, reasoning=0)
    units = reported.billed
    priced = structs.replace(units, output=delivered, reasoning=0) if units is not None else None
    if reported.final:
        invoiced = units or reported.usage
    else:
        invoiced = structs.replace(units or reported.usage, output=billable[0], reasoning=0)
    return Account(
        usage=usage,
        usage_source="provider_partial",
        error_band=band,
        delivered=delivered,
        received=received,
        billable=billable[0],
        reported=reported.raw,
        billable_band=billable[1],
        priced=priced,
        invoiced=invoiced,
    )


def _invoiced(account: Account, facts: Facts) -> Account:
    """*account* with what the invoice prices, where that is not what the cost does."""
    used = account.priced or account.usage
    invoiced = account.invoiced or structs.replace(used, output=account.billable, reasoning=0)
    if facts.aborted and not facts.answered and facts.billed == "nothing":
        invoiced = Usage()
    return structs.replace(account, invoiced=None if invoiced == used else invoiced)


def _billable(call: Call, target: Target, facts: Facts, received: int, band: Band | None) -> tuple[int, Band | None]:
    """Output tokens that will be billed for an answer that was cut, and within which bounds."""
    if not facts.aborted:
        return after_failure(received, band)
    limit = output_limit(call.api, call.fields)
    hidden = may_hide_reasoning(target.model)
    return after_abort(received, band, facts.billed, limit, stream=call.stream, hidden=hidden)


def counted(count: Count) -> Account:
    """The account of a call that asked for nothing but this count."""
    source: UsageSource = "local_exact" if count.exactness == "exact" else "local_estimated"
    band = None if count.exactness == "exact" else count.band
    return Account(Usage(input=count.tokens), source, band, 0, 0, 0, None)


def _without_answer(call: Call, target: Target, facts: Facts, counting: Counting) -> Account:
    """Nothing of an answer came. What was sent may be billed for its input, if the provider had begun to work."""
    if not facts.sent:
        return _NONE
    prompt = counting.request(call.api, call.fields, target.model, target.provider)
    source: UsageSource = "local_exact" if prompt.exactness == "exact" else "local_estimated"
    billable, band = _billable(call, target, facts, 0, None)
    used = Account(Usage(input=prompt.tokens), source, prompt.band, 0, 0, billable, None, band)
    return _invoiced(used, facts)


def _delivered(
    facts: Facts, meter: Meter, received: int, received_band: Band | None, model: str, counting: Counting
) -> tuple[int, Band | None]:
    """Output tokens in what reached the client: whole events of a stream, a share of a JSON document."""
    if facts.delivered_bytes >= facts.body_bytes:
        return received, received_band
    if facts.whole_json:
        share = received * facts.delivered_bytes // max(1, facts.body_bytes)
        return share, (0, received)
    output = meter.output_at(facts.delivered_bytes)
    if output == _NOTHING:
        return 0, None
    count = _count(output, model, counting)
    tokens = min(count.tokens, received)
    return tokens, None if count.exactness == "exact" else count.band


def _received(call: Call, target: Target, facts: Facts, meter: Meter, counting: Counting) -> Count:
    """The output tokens of what came; of a whole answer with its end, which is billed with it."""
    output = meter.output_at()
    count = _count(output, target.model, counting)
    if not facts.answered or output == _NOTHING:
        return count
    return ended(count, target.model, call.api, target.provider, output_limit(call.api, call.fields))


def _count(output: Output, model: str, counting: Counting) -> Count:
    text = counting.text(output.text + output.tools, model)
    if not output.reasoning:
        return text
    reasoning = counting.text(output.reasoning, model)
    exact = text.exactness == reasoning.exactness == "exact"
    tokens, band = text.tokens + reasoning.tokens, _sum(text.band, reasoning.band)
    return Count(tokens, "exact" if exact else "estimated", band, text.tokenizer)


def _sum(a: Band, b: Band) -> Band:
    return a[0] + b[0], a[1] + b[1]
