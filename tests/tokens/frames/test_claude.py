from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dd0c_route.tokens.frames import frame_of
from dd0c_route.types import Count
from tests.tokens.corpus import recordings
from tests.tokens.frames.claude_counts import ASK, OPUS_5, SONNET, added, count, fields_of, words

NAMES = ("anthropic.messages", "anthropic.count_tokens", "bedrock.converse", "bedrock.invoke", "openai.chat")


@pytest.mark.parametrize(
    ("messages", "tokens"),
    [
        ([("user", "hi")], 8),
        ([("user", "hi"), ("assistant", "hi"), ("user", "hi")], 8 + 2 * 4),
        ([("user", "hi"), ("assistant", "hi")], 8 + 1),  # the answer goes on: no turn of its own
        ([("user", "hi"), ("user", "hi")], 8 + 2),  # one turn of two lines
        ([("assistant", "hi"), ("user", "hi")], 8 + 4 + 12),  # a turn of the host's own in front
    ],
)
def test_each_turn_has_a_frame(messages: list[tuple[str, str]], tokens: int) -> None:
    assert count({"messages": [{"role": role, "content": text} for role, text in messages]}).tokens == tokens


@pytest.mark.parametrize(("model", "tokens"), [("claude-opus-4-7", 11), ("claude-opus-4-8", 6), (OPUS_5, 6)])
def test_later_generations_have_other_frames(model: str, tokens: int) -> None:
    assert count({"messages": [ASK]}, model).tokens == tokens + words("hi", model)


def test_what_the_host_is_not_consistent_in_is_in_the_band() -> None:
    body: dict[str, Any] = {"messages": [ASK]}
    system = count(body | {"system": "be kind"})
    assert (system.tokens, system.exactness, system.band) == (10, "estimated", (10, 11))
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    assert count(body | thinking).band == (8 + 28, 8 + 33)
    assert count(body).exactness == "exact"


def test_a_system_prompt_costs_a_token_more_from_4_6_on() -> None:
    assert added({"system": "be kind"}) == 2
    assert added({"system": "be kind"}, "claude-sonnet-4-6") == 2 + 1
    assert added({"system": [{"type": "text", "text": "be kind\n"}]}, OPUS_5) == words("be kind", OPUS_5) + 1


def test_fields_that_change_no_prompt_cost_nothing() -> None:
    body = {"temperature": 0.5, "metadata": {"user_id": "x"}, "stop_sequences": ["x"], "service_tier": "auto"}
    assert added(body | {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}) == 0


def test_a_schema_for_the_answer_is_read_as_indented_json() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    written = words(json.dumps(schema, indent=2))
    form = {"type": "json_schema", "schema": schema}
    assert added({"output_config": {"format": form}}) == written + 81
    assert added({"output_format": form}) == written + 81


def test_before_4_5_hosts_make_a_tool_of_the_schema() -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": schema}}
    model = "databricks-claude-3-7-sonnet"
    counted = count({"messages": [ASK], "response_format": form}, model, "openai.chat")
    assert counted.tokens == 8 + 292 + 2 * words(json.dumps(schema))
    assert counted.band[1] > counted.tokens + 1_000


def test_servers_of_tools_are_a_guess() -> None:
    asked = count({"messages": [ASK], "mcp_servers": [{"type": "url", "url": "https://mcp.example"}]})
    assert asked.band[0] <= 8 + 2 < asked.tokens < asked.band[1]


# --- other APIs -----------------------------------------------------------------------------------------


def test_the_same_request_counts_the_same_at_every_host() -> None:
    arguments, schema = {"town": "Rome"}, {"type": "object", "properties": {"town": {"type": "string"}}}
    call = {"type": "tool_use", "id": "1", "name": "weather", "input": arguments}
    result = {"type": "tool_result", "tool_use_id": "1", "content": "sunny"}
    messages = {
        "system": "be kind",
        "messages": [ASK, {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}],
        "tools": [{"name": "weather", "description": "of a town", "input_schema": schema}],
        "tool_choice": {"type": "any"},
    }
    converse = {
        "system": [{"text": "be kind"}, {"cachePoint": {"type": "default"}}],
        "messages": [
            {"role": "user", "content": [{"text": "hi"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "1", "name": "weather", "input": arguments}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "1", "content": [{"text": "sunny"}]}}]},
        ],
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "weather", "description": "of a town", "inputSchema": {"json": schema}}}],
            "toolChoice": {"any": {}},
        },
    }
    function = {"name": "weather", "description": "of a town", "parameters": schema}
    made = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": json.dumps(arguments)}}
    chat = {
        "messages": [
            {"role": "system", "content": "be kind"},
            ASK,
            {"role": "assistant", "content": None, "tool_calls": [made]},
            {"role": "tool", "tool_call_id": "1", "content": "sunny"},
        ],
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "required",
    }
    whole = count(messages)
    assert count(messages, api="anthropic.count_tokens") == whole
    assert count(messages, "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock.invoke") == whole
    assert count(converse, api="bedrock.converse") == whole
    assert count(chat, "anthropic/claude-sonnet-4.5", "openai.chat") == whole


def test_an_api_that_is_not_known_has_no_frame() -> None:
    assert frame_of("cohere.chat", fields_of({"messages": [ASK]}), SONNET) is None
    assert frame_of("bedrock.invoke", fields_of({"messages": [ASK]}), "anthropic.claude-v2") is None


