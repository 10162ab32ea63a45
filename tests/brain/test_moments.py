"""What a policy sees of the moment: lots that fall alike, budgets that outlive a reload, checks of a form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, structs
from msgspec.json import encode

from dd0c_route.brain.moments import Moments, checks_of, lot
from dd0c_route.brain.promises import Threshold
from dd0c_route.config import Route
from dd0c_route.types import Call, Candidate, Decision, Target

ASKED, CHEAP = Target("acme", "large"), Target("acme", "small")
HOURLY = Route(candidates=("acme/small",), policy="budget", usd_per_hour=3.6)  # 10⁹ picodollars a second
CANDIDATES = [Candidate(CHEAP, 0.8, 2 * 10**9), Candidate(ASKED, 1.0, 10**10, asked=True)]


def call(stream: bool = False, session: str | None = None, **fields: Any) -> Call:
    return Call(
        id="dd_1", at_ns=0, started_ns=0, dialect="openai", api="openai.chat", method="POST", path="/chat/completions",
        query="", headers=[], body=b"", fields={name: Raw(encode(value)) for name, value in fields.items()},
        model="large", stream=stream, session=session,
    )  # fmt: skip


class Hand:
    """A clock that is set by hand."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def going_to(target: Target) -> Decision:
    return Decision((target,), "routed", "", ASKED, "budget", 0, tuple(CANDIDATES))


def allowed(moments: Moments) -> int:
    allowance = moments.of(call(), 0, "budget", ASKED, CANDIDATES).allowance
    assert allowance is not None
    return allowance.most


@given(name=st.text(), number=st.integers(0, 9))
def test_a_lot_is_a_share_and_falls_alike_again(name: str, number: int) -> None:
    assert 0 <= lot(name, number) < 1
    assert lot(name, number) == lot(name, number)


def test_lots_fall_evenly() -> None:
    drawn = [lot(f"dd_{i}", 0) for i in range(2000)]
    assert all(150 < sum(k / 10 <= one < (k + 1) / 10 for one in drawn) < 250 for k in range(10))


def test_a_session_has_one_lot_and_calls_without_one_have_their_own() -> None:
    moments = Moments()
    of = [moments.of(one, 0, "weighted", ASKED, ()) for one in (call(session="s"), call(session="s"), call())]
    assert of[0] == of[1] != of[2]


def test_money_comes_in_with_time_and_goes_out_with_calls() -> None:
    clock = Hand()
    moments = Moments([HOURLY], clock)
    clock.now_s = 10.0
    assert allowed(moments) == 10**10

    moments.began(going_to(CHEAP))
    assert allowed(moments) == 8 * 10**9
    moments.ended(going_to(CHEAP), 5 * 10**9)
    assert allowed(moments) == 5 * 10**9


def test_a_call_whose_cost_nobody_knows_has_cost_what_was_expected() -> None:
    clock = Hand()
    moments = Moments([HOURLY], clock)
    clock.now_s = 10.0
    allowed(moments)
    moments.began(going_to(CHEAP))
    moments.ended(going_to(CHEAP), None)
    assert allowed(moments) == 8 * 10**9


@pytest.mark.parametrize(("route", "kept"), [(HOURLY, True), (structs.replace(HOURLY, usd_per_hour=1.0), False)])
def test_a_reload_keeps_what_the_same_route_has_saved(route: Route, kept: bool) -> None:
    clock = Hand()
    before = Moments([HOURLY], clock)
    clock.now_s = 10.0
    allowed(before)

    assert allowed(Moments([route], clock, before=before)) == (10**10 if kept else 0)


def test_workers_share_a_budget_evenly() -> None:
    clock = Hand()
    moments = Moments([HOURLY], clock, workers=4)
    clock.now_s = 10.0
    assert allowed(moments) == 10**10 // 4


def test_calls_of_other_routes_cost_a_budget_nothing() -> None:
    moments = Moments([HOURLY])
    moments.began(structs.replace(going_to(CHEAP), route=1))
    moments.ended(None, 5)
    assert allowed(moments) == 0


def test_thresholds_are_those_of_the_model_asked_for() -> None:
    found = {CHEAP: Threshold(0.2, 100)}
    moments = Moments(thresholds={0: {"large": found}})

    assert moments.of(call(), 0, "risk-bound", ASKED, CANDIDATES).thresholds == found
    assert moments.of(call(), 0, "risk-bound", Target("other", "LARGE-2026-01-31"), CANDIDATES).thresholds == found
    assert moments.of(call(), 0, "risk-bound", CHEAP, CANDIDATES).thresholds == {}
    assert moments.of(call(), 1, "risk-bound", ASKED, CANDIDATES).thresholds == {}


def test_a_stream_can_be_put_to_no_check() -> None:
    assert Moments().of(call(stream=True), 0, "cascade", ASKED, CANDIDATES).checks == frozenset()


def test_the_checks_are_those_of_the_form_that_is_asked_for() -> None:
    schema = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
    usual = {"answered", "complete", "unrefused"}

    assert checks_of(call()) == usual
    assert checks_of(call(max_tokens=5)) == usual - {"complete"}
    assert checks_of(call(response_format={"type": "json_object"})) == usual | {"json"}
    assert checks_of(call(response_format=schema, tools=[])) == usual | {"schema"}
    assert checks_of(call(tools=[{"type": "function", "function": {"name": "f"}}])) == usual | {"tool_call"}


@pytest.mark.parametrize(
    ("form", "fields", "twice"),
    [
        ("json", {}, True),
        ("word", {"temperature": 0.7}, True),
        ("chat", {}, False),
        ("json", {"temperature": 0}, False),
        ("json", {"temperature": 0.0}, False),
        ("json", {"tools": [{"type": "function"}]}, False),
    ],
)
def test_only_short_answers_that_may_vary_are_compared(form: str, fields: dict[str, Any], twice: bool) -> None:
    assert ("agreement" in checks_of(call(**fields), form)) is twice


def test_answers_of_an_api_that_is_not_read_are_not_checked() -> None:
    assert checks_of(structs.replace(call(), api="openai.embeddings")) == frozenset()


def test_a_route_that_only_watches_spends_what_its_choices_would_cost() -> None:
    clock = Hand()
    moments = Moments([HOURLY], clock)
    clock.now_s = 20.0
    watched = structs.replace(going_to(ASKED), shadow=CHEAP, mode="shadow")
    moments.began(watched)
    moments.ended(watched, 10**10)  # by the model asked for
    assert allowed(moments) == 18 * 10**9
