from __future__ import annotations

import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from dd0c_route.tokens import count_request, count_request_exactly, count_text, count_text_exactly, load
from dd0c_route.tokens.features import Features, features
from dd0c_route.tokens.models import tokenizer_for
from dd0c_route.tokens.request import _estimated, _surround, _surrounds
from dd0c_route.types import Count
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


@pytest.mark.parametrize("count", [count_request, count_request_exactly])
def test_how_a_client_writes_its_json_does_not_matter(count: Callable[..., Count]) -> None:
    properties = {f"p{i}": {"type": "string", "description": "城市的名称、例如北京。" * 9} for i in range(90)}
    tool = {"type": "function", "function": {"name": "f", "parameters": {"properties": properties}}}
    request = user("hi") | {"tools": [tool]}
    plain, escaped = fields_of(request), {name: Raw(json.dumps(value).encode()) for name, value in request.items()}
    api, model = "openai.chat", "mistral-large"
    low, high = count(api, escaped, model).band
    assert low <= count(api, plain, model).tokens <= high


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


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("openai.responses", {"input": [{"type": "item_reference", "id": "msg_1"}]}),
        ("openai.responses", {"input": [{"type": "item_reference", "id": "msg_1"}, {"role": "user", "content": "Hi"}]}),
        ("openai.responses", {"input": "Hi", "prompt": {"id": "pmpt_1"}}),
        ("openai.chat", user("Hi") | {"data_sources": [{"type": "azure_search"}]}),
        ("openai.chat", user([{"type": "of_tomorrow"}])),
        ("openai.chat", {"messages": [[[]]]}),
        ("openai.chat", {}),
    ],
)
@pytest.mark.parametrize("count", [count_request, count_request_exactly])
def test_a_prompt_that_is_not_in_the_request_has_no_narrow_band(
    count: Callable[..., Count], api: str, body: dict[str, Any]
) -> None:
    counted = count(api, fields_of(body), "gpt-4o")
    assert counted.exactness == "estimated"
    assert counted.band[1] - counted.band[0] > 50_000


def test_a_long_prompt_is_counted_like_a_short_one() -> None:
    sentence = 'the answer to the "question" of the day\n'
    short, long = tokens(user(sentence * 100)), tokens(user(sentence * 10_000))
    assert long == pytest.approx(100 * short, rel=0.15)


def test_a_long_request_is_looked_at_in_few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def seen(text: str) -> Features:
        looked_at.append(len(text))
        return features(text)

    monkeypatch.setattr("dd0c_route.tokens.estimate.features", seen)
    tools = [{"type": "function", "function": {"name": "f", "description": "hello " * 50}}] * 400
    fields = fields_of(user("hello world 你 \n" * 600_000) | {"tools": tools, "system": "hello " * 50_000})
    count_request("openai.chat", fields, "mistral-large")
    assert 500 < sum(looked_at) < 3_000


@pytest.mark.parametrize(
    "text", ["a" * 100_000, " " * 100_000, "👩🏽\u200d🚀" * 25_000, "e\u0301" * 50_000, "\n" * 100_000]
)
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4", "claude-haiku-4-5", "claude-opus-5"])
def test_a_text_without_a_place_to_cut_takes_no_more_than_some_ordinary_ones(text: str, model: str) -> None:
    load(model)
    ordinary = "the quick brown fox jumps over the lazy dog and sleeps. " * 2_000
    took = {
        name: min(_processor_s(one, model) for _ in range(3)) for name, one in (("this", text), ("usual", ordinary))
    }
    assert took["this"] < 30 * took["usual"], took  # the usual one takes some 10 ms, 30 of it 0.2 s and more


def _processor_s(text: str, model: str) -> float:
    start = time.process_time()
    count_text_exactly(text + str(time.monotonic_ns()), model)  # what was counted once may be remembered
    return time.process_time() - start


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["role", "content", "text", "source", "x"]), inner),
)


@given(st.dictionaries(st.sampled_from(["messages", "input", "tools", "text", "system", "thinking"]), json_values))
def test_any_body_is_counted(request_body: dict[str, Any]) -> None:
    count = count_request("openai.chat", fields_of(request_body), "gpt-4o")
    assert 0 <= count.band[0] <= count.band[1]


def test_a_body_that_is_no_json_or_nests_without_end_is_counted() -> None:
    assert count_request("openai.chat", {"messages": Raw(b"[[[")}, "gpt-4o").band[0] == 0
    assert count_request("openai.chat", {"messages": Raw(b"[" * 9000 + b"]" * 9000)}, "gpt-4o").tokens >= 0


