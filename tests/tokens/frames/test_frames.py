from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from dd0c_route.tokens import count_answer, count_request, count_request_exactly, count_text_exactly, load
from dd0c_route.tokens.frames import frame_of
from dd0c_route.types import Count
from tests.tokens.corpus import recordings

MAKERS = ("openai", "azure", "anthropic")


def fields_of(request: dict[str, Any]) -> dict[str, Raw]:
    return {name: Raw(msgspec.json.encode(value)) for name, value in request.items()}


def exact(request: dict[str, Any], model: str = "gpt-4o", api: str = "openai.chat") -> Count:
    return count_request_exactly(api, fields_of(request), model)


def system_and_user(model: str) -> dict[str, Any]:
    # The example of OpenAI's cookbook, "How to count tokens with tiktoken".
    rules = "You are a helpful, pattern-following assistant that translates corporate jargon into plain English."
    turns = [
        ("example_user", "New synergies will help drive top-line growth."),
        ("example_assistant", "Things working well together will increase revenue."),
        (
            "example_user",
            "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
        ),
        ("example_assistant", "Let's talk later when we're less busy about how to do better."),
    ]
    ask = "This late pivot means we don't have time to boil the ocean for the client deliverable."
    messages = [{"role": "system", "content": rules}]
    messages += [{"role": "system", "name": name, "content": content} for name, content in turns]
    return {"model": model, "messages": [*messages, {"role": "user", "content": ask}]}


@pytest.mark.parametrize(
    ("model", "tokens"),
    [("gpt-3.5-turbo", 129), ("gpt-4-0613", 129), ("gpt-4", 129), ("gpt-4o", 124), ("gpt-4o-mini", 124)],
)
def test_the_published_example_counts_as_published(model: str, tokens: int) -> None:
    count = exact(system_and_user(model), model)
    assert (count.tokens, count.exactness) == (tokens, "exact")


def test_a_model_that_reasons_has_a_shorter_frame_and_pays_for_its_earlier_answers() -> None:
    question = {"messages": [{"role": "user", "content": "hi"}]}
    history = {"messages": [*question["messages"], {"role": "assistant", "content": "hi"}]}
    assert exact(question, "gpt-4o").tokens == 3 + 3 + 1 + 1
    assert exact(question, "o3-mini").tokens == 2 + 3 + 1 + 1
    assert exact(history, "gpt-4o").tokens == 3 + 2 * 5
    assert exact(history, "gpt-5.4").tokens == 2 + 2 * 5 + 2


def test_the_parts_of_a_message_are_joined_before_they_are_counted() -> None:
    parts = [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]
    whole = {"messages": [{"role": "user", "content": "hello"}]}
    assert exact({"messages": [{"role": "user", "content": parts}]}) == exact(whole)


