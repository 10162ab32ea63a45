"""Our integers against the arithmetic of `genai-prices` in exact decimals: every model, day, tier, and kind of usage.

`plain` is the compiled catalogue without our own rows: what the oracle knows. Where a rate is not a whole number of
picodollars, or sound is billed by the hour, each line rounds once; everywhere else the two are equal.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import types as genai
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from dd0c_route.pricing import Catalog, Price, amount, cost
from dd0c_route.pricing.price import PARTS
from dd0c_route.pricing.shelves import Shelves
from dd0c_route.types import Media, ServerTools, Usage

PLAIN = Catalog(Shelves.load())
SNAPSHOT = get_snapshot()
MODELS = [(provider, model) for provider in SNAPSHOT.providers for model in provider.models]
TIERS: dict[str, dict[str, str]] = {
    "": {},
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}
NOT_COMPILED = {
    "input_mchars",
    "input_document_kpages",
    "input_annotated_document_kpages",
    "input_text_messages_kcount",
}

tokens = st.one_of(st.just(0), st.integers(1, 100), st.integers(100, 600_000))
usages = st.builds(Usage, tokens, tokens, tokens, tokens, tokens, tokens)
shares = st.integers(0, 3)
calls = st.integers(0, 20)
moments = st.integers(0, 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@st.composite
def bills(draw: st.DrawFn) -> tuple[Usage, Media, ServerTools]:
    """A usage, media that fit into its classes, and what tools did."""
    usage = draw(usages)
    media = {part: getattr(usage, name) * draw(shares) // 10 for name, parts in PARTS.items() for part in parts}
    tools = ServerTools(web_search=draw(calls), file_search=draw(calls), code_execution=draw(calls))
    return usage, Media(**media), tools


def names_of(model: genai.ModelInfo) -> list[str]:
    """The model's id, and the plain names that its rule lists."""
    parts = model.match.or_ if isinstance(model.match, genai.ClauseOr) else [model.match]
    names = [model.id, *(part.equals for part in parts if isinstance(part, genai.ClauseEquals))]
    return [name for name in names if model.is_match(name)]


def oracle_usage(usage: Usage, media: Media, tools: ServerTools, price: genai.ModelPrice) -> genai.Usage:
    """The same in the oracle's words: totals, and of them what *price* has a rate for."""
    values: dict[str, int] = {
        "input_tokens": usage.input_total,
        "cache_read_tokens": usage.cache_read,
        "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_write_1h_tokens": usage.cache_write_1h,
        "output_tokens": usage.output_total,
        "output_reasoning_tokens": usage.reasoning,
        "web_searches": tools.web_search,
        "storage_searches": tools.file_search,
        "code_executions": tools.code_execution,
    }
    for kind in ("audio", "image", "video"):
        cached = getattr(media, f"cache_read_{kind}") if getattr(price, f"cache_{kind}_read_mtok") is not None else 0
        values |= {
            f"input_{kind}_tokens": getattr(media, f"input_{kind}") + cached,
            f"cache_{kind}_read_tokens": cached,
            f"output_{kind}_tokens": getattr(media, f"output_{kind}"),
        }
    return genai.Usage(**values)


def is_priced_alike(price: genai.ModelPrice) -> bool:
    """It prices tokens, and nothing but what a usage report names."""
    has_input = getattr(price, "input_mtok", None) is not None
    return has_input and all(getattr(price, key) is None for key in NOT_COMPILED)


def expected(
    model: genai.ModelInfo, provider: genai.Provider, at: datetime, tier: str, bill: tuple[Usage, Media, ServerTools]
) -> Decimal | None:
    """Picodollars by the oracle, or None where it prices no tokens."""
    context = TIERS[tier] if any(model is own for own in provider.models) else {}
    price = model.get_prices(at, context)
    if not is_priced_alike(price):
        return None
    usage, media, tools = bill
    if getattr(price, "output_mtok", None) is None:
        usage = Usage(usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    told: Any = oracle_usage(usage, media, tools, price)
    priced = model.calc_price(told, provider, genai_request_timestamp=at, price_context=context)
    return priced.total_price.scaleb(12)


def ours(price: Price, bill: tuple[Usage, Media, ServerTools]) -> int:
    usage, media, tools = bill
    if price.rates.output is None:
        usage = Usage(usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    whole = cost(usage, price, media, tools)
    assert whole.picodollars == amount(usage, price, media, tools) == sum(line.picodollars for line in whole.lines)
    return whole.picodollars


def searches_are_free_at_first(provider: genai.Provider, model: genai.ModelInfo) -> bool:
    """Gemini's are left out of the catalogue (`scripts/compile_prices.py`)."""
    return provider.id == "google" and model.id.startswith("gemini")


def compare(index: int, at: datetime, tier: str, bill: tuple[Usage, Media, ServerTools]) -> None:
    provider, model = MODELS[index]
    for name in names_of(model)[:2]:
        _, meant = SNAPSHOT.find_provider_model(name, provider, None, None)
        told = (*bill[:2], ServerTools()) if searches_are_free_at_first(provider, meant) else bill
        wanted = expected(meant, provider, at, tier, told)
        if wanted is None:
            continue
        price = PLAIN.price(provider.id, name, int(at.timestamp()) * 1_000_000_000, tier)
        assert price is not None, (provider.id, name)
        difference = abs(ours(price, told) - wanted)
        assert difference <= (0 if price.scale == 1 else 10), (provider.id, name, at, bill, price)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(MODELS) - 1), moments, st.sampled_from(list(TIERS)), bills())
def test_any_usage_of_any_model_on_any_day_in_any_tier_costs_what_the_oracle_says(
    index: int, at: datetime, tier: str, bill: tuple[Usage, Media, ServerTools]
) -> None:
    compare(index, at, tier, bill)


LARGE = Usage(310_007, 90_003, 2_001, 403, 50_021, 7_013)
MIXED = Media(10_001, 20_003, 30_007, 1_009, 2_011, 0, 3_001, 4_003, 5_009)
SEARCHED = ServerTools(web_search=3, file_search=2)


@pytest.mark.parametrize("tier", TIERS)
def test_every_model_of_the_catalogue_costs_what_the_oracle_says(tier: str) -> None:
    for index in range(len(MODELS)):
        compare(
            index,
            datetime(2026, 1 + index % 12, 1 + index % 28, index % 24, 30, tzinfo=UTC),
            tier,
            (LARGE, MIXED, SEARCHED),
        )


def test_every_kind_of_rate_of_the_oracle_is_compiled_or_left_out_on_purpose() -> None:
    compiled = {
        *("input_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "output_mtok"),
        *("output_reasoning_mtok", "requests_kcount", "output_citation_mtok", "audio_hours", "input_audio_hours"),
        *("input_audio_mtok", "input_image_mtok", "input_video_mtok", "cache_audio_read_mtok", "cache_image_read_mtok"),
        *("output_audio_mtok", "output_image_mtok", "output_video_mtok"),
        *("web_searches_kcount", "storage_searches_kcount"),
    }
    used = set()
    for _, model in MODELS:
        periods = model.prices if isinstance(model.prices, list) else [genai.ConditionalPrice(prices=model.prices)]
        for prices in [part.prices for part in (*periods, *(model.price_variants or ()))]:
            used |= {key for key, value in vars(prices).items() if value is not None}
    assert used - compiled == NOT_COMPILED
