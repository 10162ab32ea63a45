"""The catalogue of prices: own rows first, then the compiled `genai-prices`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Struct

from dd0c_route.config import Config, PriceRow
from dd0c_route.errors import ConfigError
from dd0c_route.pricing.history import CatalogHistory, OwnHistory, PriceHistory
from dd0c_route.pricing.price import Price, Rates, scaled_rates
from dd0c_route.pricing.shelves import Found, Shelves
from dd0c_route.pricing.worst import dearest

_KNOWN_NAMES = 4096  # model names come from clients, so what is remembered of them is bounded
_RATES = [name for name in Rates.__struct_fields__ if name in PriceRow.__struct_fields__]
# Vertex names the tier by the kind of traffic. Source: cloud.google.com/vertex-ai, UsageMetadata.trafficType.
_TIERS = {"on_demand_flex": "flex", "on_demand_priority": "priority"}


class Dated(Struct, frozen=True):
    """A stretch of a model's price history.

    Attributes:
        since: The first day (UTC), or None where the source does not say.
        hours: From, to (exclusive), as UTC times of the day (`00:30:00`), where it does not hold all day.
    """

    price: Price
    since: date | None
    hours: tuple[str, str] | None = None


class _Fees(Struct, frozen=True):
    """A row of `fees.toml`."""

    provider: str
    model: str
    source: str
    rates: dict[str, str]


class Catalog:
    """Prices by the router's name of the provider and the model's name at it.

    Built once, at start; rows of a provider are decoded when it is first asked for. A miss costs up to 0.5 ms,
    everything after that a dictionary look-up.
    """

    def __init__(
        self,
        shelves: Shelves,
        own: Sequence[PriceRow] = (),
        overrides: Sequence[PriceRow] = (),
        fees: Sequence[_Fees] = (),
        price_as: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._shelves = shelves
        self._own = own
        self._rows = (*own, *overrides)
        self._fees = fees
        self._price_as = price_as
        self._known: dict[tuple[str, str, str], PriceHistory | None] = {}
        self._owned: dict[str, tuple[str, ...]] = {}

    @classmethod
    def load(cls, rows: Sequence[PriceRow] = (), price_as: Mapping[str, str] | None = None) -> Catalog:
        """The shipped catalogue with the operator's *rows* before it.

        Args:
            price_as: Provider -> the provider whose prices hold for it (a simulated one, a proxy).

        Raises:
            ConfigError: A row has no rate, or a negative one.
        """
        overrides = msgspec.convert(_load_toml("overrides.toml")["prices"], list[PriceRow])
        fees = [
            _Fees(row.pop("provider"), row.pop("model"), row.pop("source"), row)
            for row in _load_toml("fees.toml")["fees"]
        ]
        return cls(Shelves.load(), _checked(rows), overrides, fees, price_as or {})

    @classmethod
    def of(cls, config: Config) -> Catalog:
        """The catalogue as *config* has it: its `[[prices]]`, and the `price_as` of its providers.

        Raises:
            ConfigError: As `load`.
        """
        price_as = {name: provider.price_as for name, provider in config.providers.items() if provider.price_as}
        return cls.load(config.prices, price_as)

    def price(self, provider: str, model: str, at_ns: int, tier: str | None = None) -> Price | None:
        """The price of *model* at *provider* at a wall time, or None: the call is `unpriced`.

        Args:
            tier: The tier that served the call, in the provider's words; one that the catalogue has no rates for is
                priced as standard, and the price says so.
        """
        key = (provider, model, tier or "")
        try:
            history = self._known[key]
        except KeyError:
            if len(self._known) >= _KNOWN_NAMES:
                self._known.clear()
            history = self._known[key] = self._history(*key)
        return history.at(at_ns) if history else None

    def context(self, provider: str, model: str) -> int | None:
        """The most tokens that *model* takes, prompt and answer together; None where the catalogue does not say."""
        found = self._shelves.find(self._seller_of(provider), model)
        return found.model.context if found is not None else None

    def seller(self, provider: str) -> str:
        """The catalogue's name of *provider*, or of the one whose prices hold for it."""
        return self._seller_of(provider)

    def owners(self, model: str) -> tuple[str, ...]:
        """The providers that a bare *model* name belongs to, best first: own rows, then the makers; () if unknown."""
        known = self._owned.get(model)
        if known is None:
            if len(self._owned) >= _KNOWN_NAMES:
                self._owned.clear()
            name = model.lower()
            own = [row.provider for row in self._own if fnmatchcase(name, row.model.lower())]
            known = self._owned[model] = tuple(dict.fromkeys(own + self._shelves.makers(model)))
        return known

    def listing(self, at_ns: int, provider: str | None = None) -> Iterator[Price]:
        """All standard prices that hold at a wall time: own rows, then the catalogue's, by provider.

        `model` is the row's name for it: a glob in an own row, the catalogue's id in the others. Decodes and works
        out everything (half a second for all providers): for a command, not for a call.

        Args:
            provider: Only this one's, by the router's name; None for all.
        """
        providers = self._shelves.providers() if provider is None else (provider,)
        for row in self._rows:
            if provider in (None, row.provider) and (own := self._own_history(row.provider, row.model)):
                price = own.at(at_ns)
                if price is not None:
                    yield price
        for name in providers:
            for found in self._shelves.rows(self._seller_of(name)):
                price = self._found_history(found, name, found.model.id, "").at(at_ns)
                if price is not None:
                    yield price

    def history(self, provider: str, model: str) -> list[Dated]:
        """Every price that *model* at *provider* has had and will have, with its service tiers; own prices first.

        Of the catalogue's periods the last that holds at a moment counts; an own price counts before all of them.
        """
        seller = self._seller_of(provider)
        own = self._own_prices(provider, provider, model) or self._own_prices(provider, seller, model)
        dated = [Dated(price, since) for since, price in own]
        if found := self._shelves.find(seller, model):
            fees = self._fees_of(seller, found.model.id)
            for period in (*found.model.periods, *(found.model.variants if found.own else ())):
                template = self._template(found, provider, model, getattr(period, "tier", ""))
                hours = (f"{period.hours[0]}", f"{period.hours[1]}") if period.hours else None
                rates, tiers, scale = scaled_rates({**fees, **period.rates})
                since = (period.start or self._shelves.read).isoformat()
                price = msgspec.structs.replace(template, rates=rates, tiers=tiers, scale=scale, date=since)
                dated.append(Dated(price, period.start, hours))
        return dated

    def worst_case(self, provider: str, at_ns: int) -> Price:
        """The dearest known rate of each class at *provider*, or of the whole catalogue where it has no row there.

        For a limit that needs a number for a model without a price; standard prices at their highest context tier.
        Costs as much as `listing`: work it out once.
        """
        return dearest(provider, list(self.listing(at_ns, provider)) or list(self.listing(at_ns)))

    def _seller_of(self, provider: str) -> str:
        """Whose prices hold for *provider*."""
        return self._shelves.name_of(self._price_as.get(provider, provider))

    def _history(self, provider: str, model: str, tier: str) -> PriceHistory | None:
        seller = self._seller_of(provider)
        found = self._shelves.find(seller, model)
        before = self._found_history(found, provider, model, tier) if found else None
        own = self._own_prices(provider, provider, model) or self._own_prices(provider, seller, model)
        return OwnHistory(own, before) if own else before

    def _own_history(self, provider: str, model: str) -> PriceHistory | None:
        own = self._own_prices(provider, provider, model)
        return OwnHistory(own, None) if own else None

    def _own_prices(self, provider: str, seller: str, model: str) -> list[tuple[date | None, Price]]:
        name = model.lower()
        rows = [row for row in self._rows if row.provider == seller and fnmatchcase(name, row.model.lower())]
        first = {row.since: row for row in reversed(rows)}  # of rows with the same day, the first one counts
        return [(since, _own_price(row, provider, model)) for since, row in first.items()]

    def _found_history(self, found: Found, provider: str, model: str, tier: str) -> PriceHistory:
        fees = self._fees_of(self._seller_of(provider), found.model.id)
        # Another maker's rows say nothing about this seller's tiers.
        spoken = _TIERS.get(tier.lower(), tier.lower()) if found.own else ""
        return CatalogHistory(found.model, self._template(found, provider, model, spoken), self._shelves.read, fees)

    def _template(self, found: Found, provider: str, model: str, tier: str) -> Price:
        source = self._shelves.source
        return Price(provider=provider, model=model, id=found.id, source=source, date="", rates=Rates(), tier=tier)

    def _fees_of(self, seller: str, row: str) -> dict[str, str]:
        """The fees of a row of the catalogue, by its id, so that a model costs the same under all its names."""
        fees: dict[str, str] = {}
        for fee in self._fees:
            if fee.provider == seller and fnmatchcase(row.lower(), fee.model):
                fees = fee.rates | fees
        return fees


