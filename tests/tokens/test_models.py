from __future__ import annotations

import pytest

from dd0c_route.tokens import count_text


@pytest.mark.parametrize(
    ("model", "tokenizer"),
    [
        ("gpt-4o", "o200k_base"),
        ("gpt-4o-mini-2024-07-18", "o200k_base"),
        ("gpt-4.1-nano", "o200k_base"),
        ("gpt-5.4", "o200k_base"),
        ("gpt-7-imaginary", "o200k_base"),
        ("o3-mini", "o200k_base"),
        ("openai/gpt-4o", "o200k_base"),
        ("openai.gpt-oss-20b-1:0", "o200k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("gpt-3.5-turbo-0125", "cl100k_base"),
        ("ft:gpt-4:acme::abc", "cl100k_base"),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc", "o200k_base"),
        ("text-embedding-3-small", "cl100k_base"),
        ("davinci-002", "cl100k_base"),
        ("text-davinci-003", "p50k_base"),
        ("gpt-oss-120b", "o200k_base"),
        ("gpt-6-mini", "o200k_base"),
        ("claude-3-5-sonnet-latest", "claude_3"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "claude_3"),
        ("claude-sonnet-4-5", "claude_3"),
        ("claude-sonnet-4-20250514", "claude_3"),
        ("claude-opus-4-6", "claude_3"),
        ("claude-opus-4-7", "claude_4_7"),
        ("claude-opus-4.8", "claude_4_8"),
        ("claude-opus-5", "claude_4_8"),
        ("us.anthropic.claude-sonnet-5-20260101-v1:0", "claude_4_8"),
        ("claude-fable-5-1", "claude_4_8"),
        ("claude-sonnet-5", "claude_4_8"),
        ("claude-3-7-sonnet-20250219", "claude_3"),
        ("claude-4-7-opus", "claude_4_7"),
        ("anthropic/claude-4.6-sonnet", "claude_3"),
        ("claude-2.1", "claude_2"),
        ("gemini-2.5-flash", "gemma_3"),
        ("llama-3.3-70b", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_model_is_counted_by_its_own_vocabulary(model: str, tokenizer: str) -> None:
    assert count_text("hello", model).tokenizer.removeprefix("estimate:") == tokenizer


@pytest.mark.usefixtures("nothing_loaded")
def test_what_is_measured_nowhere_gets_a_wider_band() -> None:
    text = "the answer to the question of the day and the reason for it " * 10
    known, unknown = count_text(text, "gpt-4o").band, count_text(text, "llama-3.3-70b").band
    assert unknown[1] - unknown[0] > 1.5 * (known[1] - known[0])
