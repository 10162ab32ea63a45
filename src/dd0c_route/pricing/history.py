"""The prices of one model over time: which row of its history holds at a moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, time
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from dd0c_route.pricing.names import Match
from dd0c_route.pricing.price import Dollars, Price, scaled_rates

_SECOND = 1_000_000_000
_DAY_S = 86_400
_EPOCH = date(1970, 1, 1)


class Period(Struct, frozen=True):
    """Rates that hold from a day on, or in some hours of each day, or always.

    Attributes:
        start: The first day (UTC).
        hours: From, to (exclusive), as UTC times of the day; may pass midnight.
    """

    rates: dict[str, Dollars]
    start: date | None = None
    hours: tuple[time, time] | None = None

    def holds(self, day: date, second: int) -> bool:
        """Whether it holds at *second* (0..86399) of *day*, UTC."""
        if self.start is not None:
            return day >= self.start
        if self.hours is not None:
            begin, end = map(_second_of_day, self.hours)
            return begin <= second < end if begin <= end else second >= begin or second < end
        return True


class Variant(Period, frozen=True, kw_only=True):
    """Rates that replace some of the standard ones when the call was served in *tier*."""

    tier: str


class Model(Struct, frozen=True):
    """A row of the catalogue.

    Attributes:
        context: The most tokens of prompt and answer together, where the catalogue says so.
    """

    id: str
    match: Match
    periods: tuple[Period, ...]
    variants: tuple[Variant, ...] = ()
    context: int | None = None


class PriceHistory(Protocol):
    """The prices of one model at one provider."""

    def at(self, at_ns: int) -> Price | None:
        """The price at a wall time in nanoseconds, or None where there is none yet."""


class CatalogHistory:
    """The prices that a row of the catalogue gives, worked out for each stretch of time beforehand.

    Of the row's periods the last that holds counts, and the first where none does; of the variants the first that
    holds, for each class apart. Source: genai-prices, `ModelInfo.get_prices`.

    Args:
        fees: Field of `Rates` -> dollars for a thousand, where the row has no rate of its own.
    """

    def __init__(
        self, model: Model, template: Price, read: date, fees: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        variants = [variant for variant in model.variants if variant.tier == template.tier]
        parts: list[Period] = [*model.periods, *variants]
        days = sorted({part.start for part in parts if part.start is not None})
        seconds = sorted({_second_of_day(hour) for part in parts if part.hours is not None for hour in part.hours})
        self._starts_ns = [_midnight_ns(day) for day in days]
        self._seconds = seconds
        self._prices = [
            [_price(model, variants, template, day, second, read, fees) for second in (0, *seconds)]
            for day in (date.min, *days)
        ]

    def at(self, at_ns: int) -> Price | None:
        prices = self._prices[bisect_right(self._starts_ns, at_ns)]
        return prices[bisect_right(self._seconds, at_ns // _SECOND % _DAY_S)]


class OwnHistory:
    """Own prices by their first day; before the first of them, what the catalogue says."""

    def __init__(self, prices: Sequence[tuple[date | None, Price]], before: PriceHistory | None) -> None:
        ordered = sorted(prices, key=lambda pair: pair[0] or date.min)
        self._starts_ns = [_midnight_ns(start) if start else 0 for start, _ in ordered]
        self._prices = [price for _, price in ordered]
        self._before = before

    def at(self, at_ns: int) -> Price | None:
        index = bisect_right(self._starts_ns, at_ns)
        if index:
            return self._prices[index - 1]
        return self._before.at(at_ns) if self._before else None


def _price(
    model: Model,
    variants: Sequence[Variant],
    template: Price,
    day: date,
    second: int,
    read: date,
    fees: Mapping[str, str],
) -> Price | None:
    period = next((p for p in reversed(model.periods) if p.holds(day, second)), model.periods[0])
    dollars = dict(period.rates)
    starts = [period.start]
    tier = ""
    for variant in reversed([v for v in variants if v.holds(day, second)]):
        dollars |= variant.rates
        starts.append(variant.start)
        tier = variant.tier
    if not dollars:
        return None
    rates, tiers, scale = scaled_rates({**fees, **dollars})
    since = max((start for start in starts if start), default=read).isoformat()
    return replace(template, rates=rates, tiers=tiers, scale=scale, date=since, tier=tier)


def _second_of_day(hour: time) -> int:
    return hour.hour * 3600 + hour.minute * 60 + hour.second


def _midnight_ns(day: date) -> int:
    return (day - _EPOCH).days * _DAY_S * _SECOND
