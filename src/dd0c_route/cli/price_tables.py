"""Other catalogues of prices, read from a file, and where they disagree with ours.

Three forms are told apart by what is in them: litellm's table (dollars per token), the list of models.dev (dollars per
million), and TOML with `[[prices]]` as in dd0c.toml.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
from msgspec import Struct

from dd0c_route.pricing.price import CLASSES, sold

if TYPE_CHECKING:
    from dd0c_route.pricing import Catalog

_SAME = Decimal("1e-6")  # their numbers are binary fractions: a smaller share is no disagreement


class _Names(Struct, frozen=True, forbid_unknown_fields=True):
    """One table of `price_tables.toml`: their word -> ours."""

    providers: dict[str, str]
    classes: dict[str, str]


class Row(Struct, frozen=True):
    """A model in another catalogue; *rates* in dollars per million tokens, by field of `types.Usage`."""

    provider: str
    model: str
    rates: dict[str, Decimal]


class Disagreement(Struct, frozen=True):
    """One class of one model. *off*: theirs against ours, as a share; *source*: where ours comes from."""

    provider: str
    model: str
    name: str = msgspec.field(name="class")
    ours: str
    theirs: str
    off: float
    source: str


class Comparison(Struct, frozen=True):
    """What came of comparing. *unknown*: models of theirs without a price here."""

    models: int
    compared: int
    unknown: int
    disagreements: list[Disagreement]


def read_table(path: Path) -> list[Row]:
    """The rows of the catalogue in *path*, of providers that have a name here.

    Raises:
        ClickException: It is none of the three forms.
    """
    data = path.read_bytes()
    try:
        if path.suffix == ".toml":
            return list(_own(tomllib.loads(data.decode(), parse_float=Decimal)))
        table = json.loads(data, parse_float=Decimal)
    except (ValueError, tomllib.TOMLDecodeError) as error:
        raise click.ClickException(f"{path}: {error}") from None
    if not isinstance(table, dict):
        raise click.ClickException(f"{path}: expected an object: model or provider -> its prices")
    rows = _models_dev(table) if any("models" in one for one in table.values() if isinstance(one, dict)) else None
    found = list(rows if rows is not None else _litellm(table))
    if not found:
        raise click.ClickException(f"{path}: neither litellm's table nor the list of models.dev")
    return found


def compare(catalog: Catalog, rows: Iterable[Row], at_ns: int) -> Comparison:
    """Hold *rows* against the catalogue's standard prices at a wall time; the largest differences first."""
    models = compared = unknown = 0
    found = []
    for row in rows:
        price = catalog.price(row.provider, row.model, at_ns)
        if price is None:
            unknown += 1
            continue
        models += 1
        for name, theirs in row.rates.items():
            rate = getattr(price.rates, name)
            if rate is None:
                continue
            compared += 1
            ours = sold(name, rate, price.scale)
            if abs(ours - theirs) > _SAME * max(ours, theirs):
                off = float(theirs / ours - 1) if ours else float("inf")
                source = f"{price.source} {price.date}".strip()
                found.append(
                    Disagreement(row.provider, row.model, name, f"{ours:f}", f"{theirs.normalize():f}", off, source)
                )
    found.sort(key=lambda one: (-abs(one.off), one.provider, one.model, one.name))
    return Comparison(models, compared, unknown, found)


def _litellm(table: Mapping[str, Any]) -> Iterator[Row]:
    names = _names()["litellm"]
    for key, entry in table.items():
        provider = names.providers.get(str(entry.get("litellm_provider"))) if isinstance(entry, dict) else None
        if provider is None:
            continue
        rates = _rates(entry, names.classes, 6)
        if rates:
            yield Row(provider, _without_prefix(key, entry["litellm_provider"]), rates)


def _without_prefix(key: str, provider: str) -> str:
    """litellm writes `gemini/gemini-2.5-pro`, `azure/eu/gpt-4o`, `together_ai/meta-llama/…`."""
    first, slash, rest = key.partition("/")
    return rest if slash and (first == provider or provider.startswith(first)) else key


def _models_dev(table: Mapping[str, Any]) -> Iterator[Row]:
    names = _names()["models-dev"]
    for key, seller in table.items():
        provider = names.providers.get(key)
        models = seller.get("models") if isinstance(seller, dict) else None
        if provider is None or not isinstance(models, dict):
            continue
        for model, entry in models.items():
            cost = entry.get("cost") if isinstance(entry, dict) else None
            if isinstance(cost, dict) and (rates := _rates(cost, names.classes, 0)):
                yield Row(provider, model, rates)


def _own(table: Mapping[str, Any]) -> Iterator[Row]:
    for entry in table.get("prices", ()):
        rates = _rates(entry, dict(zip(CLASSES, CLASSES, strict=True)), 0)
        yield Row(str(entry.get("provider")), str(entry.get("model")), rates)


def _rates(entry: Mapping[str, Any], classes: Mapping[str, str], exponent: int) -> dict[str, Decimal]:
    """The rates of *entry*, *exponent* powers of ten raised to dollars per million; what is no number is left out."""
    found = {}
    for theirs, ours in classes.items():
        value = entry.get(theirs)
        if value is None or isinstance(value, bool):
            continue
        try:
            rate = Decimal(value).scaleb(exponent)
        except (InvalidOperation, TypeError, ValueError):
            continue
        if rate.is_finite():
            found[ours] = rate
    return found


@cache
def _names() -> dict[str, _Names]:
    text = resources.files("dd0c_route.cli").joinpath("price_tables.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, _Names])
