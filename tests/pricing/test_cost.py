from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import dd0c_route.pricing
from dd0c_route.errors import PriceMissing
from dd0c_route.pricing import ContextTier, Line, Price, Rates, amount, cost, usd
from dd0c_route.types import Media, ServerTools, Usage

tokens = st.integers(0, 10**7)
rate = st.integers(0, 10**9)
usages = st.builds(Usage, tokens, tokens, tokens, tokens, tokens, tokens)
rates = st.builds(Rates, rate, rate, rate, rate, rate, rate, rate)


def price(rates: Rates, tiers: tuple[ContextTier, ...] = (), scale: int = 1) -> Price:
    return Price("acme", "large", "own:acme/large", "test", "", rates, tiers, "", scale)


@given(usages, rates, rates, tokens, st.sampled_from([1, 10, 10**9]))
def test_the_sum_is_the_sum_of_the_lines(usage: Usage, low: Rates, high: Rates, above: int, scale: int) -> None:
    tiered = price(low, (ContextTier(above, high),), scale)
    bill = cost(usage, tiered)
    assert bill.picodollars == amount(usage, tiered)
    assert bill.picodollars == sum(line.picodollars for line in bill.lines)
    assert sum(line.tokens for line in bill.lines if line.name != "request") == usage.input_total + usage.output_total


@given(usages, usages, rates)
def test_two_calls_cost_what_their_tokens_cost_together(a: Usage, b: Usage, rates: Rates) -> None:
    low, high = rates.input, rates.output
    per_token = price(Rates(low, high, high, high, high, high))
    fields = Usage.__struct_fields__
    both = Usage(*(getattr(a, name) + getattr(b, name) for name in fields))
    assert cost(both, per_token).picodollars == cost(a, per_token).picodollars + cost(b, per_token).picodollars


@given(usages, rates)
def test_a_rate_with_a_fraction_is_rounded_once_a_line(usage: Usage, rates: Rates) -> None:
    bill = cost(usage, price(rates, scale=1000))
    exact = sum((Decimal(line.tokens) * line.rate for line in bill.lines), Decimal(0)).scaleb(-3)
    assert abs(bill.picodollars - exact) <= Decimal("0.5") * max(1, len(bill.lines))


def test_a_prompt_above_the_step_costs_the_higher_rate_for_every_token() -> None:
    tiered = price(Rates(input=1, output=2), (ContextTier(200_000, Rates(input=10, output=20)),))
    assert cost(Usage(input=199_999, cache_read=0, output=1), tiered).picodollars == 199_999 + 2
    assert cost(Usage(input=200_000, output=1), tiered).picodollars == 200_000 + 2
    assert cost(Usage(input=200_001, output=1), tiered).picodollars == 2_000_010 + 20


def test_tokens_without_a_rate_are_never_free() -> None:
    with pytest.raises(PriceMissing, match=r"'output' of acme/large: add it under \[\[prices\]\] in dd0c\.toml"):
        cost(Usage(input=1, output=1), price(Rates(input=5)))
    with pytest.raises(PriceMissing, match="'output'"):
        amount(Usage(input=1, output=1), price(Rates(input=5)))
    assert cost(Usage(input=3), price(Rates(input=5))).picodollars == 15


def test_a_medium_with_a_rate_of_its_own_leaves_its_class() -> None:
    spoken = price(Rates(input=1, cache_read=1, output=2, input_audio=10, cache_read_audio=5, output_audio=20))
    bill = cost(
        Usage(input=100, cache_read=50, output=30),
        spoken,
        Media(input_audio=40, input_image=60, cache_read_audio=50, output_audio=30),
    )
    assert [(line.name, line.tokens) for line in bill.lines] == [
        ("input_audio", 40),
        ("input", 60),  # the image has no rate: it is billed as input
        ("cache_read_audio", 50),
        ("output_audio", 30),
    ]
    assert bill.picodollars == 400 + 60 + 250 + 600


def test_more_of_a_medium_than_its_class_has_is_cut_to_the_class() -> None:
    bill = cost(Usage(output=5), price(Rates(output=1, output_image=9)), Media(output_image=1290))
    assert [(line.name, line.tokens) for line in bill.lines] == [("output_image", 5)]


def test_sound_that_is_billed_by_the_hour_is_not_billed_by_its_tokens_too() -> None:
    voiced = price(Rates(input=100_000, output=400_000, audio_hour=240_000_000_000))
    bill = cost(Usage(input=384, output=248), voiced, Media(input_audio=375, audio_seconds=3))
    assert [(line.name, line.tokens, line.unit) for line in bill.lines] == [
        ("input", 9, "token"),
        ("output", 248, "token"),
        ("audio_seconds", 3, "second"),
    ]
    assert bill.picodollars == 900_000 + 99_200_000 + 200_000_000
    assert bill.lines[-1].rate_usd_per_mtok == "66.666667"


def test_sound_without_a_rate_is_never_free() -> None:
    with pytest.raises(PriceMissing, match="'audio_seconds'"):
        cost(Usage(), price(Rates(input=1)), Media(audio_seconds=3))


def test_a_server_tool_without_a_rate_is_named_beside_the_sum() -> None:
    bill = cost(Usage(input=2), price(Rates(input=1, web_search=7)), server_tools=ServerTools(web_search=3, x_search=1))
    assert (bill.picodollars, bill.not_priced) == (2 + 21, ("x_search",))


def test_a_price_of_zero_is_a_price() -> None:
    assert cost(Usage(input=1, output=1), price(Rates(input=0, output=0))).picodollars == 0


def test_a_line_tells_its_rate_in_dollars_per_million_tokens() -> None:
    assert Line("input", 1, 2_500_000, 1, 2_500_000).rate_usd_per_mtok == "2.5"
    assert Line("input", 1, 833_333, 10, 83_333).rate_usd_per_mtok == "0.0833333"


@given(st.integers(-(10**18), 10**18))
def test_dollars_as_text_are_exact(picodollars: int) -> None:
    text = usd(picodollars)
    assert Decimal(text).scaleb(12) == picodollars
    assert "e" not in text.lower()


@pytest.mark.parametrize(("picodollars", "text"), [(0, "0"), (12_500_000, "0.0000125"), (-3 * 10**12, "-3")])
def test_dollars_have_no_trailing_zeros(picodollars: int, text: str) -> None:
    assert usd(picodollars) == text


@pytest.mark.parametrize("path", sorted(Path(dd0c_route.pricing.__path__[0]).glob("*.py")), ids=lambda p: p.name)
def test_no_float_touches_money(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), node.lineno
        assert not (isinstance(node, ast.Name) and node.id == "float"), node.lineno
        assert not isinstance(node, ast.Div), f"true division in {path.name}"
