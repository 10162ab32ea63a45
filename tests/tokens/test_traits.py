from __future__ import annotations

import json
import timeit
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from dd0c_route.tokens.traits import Traits, traits
from tests.tokens.corpus import recordings

USER = {"role": "user", "content": "What is the weather in Paris?"}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
CALL = {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "weather", "arguments": "{}"}}]}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "city", "schema": {"type": "object"}}}


def of(api: str, **fields: Any) -> Traits:
    return traits(api, {name: Raw(json.dumps(value).encode()) for name, value in fields.items()})


@pytest.mark.parametrize(
    ("api", "fields", "kind"),
    [
        ("openai.chat", {"messages": [USER]}, "text"),
        ("openai.chat", {"messages": [USER], "tools": []}, "text"),
        ("openai.chat", {"messages": [USER], "response_format": {"type": "json_object"}}, "text"),
        ("openai.chat", {"messages": [USER], "tools": [TOOL]}, "tools"),
        ("openai.chat", {"messages": [USER, CALL], "tools": [TOOL]}, "tools_history"),
        ("openai.chat", {"messages": [USER], "response_format": SCHEMA}, "schema"),
        ("openai.chat", {"messages": [{"role": "user", "content": [PICTURE]}]}, "image"),
        ("openai.chat", {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "audio"),
        ("openai.responses", {"input": "and?", "previous_response_id": "resp_1"}, "state"),
        ("openai.responses", {"input": "news", "tools": [{"type": "web_search_preview"}]}, "server_tools"),
        ("anthropic.messages", {"messages": [{"role": "user", "content": [{"type": "document"}]}]}, "file"),
        ("anthropic.messages", {"messages": [USER], "tools": [{"name": "f", "input_schema": {}}]}, "tools"),
        ("gemini.generate", {"contents": [], "generationConfig": {"responseSchema": {"type": "OBJECT"}}}, "schema"),
        ("gemini.generate", {"contents": [], "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, "text"),
        ("bedrock.converse", {"messages": [USER], "toolConfig": {"tools": [{"toolSpec": {"name": "f"}}]}}, "tools"),
        ("openai.embeddings", {"input": ["a", "b"]}, "text"),
    ],
)
def test_the_kind_is_the_hardest_thing_in_a_request(api: str, fields: dict[str, Any], kind: str) -> None:
    assert of(api, **fields).kind == kind


def test_a_call_that_asks_for_a_count_has_the_traits_of_the_call_it_asks_about() -> None:
    assert of("anthropic.count_tokens", messages=[USER]) == of("anthropic.messages", messages=[USER])


def test_words_inside_of_a_text_are_only_text() -> None:
    said = {"role": "user", "content": 'I wrote {"image_url": 1, "tool_calls": 2} into "application/pdf"'}
    assert of("openai.chat", messages=[said]).kind == "text"


@pytest.mark.parametrize(
    ("field", "value", "word"),
    [
        ("tool_choice", "auto", ""),
        ("tool_choice", "required", "any"),
        ("tool_choice", "none", "none"),
        ("tool_choice", {"type": "function", "function": {"name": "weather"}}, "named"),
        ("tool_choice", {"type": "any"}, "any"),
        ("tool_choice", {"type": "tool", "name": "weather"}, "named"),
        ("toolConfig", {"functionCallingConfig": {"mode": "ANY"}}, "any"),
        ("toolConfig", {"tools": [], "toolChoice": {"any": {}}}, "any"),
        ("tool_choice", None, ""),
        ("tool_choice", 7, ""),
    ],
)
def test_all_dialects_choose_tools_in_the_same_words(field: str, value: Any, word: str) -> None:
    assert of("openai.chat", messages=[USER], tools=[TOOL], **{field: value}).tool_choice == word


def test_without_tools_there_is_no_choice_and_no_hash() -> None:
    plain = of("openai.chat", messages=[USER], tool_choice="required")
    assert (plain.tool_choice, plain.tools_hash) == ("", "")


def test_the_hash_does_not_depend_on_the_order_of_fields_or_on_blanks() -> None:
    one = {"tools": Raw(b'[{"type": "function", "function": {"name": "f", "parameters": {}}}]')}
    two = {"tools": Raw(b'[{"function":{"parameters":{},"name":"f"},"type":"function"}]')}
    other = {"tools": Raw(b'[{"function":{"parameters":{},"name":"g"},"type":"function"}]')}
    assert traits("openai.chat", one).tools_hash == traits("openai.chat", two).tools_hash != ""
    assert traits("openai.chat", one).tools_hash != traits("openai.chat", other).tools_hash


def test_the_hash_does_not_depend_on_what_is_said() -> None:
    said = {"role": "user", "content": "And in Rome?"}
    hashes = {of("openai.chat", messages=messages, tools=[TOOL]).tools_hash for messages in ([USER], [USER, said])}
    assert len(hashes) == 1


def test_a_long_tool_set_is_told_by_its_ends_and_its_length() -> None:
    tools = [{"name": f"tool_{number}", "description": "x" * 1000} for number in range(100)]
    longer = [*tools, {"name": "one_more"}]
    assert of("anthropic.messages", tools=tools) == of("anthropic.messages", tools=list(tools))
    assert of("anthropic.messages", tools=tools).tools_hash != of("anthropic.messages", tools=longer).tools_hash


@pytest.mark.parametrize(
    ("text", "script"),
    [("Guten Tag, schöne Grüße", "latin"), ("今天天气怎么样", "cjk"), ("오늘 날씨", "cjk"), ("Какая погода", "other")],
)
def test_the_script_is_told_from_plain_and_from_escaped_json(text: str, script: str) -> None:
    message = [{"role": "user", "content": text}]
    plain = {"messages": Raw(json.dumps(message, ensure_ascii=False).encode())}
    assert traits("openai.chat", plain).script == of("openai.chat", messages=message).script == script


def test_a_long_request_takes_no_longer_than_a_middling_one() -> None:
    def seconds(characters: int) -> float:
        fields = {"messages": Raw(b'[{"role": "user", "content": "' + b"word " * (characters // 5) + b'"}]')}
        return min(timeit.repeat(lambda: traits("openai.chat", fields), number=5, repeat=5))

    assert seconds(20_000_000) < 10 * seconds(20_000)


@given(st.dictionaries(st.sampled_from(["messages", "tools", "tool_choice", "text", "input"]), st.binary(min_size=1)))
def test_nothing_in_a_body_makes_it_raise(fields: dict[str, bytes]) -> None:
    raw = {name: Raw(value) for name, value in fields.items()}
    assert traits("openai.chat", raw) == traits("openai.chat", raw)


def test_recorded_kinds_agree_with_what_the_recordings_were_labelled_as() -> None:
    agreed = total = 0
    for record in recordings("openai.chat"):
        features, request = set(record["features"]), record["request"]
        if not isinstance(request, dict) or features & {"server_tools", "video"}:
            continue
        kind = of("openai.chat", **request).kind
        total += 1
        agreed += (
            (kind in {"tools", "tools_history"} and "tools" in features)
            or kind in features
            or (kind == "text" and not features & {"tools", "schema", "image", "audio", "file"})
        )
    assert agreed >= 0.97 * total
