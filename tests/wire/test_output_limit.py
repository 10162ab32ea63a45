from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.wire.body import split
from dd0c_route.wire.output_limit import output_limit


@pytest.mark.parametrize(
    ("api", "body", "limit"),
    [
        ("openai.chat", {"max_tokens": 10}, 10),
        ("openai.chat", {"max_tokens": 10, "max_completion_tokens": 20}, 20),
        ("openai.chat", {"max_tokens": 10, "n": 3}, 30),
        ("openai.responses", {"max_output_tokens": 30}, 30),
        ("anthropic.messages", {"max_tokens": 40}, 40),
        ("gemini.generate", {"generationConfig": {"maxOutputTokens": 50}}, 50),
        ("bedrock.converse", {"inferenceConfig": {"maxTokens": 60}}, 60),
        ("ollama", {"options": {"num_predict": 70}}, 70),
        ("openai.embeddings", {"max_tokens": 10}, 0),
        ("openai.chat", {}, None),
        ("openai.chat", {"max_tokens": None}, None),
        ("openai.chat", {"max_tokens": "10"}, None),
        ("openai.chat", {"max_tokens": True}, None),
        ("openai.chat", {"max_tokens": -1}, None),
        ("openai.chat", {"max_tokens": 1e9}, None),
        ("gemini.generate", {"generationConfig": 7}, None),
    ],
)
def test_the_limit_is_read_where_the_dialect_has_it(api: str, body: dict[str, Any], limit: int | None) -> None:
    assert output_limit(api, split(json.dumps(body).encode())) == limit


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = ["max_tokens", "max_completion_tokens", "n", "generationConfig", "inferenceConfig", "options"]


@given(body=st.dictionaries(st.sampled_from(NAMES), json_values))
def test_whatever_stands_there_it_is_a_positive_number_or_none(body: dict[str, Any]) -> None:
    limit = output_limit("openai.chat", split(json.dumps(body).encode()))
    assert limit is None or limit > 0
