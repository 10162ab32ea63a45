"""A price: whole picodollars per token, by class of tokens and by length of the prompt."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from dd0c_route.types import ServerTools

# Dollars per million tokens: one number, or a base with the rates above a length of the prompt, as
# [base, [[above, rate], …]]. Decimal text, so that nothing is lost on the way.
Dollars = str | tuple[str, tuple[tuple[int, str], ...]]

CLASSES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")

# The media that may have a rate of their own within a class; one without is billed as its class.
PARTS = {
    "input": ("input_audio", "input_image", "input_video"),
    "cache_read": ("cache_read_audio", "cache_read_image", "cache_read_video"),
    "output": ("output_audio", "output_image", "output_video"),
}
TOOLS = ServerTools.__struct_fields__

# A class without a rate of its own is billed as the class that contains it.
_BILLED_AS = {
    "cache_read": "input",
    "cache_write_5m": "input",
    "cache_write_1h": "cache_write_5m",
    "reasoning": "output",
}
# Ten to this power turns dollars for the unit of sale into picodollars for one: a million tokens, a thousand calls,
# one hour.
_TOKENS, _CALLS, _HOURS = 6, 9, 12
_EXPONENTS = dict.fromkeys(("request", *TOOLS), _CALLS) | {"citation_tokens": _TOKENS, "audio_hour": _HOURS}


class Rates(Struct, frozen=True, gc=False):
    """Picodollars x `Price.scale` for one of each; None where there is no price.

    One rate per field of `types.Usage`, for a token (the same number as micro-dollars per million tokens); for the
    fields of `types.Media` where the medium has its own; for the fields of `types.ServerTools`, for a call.
    *audio_hour* is for an hour of sound, *request* is due once a call.
    """

    input: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    reasoning: int | None = None
    request: int = 0
    input_audio: int | None = None
    input_image: int | None = None
    input_video: int | None = None
    cache_read_audio: int | None = None
    cache_read_image: int | None = None
    cache_read_video: int | None = None
    output_audio: int | None = None
    output_image: int | None = None
    output_video: int | None = None
    audio_hour: int | None = None
    web_search: int | None = None
    web_fetch: int | None = None
    x_search: int | None = None
    file_search: int | None = None
    code_execution: int | None = None
    image_generation: int | None = None
    google_search: int | None = None
    citation_tokens: int | None = None
    search_units: int | None = None


class ContextTier(Struct, frozen=True, gc=False):
    """Rates for the whole call when its prompt has more than *above* tokens (a cliff, not a step)."""

    above: int
    rates: Rates


class Price(Struct, frozen=True, gc=False):
    """The price of one model at one provider at one moment.

    Attributes:
        provider: The router's name of the provider.
        model: The name that was asked for.
        id: The row: `openai/gpt-4o` in the catalogue, `own:local/acme-*` for a row of `[[prices]]`.
        source: Where the row comes from: `genai-prices 0.2.3`, `dd0c.toml`, a page.
        date: ISO day from which the price holds; where the source does not say, the day it was read, or empty.
        tier: The service tier that was priced: `batch`, `flex`, `priority`, …; empty for the standard price.
        scale: 1, or the power of ten by which all rates are multiplied so that they are whole.
    """

    provider: str
    model: str
    id: str
    source: str
    date: str
    rates: Rates
    tiers: tuple[ContextTier, ...] = ()
    tier: str = ""
    scale: int = 1

    def record(self) -> dict[str, Any]:
        """What an entry of the ledger keeps of it: row, source, date, tier."""
        return {"id": self.id, "source": self.source, "date": self.date, "tier": self.tier or "standard"}


def scaled_rates(dollars: Mapping[str, Dollars]) -> tuple[Rates, tuple[ContextTier, ...], int]:
    """Turn dollars into whole rates: the base, the context tiers (ascending) and the scale of both.

    Args:
        dollars: Field of `Rates` -> dollars per million tokens, per thousand calls or requests, per hour.
    """
    bases = {name: value if isinstance(value, str) else value[0] for name, value in dollars.items()}
    steps = {name: () if isinstance(value, str) else value[1] for name, value in dollars.items()}
    levels = [bases]
    starts = sorted({above for step in steps.values() for above, _ in step})
    for start in starts:
        changed = {name: rate for name, step in steps.items() for above, rate in step if above == start}
        levels.append(levels[-1] | changed)

    picos = [{name: _picodollars(name, rate) for name, rate in level.items()} for level in levels]
    digits = max((_decimals(pico) for level in picos for pico in level.values()), default=0)
    base, *above = [_whole(level, digits) for level in picos]
    return base, tuple(ContextTier(start, rates) for start, rates in zip(starts, above, strict=True)), 10**digits


def sold(name: str, rate: int, scale: int) -> Decimal:
    """A rate of `Rates` in dollars for the unit of sale (`unit_of_sale`), exact: the other way round."""
    return Decimal(rate).scaleb(1 - len(str(scale)) - _EXPONENTS.get(name, _TOKENS)).normalize()


def unit_of_sale(name: str) -> str:
    """What a rate is quoted for: `million tokens`, `thousand calls`, `hour`."""
    return {_TOKENS: "million tokens", _CALLS: "thousand calls", _HOURS: "hour"}[_EXPONENTS.get(name, _TOKENS)]


def _picodollars(name: str, dollars: str) -> Decimal:
    return Decimal(dollars).scaleb(_EXPONENTS.get(name, _TOKENS))


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _whole(level: Mapping[str, Decimal], digits: int) -> Rates:
    rates = {name: int(pico.scaleb(digits)) for name, pico in level.items()}
    for name, container in _BILLED_AS.items():
        if name not in rates and container in rates:
            rates[name] = rates[container]
    return Rates(**rates)
