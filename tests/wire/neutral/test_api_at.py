"""Which calls are translated."""

from __future__ import annotations

import pytest

from dd0c_route.wire.neutral import DIALECTS, api_at


@pytest.mark.parametrize("api", sorted(DIALECTS))
@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini", "bedrock", "cohere"])
def test_what_is_passed_through_is_never_translated(api: str, dialect: str) -> None:
    assert api_at(api, "passthrough", dialect) is None


def test_another_dialects_call_is_and_ones_own_is_not() -> None:
    assert api_at("openai.chat", "openai", "anthropic") == "anthropic.messages"
    assert api_at("openai.chat", "openai", "openai") is None
    assert api_at("openai.embeddings", "openai", "anthropic") is None
