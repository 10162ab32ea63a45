from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dd0c_route.config import Config, PriceRow, Provider
from dd0c_route.errors import ConfigError
from dd0c_route.pricing import Catalog, Price, cost
from dd0c_route.pricing.catalog import _load_toml
from dd0c_route.types import Media, ServerTools, Usage

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def ns(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * 1_000_000_000


def priced(
    catalog: Catalog, provider: str, model: str, at_ns: int = ns(2026, 11, 24), tier: str | None = None
) -> Price:
    price = catalog.price(provider, model, at_ns, tier)
    assert price is not None
    return price


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


def test_an_own_row_may_price_media_searches_and_requests() -> None:
    row = PriceRow(
        provider="local",
        model="mine",
        input=Decimal(1),
        output=Decimal(2),
        input_audio=Decimal(10),
        web_search=Decimal(5),
        request=Decimal("0.5"),
    )
    bill = cost(
        Usage(input=100, output=10),
        priced(Catalog.load([row]), "local", "mine"),
        Media(input_audio=40, output_audio=10),
        ServerTools(web_search=2),
    )
    assert {line.name: line.picodollars for line in bill.lines} == {
        "input_audio": 40 * 10_000_000,
        "input": 60 * 1_000_000,
        "output": 10 * 2_000_000,
        "web_search": 2 * 5_000_000_000,
        "request": 500_000_000,
    }


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


@pytest.mark.parametrize(
    ("provider", "model", "row"),
    [
        (
            "bedrock",
            "us.anthropic.claude-sonnet-4-5-20250929-v1%3A0",
            "aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "bedrock",
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-lite-v1:0",
            "aws/amazon.nova-lite-v1:0",
        ),
        ("other:bedrock-mantle.us-east-1.api.aws", "openai.gpt-5.5", "aws/openai.gpt-5.5"),
        ("azure", "gpt-5.2_2025-12-11", "openai/gpt-5.2"),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme::x", "openai/ft:gpt-4o-mini"),
        ("openai-eu", "gpt-4o", "openai/gpt-4o"),
        ("openrouter", "openai/gpt-4o:nitro", "openrouter/openai/gpt-4o"),
        ("openrouter", "openai/text-embedding-3-small", "openai/text-embedding-3-small"),
        ("openrouter", "x-ai/grok-4", "x-ai/grok-4-0709"),
        ("openrouter", "text-embedding-3-small", "openai/text-embedding-3-small"),
        ("vercel", "anthropic/claude-sonnet-4-5", "anthropic/claude-sonnet-4-5"),
        ("vercel", "gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("other:ai-gateway.vercel.sh", "openai/gpt-4o-mini", "openai/gpt-4o-mini"),
    ],
)
def test_what_stands_around_a_name_does_not_hide_the_model(
    catalog: Catalog, provider: str, model: str, row: str
) -> None:
    assert priced(catalog, provider, model).id == row


def test_a_free_route_is_a_price_of_zero_and_not_a_missing_one(catalog: Catalog) -> None:
    free = [
        ("openrouter", "meta-llama/llama-4-scout:free"),
        ("google", "gemma-3-27b-it"),
        ("copilot", "gpt-4o-2024-11-20"),
    ]
    for provider, model in free:
        price = priced(catalog, provider, model)
        assert cost(Usage(input=5, output=7), price).picodollars == 0
        assert price.id.startswith("own:")
    assert catalog.price("vertex", "gemma-3-27b-it", ns(2026, 11, 24)) is None  # there it is paid for


def test_fees_are_added_to_a_row_that_has_no_rate_of_that_name(catalog: Catalog) -> None:
    searched = ServerTools(web_search=2)
    grok = cost(Usage(input=5), priced(catalog, "xai", "grok-4.3"), server_tools=searched)
    assert grok.lines[-1].record() == {
        "class": "web_search",
        "tokens": 2,
        "rate_usd_per_mtok": "5000",
        "amount_picodollars": 10_000_000_000,
        "unit": "call",
    }
    by_model = [("openai/gpt-4.1-mini", 10), ("deepseek/deepseek-chat", 7), ("meta/muse-spark-1.1", 2.5)]
    for model, dollars in by_model:  # the last one is the catalogue's own rate
        rate = priced(catalog, "openrouter", model).rates.web_search
        assert rate == dollars * 10**9
    sonar = cost(Usage(input=7, output=236), priced(catalog, "openrouter", "perplexity/sonar"))
    assert sonar.picodollars == 5_243_000_000


def test_searches_that_are_free_at_first_have_no_price_and_are_told(catalog: Catalog) -> None:
    bill = cost(
        Usage(input=1, output=1), priced(catalog, "google", "gemini-2.5-pro"), server_tools=ServerTools(google_search=1)
    )
    assert bill.not_priced == ("google_search",)


@pytest.mark.parametrize(("traffic", "tier"), [("ON_DEMAND_FLEX", "flex"), ("ON_DEMAND", "standard"), ("flex", "flex")])
def test_the_kind_of_traffic_that_vertex_names_is_a_tier(catalog: Catalog, traffic: str, tier: str) -> None:
    assert priced(catalog, "openai", "gpt-5.6-sol", tier=traffic).record()["tier"] == tier


def test_all_prices_can_be_listed_the_operators_first() -> None:
    catalog = Catalog.load([PriceRow(provider="openai", model="gpt-*", input=Decimal(1))])
    listed = list(catalog.listing(ns(2026, 11, 24)))
    assert (listed[0].id, listed[0].model) == ("own:openai/gpt-*", "gpt-*")
    assert len(listed) > 2000
    assert len({(price.provider, price.id) for price in listed}) == len(listed)
    assert {price.provider for price in catalog.listing(ns(2026, 11, 24), "vertex")} == {"vertex"}


def test_the_history_of_a_model_names_days_hours_and_tiers(catalog: Catalog) -> None:
    history = catalog.history("deepseek", "deepseek-v4-flash")
    assert [(dated.since, dated.hours) for dated in history[:4]] == [
        (None, None),
        (date(2026, 8, 17), None),
        (date(2026, 9, 10), None),
        (None, ("01:00:00", "04:00:00")),
    ]
    tiers = {dated.price.tier for dated in catalog.history("openai", "gpt-5.6-sol")}
    assert tiers >= {"", "batch", "flex", "priority"}
    assert catalog.history("mistral", "mistral-large-latest")[0].price.id == "own:mistral/mistral-large-latest"
    assert catalog.history("local", "unheard-of") == []


def test_the_worst_case_is_dearer_than_any_price_of_the_provider(catalog: Catalog) -> None:
    now = ns(2026, 11, 24)
    worst = catalog.worst_case("anthropic", now)
    usage = Usage(300_000, 7, 9, 11, 500, 60)
    prices = list(catalog.listing(now, "anthropic"))
    assert prices
    assert all(cost(usage, worst).picodollars >= cost(usage, price).picodollars for price in prices)
    anywhere = catalog.worst_case("nobody-knows", now)
    assert anywhere.provider == "nobody-knows"
    assert cost(usage, anywhere).picodollars >= cost(usage, worst).picodollars


def test_an_override_names_its_page_and_the_day_it_was_read() -> None:
    for row in [*_load_toml("overrides.toml")["prices"], *_load_toml("fees.toml")["fees"]]:
        assert "2026" in row["source"], row
