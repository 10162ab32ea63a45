"""An entry priced anew: the same tokens, at its own date, by the catalogue of today. Pure; `Store.rewrite` keeps it.

Both values stay: what the entry said before goes to the end of its `repriced`. Nothing changes where the amounts are
the same, so that doing it twice is doing it once; an entry whose price has left the catalogue keeps the one it has.
"""

from __future__ import annotations

from typing import Any

from msgspec import structs

from dd0c_route.ledger.money import (
    FREE,
    Due,
    Money,
    PriceOf,
    money,
    prices_of,
    prompt_cost,
    usage_cost,
    with_unused,
    without_output,
)
from dd0c_route.ledger.store import moment_ns
from dd0c_route.pricing import usd
from dd0c_route.types import NO_TOOLS, TEXT_ONLY, Attempt, Entry, PicoUSD, Repricing, Target


def repriced(entry: Entry, price_of: PriceOf, at: str, reason: str) -> Entry | None:
    """*entry* at the prices of today's catalogue for its date, or None where that changes nothing.

    Args:
        at: Now, RFC 3339.
    """
    if not (entry.unpriced or entry.cost_picodollars is not None) or (entry.price or {}).get("id") == FREE:
        return None
    at_ns = moment_ns(entry.at, 0)
    due, invoiced = dues(entry)
    attempts = tuple(_attempt(attempt, price_of, at_ns, _tier(entry)) for attempt in entry.attempts)
    amounts = with_unused(_money(entry, due, invoiced, price_of, at_ns), attempts)
    if amounts.cost is None:
        return None
    billable = with_attempts(amounts.billable, attempts)
    same_amounts = (amounts.cost, billable, amounts.baseline) == (
        entry.cost_picodollars,
        entry.cost_billable_picodollars,
        entry.baseline_picodollars,
    )
    if same_amounts:
        if entry.price_lines or not amounts.lines:
            return None
        return structs.replace(entry, price_lines=amounts.lines, billable_lines=amounts.billable_lines)
    return structs.replace(
        entry,
        attempts=attempts,
        cost_picodollars=amounts.cost,
        cost_usd=usd(amounts.cost),
        cost_billable_picodollars=billable,
        price=amounts.price,
        price_lines=amounts.lines,
        billable_lines=amounts.billable_lines,
        billable_usage=invoiced.usage if invoiced is not None else None,
        not_priced=amounts.not_priced,
        unpriced=False,
        baseline_picodollars=amounts.baseline,
        baseline_price=amounts.baseline_price,
        saved_picodollars=amounts.saved,
        repriced_at=at,
        repriced=(*entry.repriced, _before(entry, at, reason)),
    )


def with_attempts(billable: PicoUSD | None, attempts: tuple[Attempt, ...]) -> PicoUSD | None:
    """What is billed in all: *billable*, and what unanswered tries may cost."""
    if billable is None:
        return None
    return billable + sum(attempt.billable_picodollars or 0 for attempt in attempts)


def _money(entry: Entry, due: Due, invoiced: Due | None, price_of: PriceOf, at_ns: int) -> Money:
    asked, target = _asked(entry), _target(entry)
    price, baseline = prices_of(price_of, target, entry.served_model, asked, at_ns, _tier(entry))
    amounts = money(due, invoiced, price, baseline)
    if amounts.baseline is None and entry.baseline_picodollars is not None:
        # The model asked for is not in the catalogue any more, or an older version did not note which it was.
        return structs.replace(amounts, baseline=entry.baseline_picodollars, baseline_price=entry.baseline_price)
    return amounts


def dues(entry: Entry) -> tuple[Due, Due | None]:
    """What the entry's cost prices, and what its invoice does (None: the same)."""
    media, tools = entry.usage_media or TEXT_ONLY, entry.server_tools or NO_TOOLS
    used = entry.priced_usage or entry.usage
    invoiced = entry.billable_usage
    if invoiced is None and entry.priced_usage is None and entry.billable_output_tokens != used.output_total:
        # An older version noted only how many output tokens are billed.
        invoiced = structs.replace(used, output=entry.billable_output_tokens, reasoning=0)
    if invoiced is None:
        return Due(used, media, tools), None
    return Due(used, without_output(media), tools), Due(invoiced, media, tools)


def _target(entry: Entry) -> Target:
    """What was called; it may name itself otherwise in its answer."""
    last = entry.attempts[-1].target if entry.attempts else ""
    provider, slash, model = last.partition("/")
    return Target(entry.provider, model if slash and provider == entry.provider else entry.served_model)


def _asked(entry: Entry) -> Target | None:
    """The model whose price is the baseline; None where it is the one that was called."""
    decision: dict[str, Any] = entry.decision or {}
    provider, slash, model = str(decision.get("asked") or "").partition("/")
    if slash:
        return Target(provider, model)
    if decision.get("verdict") != "routed":
        return None
    return Target(entry.provider, entry.requested_model)  # of a version that did not note it: mostly the same provider


def _tier(entry: Entry) -> str | None:
    if entry.service_tier is not None:
        return entry.service_tier
    priced = (entry.price or {}).get("tier")  # an older version noted only the tier that it priced
    return None if priced in (None, "standard") else str(priced)


def _attempt(attempt: Attempt, price_of: PriceOf, at_ns: int, tier: str | None) -> Attempt:
    provider, _, model = attempt.target.partition("/")
    if attempt.usage is not None:
        paid = usage_cost(attempt.usage, price_of(provider, model, at_ns, tier))
        return attempt if paid is None else structs.replace(attempt, cost_picodollars=paid)
    if not attempt.billable_input_tokens:
        return attempt
    due = prompt_cost(attempt.billable_input_tokens, price_of(provider, model, at_ns, None))
    return attempt if due is None else structs.replace(attempt, billable_picodollars=due)


def _before(entry: Entry, at: str, reason: str) -> Repricing:
    return Repricing(
        at=at,
        reason=reason,
        cost_picodollars=entry.cost_picodollars,
        cost_billable_picodollars=entry.cost_billable_picodollars,
        baseline_picodollars=entry.baseline_picodollars,
        saved_picodollars=entry.saved_picodollars,
        unpriced=entry.unpriced,
        price=entry.price,
        price_lines=entry.price_lines,
        billable_lines=entry.billable_lines,
        baseline_price=entry.baseline_price,
    )
