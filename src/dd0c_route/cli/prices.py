"""`prices`: the catalogue as it is, which price of a model holds and why, and where another catalogue disagrees."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click
import msgspec

from dd0c_route.cli.ledger import settings_without_secrets, shown
from dd0c_route.cli.options import config_option, json_option

if TYPE_CHECKING:
    from dd0c_route.cli.price_tables import Disagreement
    from dd0c_route.pricing import Catalog, Price, Rates

_PIPE_CHARS = 240  # wider than a row, where there is no screen to fit
_COLUMNS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
at_option = click.option("--at", metavar="WHEN", help="At that time (RFC 3339, or an age) instead of now.")


@click.group("prices")
def command() -> None:
    """The catalogue of prices: own rows of dd0c.toml first, then what comes with this version."""


@command.command("list")
@click.option("--provider", metavar="NAME", help="Only this provider's.")
@click.option("--model", metavar="GLOB", help="Only these models.")
@at_option
@config_option
@json_option
def list_prices(
    provider: str | None, model: str | None, at: str | None, config_path: str | None, as_json: bool
) -> None:
    """List the standard prices, in dollars per million tokens; with --json one object a line, with all rates."""
    from fnmatch import fnmatchcase

    prices = [
        price
        for price in _catalog(config_path).listing(_at_ns(at), provider)
        if model is None or fnmatchcase(price.model.lower(), model.lower())
    ]
    if as_json:
        for price in prices:
            click.echo(msgspec.json.encode(record(price)))
        return
    if not prices:
        raise click.ClickException("no price matches: 'dd0c-route prices list' shows all")
    _print_table(prices)


@command.command("explain")
@click.argument("model")
@click.option("--provider", metavar="NAME", help="At this provider; by default the one that owns the name.")
@click.option("--tier", metavar="NAME", help="Served in this tier: batch, flex, priority, …")
@at_option
@config_option
@json_option
def explain(
    model: str, provider: str | None, tier: str | None, at: str | None, config_path: str | None, as_json: bool
) -> None:
    """Say which price of MODEL holds, why that one, since when, and what would override it."""
    catalog = _catalog(config_path)
    provider, model = _whose(catalog, model, provider)
    holds = catalog.price(provider, model, _at_ns(at), tier)
    history = catalog.history(provider, model)
    if as_json:
        dated = [{**record(one.price), "since": one.since, "hours": one.hours} for one in history]
        found = record(holds) if holds is not None else None
        click.echo(msgspec.json.encode({"provider": provider, "model": model, "price": found, "history": dated}))
    else:
        for line in _explained(provider, model, tier, holds, history):
            click.echo(shown(line))
    if holds is None:
        raise click.ClickException(f"no price for {provider}/{model}: add it under [[prices]] in dd0c.toml")


@command.command("check")
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.option("--provider", metavar="NAME", help="Only this provider's.")
@at_option
@config_option
@json_option
def check(path: str, provider: str | None, at: str | None, config_path: str | None, as_json: bool) -> int:
    """Compare with another catalogue; the exit code is 1 where one price is not the same.

    FILE is litellm's model_prices_and_context_window.json, the api.json of models.dev, or a TOML file with
    [[prices]] as in dd0c.toml.
    """
    from pathlib import Path

    from dd0c_route.cli.price_tables import compare, read_table

    rows = [row for row in read_table(Path(path)) if provider in (None, row.provider)]
    report = compare(_catalog(config_path), rows, _at_ns(at))
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        for one in report.disagreements:
            click.echo(shown(_disagreement(one)))
        click.echo(
            f"{report.compared} prices of {report.models} models compared: {len(report.disagreements)} not the same; "
            f"{report.unknown} models have no price here"
        )
    return int(bool(report.disagreements))


def record(price: Price) -> dict[str, Any]:
    """A price as JSON: rates in dollars per million tokens, per thousand calls, per hour of sound."""
    return {
        "provider": price.provider,
        "model": price.model,
        **price.record(),
        "rates": rate_texts(price.rates, price.scale),
        "context_tiers": [{"above": tier.above, "rates": rate_texts(tier.rates, price.scale)} for tier in price.tiers],
    }


def rate_texts(rates: Rates, scale: int) -> dict[str, str]:
    """The rates that there are, as exact decimal text."""
    from dd0c_route.pricing.price import sold

    every = msgspec.structs.asdict(rates).items()
    return {name: f"{sold(name, rate, scale):f}" for name, rate in every if rate or (rate == 0 and name != "request")}


def _catalog(config_path: str | None) -> Catalog:
    from dd0c_route.pricing import Catalog

    return Catalog.of(settings_without_secrets(config_path).config)


def _at_ns(at: str | None) -> int:
    from dd0c_route.ledger.store import moment_ns

    now_ns = time.time_ns()
    try:
        return now_ns if at is None else moment_ns(at, now_ns)
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(str(error), param_hint="--at") from None


def _whose(catalog: Catalog, model: str, provider: str | None) -> tuple[str, str]:
    """`provider/model` where the first part has prices of its own, else the provider that owns the name."""
    if provider is not None:
        return provider, model
    owners = catalog.owners(model)
    if owners:
        return owners[0], model
    first, slash, rest = model.partition("/")
    if slash:
        return first, rest
    raise click.ClickException(f"nobody owns the name '{model[:64]}': say whose it is (--provider NAME)")


def _explained(provider: str, model: str, tier: str | None, holds: Price | None, history: list[Any]) -> list[str]:
    lines = [f"{provider}/{model}"]
    if holds is not None:
        where = "your own row" if holds.id.startswith("own:") else "the row"
        lines += [
            f"  priced by  {where} {holds.id}, from {holds.source}{f', since {holds.date}' if holds.date else ''}",
            f"  tier       {holds.tier or 'standard'}"
            + (f" (there is no rate for '{tier}')" if tier and not holds.tier and tier != "standard" else ""),
            *_rate_lines(holds),
        ]
    if history:
        lines.append("history")
    for one in history:
        hours = f", {one.hours[0]} to {one.hours[1]} UTC" if one.hours else ""
        since = f"since {one.since}" if one.since else "always"
        rates = ", ".join(f"{name} {text}" for name, text in rate_texts(one.price.rates, one.price.scale).items())
        lines.append(f"  {since}{hours}, {one.price.tier or 'standard'}, {one.price.id}: {rates}")
    own = any(one.price.id.startswith("own:") for one in history)
    first = "your rows go before the catalogue; the one with the latest day counts" if own else "to override it"
    lines.append(f'{first}: [[prices]] in dd0c.toml, with provider = "{provider}", model = "{model}"')
    return lines


def _rate_lines(price: Price) -> list[str]:
    lines = [f"  {name:<16} ${text}{_per(name)}" for name, text in rate_texts(price.rates, price.scale).items()]
    for tier in price.tiers:
        texts = rate_texts(tier.rates, price.scale)
        lines.append(f"  prompts above {tier.above} tokens, the whole call: " + ", ".join(map(" ".join, texts.items())))
    return lines


def _per(name: str) -> str:
    from dd0c_route.pricing.price import unit_of_sale

    return f" per {unit_of_sale(name)}"


def _disagreement(one: Disagreement) -> str:
    return (
        f"{one.provider}/{one.model} {one.name}: ${one.ours} here ({one.source}), ${one.theirs} there ({one.off:+.1%})"
    )


def _print_table(prices: list[Price]) -> None:
    import sys

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in ("provider", "model", *_COLUMNS, "since", "source"):
        table.add_column(column.replace("_", " "), no_wrap=True, justify="right" if column in _COLUMNS else "left")
    for price in prices:
        texts = rate_texts(price.rates, price.scale)
        rates = [texts.get(name, "-") for name in _COLUMNS]
        cells = (price.provider, price.model, *rates, price.date or "-", price.source)
        table.add_row(*[Text(shown(cell)) for cell in cells])
    Console(width=None if sys.stdout.isatty() else _PIPE_CHARS).print(table)
