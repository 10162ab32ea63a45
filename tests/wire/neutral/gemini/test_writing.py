"""What Google's models are asked in a way of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.wire.body import split
from dd0c_route.wire.neutral import Aim, Written
from dd0c_route.wire.neutral.chat import CHAT
from dd0c_route.wire.neutral.gemini import GEMINI
from dd0c_route.wire.neutral.gemini.writing import UNSIGNED
from dd0c_route.wire.neutral.messages import MESSAGES

USER = {"role": "user", "content": "Hello"}
NEW, OLD = Aim("gemini-3-pro-preview"), Aim("gemini-2.5-flash")
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"n": 1e400}'}}
LOOP = [USER, {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL]}]


def written(aim: Aim, **fields: Any) -> tuple[dict[str, Any], Written]:
    prompt = CHAT.read_request(split(json.dumps({"messages": [USER], **fields}).encode()))
    found = GEMINI.write_request(prompt, aim)
    body: dict[str, Any] = json.loads(found.body)
    return body, found


def whole(aim: Aim, **fields: Any) -> dict[str, Any]:
    body, found = written(aim, **fields)
    assert found.losses == ()
    return body


def lost(aim: Aim, **fields: Any) -> list[str]:
    return [loss.field for loss in written(aim, **fields)[1].losses]


def test_instructions_of_all_places_stand_in_the_system_instruction() -> None:
    turns = [{"role": "system", "content": "A"}, USER, {"role": "developer", "content": "B"}, USER]
    body = whole(NEW, messages=turns)

    assert [part["text"] for part in body["systemInstruction"]["parts"]] == ["A", "B"]
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Hello"}, {"text": "Hello"}]}]


def test_a_request_of_instructions_alone_asks_the_last_one() -> None:
    assert whole(NEW, messages=[{"role": "system", "content": "Say."}])["contents"] == [
        {"role": "user", "parts": [{"text": "Say."}]}
    ]


def test_a_result_names_its_tool_and_comes_first() -> None:
    turns = [*LOOP, {"role": "tool", "tool_call_id": "call_1", "content": "1"}, USER]
    result, text = whole(NEW, messages=turns)["contents"][2]["parts"]

    assert result["functionResponse"] == {"id": "call_1", "name": "look", "response": {"output": "1"}}
    assert text == {"text": "Hello"}


def test_a_call_of_another_model_says_that_it_has_no_signature_where_one_is_wanted() -> None:
    newer = whole(NEW, messages=LOOP)["contents"][1]["parts"]
    older = whole(OLD, messages=LOOP)["contents"][1]["parts"]

    assert [part.get("thoughtSignature") for part in newer] == [None, UNSIGNED]
    assert not any("thoughtSignature" in part for part in older)


def test_arguments_go_through_as_they_were_written() -> None:
    assert b'"args":{"n": 1e400}' in written(NEW, messages=LOOP)[1].body


def test_schemas_go_as_json_schema_whatever_is_in_them() -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"type": ["string", "null"], "const": "x"}}}
    tools = [{"type": "function", "function": {"name": "a", "parameters": schema}}]
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    body = whole(NEW, tools=tools, response_format=form)

    assert body["tools"] == [{"functionDeclarations": [{"name": "a", "parametersJsonSchema": schema}]}]
    assert body["generationConfig"]["responseJsonSchema"] == schema
    assert body["generationConfig"]["responseMimeType"] == "application/json"


def test_older_models_take_no_schema_together_with_tools() -> None:
    tools = [{"type": "function", "function": {"name": "a"}}]

    assert lost(OLD, tools=tools, response_format={"type": "json_object"}) == ["shape"]


@pytest.mark.parametrize(
    ("aim", "effort", "config"),
    [
        (NEW, "low", {"thinkingLevel": "LOW"}),
        (NEW, "none", {"thinkingLevel": "MINIMAL"}),
        (NEW, "xhigh", {"thinkingLevel": "HIGH"}),
        (OLD, "low", {"thinkingBudget": 1024}),
        (OLD, "high", {"thinkingBudget": 24576}),
        (OLD, "none", {"thinkingBudget": 0}),
    ],
)
def test_thinking_is_told_as_the_generation_takes_it(aim: Aim, effort: str, config: dict[str, Any]) -> None:
    assert whole(aim, reasoning_effort=effort)["generationConfig"]["thinkingConfig"] == config


def test_a_client_of_claudes_that_has_it_think_is_shown_the_thoughts() -> None:
    asked = {"max_tokens": 9000, "messages": [USER], "thinking": {"type": "enabled", "budget_tokens": 32000}}
    prompt = MESSAGES.read_request(split(json.dumps(asked).encode()))
    body = json.loads(GEMINI.write_request(prompt, OLD).body)

    assert body["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 24576, "includeThoughts": True}


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"n": 2}, ["n"]),
        ({"logprobs": True}, ["logprobs"]),
        ({"parallel_tool_calls": False}, ["parallel_tools"]),
        ({"stop": ["a"] * 6}, ["stop"]),
        ({"seed": 1, "presence_penalty": 0.5, "temperature": 1.5, "user": "u", "metadata": {"a": "b"}}, []),
    ],
)
def test_what_gemini_cannot_be_told_is_named(asked: dict[str, Any], names: list[str]) -> None:
    assert lost(NEW, **asked) == names


def test_an_image_at_an_address_says_its_type() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.test/a.jpg?x=1"}}
    body = whole(NEW, messages=[{"role": "user", "content": [image]}])

    assert body["contents"][0]["parts"] == [
        {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://example.test/a.jpg?x=1"}}
    ]
