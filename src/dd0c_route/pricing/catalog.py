"""The catalogue of prices: own rows first, then the compiled `genai-prices`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase, translate
from importlib.resources import files

import msgspec
from msgspec import Raw, Struct

from dd0c_route.config import Config, PriceRow
from dd0c_route.errors import ConfigError
from dd0c_route.pricing.history import CatalogHistory, Model, OwnHistory, PriceHistory
from dd0c_route.pricing.names import NameIndex, spellings
from dd0c_route.pricing.price import CLASSES, Price, Rates, scaled_rates

_KNOWN_NAMES = 4096  # model names come from clients, so what is remembered of them is bounded


class _Shelf(Struct, frozen=True):
    """One provider of the artefact: its rows, and whose rows hold where it has none."""

    fallback: tuple[str, ...]
    models: tuple[Model, ...]


class _Artefact(Struct, frozen=True):
    """`catalog.json`, each provider's part still undecoded: a router uses few of them."""

    source: str
    read: date
    providers: dict[str, Raw]


class _Seller(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `providers.toml`."""

    source: str
    catalogue: str = ""
    owns: tuple[str, ...] = ()


class Catalog:
    """Prices by the router's name of the provider and the model's name at it.

    Built once, at start; rows of a provider are decoded when it is first asked for. A miss costs up to 0.5 ms,
    everything after that a dictionary look-up.
    """

    def __init__(
        self,
        artefact: _Artefact,
        sellers: Mapping[str, _Seller],
        rows: Sequence[PriceRow],
        price_as: Mapping[str, str],
    ) -> None:
        self._artefact = artefact
        self._sellers = sellers
        self._rows = rows
        self._price_as = price_as
        self._shelves: dict[str, tuple[_Shelf, NameIndex] | None] = {}
        self._known: dict[tuple[str, str, str], PriceHistory | None] = {}
        self._owned: dict[str, tuple[str, ...]] = {}
        self._owners = [
            (name, re.compile("|".join(map(translate, seller.owns))).match)
            for name, seller in sellers.items()
            if seller.owns
        ]

    @classmethod
    def load(cls, rows: Sequence[PriceRow] = (), price_as: Mapping[str, str] | None = None) -> Catalog:
        """The shipped catalogue with the operator's *rows* before it.

        Args:
            price_as: Provider -> the provider whose prices hold for it (a simulated one, a proxy).

        Raises:
            ConfigError: A row has no rate, or a negative one.
        """
        folder = files(__package__)
        artefact = msgspec.json.decode(folder.joinpath("catalog.json").read_bytes(), type=_Artefact)
        sellers = tomllib.loads(folder.joinpath("providers.toml").read_text("utf-8"))
        overrides = tomllib.loads(folder.joinpath("overrides.toml").read_text("utf-8"))["prices"]
        return cls(
            artefact,
            msgspec.convert(sellers, dict[str, _Seller]),
            [*_checked(rows), *msgspec.convert(overrides, list[PriceRow])],
            price_as or {},
        )

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

    def owners(self, model: str) -> tuple[str, ...]:
        """The providers that a bare *model* name belongs to, best first: own rows, then the makers; () if unknown."""
        known = self._owned.get(model)
        if known is None:
            if len(self._owned) >= _KNOWN_NAMES:
                self._owned.clear()
            known = self._owned[model] = self._find_owners(model)
        return known

    def _find_owners(self, model: str) -> tuple[str, ...]:
        name = model.lower()
        own = [row.provider for row in self._rows if fnmatchcase(name, row.model.lower())]
        makers = [provider for provider, owns in self._owners if owns(name)]
        return tuple(dict.fromkeys(own + makers))

    def _history(self, provider: str, model: str, tier: str) -> PriceHistory | None:
        seller = self._price_as.get(provider, provider)
        before = self._catalog_history(provider, seller, model, tier)
        own = self._own_prices(provider, provider, model) or self._own_prices(provider, seller, model)
        return OwnHistory(own, before) if own else before

    def _own_prices(self, provider: str, seller: str, model: str) -> list[tuple[date | None, Price]]:
        name = model.lower()
        rows = [row for row in self._rows if row.provider == seller and fnmatchcase(name, row.model.lower())]
        first = {row.since: row for row in reversed(rows)}  # of rows with the same day, the first one counts
        return [(since, _own_price(row, provider, model)) for since, row in first.items()]

    def _catalog_history(self, provider: str, seller: str, model: str, tier: str) -> PriceHistory | None:
        known = self._sellers.get(seller)
        shelf = self._shelf(known.catalogue if known else seller)
        if shelf is None:
            return None
        for name in spellings(model):
            for shelf_name in (known.catalogue if known else seller, *shelf[0].fallback):
                found = self._shelf(shelf_name)
                if found and (index := found[1].find(name)) is not None:
                    row = found[0].models[index]
                    # Another maker's rows say nothing about this seller's tiers.
                    template = Price(
                        provider=provider,
                        model=model,
                        id=f"{shelf_name}/{row.id}",
                        source=self._artefact.source,
                        date="",
                        rates=Rates(),
                        tier=tier.lower() if found is shelf else "",
                    )
                    return CatalogHistory(row, template, self._artefact.read)
        return None

    def _shelf(self, name: str) -> tuple[_Shelf, NameIndex] | None:
        if name not in self._artefact.providers:
            return None
        if name not in self._shelves:
            shelf = msgspec.json.decode(self._artefact.providers[name], type=_Shelf)
            self._shelves[name] = shelf, NameIndex(model.match for model in shelf.models)
        return self._shelves[name]


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
    rates: dict[str, Decimal | None] = {name: getattr(row, name) for name in CLASSES}
    return {name: f"{rate:f}" for name, rate in rates.items() if rate is not None}


def _checked(rows: Sequence[PriceRow]) -> Sequence[PriceRow]:
    faults = []
    for index, row in enumerate(rows):
        rates = [(name, getattr(row, name)) for name in CLASSES]
        if all(rate is None for _, rate in rates):
            faults.append(f"prices[{index}] ({row.provider}/{row.model}): no rate; give at least input and output")
        for name, rate in rates:
            if rate is not None and not (rate.is_finite() and rate >= 0):
                faults.append(f"prices[{index}].{name}: {rate} is not a price; dollars per million tokens, 0 or more")
    if faults:
        raise ConfigError(faults)
    return rows
