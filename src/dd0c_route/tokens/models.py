"""Which tokenizer counts for which model: one port, and one table from model names to it (`models.toml`)."""

from __future__ import annotations

import re
import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Protocol

import msgspec
from msgspec import Struct

from dd0c_route.tokens.estimate import Estimator
from dd0c_route.types import Count


class Tokenizer(Protocol):
    """Counts the tokens of a text, exactly or as an estimate; it says which."""

    def covers(self, model: str) -> bool:
        """Whether it counts for *model* (lower case)."""

    def count(self, text: str) -> Count:
        """The tokens of *text* alone, without what an API puts around it."""


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `models.toml`."""

    name: str
    models: str
    rates: str
    trust: float = 1.0


class FittedTokenizer:
    """An estimate by the rates of one row."""

    def __init__(self, row: Row) -> None:
        self._models = re.compile(row.models)
        self._estimator = Estimator(row.rates, name=f"estimate:{row.name}", trust=row.trust)

    def covers(self, model: str) -> bool:
        return self._models.search(model) is not None

    def count(self, text: str) -> Count:
        return self._estimator.count(text)


@lru_cache(maxsize=1024)  # names come from clients
def tokenizer_for(model: str) -> Tokenizer:
    """The first tokenizer that covers *model*; there is always one."""
    name = model.lower()
    return next(tokenizer for tokenizer in _tokenizers() if tokenizer.covers(name))


@cache
def _tokenizers() -> tuple[Tokenizer, ...]:
    table = tomllib.loads(files(__package__).joinpath("models.toml").read_text("utf-8"))
    return tuple(FittedTokenizer(row) for row in msgspec.convert(table["tokenizers"], list[Row]))
