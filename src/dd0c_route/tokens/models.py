"""Which tokenizer counts for which model: one port, and one table from model names to it (`models.toml`)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Protocol

import msgspec
from msgspec import Struct

from dd0c_route.tokens.bpe import ENCODINGS, shipped_counter
from dd0c_route.tokens.claude import GENERATIONS, ClaudeCounter
from dd0c_route.tokens.estimate import Estimator
from dd0c_route.tokens.extras import load_counter
from dd0c_route.types import Count


class Counter(Protocol):
    """Counts over one vocabulary, as the provider does.

    Attributes:
        quick_bytes: Texts up to this length take about 0.1 ms.
    """

    quick_bytes: int

    def count(self, text: str) -> tuple[int, int]:
        """The tokens of any text, and by how many that may be wrong (0: exact)."""


_SHORT_CHARS = 2000

# What is loaded, by name; None where it is not installed. Loading takes up to a second and tens of megabytes.
_counters: dict[str, Counter | None] = {}


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `models.toml`."""

    name: str
    models: str
    rates: str
    trust: float = 1.0
    counter: str = ""


class Tokenizer:
    """Counts by one row: exactly where its vocabulary is at hand, else by an estimate that says so."""

    def __init__(self, row: Row) -> None:
        self._models = re.compile(row.models)
        self._name = row.name
        self._counter = row.counter
        self._estimator = Estimator(row.rates, name=f"estimate:{row.name}", trust=row.trust)

    def covers(self, model: str) -> bool:
        """Whether it counts for *model* (lower case)."""
        return self._models.search(model) is not None

    def load(self) -> bool:
        """Load the vocabulary, if there is one and it is not loaded: blocks. Whether counts are exact from now on."""
        if self._counter and self._counter not in _counters:
            _counters[self._counter] = _load_counter(self._counter)
        return _counters.get(self._counter) is not None

    def count(self, text: str) -> Count:
        """In 0.2 ms at most: exact for a short text once the vocabulary is loaded."""
        counter = _counters.get(self._counter)
        if counter is None:
            return self._estimator.count(text)
        if _bytes(text) > counter.quick_bytes:
            return self._estimator.count_on(text, counter.count)
        return self._exact(counter, text)

    def judge(self, text: str) -> Count:
        """The same in half the time, where it is a part of an estimate in any case."""
        counter = _counters.get(self._counter)
        return self._estimator.count(text) if counter is None else self._estimator.count_on(text, counter.count)

    def is_quick(self, texts: Iterable[str]) -> bool:
        """Whether `count` counts all of *texts* exactly, and in 0.2 ms together."""
        counter = _counters.get(self._counter)
        return counter is not None and sum(map(_bytes, texts)) <= counter.quick_bytes

    def count_exactly(self, text: str) -> Count:
        """As exact as can be, at any length: may load the vocabulary, and takes what it takes."""
        self.load()
        counter = _counters.get(self._counter)
        return self._exact(counter, text) if counter else self._estimator.count(text)

    def _exact(self, counter: Counter, text: str) -> Count:
        tokens, slack = counter.count(text)
        if text and not tokens:
            tokens = 1  # newlines alone may cost nothing in a message, but something had to write them
        band = (max(0, tokens - slack), tokens + slack)
        return Count(tokens, "estimated" if slack else "exact", band, self._name)


def _bytes(text: str) -> int:
    """The length in UTF-8, found out only where that matters: a text of many characters has as many bytes at least."""
    return len(text) if text.isascii() or len(text) > _SHORT_CHARS else len(text.encode("utf-8", "surrogatepass"))


@lru_cache(maxsize=1024)  # names come from clients
def tokenizer_for(model: str) -> Tokenizer:
    """The first tokenizer that covers *model*; there is always one."""
    name = model.lower()
    return next(tokenizer for tokenizer in _tokenizers() if tokenizer.covers(name))


@cache
def _tokenizers() -> tuple[Tokenizer, ...]:
    table = tomllib.loads(files(__package__).joinpath("models.toml").read_text("utf-8"))
    return tuple(Tokenizer(row) for row in msgspec.convert(table["tokenizers"], list[Row]))


def _load_counter(name: str) -> Counter | None:
    if name in ENCODINGS:
        return shipped_counter(name)
    return ClaudeCounter(name) if name in GENERATIONS else load_counter(name)
