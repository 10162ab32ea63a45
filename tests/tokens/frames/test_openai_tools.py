from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from dd0c_route.tokens import count_request_exactly, count_text_exactly
from dd0c_route.tokens.frames.openai_tools import HEADER, namespace
from dd0c_route.types import Count

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {"type": "string", "description": "The city and state"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "default": 3},
            },
            "required": ["location"],
        },
    },
}
WEATHER_TEXT = """\
namespace functions {

// Get the current weather in a given location
type get_current_weather = (_: {
// The city and state
location: string,
unit?: "celsius" | "fahrenheit",
// default: 3
days?: number,
}) => any;

} // namespace functions"""


def test_tools_are_read_as_typescript() -> None:
    assert namespace([WEATHER]) == WEATHER_TEXT
    assert namespace([WEATHER["function"]]) == WEATHER_TEXT  # as the older field `functions` holds it


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ({"a": {"type": "number"}, "b": {"type": "boolean"}}, "{ a?: number, b?: boolean }"),
        ({"a": {"type": "array", "items": {"type": "string"}}}, "{ a?: string[] }"),
        ({"a": {"type": "array"}}, "{ a?: any[] }"),
        ({"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, "{ a?: string | null }"),
        ({"a": {"type": ["string", "null"]}}, "{ a?: string | null }"),
        ({"a": {"type": "object"}}, "{ a?: object }"),
        ({"a": {}}, "{ a?: any }"),
        ({"a": True}, "{ a?: any }"),
        ({"a": {"properties": {"b": {"type": "null"}}}}, "{ a?: { b?: null } }"),
        ({"a": {"title": "A", "type": "string"}}, "{\n// A\na?: string,\n}"),
        ({"a": {"title": "A", "description": "x", "type": "string"}}, "{\n// A\n//\n// x\na?: string,\n}"),
    ],
)
def test_a_schema_is_a_type(properties: dict[str, Any], text: str) -> None:
    function = {"name": "f", "parameters": {"type": "object", "properties": properties}}
    assert f"type f = (_: {text}) => any;" in namespace([function])


def test_a_function_without_parameters_has_none() -> None:
    assert "type f = () => any;" in namespace([{"name": "f", "description": "  "}])


def count(body: dict[str, Any], model: str = "gpt-4o") -> Count:
    fields = {name: Raw(msgspec.json.encode(value)) for name, value in body.items()}
    return count_request_exactly("openai.chat", fields, model)


def test_the_tools_join_the_system_message() -> None:
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "hi"}]
    joined = count_text_exactly("Be kind.\n\n" + HEADER + WEATHER_TEXT, "gpt-4o").tokens
    assert count({"messages": messages, "tools": [WEATHER]}).tokens == 3 + 4 + joined + 4 + 1 - 1
    alone = count_text_exactly(HEADER + WEATHER_TEXT, "gpt-4o").tokens
    assert count({"messages": messages[1:], "tools": [WEATHER]}).tokens == 3 + 4 + 1 + alone + 3


def test_a_forced_function_is_named() -> None:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}], "tools": [WEATHER]}
    choice = {"tool_choice": {"type": "function", "function": {"name": "get_current_weather"}}}
    name = count_text_exactly("get_current_weather", "gpt-4o").tokens
    assert count(body | choice).tokens - count(body).tokens == name + 7
    assert count(body | choice, "gpt-5.4").tokens == count(body, "gpt-5.4").tokens


def test_calls_and_results_are_counted_with_what_is_around_them() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "sum", "arguments": '{"a":1}'}}
    result = {"role": "tool", "tool_call_id": "1", "content": "2"}
    body = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": [call]}, result]}
    texts = sum(count_text_exactly(text, "gpt-4o").tokens for text in ("hi", "sum", '{"a":1}', "2"))
    assert count(body).tokens == 3 + 4 + texts + 15
    assert count(body).exactness == "estimated"


def test_a_schema_for_the_answer_is_read_without_titles() -> None:
    properties = {"title": {"type": "string", "title": "Title"}}
    schema = {"type": "object", "properties": properties, "additionalProperties": False, "title": "Book"}
    form = {"type": "json_schema", "json_schema": {"name": "book", "strict": True, "schema": schema}}
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
    read = '{"type":"object","properties":{"title":{"type":"string"}}}'
    tokens = sum(count_text_exactly(text, "gpt-4o").tokens for text in (read, "book"))
    assert count(body | {"response_format": form}).tokens - count(body).tokens == tokens + 15
    assert count(body | {"response_format": {"type": "json_object"}}) == count(body)
