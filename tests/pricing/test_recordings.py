"""Recorded reports, priced: against `genai-prices` with its own extractors, and against what providers charged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import pytest
from genai_prices import calc_price
from genai_prices.data_snapshot import find_provider_by_id, get_snapshot

from dd0c_route.cli.price import priced
from dd0c_route.pricing import Catalog
from tests.wire.corpus import APIS, records

CATALOG = Catalog.load()
NOW = datetime(2026, 11, 24, tzinfo=UTC)
THEIR_NAMES = {"vertex": "google", "bedrock": "aws", "xai": "x-ai"}
FLAVOURS = {
    "openai.chat": ("chat", "default"),
    "openai.responses": ("responses", "default", "chat"),
    "openai.completions": ("chat", "default"),
    "embeddings": ("embeddings", "chat", "default"),
    "anthropic.messages": ("anthropic", "default"),
    "gemini.generate": ("default",),
    "bedrock.converse": ("default",),
    "bedrock.invoke": ("anthropic", "default"),
    "cohere.chat": ("default",),
}


def at_of(record: dict[str, Any]) -> datetime:
    """When it was recorded, as the recordings write it; now where they do not say."""
    text = record.get("recorded")
    if not text:
        return NOW
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = parsedate_to_datetime(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def ours(record: dict[str, Any], model: str) -> dict[str, Any]:
    line = {name: record[name] for name in ("provider", "api", "usage")}
    return priced(line | {"model": model, "at": at_of(record).isoformat()}, CATALOG)


def theirs(record: dict[str, Any], model: str) -> Decimal | None:
    """Picodollars by `genai-prices`, from the report to the sum; None where it does not know report or model."""
    provider_id = THEIR_NAMES.get(record["provider"], record["provider"])
    provider = find_provider_by_id(get_snapshot().providers, provider_id)
    for flavour in FLAVOURS.get(record["api"], ()):
        extractor = next((e for e in (provider and provider.extractors) or () if e.api_flavor == flavour), None)
        if provider is None or extractor is None:
            continue
        place = extractor.root if isinstance(extractor.root, str) else str(next(iter(extractor.root)))
        try:
            _, usage = provider.extract_usage({place: merged(record["usage"]), "model": model}, api_flavor=flavour)
            price = calc_price(usage, model, provider_id=provider_id, genai_request_timestamp=at_of(record))
        except (ValueError, LookupError, AttributeError):  # the last: an enumeration written as a number
            continue
        return price.total_price.scaleb(12)
    return None


def merged(usage: dict[str, Any]) -> dict[str, Any]:
    parts = [usage[name] for name in ("message_start", "message_delta") if name in usage] or [usage]
    return {name: value for part in parts for name, value in part.items() if value is not None}


def explained(record: dict[str, Any], answer: dict[str, Any]) -> str | None:
    """Why we say something else than `genai-prices` on purpose."""
    usage = merged(record["usage"])
    classes = {line["class"] for line in answer["lines"]}
    if answer["source"] != "genai-prices 0.2.3":
        return "own row"
    if len(usage.get("iterations") or ()) > 1:
        return "all iterations are billed, the top level has the last"
    if "audio_seconds" in classes:
        return "sound is billed by its length"
    if record["provider"] in ("openrouter", "xai") and classes & {"web_search", "x_search", "request"}:
        return "a fee that the catalogue does not have"
    return None


@pytest.mark.parametrize("api", FLAVOURS)
def test_the_cost_of_every_recording_is_what_genai_prices_makes_of_its_report(api: str) -> None:
    differing, reasons, equal = [], Counter[str](), 0
    for record in records(api):
        model = record["model_reported"] or record["model"]
        wanted = theirs(record, model) if model else None
        if wanted is None:
            continue
        answer = ours(record, model)
        if "error" in answer:
            assert wanted == 0, record["id"]  # a model without a rate: nothing, to genai-prices
        elif abs(answer["cost_picodollars"] - wanted) < 1:
            equal += 1
        elif reason := explained(record, answer):
            reasons[reason] += 1
        else:
            differing.append((record["id"], wanted, answer["cost_picodollars"]))
    print(f"\n{api}: {equal} equal, {dict(reasons)}")
    assert not differing
    assert reasons.total() <= max(8, equal // 50)


CLOSED = ("openai", "anthropic", "google", "x-ai", "perplexity", "cohere", "mistralai", "xai")
OPEN_WEIGHTS = ("openai/gpt-oss", "google/gemma")
# A charge for what no field of the report names, or a price that the catalogue has from a later day only.
UNSAID = {
    "openai/gpt-4o-mini": "a tool that OpenRouter ran",
    "openai/gpt-5.1-codex-mini": "a file that OpenRouter parsed",
    "google/gemini-3.6-flash": "the price of its first weeks",
    "google/gemini-2.5-flash": "tokens that were read from a cache and written to one, billed as both",
    "openai/gpt-5.6-sol": "the price of its first weeks",
}


@cache
def charges() -> tuple[tuple[bool, dict[str, Any], str, Decimal], ...]:
    return tuple(_charges())


def _charges() -> Iterator[tuple[bool, dict[str, Any], str, Decimal]]:
    """First-party or not, our answer, the model, and the provider's own charge in dollars."""
    for record in (record for api in APIS for record in records(api) if record.get("provider_cost")):
        asked, reported = record["model"] or "", record["model_reported"] or ""
        # OpenRouter names embeddings without their maker in the answer, and free routes by what served them.
        model = reported if "/" in reported or "/" not in asked else asked
        maker = model.partition("/")[0] if "/" in model else record["provider"]
        first_party = maker in CLOSED and not model.startswith(OPEN_WEIGHTS)
        yield first_party, ours(record, model), model, Decimal(repr(record["provider_cost"]["usd"]))


def is_within_a_percent(answer: dict[str, Any], charged: Decimal) -> bool:
    return "cost_usd" in answer and abs(Decimal(answer["cost_usd"]) - charged) <= charged / 100


def test_a_charge_that_the_provider_reports_is_kept_to_the_digit() -> None:
    assert charges()
    for _, answer, model, charged in charges():
        assert "error" not in answer, (model, answer)
        assert Decimal(answer["cost_provider_usd"]) == pytest.approx(charged, abs=Decimal("1e-15"))


def test_first_party_costs_are_within_a_percent_of_the_charge() -> None:
    first_party = [(model, answer, charged) for first, answer, model, charged in charges() if first]
    missed = [
        (model, answer, charged) for model, answer, charged in first_party if not is_within_a_percent(answer, charged)
    ]
    others = [is_within_a_percent(answer, charged) for first, answer, _, charged in charges() if not first]
    share = 1 - len(missed) / len(first_party)
    print(f"\nfirst-party: {share:.1%} of {len(first_party)} within 1 %; open weights: {sum(others)} of {len(others)}")
    for model, answer, charged in missed:
        print(f"  {model}: {answer['cost_usd']} for {charged}: {UNSAID.get(model, 'UNEXPLAINED')}")
    assert share >= 0.96
    assert not [model for model, _, _ in missed if model not in UNSAID]
