"""`price`: usage in, exact cost out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click
import msgspec

from dd0c_route.cli.ledger import settings_without_secrets
from dd0c_route.cli.lines import Answer, BadLine, answer_each, table, text
from dd0c_route.types import Usage

if TYPE_CHECKING:
    from dd0c_route.pricing import Catalog

_STREAM_PARTS = ("message_start", "message_delta")  # Anthropic's two reports of one stream


@click.command("price")
@click.option("--config", "config_path", metavar="FILE", help="Its own [[prices]] go before the catalogue.")
def command(config_path: str | None) -> int:
    """Price usage: JSON lines in, JSON lines out.

    \b
    in   {"provider", "model", "api", "usage", ("at")}: usage as the provider sent it, or the normalised fields
         input, cache_read, cache_write_5m, cache_write_1h, output, reasoning; at as RFC 3339, now by default
    out  {"cost_usd", "cost_picodollars", "lines", "source", "price_date"}, or {"error": "unpriced", …}, never 0
    """
    from dd0c_route.pricing import Catalog

    catalog = Catalog.load() if config_path is None else Catalog.of(settings_without_secrets(config_path).config)
    return answer_each(lambda line: priced(line, catalog))


def priced(line: Answer, catalog: Catalog) -> Answer:
    """The bill of one line."""
    from dd0c_route.errors import PriceMissing
    from dd0c_route.pricing import cost, usd

    provider, model = text(line, "provider"), text(line, "model")
    usage, tier = usage_of(line)
    price = catalog.price(provider, model, _at_ns(line), tier)
    if price is None:
        return _unpriced(provider, model, f"no price for {provider}/{model}: add it under [[prices]] in dd0c.toml")
    try:
        bill = cost(usage, price)
    except PriceMissing as error:
        return _unpriced(provider, model, error.message)
    return {
        "cost_usd": usd(bill.picodollars),
        "cost_picodollars": bill.picodollars,
        "lines": [one.record() for one in bill.lines],
        "source": price.source,
        "price_date": price.date,
    }


def usage_of(line: Answer) -> tuple[Usage, str | None]:
    """Disjoint counts of a line's `usage`, and the service tier that it names."""
    given = table(line, "usage")
    if given.keys() <= set(Usage.__struct_fields__):
        return _normalised(given), None
    if given.keys() <= set(_STREAM_PARTS):
        parts = [part for name in _STREAM_PARTS if isinstance(part := given.get(name), dict)]
        given = {name: value for part in parts for name, value in part.items() if value is not None}
    return _reported(line, given)


def _normalised(given: Answer) -> Usage:
    if not all(type(tokens) is int and 0 <= tokens < 1 << 63 for tokens in given.values()):
        raise BadLine("the fields of 'usage' are whole numbers of tokens")
    return Usage(**given)


def _reported(line: Answer, given: Answer) -> tuple[Usage, str | None]:
    from dd0c_route.wire.meter import meter_for

    api = text(line, "api") if "api" in line else "unknown"
    if api == "embeddings":  # as recordings call it
        api = "cohere.embeddings" if line.get("provider") == "cohere" else "openai.embeddings"
    meter = meter_for(api, "application/json", "")
    # Every dialect has its own place for the usage; each reads only its own.
    meter.feed(msgspec.json.encode({**given, "usage": given, "usageMetadata": given}))
    meter.end()
    reported = meter.reported
    if reported is None:
        raise BadLine(f"no usage of '{api}' is recognised in 'usage'")
    return reported.billed or reported.usage, reported.service_tier


def _at_ns(line: Answer) -> int:
    from dd0c_route.ledger.store import moment_ns

    at: Any = line.get("at")
    if at is None:
        return time.time_ns()
    try:
        return moment_ns(at, time.time_ns())
    except (ValueError, TypeError, OverflowError):
        raise BadLine("'at' is no time: write it like 2026-11-24T05:30:00Z") from None


def _unpriced(provider: str, model: str, message: str) -> Answer:
    return {"error": "unpriced", "provider": provider, "model": model, "message": message}
