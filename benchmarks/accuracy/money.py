"""Cost from reported usage: ours, the arithmetic of genai-prices, litellm's map, and what providers charged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple

from genai_prices import types as genai
from genai_prices.data_snapshot import get_snapshot

from benchmarks.accuracy import others
from benchmarks.accuracy.cases import records
from benchmarks.accuracy.measured import share
from benchmarks.accuracy.tables import head, line, percent
from dd0c_route.cli.price import priced
from dd0c_route.pricing import Catalog
from tests.wire.corpus import APIS

ORACLE_NAMES = {"vertex": "google", "xai": "x-ai", "bedrock": "aws", "voyage": "voyageai"}
FLAVOURS = {"openai.chat": "chat", "openai.responses": "responses", "embeddings": "embeddings"}
LITELLM_NAMES = {"google": "gemini", "vertex": "vertex_ai"}
# The makers whose models an aggregator resells at their list price; what others host has a price for each host.
MAKERS = ("openai/", "anthropic/", "google/", "x-ai/", "xai/", "mistralai/", "cohere/", "perplexity/")


class Bill(NamedTuple):
    """One recorded usage, priced by everybody, in dollars; None: he has no price."""

    record: dict[str, Any]
    ours: Decimal | None
    oracle: Decimal | None
    charged: Decimal | None
    first_party: bool
    answer: dict[str, Any]


def bills(folder: Path) -> Iterator[Bill]:
    catalog = Catalog.load()
    for name in APIS:
        for record in records(folder, name):
            model, norm = record["model_reported"] or record["model"], record.get("usage_norm") or {}
            if not model or not record.get("usage") or norm.get("input_total") is None:
                continue
            asked = {"provider": record["provider"], "model": model, "api": name, "usage": record["usage"]}
            answer = priced({**asked, "at": moment(record).isoformat()}, catalog)
            charge = record.get("provider_cost")
            yield Bill(
                record,
                Decimal(answer["cost_usd"]) if "cost_usd" in answer else None,
                oracle(record, model, norm),
                Decimal(str(charge["usd"])) if charge else None,
                is_first_party(record["provider"], model),
                answer,
            )


def is_first_party(provider: str, model: str) -> bool:
    """Whether the model's maker is the only one who serves it, at a price of his own."""
    return provider == "xai" or "/" not in model or (model.startswith(MAKERS) and "gpt-oss" not in model)


def moment(record: dict[str, Any]) -> datetime:
    """When it was recorded; today where nobody knows."""
    given = record.get("recorded") or ""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(given).astimezone(UTC)
        except ValueError:
            continue
    return datetime.now(UTC).replace(hour=12, minute=0)


def oracle(record: dict[str, Any], model: str, norm: dict[str, Any]) -> Decimal | None:
    """What genai-prices makes of the same report at the same time; None where it has no price for it."""
    provider = ORACLE_NAMES.get(record["provider"], record["provider"])
    try:
        usage = extracted(record, provider, model) or normalised(norm)
        return get_snapshot().calc(usage, model, provider, None, moment(record), None).total_price
    except (LookupError, ValueError):
        return None


def extracted(record: dict[str, Any], provider: str, model: str) -> genai.Usage | None:
    """Read from the report by genai-prices' own extractors; None where it has none for this API."""
    given = record["usage"]
    if given.keys() <= {"message_start", "message_delta"}:  # the two reports of a stream
        given = {name: value for part in given.values() for name, value in (part or {}).items() if value is not None}
    answer = {"model": model, "modelVersion": model, "usage": given, "usageMetadata": given}
    with suppress(LookupError, ValueError, TypeError, AttributeError):  # it raises whatever the shape makes it
        return get_snapshot().extract_usage(answer, provider, None, FLAVOURS.get(record["api"], "default")).usage
    return None


