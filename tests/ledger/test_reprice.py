"""An entry priced anew keeps both values, says the same when asked twice, and comes back when the prices do."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from dd0c_route.clock import rfc3339
from dd0c_route.config import PriceRow
from dd0c_route.ledger.money import PriceOf, free, money, prices_of
from dd0c_route.ledger.reprice import dues, repriced, with_attempts
from dd0c_route.pricing import Catalog, usd
from dd0c_route.types import Attempt, Entry, Media, ServerTools, Target, Usage
from tests.ledger.examples import an_entry

AT_NS = 1_800_000_000_000_000_000
NOW = "2027-02-01T00:00:00.000000Z"


def catalogue(input_rate: str | None = "1", output_rate: str | None = "2", model: str = "acme-*") -> PriceOf:
    """Prices of acme, in dollars per million; the model asked for costs ten times as much."""
    cheap = PriceRow("acme", model, input=_rate(input_rate), output=_rate(output_rate))
    dear = PriceRow("acme", "acme-large", input=_rate(input_rate, 10), output=_rate(output_rate, 10))
    return Catalog.load([dear, cheap]).price


def _rate(text: str | None, times: int = 1) -> Decimal | None:
    return None if text is None else Decimal(text) * times


def nothing_known(provider: str, model: str, at_ns: int, tier: str | None) -> None:
    return None


def priced(entry: Entry, price_of: PriceOf) -> Entry:
    """*entry* as `serve` would have written it at these prices."""
    due, billable = dues(entry)
    asked = Target("acme", entry.requested_model)
    price, baseline = prices_of(price_of, Target("acme", entry.served_model), entry.served_model, asked, AT_NS, None)
    amounts = money(due, billable, price, baseline)
    return structs.replace(
        entry,
        cost_picodollars=amounts.cost,
        cost_usd=usd(amounts.cost) if amounts.cost is not None else None,
        cost_billable_picodollars=with_attempts(amounts.billable, entry.attempts),
        price=amounts.price,
        price_lines=amounts.lines,
        billable_lines=amounts.billable_lines,
        baseline_picodollars=amounts.baseline,
        baseline_price=amounts.baseline_price,
        saved_picodollars=amounts.saved,
        unpriced=amounts.cost is None,
    )


def used(**changes: Any) -> Entry:
    settings: dict[str, Any] = {
        "at": rfc3339(AT_NS),
        "usage": Usage(input=1000, output=100),
        "billable_output_tokens": 100,
        "decision": {"verdict": "routed", "asked": "acme/acme-large"},
    }
    return an_entry(**(settings | changes))


def test_a_corrected_price_changes_the_entry_and_keeps_what_it_was() -> None:
    before = priced(used(), catalogue("1", "2"))

    after = repriced(before, catalogue("3", "4"), NOW, "the page changed")

    assert after is not None
    assert (before.cost_picodollars, after.cost_picodollars) == (1_200_000_000, 3_400_000_000)
    assert after.cost_usd == "0.0034"
    assert after.baseline_picodollars == 34_000_000_000
    assert after.saved_picodollars == 34_000_000_000 - 3_400_000_000
    assert after.repriced_at == NOW
    (kept,) = after.repriced
    assert (kept.cost_picodollars, kept.reason, kept.price) == (1_200_000_000, "the page changed", before.price)
    assert kept.price_lines == before.price_lines


def test_a_call_without_a_price_gets_one() -> None:
    before = priced(used(), nothing_known)
    assert before.unpriced

    after = repriced(before, catalogue("1", "2"), NOW, "a price came")

    assert after is not None
    assert not after.unpriced
    assert (after.cost_picodollars, after.cost_billable_picodollars) == (1_200_000_000, 1_200_000_000)
    assert after.repriced[0].unpriced


def test_a_price_that_left_the_catalogue_takes_nothing_away() -> None:
    assert repriced(priced(used(), catalogue()), nothing_known, NOW, "") is None


def test_what_is_free_of_charge_or_never_cost_anything_stays() -> None:
    nothing = free("it is not charged for")
    assert repriced(used(cost_picodollars=0, price=nothing.price), catalogue(), NOW, "") is None
    assert repriced(used(cost_picodollars=None, price=None), catalogue(), NOW, "") is None


def test_a_price_holds_from_its_day_on() -> None:
    """Priced at each call's own date, not at today's."""
    rows = [
        PriceRow("acme", "acme-*", input=Decimal(9), output=Decimal(9), since=None),
        PriceRow("acme", "acme-*", input=Decimal(1), output=Decimal(1), since=date(2027, 1, 20)),
    ]
    before, late = used(), used(at="2027-01-25T00:00:00.000000Z")

    found = [repriced(priced(one, nothing_known), Catalog.load(rows).price, NOW, "") for one in (before, late)]

    assert [one.cost_picodollars for one in found if one is not None] == [9_900_000_000, 1_100_000_000]


def test_lines_that_an_older_version_did_not_keep_are_filled_in_without_a_history() -> None:
    whole = priced(used(), catalogue())

    after = repriced(structs.replace(whole, price_lines=()), catalogue(), NOW, "")

    assert after == whole


def test_what_a_cut_answer_is_billed_is_priced_anew_too() -> None:
    entry = used(usage=Usage(input=1000, output=10), billable_usage=Usage(input=1000, output=70, reasoning=30))
    before = priced(entry, catalogue("1", "2"))

    after = repriced(before, catalogue("2", "4"), NOW, "")

    assert after is not None
    assert (after.cost_picodollars, after.cost_billable_picodollars) == (2_040_000_000, 2_400_000_000)


def test_what_an_unanswered_attempt_may_cost_is_priced_anew_too() -> None:
    lost = Attempt("acme/acme-small", 0.0, billable_input_tokens=1000, billable_picodollars=1_000_000_000)
    before = priced(used(attempts=(lost,)), catalogue("1", "2"))
    assert before.cost_billable_picodollars == 2_200_000_000

    after = repriced(before, catalogue("2", "4"), NOW, "")

    assert after is not None
    assert after.attempts[0].billable_picodollars == 2_000_000_000
    assert after.cost_billable_picodollars == 4_400_000_000


def test_an_answer_that_failed_a_check_is_priced_anew_as_a_part_of_the_cost() -> None:
    unused = Attempt("acme/acme-small", 0.0, usage=Usage(input=1000, output=100), cost_picodollars=1_200_000_000)
    before = used(attempts=(unused, Attempt("acme/acme-small", 1.0)), cost_picodollars=2_400_000_000)

    after = repriced(before, catalogue("2", "4"), NOW, "")

    assert after is not None
    assert after.attempts[0].cost_picodollars == 2_400_000_000
    assert after.cost_picodollars == after.cost_billable_picodollars == 4_800_000_000
    assert sum(line.amount_picodollars for line in after.price_lines) == after.cost_picodollars
    assert repriced(after, catalogue("2", "4"), NOW, "") is None


def test_units_that_are_invoiced_instead_of_tokens_stay_what_is_priced() -> None:
    entry = used(usage=Usage(input=1500, output=100), priced_usage=Usage(input=1000, output=100))

    after = repriced(priced(entry, catalogue("1", "2")), catalogue("2", "4"), NOW, "")

    assert after is not None
    assert after.cost_picodollars == after.cost_billable_picodollars == 2_400_000_000


rates = st.sampled_from(["0", "0.15", "1", "2.5", "0.0375", "3.333333", "75"])
tokens = st.integers(0, 3_000_000)
usages = st.builds(Usage, **dict.fromkeys(Usage.__struct_fields__, tokens))
entries = st.builds(
    used,
    usage=usages,
    billable_usage=st.none() | usages,
    usage_media=st.none() | st.builds(Media, input_audio=st.integers(0, 100), output_audio=st.integers(0, 100)),
    server_tools=st.none() | st.builds(ServerTools, web_search=st.integers(0, 9)),
    attempts=st.just(()) | st.builds(lambda n: (Attempt("acme/acme-small", 0.0, billable_input_tokens=n),), tokens),
)


@given(entry=entries, old=st.tuples(rates, rates), new=st.tuples(rates, rates))
def test_there_and_back_again_is_where_it_was(entry: Entry, old: tuple[str, str], new: tuple[str, str]) -> None:
    first = repriced(priced(entry, nothing_known), catalogue(*old), NOW, "first")
    assert first is not None

    there = repriced(first, catalogue(*new), NOW, "there") or first
    back = repriced(there, catalogue(*old), NOW, "back") or there

    assert repriced(back, catalogue(*old), NOW, "again") is None
    kept = {"repriced": first.repriced, "repriced_at": first.repriced_at}
    assert structs.replace(back, **kept) == first


@given(entry=entries, old=st.tuples(rates, rates), new=st.tuples(rates, rates))
def test_whatever_it_is_priced_at_the_lines_add_up_and_nothing_of_before_is_lost(
    entry: Entry, old: tuple[str, str], new: tuple[str, str]
) -> None:
    before = repriced(priced(entry, nothing_known), catalogue(*old), NOW, "")
    assert before is not None

    after = repriced(before, catalogue(*new), NOW, "") or before

    assert sum(line.amount_picodollars for line in after.price_lines) == after.cost_picodollars
    lines = after.price_lines if after.billable_usage is None else after.billable_lines
    unheard = sum(one.billable_picodollars or 0 for one in after.attempts)
    assert sum(line.amount_picodollars for line in lines) + unheard == after.cost_billable_picodollars
    assert after.saved_picodollars == (after.baseline_picodollars or 0) - (after.cost_picodollars or 0)
    if after is not before and after.repriced:
        assert after.repriced[-1].cost_picodollars == before.cost_picodollars
        assert after.repriced[-1].cost_billable_picodollars == before.cost_billable_picodollars
    assert after.usage == before.usage
