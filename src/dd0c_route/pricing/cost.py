"""What a call costs: tokens x rate, in whole picodollars from the rate to the sum."""

from __future__ import annotations

from operator import mul
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple

from dd0c_route.errors import PriceMissing
from dd0c_route.pricing.price import CLASSES, Price, Rates
from dd0c_route.types import PicoUSD, Usage


class Line(Struct, frozen=True, gc=False):
    """One class of tokens on the bill.

    Attributes:
        name: A field of `types.Usage`, or `request` for what is due once a call.
        tokens: How many; 1 for `request`.
        rate: Picodollars per token x *scale*.
    """

    name: str
    tokens: int
    rate: int
    scale: int
    picodollars: PicoUSD

    @property
    def rate_usd_per_mtok(self) -> str:
        """The rate as decimal text, exact, in dollars per million tokens."""
        return _decimal_text(self.rate, 6 + len(str(self.scale)) - 1)

    def record(self) -> dict[str, Any]:
        """The line as the command line prints it."""
        return {
            "class": self.name,
            "tokens": self.tokens,
            "rate_usd_per_mtok": self.rate_usd_per_mtok,
            "amount_picodollars": self.picodollars,
        }


class Cost(Struct, frozen=True, gc=False):
    """The bill of one call: its lines, and their sum."""

    picodollars: PicoUSD
    lines: tuple[Line, ...]


def cost(usage: Usage, price: Price) -> Cost:
    """Price one call.

    Exact, except where a rate is not a whole number of picodollars per token (`price.scale` is not 1): there each
    line is rounded to the nearest picodollar, and the sum is the sum of the lines.

    Raises:
        PriceMissing: A field of *usage* is not zero and *price* has no rate for it.
    """
    rates = _rates_for(usage, price)
    scale = price.scale
    total = 0
    lines = []
    for name in CLASSES:
        if tokens := getattr(usage, name):
            rate = getattr(rates, name)
            if rate is None:
                raise PriceMissing(
                    f"no price for '{name}' of {price.provider}/{price.model}: add it under [[prices]] in dd0c.toml"
                )
            amount = tokens * rate if scale == 1 else _rounded(tokens * rate, scale)
            total += amount
            lines.append(Line(name, tokens, rate, scale, amount))
    if rates.request:
        amount = _rounded(rates.request, scale)
        total += amount
        lines.append(Line("request", 1, rates.request, scale, amount))
    return Cost(total, tuple(lines))


def amount(usage: Usage, price: Price) -> PicoUSD:
    """The sum of `cost(usage, price)` without its lines, at a third of the time where no rate needs rounding.

    Raises:
        PriceMissing: As `cost`.
    """
    if price.scale != 1:
        return cost(usage, price).picodollars
    rates = _rates_for(usage, price)
    try:  # the same fields in both; behind them `request`, which has no tokens
        tokens: int = sum(map(mul, astuple(usage), astuple(rates)))
    except TypeError:  # a class without a rate: perhaps it has no tokens
        return cost(usage, price).picodollars
    return tokens + rates.request


def usd(picodollars: PicoUSD) -> str:
    """Dollars as decimal text: exact, without exponent and without trailing zeros (`0.0000125`, `-3`, `0`)."""
    return _decimal_text(picodollars, 12)


def _rates_for(usage: Usage, price: Price) -> Rates:
    rates = price.rates
    if price.tiers:
        prompt = usage.input_total
        for tier in price.tiers:
            if prompt > tier.above:
                rates = tier.rates
    return rates


def _rounded(number: int, scale: int) -> int:
    return (2 * number + scale) // (2 * scale)


def _decimal_text(number: int, places: int) -> str:
    digits = str(abs(number)).zfill(places + 1)
    text = f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")
    return f"-{text}" if number < 0 else text
