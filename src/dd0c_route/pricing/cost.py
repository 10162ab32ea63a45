"""What a call costs: tokens x rate, in whole picodollars from the rate to the sum."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import astuple

from dd0c_route.errors import PriceMissing
from dd0c_route.pricing.price import CLASSES, PARTS, TOOLS, Price, Rates
from dd0c_route.types import NO_TOOLS, TEXT_ONLY, Media, PicoUSD, ServerTools, Usage

_HOUR_S = 3600

Unit = Literal["token", "call", "second", "request"]


class Line(Struct, frozen=True, gc=False):
    """One item on the bill.

    Attributes:
        name: A field of `types.Usage`, of `types.Media` or of `types.ServerTools`, or `request` for what is due once
            a call.
        tokens: How many; of *unit*, where that is not `token`.
        rate: Picodollars for one x *scale*; for an hour where *unit* is `second`.
    """

    name: str
    tokens: int
    rate: int
    scale: int
    picodollars: PicoUSD
    unit: Unit = "token"

    @property
    def rate_usd_per_mtok(self) -> str:
        """The rate as decimal text, exact, in dollars per million tokens (or of whatever *unit* is)."""
        rate = self.rate if self.unit != "second" else _rounded(self.rate, _HOUR_S)
        return _decimal_text(rate, 6 + len(str(self.scale)) - 1)

    def record(self) -> dict[str, Any]:
        """The line as the command line prints it and the ledger keeps it."""
        record: dict[str, Any] = {
            "class": self.name,
            "tokens": self.tokens,
            "rate_usd_per_mtok": self.rate_usd_per_mtok,
            "amount_picodollars": self.picodollars,
        }
        return record if self.unit == "token" else record | {"unit": self.unit}


class Cost(Struct, frozen=True, gc=False):
    """The bill of one call: its lines, and their sum.

    Attributes:
        not_priced: Server tools that were used and have no rate: free, or charged by a measure that is not reported.
    """

    picodollars: PicoUSD
    lines: tuple[Line, ...]
    not_priced: tuple[str, ...] = ()


def cost(usage: Usage, price: Price, media: Media = TEXT_ONLY, server_tools: ServerTools = NO_TOOLS) -> Cost:
    """Price one call.

    Exact, except where a rate is not a whole number of picodollars (`price.scale` is not 1, or sound is billed by
    the hour): there each line is rounded to the nearest picodollar, and the sum is the sum of the lines.

    Args:
        media: What of *usage* is sound, images or video: where *price* has a rate for it, that part is a line of its
            own and leaves its class. More of it than its class has is cut to the class.
        server_tools: What is billed beside the tokens.

    Raises:
        PriceMissing: A field of *usage* is not zero and *price* has no rate for it.
    """
    scale = price.scale
    total = 0
    lines = []
    not_priced = []
    for name, tokens, rate, unit in _items(usage, _rates_for(usage, price), media, server_tools):
        if rate is None:
            _may_be_missing(name, price)
            not_priced.append(name)
        else:
            due = _due(tokens, rate, unit, scale)
            total += due
            lines.append(Line(name, tokens, rate, scale, due, unit))
    return Cost(total, tuple(lines), tuple(not_priced))


def amount(usage: Usage, price: Price, media: Media = TEXT_ONLY, server_tools: ServerTools = NO_TOOLS) -> PicoUSD:
    """The sum of `cost` without its lines, at a fifth of the time where nothing but text is to be priced.

    Raises:
        PriceMissing: As `cost`.
    """
    if price.scale != 1 or media is not TEXT_ONLY or server_tools is not NO_TOOLS:
        return _sum(usage, price, media, server_tools)
    rates = _rates_for(usage, price)
    try:
        return (
            usage.input * rates.input  # type: ignore[operator]  # None raises TypeError, and is looked at below
            + usage.cache_read * rates.cache_read  # type: ignore[operator]
            + usage.cache_write_5m * rates.cache_write_5m  # type: ignore[operator]
            + usage.cache_write_1h * rates.cache_write_1h  # type: ignore[operator]
            + usage.output * rates.output  # type: ignore[operator]
            + usage.reasoning * rates.reasoning  # type: ignore[operator]
            + rates.request
        )
    except TypeError:  # a class without a rate: perhaps it has no tokens
        return _sum(usage, price, media, server_tools)


def _sum(usage: Usage, price: Price, media: Media, server_tools: ServerTools) -> PicoUSD:
    total = 0
    for name, tokens, rate, unit in _items(usage, _rates_for(usage, price), media, server_tools):
        if rate is None:
            _may_be_missing(name, price)
        else:
            total += _due(tokens, rate, unit, price.scale)
    return total


def _may_be_missing(name: str, price: Price) -> None:
    """Only a server tool may be without a rate: it may be free, or charged by what nobody reports."""
    if name not in TOOLS:
        raise PriceMissing(
            f"no price for '{name}' of {price.provider}/{price.model}: add it under [[prices]] in dd0c.toml"
        )


def _due(tokens: int, rate: int, unit: Unit, scale: int) -> PicoUSD:
    if unit == "second":
        return _rounded(tokens * rate, scale * _HOUR_S)
    return tokens * rate if scale == 1 else _rounded(tokens * rate, scale)


def usd(picodollars: PicoUSD) -> str:
    """Dollars as decimal text: exact, without exponent and without trailing zeros (`0.0000125`, `-3`, `0`)."""
    return _decimal_text(picodollars, 12)


def _items(
    usage: Usage, rates: Rates, media: Media, server_tools: ServerTools
) -> Iterator[tuple[str, int, int | None, Unit]]:
    """What is billed: name, how many, rate, unit. No token is in two items."""
    seconds = media.audio_seconds
    by_length = seconds > 0 and rates.audio_hour is not None
    for name, left in zip(CLASSES, astuple(usage), strict=True):
        if not left:
            continue
        if media is not TEXT_ONLY:
            for part in PARTS.get(name, ()):
                tokens = min(getattr(media, part), left)
                rate = getattr(rates, part) if tokens else None
                if tokens and by_length and part == "input_audio":
                    left -= tokens  # billed by its length instead
                elif rate is not None:
                    left -= tokens
                    yield part, tokens, rate, "token"
        if left:
            yield name, left, getattr(rates, name), "token"
    if by_length or (seconds and not usage.input_total):
        yield "audio_seconds", seconds, rates.audio_hour, "second"
    if server_tools is not NO_TOOLS:
        for name, count in zip(TOOLS, astuple(server_tools), strict=True):
            if count:
                yield name, count, getattr(rates, name), "token" if name == "citation_tokens" else "call"
    if rates.request:
        yield "request", 1, rates.request, "request"


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