json_names = st.recursive(
    st.none() | st.integers(0, 9) | st.sampled_from(["user", "text", "function", "tool_use", "object"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "type", "text", "name", "parts", "enum"]), inner, max_size=4
        )
    ),
    max_leaves=16,
)


@given(
    st.sampled_from(
        [
            *(("openai.chat", "gpt-4o"), ("openai.responses", "gpt-5"), ("anthropic.messages", "claude-haiku-4-5")),
            *(("bedrock.converse", "claude-haiku-4-5"), ("gemini.generate", "gemini-2.5-pro"), ("ollama", "llama3")),
        ]
    ),
    st.dictionaries(
        st.sampled_from(["messages", "contents", "input", "tools", "system", "tool_choice", "response_format"]),
        json_names,
    ),
)
def test_a_value_of_another_kind_than_expected_is_counted_too(kind: tuple[str, str], body: dict[str, Any]) -> None:
    api, model = kind
    for count in (count_request(api, fields_of(body), model), count_request_exactly(api, fields_of(body), model)):
        assert 0 <= count.band[0] <= count.tokens <= count.band[1]


# --- against what providers reported -----------------------------------------------------------------

_MEDIA = ("server_tools", "video", "file", "audio", "image")
NAMES = (
    *("openai.chat", "openai.responses", "openai.completions", "embeddings", "ollama", "cohere.chat"),
    *("anthropic.messages", "anthropic.count_tokens", "gemini.generate", "gemini.count_tokens"),
    *("bedrock.converse", "bedrock.invoke"),
)
ENOUGH = 20  # prompts of a class: of fewer, one is more than 5 %


def class_of(record: dict[str, Any]) -> str:
    seen = set(record["features"])
    if media := next((name for name in _MEDIA if name in seen), None):
        return media
    if any(name in record["request"] for name in ("previous_response_id", "conversation", "cachedContent")):
        return "state"
    return next((name for name in ("schema", "tool_history", "tools") if name in seen), "text")


def family_of(name: str, model: str) -> str:
    row = _surround(name, model.lower())
    return next(family for family, other in _surrounds().items() if other is row)


def shown(found: dict[tuple[str, str], list[tuple[Count, int]]]) -> str:
    lines = ["", "family, class: prompts, inside the band, half its width and the error of the middle one"]
    for (family, kind), pairs in sorted(found.items()):
        width = median((count.band[1] - count.band[0]) / 2 / true for count, true in pairs)
        error = median(abs(count.tokens - true) / true for count, true in pairs)
        lines.append(f"{family}, {kind}: {len(pairs)}, {share_inside(pairs):.1%}, {width:.0%}, {error:.1%}")
    return "\n".join(lines)


def share_inside(pairs: list[tuple[Count, int]]) -> float:
    return sum(count.band[0] <= true <= count.band[1] for count, true in pairs) / len(pairs)


def counted(count: Callable[..., Count]) -> dict[tuple[str, str], list[tuple[Count, int]]]:
    """Every recorded prompt whose tokens the provider reported, by family and class."""
    found: dict[tuple[str, str], list[tuple[Count, int]]] = {}
    for name in NAMES:
        for record in recordings(name):
            true = (record.get("usage_norm") or {}).get("input_total")
            request = record["request"]
            if not true or not isinstance(request, dict) or "[REDACTED]" in str(request):
                continue
            model = record["model"] or ""
            key = (family_of(name, model), class_of(record))
            found.setdefault(key, []).append((count(name, fields_of(request), model, record["provider"]), true))
    return found


@pytest.mark.usefixtures("nothing_loaded")
def test_the_band_of_a_quick_count_holds_recorded_prompts(capsys: pytest.CaptureFixture[str]) -> None:
    found = counted(count_request)
    with capsys.disabled():
        print(shown(found))
    for family in {family for family, _ in found}:
        pairs = [pair for (other, _), pairs in found.items() if other == family for pair in pairs]
        assert share_inside(pairs) >= 0.9, family


def test_the_band_of_a_request_without_a_frame_holds_recorded_prompts(capsys: pytest.CaptureFixture[str]) -> None:
    """Also of those that have one: what is not known of a request is nothing that the estimate could rest on."""

    def estimated(name: str, fields: dict[str, Raw], model: str, _: str) -> Count:
        return _estimated(name, fields, model, tokenizer_for(model).count_exactly, whole=True)

    found = counted(estimated)
    with capsys.disabled():
        print(shown(found))
    held = {key: share_inside(pairs) for key, pairs in found.items() if len(pairs) >= ENOUGH}
    assert min(held.values()) >= 0.9, held
    assert sum(share >= 0.95 for share in held.values()) >= 0.95 * len(held), held
