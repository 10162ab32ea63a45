"""What a call is charged: the money of its account, and what tries may cost that were sent and never answered. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from dd0c_route.decide.record import record
from dd0c_route.ledger.money import Due, Money, PriceOf, free, money, prices_of, prompt_cost, without_output
from dd0c_route.proxy.counts import APIS as COUNT_APIS
from dd0c_route.proxy.statement import Account, Counting
from dd0c_route.types import NO_TOOLS, TEXT_ONLY, Attempt, Call, Decision, Target
from dd0c_route.wire.meter import Reported

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


def decision_record(decision: Decision | None) -> dict[str, Any] | None:
    """The decision as an entry holds it."""
    return record(decision) if decision is not None else None
