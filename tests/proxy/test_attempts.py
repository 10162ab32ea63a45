"""What is tried next, and when trying ends."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.config import Provider, Retries
from dd0c_route.errors import (
    UpstreamBusy,
    UpstreamConnectTimeout,
    UpstreamCut,
    UpstreamError,
    UpstreamInvalid,
    UpstreamStale,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from dd0c_route.proxy.attempts import (
    BACKOFF_S,
    REFUSALS,
    Next,
    after_error,
    after_refusal,
    after_wrong_choice,
    retry_after_s,
)
from dd0c_route.proxy.headers import Headers
from dd0c_route.types import Target
from dd0c_route.upstream.health import RetryBudget
from tests.proxy.examples import provider

NOW_S = 1_800_000_000.0
RULES = Retries(attempts=3)


def refused(
    status: int,
    *,
    tried: int = 1,
    index: int = 0,
    targets: int = 2,
    headers: Headers | None = None,
    rules: Retries = RULES,
    row: Provider | None = None,
    budget: RetryBudget | None = None,
    jitter: float = 0.0,
) -> Next | None:
    return after_refusal(
        status, headers or [], row or provider(), tried, index, targets, rules, budget or full(), NOW_S, lambda: jitter
    )


def full() -> RetryBudget:
    return RetryBudget(0.2)


def spent() -> RetryBudget:
    budget = full()
    while budget.take():
        pass
    return budget


@pytest.mark.parametrize("status", sorted(REFUSALS))
def test_a_refusal_goes_on_to_the_next_target_at_once(status: int) -> None:
    assert refused(status) == Next(1, 0.0)
    assert refused(status, tried=2, index=1) == Next(0, 0.0)


@pytest.mark.parametrize("status", [200, 201, 301, 400, 401, 403, 404, 408, 409, 422, 500, 501, 504, 505, 520])
def test_any_other_status_is_the_answer(status: int) -> None:
    assert refused(status) is None


@pytest.mark.parametrize("status", [408, 500, 504])
def test_an_unsafe_status_is_retried_only_where_the_providers_row_says_so(status: int) -> None:
    row = provider(retry_unsafe=(status,))

    assert refused(status, row=row) == Next(1, 0.0)
    assert all(refused(other, row=row) is None for other in {408, 500, 504} - {status})


def test_the_last_attempt_is_the_answer() -> None:
    assert refused(503, tried=3) is None
    assert refused(503, rules=Retries(attempts=1)) is None


def test_a_lone_target_is_asked_again_after_what_it_asks_for() -> None:
    assert refused(429, targets=1, headers=[(b"retry-after", b"1.5")]) == Next(0, 1.5)
    assert refused(429, targets=1, headers=[(b"retry-after-ms", b"250"), (b"retry-after", b"9")]) == Next(0, 0.25)


def test_a_lone_target_that_asks_for_nothing_is_asked_again_after_a_jittered_pause() -> None:
    assert refused(503, targets=1) == Next(0, BACKOFF_S)
    assert refused(503, targets=1, jitter=1.0) == Next(0, BACKOFF_S * 1.5)


@pytest.mark.parametrize("wait", [b"2.5", b"60", b"99999999999999"])
def test_a_longer_wait_than_the_cap_is_handed_to_the_client_and_costs_no_budget(wait: bytes) -> None:
    budget = RetryBudget(0.0)

    assert refused(429, targets=1, headers=[(b"retry-after", wait)], budget=budget) is None
    assert sum(budget.take() for _ in range(20)) == RetryBudget.MOST


def test_another_target_is_not_kept_waiting_by_the_first_ones_retry_after() -> None:
    assert refused(429, headers=[(b"retry-after", b"60")]) == Next(1, 0.0)


def test_a_spent_budget_ends_the_trying() -> None:
    assert refused(503, budget=spent()) is None
    assert refused(503, targets=1, budget=spent()) is None
    assert after_error(UpstreamUnreachable("gone"), 1, 0, 2, RULES, spent()) is None


@pytest.mark.parametrize("error", [UpstreamUnreachable("x"), UpstreamBusy("x"), UpstreamConnectTimeout("x")])
def test_what_was_provably_not_done_goes_on(error: UpstreamError) -> None:
    assert after_error(error, 1, 0, 2, RULES, full()) == Next(1, 0.0)
    assert after_error(error, 1, 0, 1, RULES, full()) == Next(0, 0.0)
    assert after_error(error, 3, 0, 2, RULES, full()) is None


def test_a_kept_alive_connection_that_had_died_says_nothing_about_its_target() -> None:
    assert after_error(UpstreamStale("x"), 1, 0, 2, RULES, full()) == Next(0, 0.0)
    assert after_error(UpstreamStale("x"), 2, 1, 2, RULES, spent()) == Next(1, 0.0)
    assert after_error(UpstreamStale("x"), 3, 0, 2, RULES, full()) is None


@pytest.mark.parametrize("error", [UpstreamCut("x"), UpstreamInvalid("x"), UpstreamTimeout("x"), UpstreamError("x")])
def test_what_the_provider_may_have_worked_on_is_not_asked_again(error: UpstreamError) -> None:
    assert after_error(error, 1, 0, 2, RULES, full()) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        ([(b"retry-after", b"3")], 3.0),
        ([(b"retry-after", b"soon")], None),
        ([(b"retry-after", b"-1")], None),
        ([(b"retry-after", b"nan")], None),
        ([(b"retry-after-ms", b"soon"), (b"retry-after", b"3")], 3.0),
        ([(b"retry-after", formatdate(NOW_S + 30, usegmt=True).encode())], 30.0),
        ([(b"retry-after", formatdate(NOW_S - 30, usegmt=True).encode())], 0.0),
    ],
)
def test_the_wait_is_read_in_every_form(headers: Headers, seconds: float | None) -> None:
    assert retry_after_s(headers, NOW_S) == seconds


@given(
    value=st.binary(max_size=40) | st.text(st.sampled_from("0123456789 :,GMTanJFeb-+."), max_size=40).map(str.encode)
)
def test_no_wait_is_too_odd_to_read(value: bytes) -> None:
    seconds = retry_after_s([(b"retry-after", value), (b"retry-after-ms", value)], NOW_S)

    assert seconds is None or seconds >= 0


errors = st.sampled_from([UpstreamUnreachable("x"), UpstreamStale("x"), UpstreamCut("x"), UpstreamTimeout("x")])
statuses = st.sampled_from([200, 400, 429, 500, 502, 503, 529])
outcomes = st.lists(statuses | errors, min_size=30, max_size=30)


@given(
    calls=st.lists(outcomes, max_size=12),
    attempts=st.integers(1, 5),
    targets=st.integers(1, 4),
    share=st.sampled_from([0.0, 0.2, 1.0]),
)
def test_never_more_than_the_attempts_and_never_more_than_the_budget(
    calls: list[list[int | UpstreamError]], attempts: int, targets: int, share: float
) -> None:
    rules, budget, retries = Retries(attempts=attempts), RetryBudget(share), 0
    for outcome_of_try in calls:
        budget.called()
        tried, index = 0, 0
        stale = 0
        for outcome in outcome_of_try:
            tried += 1
            if isinstance(outcome, int):
                step = refused(outcome, tried=tried, index=index, targets=targets, rules=rules, budget=budget)
            else:
                stale += isinstance(outcome, UpstreamStale)
                step = after_error(outcome, tried, index, targets, rules, budget)
            if step is None:
                break
            index = step.index
            assert 0 <= index < targets
            assert step.delay_s <= rules.retry_after_cap_s
        assert tried <= attempts
        retries += max(0, tried - 1 - stale)
    assert retries <= RetryBudget.MOST + share * len(calls)


ASKED, CHOSEN, THIRD = (Target("acme", name) for name in ("large", "small", "tiny"))


@pytest.mark.parametrize(
    ("status", "tried", "plan", "index"),
    [
        (404, 1, (CHOSEN, THIRD, ASKED), 2),
        (400, 1, (CHOSEN, ASKED), 1),
        (401, 1, (CHOSEN, ASKED), 1),
        (404, 2, (CHOSEN, ASKED), None),  # no more tries
        (404, 1, (ASKED, CHOSEN), None),  # it was asked for
        (404, 1, (CHOSEN, THIRD), None),  # a name that only stands for these
        (200, 1, (CHOSEN, ASKED), None),
        (408, 1, (CHOSEN, ASKED), None),
        (429, 1, (CHOSEN, ASKED), None),  # of which the budget says no
        (500, 1, (CHOSEN, ASKED), None),
    ],
)
def test_what_a_choice_refuses_the_model_asked_for_may_answer(
    status: int, tried: int, plan: tuple[Target, ...], index: int | None
) -> None:
    step = after_wrong_choice(status, tried, 0, plan, ASKED, Retries(attempts=2))
    assert step == (None if index is None else Next(index, 0.0))
