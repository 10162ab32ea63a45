from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.pricing.names import Match, NameIndex, spellings

ROWS: list[Match] = [
    ("^gpt-4o-mini", "=mini"),
    ("=gpt-4o", "$-latest"),
    (("^gpt", "*audio"),),
    ("~^gpt-4o-\\d{4}$",),
    ("*gpt",),
]


@pytest.mark.parametrize(
    ("name", "row"),
    [("gpt-4o-mini-x", 0), ("mini", 0), ("gpt-4o", 1), ("gpt-audio", 2), ("gpt-4o-0806", 3), ("a-gpt", 4), ("x", None)],
)
def test_the_first_row_whose_rule_holds_is_meant(name: str, row: int | None) -> None:
    assert NameIndex(ROWS).find(name) == row


@given(st.lists(st.lists(st.sampled_from(["=a", "=b", "^a", "$b", "*c"]), min_size=1).map(tuple)), st.text("abc"))
def test_the_dictionary_of_plain_names_changes_no_answer(rows: list[Match], name: str) -> None:
    one_by_one = next((i for i, row in enumerate(rows) if NameIndex([row]).find(name) == 0), None)
    assert NameIndex(rows).find(name) == one_by_one


def test_a_compact_date_and_a_resource_prefix_are_other_spellings() -> None:
    assert spellings("GPT-5.2-20251211") == ("gpt-5.2-20251211", "gpt-5.2-2025-12-11")
    assert spellings("models/gemini-x") == ("models/gemini-x", "gemini-x")
