from __future__ import annotations

import re

import pytest

from dd0c_route.tokens.frames.claude_models import FROM_4_5, FROM_4_6, FROM_4_7, FROM_4_8, KEEPS_THOUGHTS, UP_TO_2

STEPS = (UP_TO_2, FROM_4_5, FROM_4_6, FROM_4_7, FROM_4_8)


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("anthropic.claude-v2:1", {UP_TO_2}),
        ("claude-instant-1.2", {UP_TO_2}),
        ("claude-3-haiku-20240307", set()),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", set()),
        ("claude-opus-4-1-20250805", set()),
        ("claude-sonnet-4@20250514", set()),
        ("anthropic/claude-haiku-4.5", {FROM_4_5}),
        ("claude-4.6-sonnet", {FROM_4_5, FROM_4_6}),
        ("claude-opus-4-7", {FROM_4_5, FROM_4_6, FROM_4_7}),
        ("claude-opus-4-8", {FROM_4_5, FROM_4_6, FROM_4_7, FROM_4_8}),
        ("claude-sonnet-5", {FROM_4_5, FROM_4_6, FROM_4_7, FROM_4_8}),
        ("claude-3-5-haiku-latest", set()),
        ("claude-sonnet-latest", {FROM_4_5, FROM_4_6, FROM_4_7, FROM_4_8}),
        ("claude-mythos-preview", {FROM_4_5, FROM_4_6, FROM_4_7, FROM_4_8}),
        ("claude-5-5-sonnet", {FROM_4_5, FROM_4_6, FROM_4_7, FROM_4_8}),
        ("claude-opus-10", {FROM_4_5, FROM_4_6, FROM_4_7, FROM_4_8}),
        ("claude-opus-5-5@20260901", {FROM_4_5, FROM_4_6, FROM_4_7, FROM_4_8}),
    ],
)
def test_a_name_tells_the_generation_at_every_host(name: str, steps: set[re.Pattern[str]]) -> None:
    assert {step for step in STEPS if step.search(name)} == steps


def test_opus_kept_its_thoughts_a_generation_before_the_others() -> None:
    assert KEEPS_THOUGHTS.search("claude-opus-4-5-20251101")
    assert KEEPS_THOUGHTS.search("claude-sonnet-4-6")
    assert not KEEPS_THOUGHTS.search("claude-sonnet-4-5")
