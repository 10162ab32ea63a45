"""Prompts whose length is only judged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.tokens import count_request_exactly
from dd0c_route.tokens.rough import rough_count
from dd0c_route.wire.body import split

PROSE = (
    "The mill stands where the river bends, and nobody in the village could say who had built it. In spring the water "
    'rose to the second step; "not the third", said the miller, who had been told so by his father. '
)
QUOTES = "“Not the third,” said the miller — his father\u2019s word \u2013 and nobody asked him for another reason. "
CODE = "def total(numbers: list[int]) -> int:\n    return sum(number for number in numbers if number % 2 == 0)\n\n\n"
LIST = (
    "- Name the file, its line and the fault.\n- Say how to mend it, in one sentence.\n\n1. **First** look at `main`.\n"
)


def fields(*texts: str, **more: Any) -> Any:
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": text} for text in texts], **more}
    return split(json.dumps(body).encode())


@pytest.mark.parametrize("text", [PROSE, CODE, LIST, QUOTES, PROSE + CODE + LIST])
@pytest.mark.parametrize("times", [40, 400])
def test_plain_text_is_judged_within_a_seventh(text: str, times: int) -> None:
    body = fields(text * times)
    count, exact = rough_count(body, 1), count_request_exactly("openai.chat", body, "gpt-4o")
    assert count is not None
    assert abs(count.tokens / exact.tokens - 1) < 1 / 7
    assert count.band[0] <= exact.tokens <= count.band[1]


def test_many_short_messages_are_not_counted_by_their_frames() -> None:
    body = fields(*[PROSE[:90]] * 500)
    with_frames, count = rough_count(body, 0), rough_count(body, 500)
    exact = count_request_exactly("openai.chat", body, "gpt-4o")
    assert count is not None
    assert with_frames is not None
    assert with_frames.tokens > 1.4 * exact.tokens  # which is what they would come to
    assert abs(count.tokens / exact.tokens - 1) < 1 / 3


@pytest.mark.parametrize(
    "text", ["short", "Мельница на реке. " * 400, "水车在河边。" * 1000], ids=["short", "ru", "zh"]
)
@pytest.mark.parametrize("ascii", [True, False])
def test_what_is_short_or_in_other_scripts_is_left_to_a_real_count(text: str, ascii: bool) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": text}]}, ensure_ascii=ascii)
    assert rough_count(split(body.encode()), 1) is None


@given(st.binary(max_size=300), st.integers(0, 10_000))
def test_any_bytes_have_a_length(data: bytes, messages: int) -> None:
    text = data.decode("latin-1") * (6000 // max(1, len(data)))
    count = rough_count(fields(text), messages)
    assert count is None or 1 <= count.band[0] <= count.tokens <= count.band[1]
