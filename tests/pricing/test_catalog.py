from __future__ import annotations

import random
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import types as genai
from genai_prices.data_snapshot import get_snapshot

from dd0c_route.config import Config, PriceRow, Provider
from dd0c_route.errors import ConfigError
from dd0c_route.pricing import Catalog, Price, cost
from dd0c_route.pricing.shelves import Shelves
from dd0c_route.types import Usage

ROOT = Path(__file__).parents[2]
TIERS = {
    "": {},
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "default": {"service_tier": "default"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


@pytest.fixture(scope="module")
def plain() -> Catalog:
    """The shipped catalogue without our own overrides and fees: what the oracle knows."""
    return Catalog(Shelves.load())


def ns(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1_000_000_000


def priced(
    catalog: Catalog, provider: str, model: str, at_ns: int = ns(2026, 11, 24), tier: str | None = None
) -> Price:
    price = catalog.price(provider, model, at_ns, tier)
    assert price is not None
    return price


def usage_of(rng: random.Random, *, output: bool) -> Usage:
    size = rng.choice((0, 1, 100, 10_000, 400_000))

    def draw() -> int:
        return rng.choice((0, rng.randint(0, size)))

    return Usage(draw(), draw(), draw(), draw(), draw() if output else 0, draw() if output else 0)


def oracle_usage(usage: Usage) -> genai.Usage:
    return genai.Usage(
        input_tokens=usage.input_total,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write_5m + usage.cache_write_1h,
        cache_write_1h_tokens=usage.cache_write_1h,
        output_tokens=usage.output_total,
        output_reasoning_tokens=usage.reasoning,
    )


def names_of(model: genai.ModelInfo) -> list[str]:
    """The model's id, and the plain names that its rule lists."""
    parts = model.match.or_ if isinstance(model.match, genai.ClauseOr) else [model.match]
    names = [model.id, *(part.equals for part in parts if isinstance(part, genai.ClauseEquals))]
    return [name for name in names if model.is_match(name)][:3]


def is_token_priced(price: genai.ModelPrice) -> bool:
    return getattr(price, "input_mtok", None) is not None


@pytest.mark.parametrize("tier", TIERS)
def test_costs_equal_the_arithmetic_of_genai_prices_for_every_model(plain: Catalog, tier: str) -> None:
    rng = random.Random(f"prices {tier}")
    snapshot = get_snapshot()
    compared = 0
    for provider in snapshot.providers:
        for model in provider.models:
            for name in names_of(model):
                at = datetime(2026, rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), 30, tzinfo=UTC)
                _, row = snapshot.find_provider_model(name, provider, None, None)
                standard = row.get_prices(at, TIERS[tier])
                if not is_token_priced(standard):
                    continue
                usage = usage_of(rng, output=getattr(standard, "output_mtok", None) is not None)
                price = plain.price(provider.id, name, int(at.timestamp()) * 1_000_000_000, tier)
                assert price is not None, (provider.id, name)
                expected = row.calc_price(
                    oracle_usage(usage), provider, genai_request_timestamp=at, price_context=TIERS[tier]
                )
                difference = cost(usage, price).picodollars - expected.total_price.scaleb(12)
                # Where a rate is no whole number of picodollars, each line rounds once.
                assert abs(difference) <= (0 if price.scale == 1 else 4), (provider.id, name, usage, price)
                compared += 1
    assert compared > 2500


def test_a_new_price_holds_from_midnight_utc_of_its_first_day(catalog: Catalog) -> None:
    before = priced(catalog, "deepseek", "deepseek-v4-flash", ns(2026, 9, 9, 23, 59, 59))
    after = priced(catalog, "deepseek", "deepseek-v4-flash", ns(2026, 9, 10, 0, 0, 0))
    assert (before.rates.input, before.date) == (220_000, "2026-08-17")
    assert (after.rates.input, after.date) == (150_000, "2026-09-10")


def test_hours_of_the_day_have_their_own_price(catalog: Catalog) -> None:
    rates = [priced(catalog, "deepseek", "deepseek-chat", ns(2026, 11, 24, *hour)).rates.input for hour in HOURS]
    assert rates == [135_000, 270_000, 270_000, 135_000]


HOURS = [(0, 29, 59), (0, 30), (16, 29, 59), (16, 30)]


def test_a_tier_without_rates_is_priced_as_standard_and_says_so(catalog: Catalog) -> None:
    batch = priced(catalog, "anthropic", "claude-opus-5", tier="batch")
    unknown = priced(catalog, "anthropic", "claude-opus-5", tier="warp")
    assert batch.tier == "batch"
    assert unknown == priced(catalog, "anthropic", "claude-opus-5")
    assert unknown.record()["tier"] == "standard"


@pytest.mark.parametrize(
    ("provider", "model", "row"),
    [
        ("openai", "gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("openai", "GPT-4o", "openai/gpt-4o"),
        ("azure", "gpt-4o", "openai/gpt-4o"),
        ("google", "models/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("vertex", "claude-sonnet-4-5@20250929", "google/claude-sonnet-4-5"),
        ("xai", "grok-4", "x-ai/grok-4-0709"),
        ("bedrock", "eu.amazon.nova-lite-v1:0", "aws/amazon.nova-lite-v1:0"),
        ("openrouter", "openai/gpt-4o", "openrouter/openai/gpt-4o"),
    ],
)
def test_a_model_is_found_under_the_names_it_is_called_by(
    catalog: Catalog, provider: str, model: str, row: str
) -> None:
    assert priced(catalog, provider, model).id == row


def test_nothing_is_free_for_being_unknown(catalog: Catalog) -> None:
    assert catalog.price("local", "gpt-4o", ns(2026, 11, 24)) is None
    assert catalog.price("openai", "gpt-99-imaginary", ns(2026, 11, 24)) is None


def test_a_provider_can_be_priced_as_another() -> None:
    catalog = Catalog.load(price_as={"sim": "openai"})
    price = priced(catalog, "sim", "gpt-4o")
    assert (price.provider, price.id) == ("sim", "openai/gpt-4o")


def test_own_rows_go_before_the_catalogue() -> None:
    rows = [
        PriceRow(provider="local", model="acme-*", input=Decimal("0.15"), output=Decimal(2)),
        PriceRow(provider="openai", model="gpt-4o", input=Decimal(1), output=Decimal(3), since=date(2026, 6, 1)),
        PriceRow(provider="openai", model="gpt-4o", input=Decimal(2), output=Decimal(3), since=date(2026, 9, 1)),
    ]
    catalog = Catalog.load(rows)
    assert priced(catalog, "local", "acme-large").rates.input == 150_000
    assert [priced(catalog, "openai", "gpt-4o", ns(2026, month, 2)).rates.input for month in (5, 6, 9)] == [
        2_500_000,
        1_000_000,
        2_000_000,
    ]
    assert catalog.owners("acme-large") == ("local",)


def test_a_configuration_brings_its_own_rows_and_whose_prices_hold() -> None:
    local = Provider(name="local", dialect="openai", base_url="http://127.0.0.1:9", price_as="openai")
    rows = (PriceRow(provider="local", model="mine", input=Decimal(1)),)
    catalog = Catalog.of(Config(providers={"local": local}, prices=rows))
    assert priced(catalog, "local", "mine").source == "dd0c.toml"
    assert priced(catalog, "local", "gpt-4o").rates == priced(catalog, "openai", "gpt-4o").rates


def test_a_row_that_prices_nothing_or_less_than_nothing_is_refused_by_its_place() -> None:
    rows = [PriceRow(provider="a", model="b"), PriceRow(provider="a", model="b", input=Decimal(-1))]
    with pytest.raises(ConfigError) as refused:
        Catalog.load(rows)
    assert refused.value.faults[0].startswith("prices[0] (a/b): no rate")
    assert refused.value.faults[1].startswith("prices[1].input: -1 is not a price")


@pytest.mark.parametrize(
    ("model", "owners"),
    [
        ("gpt-4o", ("openai",)),
        ("o3-mini", ("openai",)),
        ("text-embedding-3-small", ("openai",)),
        ("claude-sonnet-4-5", ("anthropic",)),
        ("gemini-2.5-flash", ("google",)),
        ("mistral-large-latest", ("mistral",)),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", ("bedrock",)),
        ("gpt-oss-120b", ()),
        ("llama-3.3-70b", ()),
    ],
)
def test_a_bare_model_name_belongs_to_its_maker(catalog: Catalog, model: str, owners: tuple[str, ...]) -> None:
    assert catalog.owners(model)[:1] == owners


def test_names_that_clients_invent_do_not_pile_up(catalog: Catalog) -> None:
    for number in range(5000):
        catalog.price("local", f"invented-{number}", 0)
    assert len(catalog._known) <= 4096


def test_the_artefact_is_what_the_installed_genai_prices_gives() -> None:
    script = ROOT / "scripts" / "compile_prices.py"
    assert subprocess.run([sys.executable, script, "--check"], check=False).returncode == 0
