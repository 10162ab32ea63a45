"""What a call is charged, and that the entry alone is enough to charge it again."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from dd0c_route.ledger.reprice import repriced
from dd0c_route.pricing import Catalog, cost, usd
from dd0c_route.proxy.charges import charge, decision_record, with_charges
from dd0c_route.proxy.statement import AT_ONCE, Account, account
from dd0c_route.types import NO_TOOLS, TEXT_ONLY, Attempt, Candidate, Decision, Entry, Target, Usage
from dd0c_route.wire.meter import meter_for
from tests.ledger.examples import an_entry
from tests.proxy.examples import call
from tests.proxy.test_statement import facts
from tests.wire.corpus import APIS, api_called, body_of, records

CATALOG = Catalog.load()
CALL = call()
NOW = "2027-02-01T00:00:00Z"
AT = "2027-01-15T08:00:00.000000Z"  # the moment of `call()`
HERE = Target("openai", "gpt-4o")


def used(**changes: Any) -> Account:
    return structs.replace(Account(Usage(input=1000, output=10), "provider_final", None, 10, 10, 10, None), **changes)


def test_counting_tokens_is_free_and_says_so() -> None:
    money = charge(call(api="anthropic.count_tokens"), HERE, "gpt-4o", used(), None, None, CATALOG.price)
    assert money.cost == 0
    assert money.price is not None
    assert money.price["id"] == "free"


def test_what_is_invoiced_is_charged_beside_what_was_delivered() -> None:
    invoiced = Usage(input=1000, output=30)
    money = charge(CALL, HERE, "gpt-4o", used(invoiced=invoiced), None, None, CATALOG.price)
    assert (money.cost, money.billable) == (1000 * 2_500_000 + 10 * 10_000_000, 1000 * 2_500_000 + 30 * 10_000_000)


def test_units_that_are_invoiced_instead_of_tokens_are_charged() -> None:
    money = charge(CALL, HERE, "gpt-4o", used(priced=Usage(input=500, output=10)), None, None, CATALOG.price)
    assert money.cost == money.billable == 500 * 2_500_000 + 10 * 10_000_000


def test_a_try_without_an_answer_is_charged_its_prompt_at_its_own_price() -> None:
    attempts = [Attempt("openai/gpt-4o-mini", 0.0, status=503), Attempt("openai/gpt-4o", 1.0), Attempt("x/y", 2.0)]
    unheard = [(1, HERE), (2, Target("x", "y"))]

    refused, unanswered, unpriced = with_charges(attempts, unheard, CALL, AT_ONCE, CATALOG.price)

    assert refused == attempts[0]
    assert unanswered.billable_picodollars == unanswered.billable_input_tokens * 2_500_000 > 0
    assert unpriced.billable_input_tokens > 0
    assert unpriced.billable_picodollars is None


def test_the_decision_names_the_model_that_the_baseline_prices() -> None:
    candidates = (Candidate(HERE, 1.0, 5), Candidate(Target("x", "y"), None, 9, unpriced=True))
    record = decision_record(
        Decision((HERE,), "kept", "why", asked=HERE, policy="ordered", route=0, candidates=candidates)
    )
    assert record is not None
    assert record["asked"] == "openai/gpt-4o"
    assert [one.get("unpriced") for one in record["candidates"]] == [None, True]
    assert decision_record(None) is None


# --- recordings ---------------------------------------------------------------------------------------------------


def entry_of(record: dict[str, Any], share: float) -> Entry | None:
    """The entry of a recorded answer of which the client got so much; None where nothing of it was reported."""
    kind, body = body_of(record)
    model = str(record.get("model") or record.get("model_reported") or "")
    asked = call(b'{"model":"x"}', api=api_called(record), model=model, stream=record.get("response") is None)
    target = Target(str(record["provider"]), model)
    meter = meter_for(asked.api, kind, "")
    meter.feed(body)
    meter.end()
    reported = meter.reported
    if reported is None:
        return None
    how = facts(meter, len(body), delivered_bytes=int(len(body) * share), answered=share == 1)
    spent = account(asked, target, how)
    served = meter.served_model or target.model
    money = charge(asked, target, served, spent, reported, None, CATALOG.price)
    return an_entry(
        at=AT,
        api=asked.api,
        provider=target.provider,
        requested_model=model,
        served_model=served,
        attempts=(Attempt(str(target), 0.0),),
        decision=None,
        usage=spent.usage,
        priced_usage=spent.priced,
        billable_usage=spent.invoiced,
        billable_output_tokens=spent.billable,
        usage_media=None if reported.media == TEXT_ONLY else reported.media,
        server_tools=None if reported.server_tools == NO_TOOLS else reported.server_tools,
        service_tier=reported.service_tier,
        price=money.price,
        cost_picodollars=money.cost,
        cost_usd=usd(money.cost) if money.cost is not None else None,
        cost_billable_picodollars=money.billable,
        price_lines=money.lines,
        billable_lines=money.billable_lines,
        not_priced=money.not_priced,
        baseline_picodollars=money.baseline,
        baseline_price=money.baseline_price,
        saved_picodollars=money.saved,
        unpriced=money.cost is None,
    )


@pytest.mark.parametrize("share", [1.0, 0.5])
@pytest.mark.parametrize("api", APIS)
def test_of_every_recording_the_lines_add_up_and_the_entry_alone_gives_them_again(api: str, share: float) -> None:
    seen = 0
    for record in records(api):
        entry = entry_of(record, share)
        if entry is None or entry.unpriced or (entry.price or {}).get("id") == "free":
            continue
        seen += 1
        assert sum(line.amount_picodollars for line in entry.price_lines) == entry.cost_picodollars, record["id"]
        if entry.billable_usage is not None:
            billed = sum(line.amount_picodollars for line in entry.billable_lines)
            assert billed == entry.cost_billable_picodollars, record["id"]
        assert repriced(entry, CATALOG.price, NOW, "") is None, record["id"]
        nothing = structs.replace(
            entry, unpriced=True, price=None, price_lines=(), cost_picodollars=None, cost_billable_picodollars=None
        )
        again = repriced(nothing, CATALOG.price, NOW, "")
        assert again is not None
        assert structs.replace(again, repriced=(), repriced_at=None) == entry, record["id"]
    assert seen or api in ("ollama", "gemini.count_tokens", "anthropic.count_tokens")


def test_a_recorded_bill_is_what_pricing_says_of_the_report() -> None:
    for record in records("anthropic.messages"):
        entry = entry_of(record, 1.0)
        if entry is not None and not entry.unpriced:
            price = CATALOG.price(entry.provider, entry.served_model, CALL.at_ns, entry.service_tier)
            price = price or CATALOG.price(entry.provider, entry.requested_model, CALL.at_ns, entry.service_tier)
            assert price is not None
            bill = cost(entry.usage, price, entry.usage_media or TEXT_ONLY, entry.server_tools or NO_TOOLS)
            assert bill.picodollars == entry.cost_picodollars
