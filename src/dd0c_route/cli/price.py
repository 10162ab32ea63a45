"""`price`: usage in, exact cost out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from dd0c_route.cli.ledger import settings_without_secrets
from dd0c_route.cli.lines import Answer, BadLine, answer_each, table, text
from dd0c_route.types import NO_TOOLS, TEXT_ONLY, Media, ServerTools, Usage

if TYPE_CHECKING:
    from dd0c_route.pricing import Catalog
    from dd0c_route.wire.meter import Reported

_STREAM_PARTS = ("message_start", "message_delta")  # Anthropic's two reports of one stream
# A field that only one API's report has -> that API, for lines that name none, or another.
_SHAPES = {
    "promptTokenCount": "gemini.generate",
    "cache_creation_input_tokens": "anthropic.messages",
    "inputTokens": "bedrock.converse",
    "billed_units": "cohere.chat",
    "prompt_eval_count": "ollama",
}
_NORMALISED = {*Usage.__struct_fields__, *Media.__struct_fields__, *ServerTools.__struct_fields__}
_Part = TypeVar("_Part", Usage, Media, ServerTools)


@click.command("price")
@click.option("--config", "config_path", metavar="FILE", help="Its own [[prices]] go before the catalogue.")
def command(config_path: str | None) -> int:
    """Price usage: JSON lines in, JSON lines out.

    \b
    in   {"provider", "model", "api", "usage", ("at"), ("tier")}: usage as the provider sent it, or the normalised
         fields input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, with those of media and of server
         tools (docs/reference.md); at as RFC 3339 or as a date header has it, now by default; tier is the one that
         served, where usage does not name it
    out  {"cost_usd", "cost_picodollars", "lines", "source", "price_date", "tier"}, or {"error": "unpriced", …}, never 0
    """
    from dd0c_route.pricing import Catalog

    catalog = Catalog.load() if config_path is None else Catalog.of(settings_without_secrets(config_path).config)
    return answer_each(lambda line: priced(line, catalog))


def priced(line: Answer, catalog: Catalog) -> Answer:
    """The bill of one line."""
    from dd0c_route.errors import PriceMissing
    from dd0c_route.pricing import cost, usd

    provider, model = text(line, "provider"), text(line, "model")
    reported = usage_of(line)
    tier = text(line, "tier") if line.get("tier") is not None else reported.service_tier
    price = catalog.price(provider, model, _at_ns(line), tier)
    if price is None:
        return _unpriced(provider, model, f"no price for {provider}/{model}: add it under [[prices]] in dd0c.toml")
    try:
        bill = cost(reported.billed or reported.usage, price, reported.media, reported.server_tools)
    except PriceMissing as error:
        return _unpriced(provider, model, error.message)
    answer: Answer = {
        "cost_usd": usd(bill.picodollars),
        "cost_picodollars": bill.picodollars,
        "lines": [one.record() for one in bill.lines],
        "source": price.source,
        "price_date": price.date,
        "tier": price.tier or "standard",
    }
    if reported.cost_usd is not None:
        answer["cost_provider_usd"] = reported.cost_usd
    if bill.not_priced:
        answer["not_priced"] = bill.not_priced
    if not reported.consistent:
        answer["consistent"] = False
    return answer


def usage_of(line: Answer) -> Reported:
    """What a line's `usage` reports.

    Raises:
        BadLine: It is none, or a count in it is no count; the message names the field.
    """
    given = table(line, "usage")
    if not given:
        raise BadLine("the field 'usage' is empty")
    for path in _odd_counts(given, "usage"):
        raise BadLine(f"'{path}' is no count: a whole number, 0 or more")
    if given.keys() <= _NORMALISED:
        return _normalised(given)
    if given.keys() <= set(_STREAM_PARTS):
        parts = [part for name in _STREAM_PARTS if isinstance(part := given.get(name), dict)]
        given = {name: value for part in parts for name, value in part.items() if value is not None}
    return _reported(line, given)


def _odd_counts(value: Any, path: str) -> Iterator[str]:
    """The places in a report that must hold a number of tokens and do not; null is like no field."""
    from dd0c_route.wire.loose import is_odd_count

    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _odd_counts(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            place = f"{path}.{name}"
            if is_odd_count(name, item) or (path == "usage" and name in _NORMALISED and not _is_count(item)):
                yield place
            yield from _odd_counts(item, place)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _normalised(given: Answer) -> Reported:
    from dd0c_route.wire.meter import Reported

    media, server_tools = _part(Media, given), _part(ServerTools, given)
    return Reported(
        _part(Usage, given),
        final=True,
        raw=given,
        media=TEXT_ONLY if media == TEXT_ONLY else media,
        server_tools=NO_TOOLS if server_tools == NO_TOOLS else server_tools,
    )


def _part(kind: type[_Part], given: Answer) -> _Part:
    return kind(**{name: given[name] for name in kind.__struct_fields__ if name in given})


def _reported(line: Answer, given: Answer) -> Reported:
    api = text(line, "api") if "api" in line else "unknown"
    if api == "embeddings":  # as recordings call it
        api = "cohere.embeddings" if line.get("provider") == "cohere" else "openai.embeddings"
    for dialect in (api, *(dialect for field, dialect in _SHAPES.items() if field in given)):
        reported = _read(dialect, line["model"], given)
        if reported is not None and (_used(reported) or _says_zero(given)):
            return reported
    raise BadLine(f"no usage of '{api}' is recognised in 'usage'")


def _read(api: str, model: str, given: Answer) -> Reported | None:
    from dd0c_route.wire.meter import meter_for

    meter = meter_for(api, "application/json", "")
    # Every dialect has its own place for the usage; each reads only its own.
    meter.feed(msgspec.json.encode({**given, "model": model, "usage": given, "usageMetadata": given}))
    meter.end()
    return meter.reported


def _used(reported: Reported) -> bool:
    usage = reported.billed or reported.usage
    return bool(
        usage.input_total or usage.output_total or reported.media.audio_seconds or reported.server_tools != NO_TOOLS
    )


def _says_zero(given: Answer) -> bool:
    """All token counts in it are 0: a report of nothing, not one that was not understood."""
    counts = [value for name, value in given.items() if "token" in name.lower() and isinstance(value, int | float)]
    return bool(counts) and not any(counts)


def _at_ns(line: Answer) -> int:
    from dd0c_route.ledger.store import moment_ns

    at: Any = line.get("at")
    if at is None:
        return time.time_ns()
    try:
        return moment_ns(at, time.time_ns())
    except (ValueError, TypeError, OverflowError):
        pass
    try:
        return max(0, round(parsedate_to_datetime(at).timestamp()) * 1_000_000_000)
    except (ValueError, TypeError, OverflowError, AttributeError):
        raise BadLine("'at' is no time: write it like 2026-11-24T05:30:00Z") from None


def _unpriced(provider: str, model: str, message: str) -> Answer:
    return {"error": "unpriced", "provider": provider, "model": model, "message": message}
