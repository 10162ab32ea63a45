"""The worst case: a price that no price of a list exceeds."""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm

from msgspec.structs import asdict

from dd0c_route.pricing.price import Price, Rates


def dearest(provider: str, prices: Sequence[Price]) -> Price:
    """The highest rate of each class among *prices*, their context tiers included, as one price.

    A class that only some of them have a rate for has the highest of those; None where no price has one.
    """
    scale = lcm(1, *(price.scale for price in prices))
    highest: dict[str, int] = {}
    for price in prices:
        for rates in (price.rates, *(tier.rates for tier in price.tiers)):
            for name, rate in asdict(rates).items():
                if rate is not None:
                    highest[name] = max(highest.get(name, 0), rate * (scale // price.scale))
    dates = max((price.date for price in prices), default="")
    source = f"the dearest of {len(prices)} prices"
    return Price(provider, "*", f"worst:{provider}", source, dates, Rates(**highest), scale=scale)
