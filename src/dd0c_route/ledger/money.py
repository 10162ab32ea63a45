"""The money of an entry: what was used, priced by class, the first time as any later time. Pure.

`serve` calls it when a call is settled and `reprice` when prices have changed, so that both say the same of the same
tokens at the same prices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from msgspec import Struct, structs

from dd0c_route.errors import PriceMissing
from dd0c_route.pricing import Cost, Line, Price, amount, cost
from dd0c_route.pricing.cost import Unit
from dd0c_route.types import NO_TOOLS, TEXT_ONLY, Attempt, Entry, Media, PicoUSD, PriceLine, ServerTools, Target, Usage

PriceOf = Callable[[str, str, int, str | None], Price | None]  # provider, model, wall time in ns, service tier

NOTABLE = 0.01  # a provider's charge that differs from ours by more is worth a look: less may be its rounding
UNUSED_ANSWER = "unused_answer"  # the class of the line of an answer that failed a check and was not handed on
FREE = "free"  # the price's id of a call that is not charged for


class Due(Struct, frozen=True, gc=False):
    """What is priced: tokens by class and medium, and what the provider's own tools did."""

    usage: Usage
    media: Media = TEXT_ONLY
    tools: ServerTools = NO_TOOLS


class Money(Struct, frozen=True):
    """The money fields of an entry; None where a price is missing.

    Attributes:
        lines: They add up to *cost*.
        not_priced: As `Cost.not_priced`.
        billable_lines: They add up to *billable*; empty where that is the same as the cost.
        price, baseline_price: As `Price.record`; the second is None where it is the same price.
    """

    cost: PicoUSD | None
    billable: PicoUSD | None
    price: dict[str, Any] | None
    baseline: PicoUSD | None
    lines: tuple[PriceLine, ...] = ()
    billable_lines: tuple[PriceLine, ...] = ()
    not_priced: tuple[str, ...] = ()
    baseline_price: dict[str, Any] | None = None

    @property
    def saved(self) -> PicoUSD | None:
        return None if self.baseline is None or self.cost is None else self.baseline - self.cost


UNKNOWN = Money(None, None, None, None)


def free(reason: str) -> Money:
    """A call that the provider does not charge for."""
    return Money(0, 0, {"id": FREE, "source": reason, "date": "", "tier": "standard"}, 0)


def money(due: Due, billable: Due | None, price: Price | None, baseline: Price | None) -> Money:
    """Price what was used, what the provider will bill (None: the same), and the former at the model asked for.

    Args:
        price: Of the model that served; without it, or without a rate for a class that occurs, nothing is known.
        baseline: Of the model asked for; the same object where that is the same model.
    """
    used = _priced(due, price)
    if price is None or used is None:
        return UNKNOWN
    total = used.picodollars
    invoiced = None if billable is None else _priced(billable, price)
    return Money(
        cost=total,
        billable=total if billable is None else invoiced.picodollars if invoiced is not None else None,
        price=price.record(),
        baseline=total if baseline is price else _amount(due, baseline),
        lines=_lines(used),
        billable_lines=_lines(invoiced) if invoiced is not None else (),
        not_priced=used.not_priced,
        baseline_price=baseline.record() if baseline is not None and baseline is not price else None,
    )


def prices_of(
    price_of: PriceOf, target: Target, served: str, asked: Target | None, at_ns: int, tier: str | None
) -> tuple[Price | None, Price | None]:
    """The price of a call and its baseline's: the model that says it served, else the one that was called."""
    price = price_of(target.provider, served, at_ns, tier)
    if price is None and served != target.model:
        price = price_of(target.provider, target.model, at_ns, tier)
    if asked is None or asked == target:
        return price, price
    return price, price_of(asked.provider, asked.model, at_ns, tier)


def prompt_cost(tokens: int, price: Price | None) -> PicoUSD | None:
    """What a prompt of so many tokens costs; None without a price."""
    return usage_cost(Usage(input=tokens), price)


def usage_cost(usage: Usage, price: Price | None) -> PicoUSD | None:
    """What *usage* costs; None without a price."""
    return _amount(Due(usage), price)


def with_unused(spent: Money, attempts: Sequence[Attempt]) -> Money:
    """*spent* and what the answers of *attempts* cost that failed a check: unknown where that of one is.

    The baseline stays: the model asked for would have been called once.
    """
    unused = [attempt for attempt in attempts if attempt.usage is not None]
    if not unused or spent.cost is None:
        return spent
    costs = [attempt.cost_picodollars for attempt in unused]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return UNKNOWN
    lines = tuple(PriceLine(UNUSED_ANSWER, 1, _rate_text(cost, 1, "token"), cost, "answer") for cost in known)
    return structs.replace(
        spent,
        cost=spent.cost + sum(known),
        billable=None if spent.billable is None else spent.billable + sum(known),
        lines=spent.lines + lines,
        billable_lines=spent.billable_lines and spent.billable_lines + lines,
    )


def _priced(due: Due, price: Price | None) -> Cost | None:
    """The cost with its lines, or None where there is no price for it: unpriced, never free."""
    if price is None:
        return None
    try:
        return cost(due.usage, price, due.media, due.tools)
    except PriceMissing:
        return None


def _amount(due: Due, price: Price | None) -> PicoUSD | None:
    if price is None:
        return None
    try:
        return amount(due.usage, price, due.media, due.tools)
    except PriceMissing:
        return None


def _lines(bill: Cost) -> tuple[PriceLine, ...]:
    return tuple(
        PriceLine(line.name, line.tokens, _rate_text(line.rate, line.scale, line.unit), line.picodollars, line.unit)
        for line in bill.lines
    )


@lru_cache(maxsize=1024)  # a few rates for each model in use; a text costs a fifth of pricing a call
def _rate_text(rate: int, scale: int, unit: Unit) -> str:
    return Line("", 0, rate, scale, 0, unit).rate_usd_per_mtok


def without_output(media: Media) -> Media:
    """*media* without its answer: what is left of it is text, counted from what was delivered."""
    if media is TEXT_ONLY:
        return media
    return structs.replace(
        media, output_audio=0, output_image=0, output_video=0, accepted_prediction=0, rejected_prediction=0
    )


def provider_difference(entry: Entry) -> float | None:
    """By which share the provider's own charge is above what we say it bills; None where one of the two is missing."""
    ours = entry.cost_billable_picodollars
    if entry.cost_provider_usd is None or not ours:
        return None
    try:
        theirs = Decimal(entry.cost_provider_usd).scaleb(12)
    except InvalidOperation:  # it is the provider's text
        return None
    return float(theirs / ours) - 1 if theirs.is_finite() else None
