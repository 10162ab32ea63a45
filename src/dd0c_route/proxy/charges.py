"""What a call is charged: the money of its account, and what tries may cost that were sent and never answered. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from dd0c_route.decide.record import record
from dd0c_route.ledger.money import Due, Money, PriceOf, free, money, prices_of, prompt_cost, without_output
from dd0c_route.ledger.reprice import with_attempts
from dd0c_route.pricing import usd
from dd0c_route.proxy.counts import APIS as COUNT_APIS
from dd0c_route.proxy.report import kept, word
from dd0c_route.proxy.statement import Account, Counting
from dd0c_route.types import NO_TOOLS, TEXT_ONLY, Attempt, Call, Decision, Entry, Target
from dd0c_route.wire.meter import Reported
from dd0c_route.wire.show_cost import Cost

_IN = ("input", "cache_read", "cache_write_5m", "cache_write_1h")
_OUT = ("output", "reasoning")

Unheard = Sequence[tuple[int, Target]]  # tries that were sent and never answered, by their place among the attempts


def charge(
    call: Call, target: Target, served: str, used: Account, reported: Reported | None, asked: Target | None,
    price_of: PriceOf,
) -> Money:  # fmt: skip
    """Price *used* at the model that served and at the model *asked* for."""
    if call.api in COUNT_APIS:
        return free("counting tokens is free of charge")
    tier, media, tools = None, TEXT_ONLY, NO_TOOLS
    if reported is not None:
        tier, media, tools = reported.service_tier, reported.media, reported.server_tools
    price, baseline = prices_of(price_of, target, served, asked, call.at_ns, tier)
    usage = used.priced or used.usage
    if used.invoiced is None:
        return money(Due(usage, media, tools), None, price, baseline)
    return money(Due(usage, without_output(media), tools), Due(used.invoiced, media, tools), price, baseline)


def charged_fields(
    used: Account, spent: Money, reported: Reported | None, attempts: tuple[Attempt, ...]
) -> dict[str, Any]:
    """The fields of an entry that say what was used and what that costs, whoever made the call.

    Of the provider's report only what is a number or a word goes into the ledger.
    """
    fields: dict[str, Any] = {
        "usage": used.usage,
        "usage_source": used.usage_source,
        "error_band": used.error_band,
        "delivered_output_tokens": used.delivered,
        "received_output_tokens": used.received,
        "billable_output_tokens": used.billable,
        "priced_usage": used.priced,
        "billable_usage": used.invoiced,
        "billable_band": used.billable_band,
        "reported_usage": kept(used.reported) if used.reported is not None else None,
        "cost_picodollars": spent.cost,
        "cost_usd": usd(spent.cost) if spent.cost is not None else None,
        "cost_billable_picodollars": with_attempts(spent.billable, attempts),
        "price": spent.price,
        "price_lines": spent.lines,
        "billable_lines": spent.billable_lines,
        "not_priced": spent.not_priced,
    }
    if reported is not None:
        fields["cost_provider_usd"] = reported.cost_usd
        fields["usage_consistent"] = reported.consistent
        fields["usage_media"] = reported.media if reported.media != TEXT_ONLY else None
        fields["server_tools"] = reported.server_tools if reported.server_tools != NO_TOOLS else None
        fields["service_tier"] = word(reported.service_tier) if reported.service_tier else None
    return fields


def with_charges(
    attempts: Sequence[Attempt], unheard: Unheard, call: Call, counting: Counting, price_of: PriceOf
) -> tuple[Attempt, ...]:
    """*attempts*, those of *unheard* with the prompt that their provider may bill although it never answered."""
    charged = list(attempts)
    for index, target in unheard:
        tokens = counting.request(call.api, call.fields, target.model, target.provider).tokens
        price = price_of(target.provider, target.model, call.at_ns, None)
        charged[index] = structs.replace(
            charged[index], billable_input_tokens=tokens, billable_picodollars=prompt_cost(tokens, price)
        )
    return tuple(charged)


def shown_cost(entry: Entry) -> Cost | None:
    """The entry's cost as an answer shows it; None where it has no price."""
    if entry.cost_usd is None:
        return None
    sums = [sum(line.amount_picodollars for line in entry.price_lines if line.name in names) for names in (_IN, _OUT)]
    return Cost(entry.cost_usd, usd(sums[0]), usd(sums[1]))


def decision_record(decision: Decision | None) -> dict[str, Any] | None:
    """The decision as an entry holds it."""
    return record(decision) if decision is not None else None