def test_responses_count_like_chat() -> None:
    chat = {"messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]}
    responses = {"instructions": "be kind", "input": "hi"}
    assert exact(responses, "gpt-5-mini", "openai.responses") == exact(chat, "gpt-5-mini")


def test_a_completion_and_an_embedding_are_their_text_alone() -> None:
    text = "the answer to the question"
    alone = count_text_exactly(text, "gpt-3.5-turbo-instruct")
    assert exact({"prompt": text}, "gpt-3.5-turbo-instruct", "openai.completions") == alone
    both = exact({"input": [text, text]}, "text-embedding-3-small", "openai.embeddings")
    assert both.tokens == 2 * alone.tokens


@pytest.mark.parametrize(
    ("api", "request_body"),
    [
        ("openai.chat", {"tools": [{"type": "custom", "custom": {"name": "f"}}]}),
        ("openai.chat", {"messages": [{"role": "function", "name": "f", "content": "x"}]}),
        ("openai.chat", {"messages": "no list"}),
        ("openai.chat", {"messages": [[]]}),
        ("openai.responses", {"input": "hi", "previous_response_id": "r"}),
        ("anthropic.messages", {"context_management": {"edits": [{"type": "compact_20260112"}]}}),
        ("anthropic.messages", {"tools": [{"name": "f", "type": "a_tool_that_came_later"}]}),
        ("anthropic.messages", {"messages": []}),
        ("gemini.generate", {"contents": []}),
        ("openai.completions", {"prompt": [1, 2]}),
        ("openai.embeddings", {}),
    ],
)
def test_what_is_not_known_to_the_token_has_no_frame(api: str, request_body: dict[str, Any]) -> None:
    model = "claude-sonnet-4-5" if api.startswith("anthropic") else "gpt-4o"
    body = {"messages": [{"role": "user", "content": "hi"}]} | request_body
    assert frame_of(api, fields_of(body), model) is None
    assert count_request_exactly(api, fields_of(body), model).exactness == "estimated"


WORDS = ["role", "content", "type", "text", "name", "function", "parameters", "properties", "required", "enum", "items"]
WORDS += [
    "anyOf",
    "title",
    "description",
    "default",
    "tool_calls",
    "arguments",
    "input",
    "input_schema",
    "schema",
    "format",
]
WORDS += ["call_id", "output", "image_url", "file", "file_data", "function_call", "$ref", "$defs"]
KINDS = [
    "user",
    "assistant",
    "system",
    "tool",
    "text",
    "function",
    "function_call",
    "tool_use",
    "tool_result",
    "object",
]
KINDS += ["function_call", "function_call_output", "reasoning", "image_url", "input_image", "file"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(KINDS) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=30,
)
FIELDS = ["messages", "input", "instructions", "system", "tools", "functions", "tool_choice", "thinking", "text"]
bodies = st.dictionaries(st.sampled_from([*FIELDS, "response_format", "prompt", "reasoning"]), json_values)
calls = [
    ("openai.chat", "gpt-4o"),
    ("openai.chat", "gpt-5.4"),
    ("openai.responses", "gpt-4o"),
    ("openai.embeddings", "x"),
]
calls += [("anthropic.messages", "claude-sonnet-4-5"), ("anthropic.messages", "claude-opus-5")]
calls += [("bedrock.converse", "claude-sonnet-4-5"), ("openai.chat", "claude-opus-5")]


@settings(max_examples=500)
@given(bodies, st.sampled_from(calls))
def test_any_body_has_a_frame_or_none(body: dict[str, Any], call: tuple[str, str]) -> None:
    frame = frame_of(call[0], fields_of(body), call[1])
    assert frame is None or (frame.below >= 0 <= frame.above and all(isinstance(text, str) for text in frame.texts))


@given(json_values)
def test_any_schema_is_a_type(schema: Any) -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    assert frame_of(
        "openai.chat", fields_of({"messages": [{"role": "user", "content": "hi"}], "tools": tools}), "gpt-4o"
    )


@pytest.mark.usefixtures("nothing_loaded")
def test_a_short_request_is_exact_once_the_vocabulary_is_loaded() -> None:
    body = fields_of(system_and_user("gpt-4o"))
    assert count_request("openai.chat", body, "gpt-4o").exactness == "estimated"
    load("gpt-4o")
    assert count_request("openai.chat", body, "gpt-4o") == count_request_exactly("openai.chat", body, "gpt-4o")
    long = fields_of({"messages": [{"role": "user", "content": "hello " * 2000}]})
    assert count_request("openai.chat", long, "gpt-4o").exactness == "estimated"
    assert count_request_exactly("openai.chat", long, "gpt-4o").tokens == 2001 + 7


# --- against what providers reported -----------------------------------------------------------------


def test_recorded_completions_are_counted_to_the_token(capsys: pytest.CaptureFixture[str]) -> None:
    pairs = []
    for record in recordings("openai.completions"):
        true, model = (record.get("usage_norm") or {}).get("input_total"), (record["model"] or "").lower()
        fields = fields_of(record["request"])
        if true and model.startswith("gpt-3.5") and frame_of("openai.completions", fields, model) is not None:
            pairs.append((count_request_exactly("openai.completions", fields, model).tokens, true))
    hits = sum(count == true for count, true in pairs)
    with capsys.disabled():
        print(f"\nopenai.completions: {hits / len(pairs):.1%} of {len(pairs)} prompts exact", end="")
    assert len(pairs) >= 30
    assert hits >= 0.96 * len(pairs)


def near(count: int, true: int) -> bool:
    """Within 1 % or two tokens."""
    return abs(count - true) <= max(2, true * 0.01)


# --- answers -------------------------------------------------------------------------------------------


def test_embeddings_of_others_are_texts_with_or_without_marks() -> None:
    fields = {"input": Raw(b'["hello", "hello"]')}
    openai = count_request_exactly("openai.embeddings", fields, "text-embedding-3-small")
    assert (openai.tokens, openai.exactness) == (2, "exact")
    count = count_request_exactly("embeddings", fields, "voyage-4")
    assert count.exactness == "estimated"
    assert count.band[0] <= 2 < 6 <= count.band[1]
    assert count_request_exactly("embeddings", fields, "mistral-embed").tokens == count.tokens + 4


def test_a_host_may_put_the_maker_before_the_name() -> None:
    fields = {
        "input": Raw(b'"hello"'),
        "tools": Raw(b'[{"type":"function","name":"f","parameters":{"type":"object"}}]'),
    }
    own = count_request_exactly("openai.responses", fields, "gpt-5.5")
    hosted = count_request_exactly("openai.responses", fields, "openai.gpt-5.5")
    assert (hosted.tokens, hosted.exactness) == (own.tokens, "estimated")
    assert own.exactness == "exact"


@pytest.mark.parametrize(
    ("model", "api", "provider", "tokens", "band"),
    [
        ("gpt-4.1", "openai.chat", "openai", 2, (2, 3)),
        ("gpt-4.1", "openai.chat", "azure", 3, (2, 4)),
        ("gpt-4.1", "openai.responses", "openai", 3, (3, 4)),
        ("gpt-5.4", "openai.chat", "openai", 5, (5, 13)),
        ("gpt-5.4", "openai.responses", "openai", 6, (5, 12)),
        ("openai.gpt-5.4", "openai.responses", "bedrock", 6, (5, 12)),
        ("gpt-5", "openai.chat", "openai", 11, (5, 14)),
        ("gpt-5", "openai.responses", "openai", 6, (5, 16)),
        ("o3-mini", "openai.chat", "openai", 15, (2, 28)),
        ("claude-sonnet-4-5", "anthropic.messages", "anthropic", 5, (4, 6)),
        ("claude-sonnet-4-5", "openai.chat", "openrouter", 5, (4, 9)),
        ("claude-opus-4-7", "anthropic.messages", "", 8, (7, 9)),
        ("claude-opus-5", "anthropic.messages", "", 6, (4, 7)),
    ],
)
def test_a_whole_answer_costs_its_end(model: str, api: str, provider: str, tokens: int, band: tuple[int, int]) -> None:
    count = count_answer("Hello!", model, api, provider)
    assert (count.tokens, count.band) == (tokens, band)


@pytest.mark.parametrize(("limit", "tokens", "band"), [(1, 2, (2, 2)), (4, 4, (4, 4)), (5, 5, (4, 5)), (9, 5, (4, 6))])
def test_an_answer_as_long_as_its_request_allows_was_cut(limit: int, tokens: int, band: tuple[int, int]) -> None:
    count = count_answer("Hello!", "claude-sonnet-4-5", limit=limit)
    assert (count.tokens, count.band) == (tokens, band)


def openai_answer(response: dict[str, Any]) -> str | None:
    choices = response.get("choices") or [{}]
    message = choices[0].get("message") or {}
    whole = len(choices) == 1 and choices[0].get("finish_reason") == "stop" and not message.get("tool_calls")
    return message.get("content") if whole else None


def claude_answer(response: dict[str, Any]) -> str | None:
    blocks = response.get("content") or []
    whole = response.get("stop_reason") == "end_turn" and [block.get("type") for block in blocks] == ["text"]
    return blocks[0]["text"] if whole else None


@pytest.mark.parametrize(
    ("name", "answer_of", "models", "least", "least_near"),
    [
        ("openai.chat", openai_answer, ("gpt-4o", "gpt-4.1"), 1000, 0.96),
        ("anthropic.messages", claude_answer, ("claude-",), 250, 0.98),
    ],
)
def test_recorded_answers_are_counted(
    name: str,
    answer_of: Any,
    models: tuple[str, ...],
    least: int,
    least_near: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pairs = []
    for record in recordings(name):
        usage, text = record.get("usage_norm") or {}, answer_of(record.get("response") or {})
        model = record["model"] or ""
        if record["provider"] not in MAKERS or not model.startswith(models) or not text or usage.get("reasoning"):
            continue
        if usage.get("output_total"):
            pairs.append((count_answer(text, model), usage["output_total"]))
    hits = sum(near(count.tokens, true) for count, true in pairs) / len(pairs)
    with capsys.disabled():
        print(f"\n{name}: {hits:.1%} of {len(pairs)} answers within 1 % or two tokens", end="")
    assert len(pairs) >= least
    assert hits >= least_near
    assert sum(count.band[0] <= true <= count.band[1] for count, true in pairs) >= 0.95 * len(pairs)
