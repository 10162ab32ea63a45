"""What an entry keeps of a provider's report."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.proxy.report import MOST_VALUES, kept, word

KEY = "sk-proj-" + "Ab3dE5fG7h" * 5
REPORT = {
    "input_tokens": 7,
    "cost": 0.00012,
    "total_cost": "0.00012",
    "service_tier": "standard",
    "inference_geo": "us-east-1",
    "created": "2026-11-24T05:30:00Z",
    "details": [{"modality": "TEXT", "tokenCount": 7}, None, True],
    "iterations": [{"type": "message", "model": "anthropic/claude-haiku-4-5@20251001", "input_tokens": 7}],
}


def test_a_report_is_kept_as_it_was_sent() -> None:
    assert kept(REPORT) == REPORT


@pytest.mark.parametrize("text", [KEY, "Tell me a long story, please.", "what did we do", "x" * 300, "a\nb"])
def test_texts_that_are_no_words_and_secrets_are_left_out(text: str) -> None:
    written = json.dumps(kept({"a": text, "b": [{text: text}], text: 1, "c": 5}))
    assert text not in written
    assert json.loads(written)["c"] == 5


def test_neither_the_number_of_values_nor_their_depth_is_the_providers_choice() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    report = kept({"deep": deep, **{f"n{n}": [n] * 10 for n in range(10_000)}})
    assert len(json.dumps(report)) < 100 * MOST_VALUES


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists)))
def test_what_is_kept_is_kept_again(report: dict[str, Any]) -> None:
    assert kept(kept(report)) == kept(report)


def test_a_word_stays() -> None:
    assert word("on_demand") == "on_demand"
