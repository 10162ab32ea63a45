from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tokens.frames.claude_counts import ASK, OPUS_5, SONNET, added, count, words

WEATHER: dict[str, Any] = {
    "name": "weather",
    "description": "of a town",
    "input_schema": {"type": "object", "properties": {"town": {"type": "string"}}},
}


def written(tool: dict[str, Any], model: str = SONNET) -> int:
    return words(f"<function>{json.dumps(tool)}</function>", model) - 1


def test_a_tool_is_read_as_the_json_that_python_writes() -> None:
    assert added({"tools": [WEATHER]}) == 496 + written(WEATHER)
    assert added({"tools": [WEATHER, WEATHER]}) == 496 + 2 * written(WEATHER)
    assert count({"messages": [ASK], "tools": [WEATHER]}).exactness == "estimated"


def test_what_the_model_does_not_read_of_a_tool_costs_nothing() -> None:
    more = {"cache_control": {"type": "ephemeral"}, "strict": True, "type": "custom", "eager_input_streaming": True}
    assert added({"tools": [WEATHER | more]}) == added({"tools": [WEATHER]})
    bare = {name: value for name, value in WEATHER.items() if name != "description"}
    assert added({"tools": [WEATHER | {"description": ""}]}) == added({"tools": [bare]})


# Anthropic's documentation, "Tool use system prompt token count"; from 4.7 on a tool costs three tokens more.
@pytest.mark.parametrize(
    ("model", "auto", "any_"),
    [
        ("claude-3-haiku-20240307", 264, 356),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", 313, 315),
        ("claude-opus-4-1", 313, 315),
        ("claude-opus-4-5", 496, 588),
        ("anthropic/claude-haiku-4.5", 496, 588),
        ("claude-opus-4-6", 497, 589),
        ("claude-opus-4-7", 675 + 3, 804 + 3),
        ("claude-opus-4-8", 290 + 3, 410 + 3),
        ("claude-sonnet-5", 354 + 3, 474 + 3),
    ],
)
def test_the_hosts_own_system_prompt_hangs_on_the_model_and_the_choice(model: str, auto: int, any_: int) -> None:
    tool = written(WEATHER, model)
    assert added({"tools": [WEATHER]}, model) == tool + auto
    assert added({"tools": [WEATHER], "tool_choice": {"type": "none"}}, model) == tool + auto
    assert added({"tools": [WEATHER], "tool_choice": {"type": "any"}}, model) == tool + any_


def test_a_tool_that_must_be_called_is_named() -> None:
    chosen = {"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "weather"}}
    assert added(chosen) == 590 + words("weather") + written(WEATHER)


def test_without_parallel_calls_nothing_is_said_about_them() -> None:
    alone = {"type": "auto", "disable_parallel_tool_use": True}
    assert added({"tools": [WEATHER], "tool_choice": alone}) == 290 + written(WEATHER)
    tools = {"tools": [WEATHER]}
    assert added(tools | {"tool_choice": alone}, "claude-3-5-haiku-latest") == added(tools, "claude-3-5-haiku-latest")
    unseen = count({"messages": [ASK]} | tools | {"tool_choice": alone}, OPUS_5)
    assert unseen.band[0] < unseen.tokens - 100


def test_a_generation_that_was_not_seen_has_a_wide_band() -> None:
    low, high = count({"messages": [ASK], "tools": [WEATHER]}, "claude-haiku-6").band
    assert high - low > 300


def test_tools_that_wait_to_be_searched_for_are_not_read() -> None:
    waiting = WEATHER | {"name": "later", "defer_loading": True}
    assert added({"tools": [WEATHER, waiting]}) == added({"tools": [WEATHER]})
    assert added({"tools": [WEATHER, waiting]}, OPUS_5) == added({"tools": [WEATHER]}, OPUS_5) + 91
    search = {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"}
    assert added({"tools": [WEATHER, waiting, search]}) == added({"tools": [WEATHER]}) + 188
    assert added({"tools": [waiting, search]}) > 496 + 188  # nothing else to call: the search runs within the call


def test_what_a_tool_of_anthropics_finds_within_the_call_is_in_the_band() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    low, high = count({"messages": [ASK], "tools": [search]}).band
    assert low < 8 + 496 + 1710 < 100_000 < high


def test_a_tool_of_anthropics_that_ran_before_is_not_expected_to_run_again() -> None:
    search = {"type": "web_search_20250305", "name": "web_search"}
    use = {"type": "server_tool_use", "id": "1", "name": "web_search", "input": {"query": "x"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "1", "content": []}
    messages = [ASK, {"role": "assistant", "content": [use, found]}, ASK]
    assert (
        count({"messages": messages, "tools": [search]}).tokens < count({"messages": [ASK], "tools": [search]}).tokens
    )


@pytest.mark.parametrize(
    "kind", ["bash_20250124", "text_editor_20250728", "computer_20250124", "memory_20250818", "code_execution_20250825"]
)
def test_each_tool_of_anthropics_costs_something(kind: str) -> None:
    assert added({"tools": [{"type": kind, "name": "x"}]}) > 496 + 200


def test_examples_of_a_tools_input_are_read() -> None:
    examples = [{"town": "Rome"}]
    more = added({"tools": [WEATHER | {"input_examples": examples}]}) - added({"tools": [WEATHER]})
    assert more == words(json.dumps(examples)) + 10


def test_bedrock_leaves_out_two_fields_of_a_tools_schema() -> None:
    bounded = WEATHER | {
        "input_schema": WEATHER["input_schema"] | {"required": ["town"], "additionalProperties": False}
    }
    plain, strict = [
        count({"messages": [ASK], "tools": [tool]}, "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "bedrock.invoke")
        for tool in (WEATHER, bounded)
    ]
    assert strict.tokens == plain.tokens
    assert strict.band == (plain.band[0], plain.band[1] + 15)
    old = "us.anthropic.claude-3-5-sonnet-20240620-v1:0"
    assert added({"tools": [bounded]}, old) > added({"tools": [WEATHER]}, old)