def normalised(norm: dict[str, Any]) -> genai.Usage:
    return genai.Usage(
        input_tokens=norm.get("billed_input") or norm["input_total"],  # Cohere's invoice counts the words alone
        cache_read_tokens=norm.get("cache_read") or 0,
        cache_write_tokens=(norm.get("cache_write_5m") or 0) + (norm.get("cache_write_1h") or 0),
        cache_write_1h_tokens=norm.get("cache_write_1h") or 0,
        output_tokens=norm.get("billed_output") or norm.get("output_total") or 0,
        output_reasoning_tokens=norm.get("reasoning") or 0,
        input_audio_tokens=norm.get("audio_in") or 0,
        output_audio_tokens=norm.get("audio_out") or 0,
    )


def by_litellm(found: Sequence[Bill], interpreter: Path) -> list[Decimal | None]:
    questions = [
        {
            "usage": one.record["usage_norm"],
            "models": [name for name in (one.record["model_reported"], one.record["model"]) if name],
            "provider": LITELLM_NAMES.get(one.record["provider"], one.record["provider"]),
        }
        for one in found
    ]
    return [None if value is None else Decimal(str(value)) for value in others.asked(interpreter, questions)]


def money_tables(folder: Path, litellm: Path) -> Iterator[str]:
    found = list(bills(folder))
    both = [one for one in found if one.ours is not None and one.oracle is not None]
    yield f"{len(found)} recorded usages; {sum(one.ours is not None for one in found)} have a price here,"
    yield f"{sum(one.oracle is not None for one in found)} in genai-prices, {len(both)} in both."
    yield ""
    yield from head("cost from usage", "n", "equal", "within 1 %", "what differs")
    unlike = Counter(difference(one) for one in both if one.ours != one.oracle)
    equal, near = share(one.ours == one.oracle for one in both), share(is_near(one.ours, one.oracle) for one in both)
    why = "; ".join(f"{count} {reason}" for reason, count in unlike.most_common(8)) or "nothing"
    yield line("against genai-prices' own arithmetic", len(both), percent(equal), percent(near), why)
    missed = Counter(
        f"{one.record['provider']}/{one.record['model']}"
        for one in found
        if one.ours is None and one.oracle is not None
    )
    yield ""
    yield f"Priced by genai-prices and not here: {sum(missed.values())} {dict(missed.most_common(8)) or ''}"
    yield ""
    yield from charges(found, by_litellm(found, litellm) if litellm.exists() else [None] * len(found))


def difference(one: Bill) -> str:
    """Why our cost is not genai-prices'."""
    model = f"{one.record['provider']}/{one.record['model_reported'] or one.record['model']}"
    if "genai-prices" not in str(one.answer["source"]):
        return f"{model} (a dated price of our own)"
    if any(line.get("unit") for line in one.answer["lines"]):
        return "searches and fees beside the tokens, which it does not read"
    if "iterations" in str(one.record["usage"]):
        return "iterations of one call, of which it reads the last"
    return model


def is_near(cost: Decimal | None, truth: Decimal | None) -> bool:
    return cost is not None and truth is not None and abs(cost - truth) <= truth / 100


def charges(found: Sequence[Bill], litellm: Sequence[Decimal | None]) -> Iterator[str]:
    """Against what the provider itself said that it charged."""
    yield from head("cost from usage against the provider's own charge", "n", "no price", "within 1 %", "sum")
    charged = [(one, other) for one, other in zip(found, litellm, strict=True) if one.charged]
    for what, first_party in (("first-party models", True), ("models that several hosts serve", False)):
        some = [(one, other) for one, other in charged if one.first_party == first_party]
        for who, costs in (
            ("dd0c/route", [(one.ours, one.charged) for one, _ in some]),
            ("genai-prices", [(one.oracle, one.charged) for one, _ in some]),
            ("litellm's map", [(other, one.charged) for one, other in some]),
        ):
            known = [(cost, truth) for cost, truth in costs if cost is not None and truth is not None]
            total = sum((truth for _, truth in known), Decimal())
            off = f"{sum((cost for cost, _ in known), Decimal()) / total - 1:+.1%}".replace("%", " %") if total else "-"
            near = percent(share(is_near(*pair) for pair in known)) if known else "-"
            yield line(f"{what}, {who}", len(some), len(some) - len(known), near, off)
