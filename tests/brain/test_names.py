"""One model has many names."""

from __future__ import annotations

import pytest

from dd0c_route.brain.names import bare


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("claude-3-5-sonnet-20241022", "anthropic_claude-3.5-sonnet"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku-20241022"),
        ("google/gemini-2.5-flash", "gemini-2.5-flash"),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "Mixtral-8x7B-Instruct-v0.1"),
        ("Llama-3.1-405B-Inst@sambanova", "meta-llama/Llama-3.1-405B-Instruct"),
    ],
)
def test_names_of_one_model_are_one(one: str, other: str) -> None:
    assert bare(one) == bare(other)


@pytest.mark.parametrize(
    ("one", "other"), [("gpt-4o", "gpt-4o-mini"), ("gpt-4", "gpt-4o"), ("gemini-2.5-pro", "gemini-2.5-flash")]
)
def test_names_of_two_models_are_two(one: str, other: str) -> None:
    assert bare(one) != bare(other)
