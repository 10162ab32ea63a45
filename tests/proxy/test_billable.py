"""What is billed for an answer that was cut: an estimate within bounds, whatever the provider's policy."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.proxy.billable import _FACTS, Billed, after_abort, after_failure, may_hide_reasoning

POLICIES = st.sampled_from(get_args(Billed))


@pytest.mark.parametrize(
    ("model", "hides"),
    [
        ("gpt-5", True),
        ("gpt-5-mini-2025-08-07", True),
        ("openai/o3", True),
        ("o1", True),
        ("gemini-2.5-flash", True),
        ("grok-4", True),
        ("gpt-4o", False),
        ("gpt-4.1-mini", False),
        ("claude-sonnet-4-5", False),
        ("gemini-2.0-flash", False),
        ("olmo-2", False),
    ],
)
def test_which_models_may_think_unseen(model: str, hides: bool) -> None:
    assert may_hide_reasoning(model) is hides


def test_where_the_call_sets_no_limit_the_longest_answer_on_sale_is_the_bound() -> None:
    assert after_abort(10, None, "whole", None, stream=True, hidden=False)[1] == (10, _FACTS.most_output_tokens)


def test_the_whole_is_taken_for_twice_what_came_and_where_nothing_did_for_a_usual_answer() -> None:
    assert after_abort(3000, None, "whole", None, stream=True, hidden=False)[0] == 6000
    assert after_abort(0, None, "whole", None, stream=True, hidden=False)[0] == _FACTS.usual_output_tokens
    assert after_abort(3000, None, "whole", 4096, stream=True, hidden=False)[0] == 4096


@given(
    received=st.integers(0, 200_000),
    spread=st.none() | st.tuples(st.integers(0, 500), st.integers(0, 500)),
    billed=POLICIES,
    limit=st.none() | st.integers(0, 200_000),
    stream=st.booleans(),
    hidden=st.booleans(),
)
def test_the_estimate_lies_in_its_band(
    received: int, spread: tuple[int, int] | None, billed: Billed, limit: int | None, stream: bool, hidden: bool
) -> None:
    band = (max(0, received - spread[0]), received + spread[1]) if spread is not None else None

    tokens, bounds = after_abort(received, band, billed, limit, stream=stream, hidden=hidden)

    low, high = bounds or (tokens, tokens)
    assert 0 <= low <= tokens <= high
    assert tokens >= received or billed == "nothing"
    assert (bounds is None) == (billed == "nothing")
    failed, bounds_of_failure = after_failure(received, band)
    assert bounds_of_failure is not None
    assert bounds_of_failure[0] == 0 <= failed <= bounds_of_failure[1]
