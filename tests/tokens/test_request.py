from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from dd0c_route.tokens import count_request, count_text
from tests.tokens.corpus import recordings


def fields_of(request: dict[str, Any]) -> dict[str, Raw]:
    return {name: Raw(msgspec.json.encode(value)) for name, value in request.items()}


def user(content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


def tokens(request: dict[str, Any], api: str = "openai.chat", model: str = "gpt-4o") -> int:
    return count_request(api, fields_of(request), model).tokens


@pytest.mark.parametrize(
    ("api", "model", "request_body"),
    [
        ("openai.chat", "gpt-4o", user("Say hello to the world.")),
        ("openai.chat", "gpt-4o", user([{"type": "text", "text": "Say hello to the world."}])),
        ("openai.responses", "gpt-4o", {"input": "Say hello to the world."}),
        ("anthropic.messages", "claude-sonnet-4-5", user("Say hello to the world.")),
        ("gemini.generate", "gemini-2.5-pro", {"contents": [{"parts": [{"text": "Say hello to the world."}]}]}),
        ("openai.completions", "gpt-4o", {"prompt": "Say hello to the world."}),
        ("openai.embeddings", "text-embedding-3-small", {"input": ["Say hello", "to the world."]}),
    ],
)
def test_the_prompt_is_found_in_every_dialect(api: str, model: str, request_body: dict[str, Any]) -> None:
    text = count_text("Say hello to the world.", model).tokens
    assert text - 2 <= tokens(request_body, api, model) <= text + 10


def test_each_message_costs_its_frame() -> None:
    one = {"messages": [{"role": "user", "content": "a"}]}
    four = {"messages": [{"role": "user", "content": "a"}] * 4}
    assert tokens(four) - tokens(one) >= 3 * 4


def test_a_prompt_of_token_numbers_is_counted_exactly() -> None:
    assert tokens({"prompt": [[1, 2, 3], [4, 5]]}, "openai.completions") == 5


def test_tools_and_schemas_count() -> None:
    tool = {"type": "function", "function": {"name": "weather", "description": "the weather of a town, by name"}}
    schema = {"type": "json_schema", "json_schema": {"name": "town", "schema": {"type": "object"}}}
    assert tokens(user("hi") | {"tools": [tool]}) > tokens(user("hi")) + 5
    assert tokens(user("hi") | {"response_format": schema}) > tokens(user("hi")) + 5


def test_an_image_is_not_counted_as_its_letters() -> None:
    url = "data:image/png;base64," + "iVBORw0KGgo" * 900
    count = count_request("openai.chat", fields_of(user([{"type": "image_url", "image_url": {"url": url}}])), "gpt-4o")
    assert count.tokens < 1000
    assert count.band[1] > 2 * count.tokens


def test_a_long_request_with_an_image_is_not_counted_as_its_letters() -> None:
    url = "data:image/png;base64," + "iVBORw0KGgo" * 100_000
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What is this?"}]
    assert tokens(user(parts)) < 20_000


def test_what_only_the_provider_knows_widens_the_band() -> None:
    plain = count_request("openai.responses", fields_of({"input": "hi"}), "gpt-4o")
    stored = count_request("openai.responses", fields_of({"input": "hi", "previous_response_id": "r"}), "gpt-4o")
    assert stored.band[1] - plain.band[1] >= 50_000


def test_a_long_prompt_is_counted_like_a_short_one() -> None:
    sentence = 'the answer to the "question" of the day\n'
    short, long = tokens(user(sentence * 100)), tokens(user(sentence * 10_000))
    assert long == pytest.approx(100 * short, rel=0.15)


def test_the_time_does_not_grow_with_the_request() -> None:
    fields = fields_of(user("hello world 你 \n" * 600_000))
    fastest = min(_seconds(fields) for _ in range(20))
    assert fastest < 0.004  # 0.3 ms on an idle machine


def _seconds(fields: dict[str, Raw]) -> float:
    start = time.perf_counter()
    count_request("openai.chat", fields, "gpt-4o")
    return time.perf_counter() - start


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["role", "content", "text", "source", "x"]), inner),
)


@given(st.dictionaries(st.sampled_from(["messages", "input", "tools", "text", "system", "thinking"]), json_values))
def test_any_body_is_counted(request_body: dict[str, Any]) -> None:
    count = count_request("openai.chat", fields_of(request_body), "gpt-4o")
    assert 0 <= count.band[0] <= count.band[1]


def test_a_body_that_is_no_json_or_nests_without_end_is_counted() -> None:
    assert count_request("openai.chat", {"messages": Raw(b"[[[")}, "gpt-4o").tokens == 0
    assert count_request("openai.chat", {"messages": Raw(b"[" * 9000 + b"]" * 9000)}, "gpt-4o").tokens >= 0


# --- against what providers reported -----------------------------------------------------------------

MAKERS = ("openai", "azure", "anthropic", "google", "vertex")
HARD = {"image", "audio", "file", "video", "server_tools"}


@pytest.mark.usefixtures("nothing_loaded")
@pytest.mark.parametrize(
    ("name", "least_text", "least_tools"),
    [
        ("openai.chat", 0.95, 0.95),
        ("openai.responses", 0.95, 0.93),
        ("anthropic.messages", 0.95, 0.90),
        ("gemini.generate", 0.95, 0.95),
        ("embeddings", 0.95, 0),
    ],
)
def test_the_band_holds_recorded_prompts(
    name: str, least_text: float, least_tools: float, capsys: pytest.CaptureFixture[str]
) -> None:
    inside: dict[str, list[bool]] = {"text": [], "tools": []}
    errors: dict[str, list[float]] = {"text": [], "tools": []}
    for record in recordings(name):
        true = (record.get("usage_norm") or {}).get("input_total")
        request, features = record["request"], set(record["features"])
        if not true or record["provider"] not in MAKERS or not isinstance(request, dict) or features & HARD:
            continue
        if "[REDACTED]" in str(request) or "previous_response_id" in request or "conversation" in request:
            continue
        count = count_request(name, fields_of(request), record["model"] or "")
        kind = "tools" if features & {"tools", "tool_history", "schema"} else "text"
        inside[kind].append(count.band[0] <= true <= count.band[1])
        errors[kind].append(abs(count.tokens - true) / true)
    with capsys.disabled():
        for kind, held in inside.items():
            if held:
                median = sorted(errors[kind])[len(held) // 2]
                print(f"\n{name}, {kind}: {len(held)} prompts, error {median:.1%} (median), ", end="")
                print(f"{sum(held) / len(held):.1%} inside the band", end="")
    assert sum(inside["text"]) >= least_text * len(inside["text"]) > 0
    assert sum(inside["tools"]) >= least_tools * len(inside["tools"])
