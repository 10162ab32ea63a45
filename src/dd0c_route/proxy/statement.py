"""What one call used, and what that costs: the account of a call. Pure.

The provider's own report is the truth when it is complete and the client stayed. On every other ending what is known
stays (Anthropic's `message_start`, Gemini's last chunk), the rest is counted from the text, and says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import Struct, structs

from dd0c_route.errors import PriceMissing
from dd0c_route.pricing import Price, amount
from dd0c_route.tokens import count_request, count_text
from dd0c_route.types import Call, Count, PicoUSD, Target, Usage, UsageSource
from dd0c_route.wire.meter import Meter, Output

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
    """

    sent: bool
    status: int
    meter: Meter | None
    answered: bool
    delivered_bytes: int
    body_bytes: int
    whole_json: bool


class Account(Struct, frozen=True):
    """The token fields of an entry (docs/reference.md)."""

    usage: Usage
    usage_source: UsageSource
    error_band: tuple[int, int] | None
    delivered: int
    received: int
    billable: int
    reported: dict[str, Any] | None
    billed: Usage | None = None  # what is invoiced, where the provider says that this is not what it processed


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
        received_band: tuple[int, int] | None = None
    else:
        count = _count(meter.output_at(), target.model, counting)
        received, received_band = count.tokens, None if count.exactness == "exact" else count.band
        so_far = reported.usage.output_total if reported is not None else 0
        if so_far > received:  # the provider knows of more than shows: thoughts, for one
            received, received_band = so_far, None
    raw = reported.raw if reported is not None else None

    if facts.answered and facts.delivered_bytes >= facts.body_bytes and reported is not None:
        source: UsageSource = "provider_final" if reported.final else "provider_partial"
        usage = reported.usage if reported.final else structs.replace(reported.usage, output=received, reasoning=0)
        band = None if reported.final else received_band
        return Account(usage, source, band, received, received, received, raw, reported.billed)

    delivered, delivered_band = _delivered(facts, meter, received, received_band, target.model, counting)
    if reported is not None:
        usage = structs.replace(reported.usage, output=delivered, reasoning=0)
        return Account(usage, "provider_partial", delivered_band, delivered, received, received, raw)
    prompt = counting.request(call.api, call.fields, target.model, target.provider)
    usage = Usage(input=prompt.tokens, output=delivered)
    exact = prompt.exactness == "exact" and delivered_band is None
    source = "local_exact" if exact else "local_estimated"
    return Account(
        usage, source, _sum(prompt.band, delivered_band or (delivered, delivered)), delivered, received, received, raw
    )


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
    return Account(Usage(input=prompt.tokens), source, prompt.band, 0, 0, 0, None)


def _delivered(
    facts: Facts, meter: Meter, received: int, received_band: tuple[int, int] | None, model: str, counting: Counting
) -> tuple[int, tuple[int, int] | None]:
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


def _count(output: Output, model: str, counting: Counting) -> Count:
    text = counting.text(output.text + output.tools, model)
    if not output.reasoning:
        return text
    reasoning = counting.text(output.reasoning, model)
    exact = text.exactness == reasoning.exactness == "exact"
    tokens, band = text.tokens + reasoning.tokens, _sum(text.band, reasoning.band)
    return Count(tokens, "exact" if exact else "estimated", band, text.tokenizer)


def _sum(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]


class Money(Struct, frozen=True):
    """The money fields of an entry; None where a price is missing."""

    cost: PicoUSD | None
    billable: PicoUSD | None
    price: dict[str, Any] | None
    baseline: PicoUSD | None

    @property
    def saved(self) -> PicoUSD | None:
        return None if self.baseline is None or self.cost is None else self.baseline - self.cost


UNKNOWN = Money(None, None, None, None)


def free(reason: str) -> Money:
    """A call that the provider does not charge for."""
    return Money(0, 0, {"id": "free", "source": reason, "date": "", "tier": "standard"}, 0)


def money(account: Account, price: Price | None, baseline: Price | None) -> Money:
    """Price what was used, what the provider will bill, and the same tokens at the model that was asked for."""
    usage = account.billed or account.usage
    due = _amount(usage, price)
    if price is None or due is None:
        return UNKNOWN
    if account.billed is not None or account.billable == usage.output_total:
        billable: PicoUSD | None = due
    else:
        billable = _amount(structs.replace(usage, output=account.billable, reasoning=0), price)
    return Money(due, billable, price.record(), due if baseline is price else _amount(usage, baseline))


def _amount(usage: Usage, price: Price | None) -> PicoUSD | None:
    """The cost, or None where there is no price for it: unpriced, never free."""
    if price is None:
        return None
    try:
        return amount(usage, price)
    except PriceMissing:
        return None
