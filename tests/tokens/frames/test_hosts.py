from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from dd0c_route.tokens import count_request_exactly
from dd0c_route.tokens.frames import frame_of
from dd0c_route.tokens.frames.reading import Frame
from tests.tokens.corpus import recordings
from tests.tokens.extras.installed import counter_or_skip


def fields_of(request: dict[str, Any]) -> dict[str, Raw]:
    return {name: Raw(msgspec.json.encode(value)) for name, value in request.items()}


def frame(roles: str, model: str, provider: str) -> Frame:
    names = {"s": "system", "u": "user", "a": "assistant"}
    body = {"messages": [{"role": names[role], "content": "hi"} for role in roles]}
    found = frame_of("openai.chat", fields_of(body), model, provider)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("model", "provider", "roles", "tokens"),
    [
        ("deepseek-chat", "deepseek", "u", 4),
        ("deepseek-chat", "deepseek", "suau", 8),
        ("mistral-large-latest", "mistral", "u", 3),
        ("mistral-large-latest", "mistral", "suauau", 11),
        ("mistral-small-latest", "mistral", "u", 15),
        ("llama-3.3-70b-versatile", "groq", "su", 35),
        ("meta-llama/llama-3-3-70b-instruct", "watsonx", "uau", 45),
        ("llama3-8b-8192", "groq", "su", 15),
        ("llama3.2:3b-instruct-fp16", "ollama-local", "u", 25),
        ("qwen/qwen3-32b", "groq", "su", 13),
        ("qwen3", "ollama-local", "u", 10),
        ("gpt-oss:20b", "ollama-local", "suau", 85),
        ("openai.gpt-oss-20b-1:0", "bedrock", "su", 71),
        ("google/gemini-2.5-flash", "openrouter", "su", 1),
    ],
)
def test_templates(model: str, provider: str, roles: str, tokens: int) -> None:
    found = frame(roles, model, provider)
    assert found.tokens == tokens
    assert found.texts == ("hi",) * len(roles)


def test_a_template_may_take_white_space_away_and_earlier_thoughts() -> None:
    messages = [{"role": "user", "content": " hi\n"}, {"role": "assistant", "content": "<think>well</think>\n\nyes"}]
    found = frame_of("openai.chat", fields_of({"messages": messages}), "llama-3.3-70b", "groq")
    assert found is not None
    assert found.texts == ("hi", "yes")


def test_converse_has_its_system_prompt_apart() -> None:
    body = {"system": [{"text": "be kind"}], "messages": [{"role": "user", "content": [{"text": "hi"}]}]}
    found = frame_of("bedrock.converse", fields_of(body), "us.deepseek.r1-v1:0", "bedrock")
    assert found is not None
    assert found.texts == ("be kind", "hi")


@pytest.mark.parametrize(
    ("model", "body"),
    [
        ("grok-4.3", {}),  # no row
        ("llama-3.3-70b", {"tools": [{"type": "function"}]}),
        ("llama-3.3-70b", {"response_format": {"type": "json_object"}}),
        ("llama-3.3-70b", {"messages": [{"role": "tool", "content": "x"}]}),
        ("llama-3.3-70b", {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
    ],
)
def test_what_is_not_known_has_no_frame(model: str, body: dict[str, Any]) -> None:
    request = {"messages": [{"role": "user", "content": "hi"}]} | body
    assert frame_of("openai.chat", fields_of(request), model, "groq") is None


json_values = st.recursive(
    st.none() | st.integers(-9, 9) | st.sampled_from(["", "hi", "user", "assistant"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "text", "type", "tool_calls"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(json_values, json_values, st.sampled_from(["openai.chat", "ollama", "bedrock.converse"]))
def test_no_request_is_too_odd(messages: Any, system: Any, api: str) -> None:
    found = frame_of(api, fields_of({"messages": messages, "system": system}), "llama-3.3-70b", "groq")
    assert found is None or found.tokens >= 0


def test_recorded_chats_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("llama_3", "tekken", "deepseek", "qwen"):
        counter_or_skip(name)
    near, inside = [], []
    for api in ("openai.chat", "ollama", "bedrock.converse"):
        for record in recordings(api):
            request, model = record["request"], (record["model"] or "").lower()
            true = (record.get("usage_norm") or {}).get("input_total")
            if not true or "claude" in model or record["provider"] in ("openai", "azure") or "guard" in model:
                continue  # 853 recordings are of one guard model
            if (
                "[REDACTED]" in json.dumps(request)
                or frame_of(api, fields_of(request), model, record["provider"]) is None
            ):
                continue
            count = count_request_exactly(api, fields_of(request), model, record["provider"])
            near.append(abs(count.tokens - true) <= max(2, true * 0.01))
            inside.append(count.band[0] <= true <= count.band[1])
    shares = [sum(hits) / len(hits) for hits in (near, inside)]
    with capsys.disabled():
        print(f"\nhosts: {shares[0]:.1%} of {len(near)} near, {shares[1]:.1%} in the band", end="")
    assert len(near) >= 250
    assert shares[0] >= 0.9
    assert shares[1] >= 0.95
