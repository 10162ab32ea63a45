"""The compiled `genai-prices`: whose rows hold for a provider, and which row a model's name means."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from fnmatch import fnmatchcase, translate
from importlib.resources import files
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from dd0c_route.pricing.history import Model
from dd0c_route.pricing.names import Match, NameIndex, spellings


class _Shelf(Struct, frozen=True):
    """One provider of the artefact: its rows, and whose rows hold where it has none."""

    fallback: tuple[str, ...]
    models: tuple[Model, ...]


class _Artefact(Struct, frozen=True):
    """`catalog.json`, each provider's part still undecoded: a router uses few of them."""

    source: str
    read: date
    sellers: dict[str, Match]
    providers: dict[str, Raw]


class _Seller(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `providers.toml`."""

    source: str
    catalogue: str = ""
    owns: tuple[str, ...] = ()
    resells: dict[str, str] = {}
    aliases: tuple[str, ...] = ()


class Found(NamedTuple):
    """A row of the catalogue.

    Attributes:
        shelf: Whose rows it stands among.
        own: They are the provider's own; another maker's rows say nothing about this provider's tiers.
    """

    shelf: str
    model: Model
    own: bool

    @property
    def id(self) -> str:
        return f"{self.shelf}/{self.model.id}"


class Shelves:
    """The rows of all providers; those of one are decoded when it is first asked for (0.5 ms).

    Attributes:
        source: What was compiled, with its version.
        read: The day on which it was.
    """

    def __init__(self, artefact: _Artefact, sellers: Mapping[str, _Seller]) -> None:
        self.source = artefact.source
        self.read = artefact.read
        self._artefact = artefact
        self._sellers = sellers
        self._named = NameIndex(artefact.sellers.values())
        self._shelves: dict[str, tuple[_Shelf, NameIndex] | None] = {}
        self._owners = [
            (name, re.compile("|".join(map(translate, seller.owns))).match)
            for name, seller in sellers.items()
            if seller.owns
        ]

    @classmethod
    def load(cls) -> Shelves:
        folder = files(__package__)
        artefact = msgspec.json.decode(folder.joinpath("catalog.json").read_bytes(), type=_Artefact)
        sellers = tomllib.loads(folder.joinpath("providers.toml").read_text("utf-8"))
        return cls(artefact, msgspec.convert(sellers, dict[str, _Seller]))

    def name_of(self, provider: str) -> str:
        """The name under which *provider* has its rows: itself, or the one it is another name of.

        By our aliases, or as the catalogue knows names (`openai-eu` is `openai`, a host of Bedrock is `bedrock`).
        """
        if provider in self._sellers or provider in self._artefact.providers:
            return provider
        lower = provider.lower()
        for name, seller in self._sellers.items():
            if any(fnmatchcase(lower, glob) for glob in seller.aliases):
                return name
        index = self._named.find(lower)
        if index is None:
            return provider
        catalogue = list(self._artefact.sellers)[index]
        return next((name for name, seller in self._sellers.items() if seller.catalogue == catalogue), catalogue)

    def find(self, provider: str, model: str) -> Found | None:
        """The row that *model* at *provider* (as `name_of` gives it) means."""
        name = self._shelf_of(provider)
        shelf = self._shelf(name)
        places = (name, *shelf[0].fallback) if shelf else ()
        for spelling in spellings(model, provider):
            for place in places:
                if found := self._on(place, spelling):
                    return Found(place, found, place == name)
        return self._resold(provider, spellings(model, provider)[-1])

    def _resold(self, provider: str, name: str) -> Found | None:
        """The maker's own row, where *provider* passes its price on; a bare name is a maker's where it owns it."""
        seller = self._sellers.get(provider)
        if seller is None or not seller.resells:
            return None
        maker, slash, rest = name.partition("/")
        owners = [seller.resells[maker]] if slash and maker in seller.resells else []
        if not slash:
            owners = [owner for owner in self.makers(name) if owner in seller.resells.values()]
            rest = name
        for owner in owners:
            place = self._shelf_of(owner)
            if found := self._on(place, rest):
                return Found(place, found, False)
        return None

    def rows(self, provider: str) -> Iterator[Found]:
        """The own rows of *provider* (as `name_of` gives it), in the catalogue's order."""
        name = self._shelf_of(provider)
        if shelf := self._shelf(name):
            yield from (Found(name, model, True) for model in shelf[0].models)

    def providers(self) -> tuple[str, ...]:
        """The names of all who have rows: the router's names, then those of the catalogue that it has no name for."""
        covered = {seller.catalogue for seller in self._sellers.values()}
        return (*self._sellers, *(name for name in self._artefact.providers if name not in covered))

    def makers(self, model: str) -> list[str]:
        """The providers that make *model* and serve it under this name."""
        name = model.lower()
        return [provider for provider, owns in self._owners if owns(name)]

    def _shelf_of(self, provider: str) -> str:
        seller = self._sellers.get(provider)
        return seller.catalogue if seller else provider

    def _on(self, place: str, spelling: str) -> Model | None:
        shelf = self._shelf(place)
        index = shelf[1].find(spelling) if shelf else None
        return shelf[0].models[index] if shelf and index is not None else None

    def _shelf(self, name: str) -> tuple[_Shelf, NameIndex] | None:
        if name not in self._artefact.providers:
            return None
        if name not in self._shelves:
            shelf = msgspec.json.decode(self._artefact.providers[name], type=_Shelf)
            self._shelves[name] = shelf, NameIndex(model.match for model in shelf.models)
        return self._shelves[name]