KINDS = ["text", "tool_use", "tool_result", "thinking", "image", "document", "search_result", "tool_reference"]
KINDS += ["server_tool_use", "web_search_tool_result", "tool_addition", "container_upload", "compaction", "custom"]
KINDS += ["user", "assistant", "system", "enabled", "any", "tool", "base64", "web_search_20250305", "json_schema"]
WORDS = [
    "type",
    "role",
    "content",
    "text",
    "id",
    "name",
    "input",
    "tool_use_id",
    "source",
    "data",
    "title",
    "citations",
]
WORDS += ["enabled", "thinking", "tool", "tool_name", "encrypted_content", "format", "schema", "task_budget"]
WORDS += ["toolUse", "toolResult", "image", "document", "bytes", "tools", "toolSpec", "toolChoice", "description"]
WORDS += ["input_schema", "input_examples", "defer_loading", "disable_parallel_tool_use", "function", "tool_calls"]
FIELDS = ["messages", "system", "tools", "tool_choice", "thinking", "output_config", "output_format", "mcp_servers"]
FIELDS += ["container", "toolConfig", "outputConfig", "additionalModelRequestFields", "reasoning", "response_format"]
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(KINDS) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=25,
)
blocks = st.dictionaries(st.sampled_from(WORDS), values, max_size=4)
contents = st.text(max_size=3) | st.lists(
    st.builds(lambda kind, rest: rest | {"type": kind}, st.sampled_from(KINDS), blocks)
)
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system"]), "content": contents})
)


@settings(max_examples=600)
@given(
    st.dictionaries(st.sampled_from(FIELDS), values),
    messages,
    st.sampled_from(NAMES),
    st.sampled_from([SONNET, OPUS_5, "claude-3-7-sonnet"]),
)
def test_any_request_has_a_frame_or_none(body: dict[str, Any], turns: list[Any], api: str, model: str) -> None:
    for request in (body, body | {"messages": turns}):
        frame = frame_of(api, fields_of(request), model)
        assert frame is None or (frame.below >= 0 <= frame.above and all(isinstance(text, str) for text in frame.texts))


# --- against what providers reported --------------------------------------------------------------------

Wanted = Callable[[dict[str, Any], set[str]], bool]


def counted(wanted: Wanted, names: tuple[str, ...] = NAMES) -> Iterator[tuple[Count, int]]:
    """The counts of recorded requests to Claude, and what the provider counted."""
    for name in names:
        for record in recordings(name):
            model = (record["model"] or "").lower().replace("%3a", ":")
            true, request = (record.get("usage_norm") or {}).get("input_total"), record["request"]
            if not true or "claude" not in model or "[REDACTED]" in str(request):
                continue
            if frame_of(name, fields_of(request), model) and wanted(request, set(record["features"])):
                yield count(request, model, name), true


def runs_tools(request: dict[str, Any]) -> bool:
    return any(tool.get("type", "custom") != "custom" for tool in request.get("tools") or [])


OTHERS = re.compile("'(?:mcp_servers|jsonSchema|json_schema|document|image|image_url)'")


def text(request: dict[str, Any], features: set[str]) -> bool:
    return not features & {"tools", "tool_history", "schema"} and not OTHERS.search(str(request))


def first_turn(request: dict[str, Any], features: set[str]) -> bool:
    return "tools" in features and "tool_history" not in features and not runs_tools(request)


def history(request: dict[str, Any], features: set[str]) -> bool:
    return "tool_history" in features and not runs_tools(request) and not OTHERS.search(str(request))


def schema(request: dict[str, Any], features: set[str]) -> bool:
    return "schema" in features and "tools" not in features


@pytest.mark.parametrize(
    ("wanted", "names", "least", "within_percent", "within_two"),
    [
        (text, NAMES[:1], 350, 0.92, 0.95),
        (text, NAMES[2:], 120, 0.95, 0.95),
        (first_turn, NAMES[:1], 170, 0.93, 0.93),
        (first_turn, NAMES[2:], 80, 0.90, 0.90),
        (history, NAMES[:1], 110, 0.92, 0.92),
        (history, NAMES[2:], 25, 0.75, 0.75),
        (schema, NAMES[:1], 15, 1.0, 1.0),
        (lambda request, features: True, ("anthropic.count_tokens",), 17, 1.0, 1.0),
    ],
)
def test_recorded_requests_are_counted_to_one_percent(
    wanted: Wanted,
    names: tuple[str, ...],
    least: int,
    within_percent: float,
    within_two: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pairs = list(counted(wanted, names))
    errors = [(abs(count.tokens - true), true) for count, true in pairs]
    percent = sum(error <= true * 0.01 for error, true in errors) / len(pairs)
    two = sum(error <= max(2, true * 0.01) for error, true in errors) / len(pairs)
    inside = sum(count.band[0] <= true <= count.band[1] for count, true in pairs) / len(pairs)
    with capsys.disabled():
        label = f"{wanted.__name__}, {names[0]}"
        print(f"\n{label}: {len(pairs)}, {percent:.1%} within 1 %, {two:.1%} or 2, {inside:.1%} in the band", end="")
    assert len(pairs) >= least
    assert percent >= within_percent
    assert two >= within_two


def test_what_is_called_exact_is_exact() -> None:
    pairs = [(count.tokens, true) for count, true in counted(lambda *_: True) if count.exactness == "exact"]
    assert sum(count == true for count, true in pairs) >= 0.98 * len(pairs) > 200


def test_bands_hold() -> None:
    pairs = list(counted(lambda *_: True))
    assert sum(count.band[0] <= true <= count.band[1] for count, true in pairs) >= 0.95 * len(pairs)