def _load_toml(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(name).read_text("utf-8"))


def _own_price(row: PriceRow, provider: str, model: str) -> Price:
    rates, tiers, scale = scaled_rates(_dollars(row))
    return Price(
        provider=provider,
        model=model,
        id=f"own:{row.provider}/{row.model}",
        source=row.source,
        date=row.since.isoformat() if row.since else "",
        rates=rates,
        tiers=tiers,
        scale=scale,
    )


def _dollars(row: PriceRow) -> dict[str, str]:
    rates: dict[str, Decimal | None] = {name: getattr(row, name) for name in _RATES}
    return {name: f"{rate:f}" for name, rate in rates.items() if rate is not None}


def _checked(rows: Sequence[PriceRow]) -> Sequence[PriceRow]:
    faults = []
    for index, row in enumerate(rows):
        rates = [(name, getattr(row, name)) for name in _RATES]
        if all(rate is None for _, rate in rates):
            faults.append(f"prices[{index}] ({row.provider}/{row.model}): no rate; give at least input and output")
        for name, rate in rates:
            if rate is not None and not (rate.is_finite() and rate >= 0):
                faults.append(f"prices[{index}].{name}: {rate} is not a price; dollars per million tokens, 0 or more")
    if faults:
        raise ConfigError(faults)
    return rows
