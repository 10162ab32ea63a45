"""The money of an entry: exact, explained line by line, and never zero for what has no price."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.ledger.money import FREE, UNKNOWN, Due, Money, free, money, prices_of, with_unused, without_output
from dd0c_route.pricing import Catalog, Price
from dd0c_route.types import TEXT_ONLY, Attempt, Media, PriceLine, Target, Usage

AT_NS = 1_800_000_000_000_000_000
CATALOG = Catalog.load()
MODELS = ["gpt-4o", "gpt-4o-mini", "gpt-5", "o3", "text-embedding-3-small"]


def priced(model: str, provider: str = "openai") -> Price:
    price = CATALOG.price(provider, model, AT_NS)
    assert price is not None
    return price


def due(output: int = 100) -> Due:
    return Due(Usage(input=1000, output=output))


def test_a_call_at_the_model_asked_for_saves_nothing() -> None:
    price = priced("gpt-4o")

    amounts = money(due(), None, price, price)

    assert amounts.cost == amounts.billable == amounts.baseline
    assert amounts.cost == 1000 * 2_500_000 + 100 * 10_000_000  # 2.50 and 10 dollars per million tokens
    assert amounts.saved == 0
    assert amounts.price is not None
    assert amounts.price["id"] == price.id
    assert amounts.baseline_price is None


def test_the_baseline_prices_the_same_tokens_at_the_model_asked_for() -> None:
    asked, served = priced("gpt-4o"), priced("gpt-4o-mini")

    amounts = money(due(), None, served, asked)

    assert amounts.baseline == money(due(), None, asked, asked).cost
    assert amounts.baseline_price is not None
    assert amounts.baseline_price["id"] == asked.id
    assert amounts.saved is not None
    assert amounts.saved > 0


def test_what_will_be_billed_is_priced_beside_what_was_delivered() -> None:
    price = priced("gpt-4o")

    amounts = money(due(100), due(300), price, price)

    assert amounts.billable == money(due(300), None, price, price).cost
    assert [(line.name, line.tokens) for line in amounts.billable_lines] == [("input", 1000), ("output", 300)]


def test_a_line_says_class_tokens_rate_and_amount() -> None:
    lines = money(due(), None, priced("gpt-4o-mini"), None).lines

    assert [(line.name, line.tokens, line.rate_usd_per_mtok, line.amount_picodollars) for line in lines] == [
        ("input", 1000, "0.15", 150_000_000),
        ("output", 100, "0.6", 60_000_000),
    ]


def test_without_a_price_there_is_no_money_and_never_a_zero() -> None:
    amounts = money(due(), None, None, priced("gpt-4o"))

    assert (amounts.cost, amounts.billable, amounts.price, amounts.baseline) == (None, None, None, None)
    assert amounts.lines == ()


def test_without_a_price_for_the_model_asked_for_there_is_no_baseline() -> None:
    amounts = money(due(), None, priced("gpt-4o"), None)

    assert amounts.cost is not None
    assert amounts.baseline is None
    assert amounts.saved is None


def test_a_class_without_a_rate_is_unpriced() -> None:
    embeddings = priced("text-embedding-3-small")

    assert money(due(0), None, embeddings, embeddings).cost == 1000 * 20_000
    assert money(due(5), None, embeddings, embeddings).cost is None


def test_what_is_free_says_why() -> None:
    amounts = free("the provider does not charge for it")

    assert amounts.cost == 0
    assert amounts.price is not None
    assert amounts.price["id"] == FREE
    assert amounts.price["source"]


def test_the_model_that_says_it_served_has_the_price_else_the_one_that_was_called() -> None:
    called = Target("openai", "gpt-4o")

    assert prices_of(CATALOG.price, called, "gpt-4o-mini", None, AT_NS, None)[0] == priced("gpt-4o-mini")
    assert prices_of(CATALOG.price, called, "no-such-model", None, AT_NS, None)[0] == priced("gpt-4o")


def test_of_an_answer_in_part_only_the_prompts_media_stay() -> None:
    assert without_output(Media(input_audio=5, output_audio=7, accepted_prediction=2)) == Media(input_audio=5)
    assert without_output(TEXT_ONLY) is TEXT_ONLY


usages = st.builds(Usage, **dict.fromkeys(Usage.__struct_fields__, st.integers(0, 2_000_000)))


@given(used=usages, invoiced=st.none() | usages, served=st.sampled_from(MODELS), asked=st.sampled_from(MODELS))
def test_lines_add_up_and_savings_are_the_difference(
    used: Usage, invoiced: Usage | None, served: str, asked: str
) -> None:
    billable = Due(invoiced) if invoiced is not None else None

    amounts = money(Due(used), billable, priced(served), priced(asked))

    if amounts.cost is None:
        assert (amounts.lines, amounts.billable, amounts.saved) == ((), None, None)
        return
    assert sum(line.amount_picodollars for line in amounts.lines) == amounts.cost
    if amounts.billable is not None:
        lines = amounts.lines if billable is None else amounts.billable_lines
        assert sum(line.amount_picodollars for line in lines) == amounts.billable
    if amounts.baseline is not None:
        assert amounts.saved == amounts.baseline - amounts.cost


# --- answers that failed a check ----------------------------------------------------------------------------------


def unused(cost_picodollars: int | None) -> Attempt:
    return Attempt("acme/small", 0.0, usage=Usage(1, output=1), cost_picodollars=cost_picodollars)


def test_an_unused_answer_is_a_part_of_the_cost_and_a_line_of_its_own() -> None:
    spent = Money(100, 120, {}, 300, (PriceLine("output", 1, "1", 100),), (PriceLine("output", 1, "1", 120),))
    found = with_unused(spent, [unused(7), Attempt("acme/large", 1.0)])

    assert (found.cost, found.billable, found.baseline, found.saved) == (107, 127, 300, 193)
    assert sum(line.amount_picodollars for line in found.lines) == found.cost
    assert sum(line.amount_picodollars for line in found.billable_lines) == found.billable
    assert found.lines[-1] == PriceLine("unused_answer", 1, "0.000007", 7, "answer")


def test_where_the_cost_is_the_invoice_its_lines_stay_empty() -> None:
    assert with_unused(Money(100, 100, {}, 300), [unused(7)]).billable_lines == ()


def test_an_unused_answer_without_a_price_leaves_the_cost_unknown() -> None:
    assert with_unused(Money(100, 100, {}, 300), [unused(7), unused(None)]) == UNKNOWN


def test_without_one_nothing_changes() -> None:
    spent = Money(100, 100, {}, 300)
    assert with_unused(spent, [Attempt("acme/large", 1.0)]) is spent
    assert with_unused(UNKNOWN, [unused(7)]) is UNKNOWN
