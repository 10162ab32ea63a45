"""What requests of Google's say in their own way, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.errors import BadRequest
from dd0c_route.wire.body import split
from dd0c_route.wire.neutral import Aim, Prompt
from dd0c_route.wire.neutral.chat import CHAT
from dd0c_route.wire.neutral.form import (
    Audio,
    Choice,
    File,
    Foreign,
    Image,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from dd0c_route.wire.neutral.gemini import GEMINI

USER = {"role": "user", "parts": [{"text": "Hello"}]}


def read(**fields: Any) -> Prompt:
    return GEMINI.read_request(split(json.dumps({"contents": [USER], **fields}).encode()))


def parts(*given: dict[str, Any], role: str = "user") -> tuple[Any, ...]:
    return read(contents=[{"role": role, "parts": list(given)}]).turns[0].parts


def lost(**fields: Any) -> list[str]:
    return [loss.field for loss in CHAT.write_request(read(**fields), Aim("m")).losses]


# --- contents ---------------------------------------------------------------------------------------------------------


def test_names_may_be_written_with_underscores_and_lists_of_one_as_the_one() -> None:
    prompt = GEMINI.read_request(
        split(
            json.dumps(
                {
                    "contents": {"parts": {"text": "Hello"}},
                    "system_instruction": {"parts": {"text": "Be brief."}},
                    "generation_config": {"max_output_tokens": 7, "stop_sequences": ["x"], "top_k": 40.0},
                    "tools": {"function_declarations": [{"name": "a", "parameters_json_schema": {"type": "object"}}]},
                    "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["a"]}},
                }
            ).encode()
        )
    )

    assert prompt.system == (Text("Be brief."),)
    assert prompt.turns[0].parts == (Text("Hello"),)
    assert (prompt.max_output, prompt.stop, prompt.top_k) == (7, ("x",), 40)
    assert prompt.tools == (Tool("a", schema=b'{"type": "object"}'),)
    assert prompt.tool_choice == Choice("named", "a")


def test_results_without_ids_answer_the_calls_by_name_and_order() -> None:
    calls = [{"functionCall": {"name": name, "args": {"n": n}}} for name, n in (("a", 1), ("b", 2), ("a", 3))]
    results = [
        {"functionResponse": {"name": name, "response": {"output": said}}}
        for name, said in (("b", "2"), ("a", "1"), ("a", "3"))
    ]
    _, said, given = read(contents=[USER, {"role": "model", "parts": calls}, {"role": "user", "parts": results}]).turns
    called = [part for part in said.parts if isinstance(part, ToolCall)]
    answered = {part.id: part.parts[0] for part in given.parts if isinstance(part, ToolResult)}

    assert len({call.id for call in called}) == 3
    assert [answered[call.id] for call in called] == [Text("1"), Text("2"), Text("3")]


def test_ids_are_the_same_each_time_the_conversation_comes() -> None:
    said = {"role": "model", "parts": [{"functionCall": {"name": "a", "args": {}}}]}
    longer = [USER, said, {"role": "user", "parts": [{"functionResponse": {"name": "a", "response": {}}}]}, USER]

    assert read(contents=[USER, said]).turns[1] == read(contents=longer).turns[1]


def test_ids_that_are_given_are_kept() -> None:
    (call,) = parts({"functionCall": {"id": "x1", "name": "a"}}, role="model")
    (result,) = parts({"functionResponse": {"id": "x1", "name": "a", "response": {}}})

    assert (call.id, result.id, call.arguments) == ("x1", "x1", "")


@pytest.mark.parametrize(
    ("response", "text", "failed"),
    [
        ({"output": "yes"}, "yes", False),
        ({"result": {"a": 1}}, '{"a": 1}', False),
        ({"error": "no"}, "no", True),
        ({"a": 1, "b": 2}, '{"a": 1, "b": 2}', False),
    ],
)
def test_a_result_is_what_stands_under_the_usual_name_or_all_of_it(
    response: dict[str, Any], text: str, failed: bool
) -> None:
    (result,) = parts({"functionResponse": {"name": "a", "response": response}})

    assert (result.parts, result.is_error) == ((Text(text),), failed)


def test_bytes_are_told_by_their_type_and_read_in_either_alphabet() -> None:
    found = parts(
        {"inlineData": {"mimeType": "image/png", "data": "-_-_"}},
        {"inline_data": {"mime_type": "audio/mpeg", "data": "AAAA"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}},
        {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}},
    )

    assert found[:3] == (Image("", "+/+/", "image/png"), Audio("AAAA", "mp3"), File("", "AAAA", "application/pdf"))
    assert isinstance(found[3], Foreign)


def test_files_that_google_keeps_are_for_google_alone() -> None:
    kept = {
        "fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/a", "mimeType": "image/png"}
    }
    public = {"fileData": {"fileUri": "https://example.test/a.png", "mimeType": "image/png"}}

    assert parts(public) == (Image("https://example.test/a.png", "", "image/png"),)
    assert lost(contents=[{"parts": [public]}]) == []
    assert lost(contents=[{"parts": [kept]}]) == ["messages: file"]


def test_thoughts_and_signatures_are_known_as_googles() -> None:
    thought, call = parts(
        {"text": "Hm", "thought": True, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "a"}, "thoughtSignature": "c2ln"},
        role="model",
    )

    assert thought == Thinking("Hm", "c2ln", "gemini")
    assert call.signature == "c2ln"


# --- tools and settings -----------------------------------------------------------------------------------------------


def test_googles_schema_becomes_json_schema() -> None:
    parameters = {
        "type": "OBJECT",
        "properties": {
            "name": {"type": "STRING", "nullable": True, "enum": ["a", "b"], "format": "enum"},
            "list": {
                "type": "ARRAY",
                "items": {"any_of": [{"type": "INTEGER"}, {"ref": "#/defs/x"}]},
                "min_items": "1",
            },
        },
        "property_ordering": ["list", "name"],
        "required": ["list"],
        "defs": {"x": {"type": "BOOLEAN", "example": True}},
    }
    (tool,) = read(tools=[{"functionDeclarations": [{"name": "a", "parameters": parameters}]}]).tools

    assert isinstance(tool, Tool)
    assert json.loads(tool.schema) == {
        "type": "object",
        "properties": {
            "name": {"type": ["string", "null"], "enum": ["a", "b", None]},
            "list": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/x"}]}, "minItems": 1},
        },
        "required": ["list"],
        "$defs": {"x": {"type": "boolean", "examples": [True]}},
    }


def test_what_a_function_returns_is_told_in_its_description() -> None:
    declared = {"name": "a", "description": "Looks.", "responseJsonSchema": {"type": "string"}}
    (tool,) = read(tools=[{"functionDeclarations": [declared]}]).tools

    assert isinstance(tool, Tool)
    assert tool.description == 'Looks.\n\nIt returns JSON of this schema: {"type": "string"}'
    assert lost(tools=[{"functionDeclarations": [declared]}]) == []


def test_of_several_tools_that_must_be_called_the_others_are_left_out() -> None:
    tools = [{"functionDeclarations": [{"name": name} for name in "abc"]}]
    calling = {"functionCallingConfig": {"mode": "any", "allowedFunctionNames": ["a", "c"]}}
    prompt = read(tools=tools, toolConfig=calling)

    assert [tool.name for tool in prompt.tools if isinstance(tool, Tool)] == ["a", "c"]
    assert prompt.tool_choice == Choice("required")


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        ({"thinkingBudget": 0}, Reasoning(effort="none")),
        ({"thinkingBudget": -1}, Reasoning(adaptive=True)),
        ({"thinkingBudget": 512, "includeThoughts": True}, Reasoning(budget=512, shown=True)),
        ({"thinkingLevel": "HIGH"}, Reasoning(effort="high")),
    ],
)
def test_how_much_to_think(thinking: dict[str, Any], expected: Reasoning) -> None:
    assert read(generationConfig={"thinkingConfig": thinking}).reasoning == expected


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"tools": [{"googleSearch": {}}, {"codeExecution": {}}]}, ["tools: googleSearch", "tools: codeExecution"]),
        ({"cachedContent": "cachedContents/x"}, ["cachedContent"]),
        ({"safetySettings": [{"category": "x", "threshold": "BLOCK_LOW_AND_ABOVE"}]}, ["safetySettings"]),
        ({"safetySettings": [{"category": "x", "threshold": "BLOCK_NONE"}], "labels": {"a": "b"}}, []),
        ({"generationConfig": {"candidateCount": 2}}, ["generationConfig.candidateCount"]),
        ({"generationConfig": {"candidateCount": 1, "responseModalities": ["Text"]}}, []),
        ({"generationConfig": {"responseModalities": ["IMAGE"]}}, ["generationConfig.responseModalities"]),
        ({"generationConfig": {"responseLogprobs": True}}, ["generationConfig.responseLogprobs"]),
        ({"generationConfig": {"aNewField": 1}}, ["generationConfig.aNewField"]),
    ],
)
def test_what_only_google_has_is_named(asked: dict[str, Any], names: list[str]) -> None:
    assert lost(**asked) == names


@pytest.mark.parametrize(
    "fields",
    [
        {"contents": 1},
        {"contents": [{"role": "narrator", "parts": []}]},
        {"generationConfig": {"temperature": "hot"}},
        {"toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}}},
    ],
)
def test_a_request_that_cannot_be_understood_is_the_callers_fault(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        read(**fields)


def test_a_request_without_contents_says_so() -> None:
    with pytest.raises(BadRequest, match="contents"):
        GEMINI.read_request({})
