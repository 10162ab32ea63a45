"""What a request of the Responses API says, and how it is written to the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.errors import BadRequest
from dd0c_route.wire.body import split
from dd0c_route.wire.neutral import DIALECTS, Aim, Prompt
from dd0c_route.wire.neutral.form import Choice, Reasoning, Shape, Text, Thinking, Tool, ToolCall, ToolResult, Turn
from dd0c_route.wire.neutral.responses import RESPONSES

CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": "{}", "status": "x"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "found"}
USER = {"role": "user", "content": "Hello"}


def read(**fields: Any) -> Prompt:
    return RESPONSES.read_request(split(json.dumps({"model": "m", "input": "Hello", **fields}).encode()))


def lost(to: str = "openai.chat", **fields: Any) -> list[str]:
    return [loss.field for loss in DIALECTS[to].write_request(read(**fields), Aim("m")).losses]


def to(api: str, **fields: Any) -> dict[str, Any]:
    written = DIALECTS[api].write_request(read(**fields), Aim("m"))
    assert written.losses == ()
    body: dict[str, Any] = json.loads(written.body)
    return body


# --- items ------------------------------------------------------------------------------------------------------------


def test_a_text_alone_is_a_users() -> None:
    assert read().turns == (Turn("user", (Text("Hello"),)),)


def test_instructions_of_all_places_before_the_first_turn_are_system() -> None:
    prompt = read(
        instructions="A", input=[{"role": "developer", "content": "B"}, USER, {"role": "system", "content": "C"}]
    )

    assert prompt.system == (Text("A"), Text("B"))
    assert prompt.turns[-1] == Turn("system", (Text("C"),))


def test_the_items_of_one_answer_are_one_turn_and_so_are_the_results() -> None:
    reasoning = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}],
                 "encrypted_content": "seal"}  # fmt: skip
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Look:"}], "phase": "a"}
    other = {**CALL, "call_id": "call_2"}
    prompt = read(input=[USER, reasoning, said, CALL, other, RESULT, {**RESULT, "call_id": "call_2"}, USER])

    assert [turn.role for turn in prompt.turns] == ["user", "assistant", "user", "user"]
    assert prompt.turns[1].parts == (
        Thinking("Hm", "seal", "responses"), Text("Look:"), ToolCall("call_1", "look", "{}"),
        ToolCall("call_2", "look", "{}"),
    )  # fmt: skip
    assert prompt.turns[2].parts[0] == ToolResult("call_1", (Text("found"),))
    assert prompt.unread == ()


def test_a_thought_of_claudes_comes_back_to_claude_with_its_signature() -> None:
    body = DIALECTS["anthropic.messages"].read_answer(
        b'{"content":[{"type":"thinking","thinking":"Hm","signature":"c2ln"},{"type":"redacted_thinking","data":"ZGF0"}]}'
    )
    items = json.loads(RESPONSES.write_answer(body))["output"]
    again = to("anthropic.messages", input=[USER, *items, CALL, RESULT])

    assert again["messages"][1]["content"][:2] == [
        {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "ZGF0"},
    ]


def test_a_thought_of_openais_is_sent_to_nobody_else() -> None:
    item = {"type": "reasoning", "summary": [], "encrypted_content": "seal"}

    assert len(to("anthropic.messages", input=[USER, item, CALL, RESULT])["messages"][1]["content"]) == 1


def test_images_of_a_tools_result_stay_in_it() -> None:
    output = [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "https://example.test/a.png"}]
    result = to("anthropic.messages", input=[USER, CALL, {**RESULT, "output": output}])["messages"][-1]["content"][0]

    assert [part["type"] for part in result["content"]] == ["text", "image"]


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"previous_response_id": "resp_1"}, ["previous_response_id"]),
        ({"previous_response_id": None}, []),
        ({"conversation": {"id": "conv_1"}}, ["conversation"]),
        ({"prompt": {"id": "pmpt_1"}}, ["prompt"]),
        ({"store": True}, ["store"]),
        ({"store": False, "metadata": {"a": "b"}, "truncation": "disabled", "prompt_cache_key": "k"}, []),
        ({"truncation": "auto"}, ["truncation"]),
        ({"background": True}, ["background"]),
        ({"include": ["reasoning.encrypted_content", "web_search_call.action.sources"]}, []),
        ({"include": ["message.output_text.logprobs"]}, ["message.output_text.logprobs"]),
        ({"top_logprobs": 3}, ["top_logprobs"]),
        ({"text": {"verbosity": "low"}}, ["text.verbosity"]),
        ({"text": {"format": {"type": "text"}, "verbosity": "medium"}}, []),
        ({"tools": [{"type": "web_search"}]}, ["tools: web_search"]),
        ({"tools": [{"type": "mcp"}], "tool_choice": {"type": "mcp"}}, ["tool_choice", "tools: mcp"]),
        ({"input": [USER, {"id": "rs_1"}]}, ["messages: item_reference of the assistant"]),
        ({"input": [USER, {"type": "compaction", "id": "x"}]}, ["messages: compaction of the assistant"]),
        ({"tools": [{"type": "namespace", "name": "mail", "tools": []}]}, ["tools: namespace"]),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]}]}, ["messages: file"]),
        ({"a_new_field": 1}, ["a_new_field"]),
    ],
)  # fmt: skip
def test_what_only_openai_has_is_named(fields: dict[str, Any], names: list[str]) -> None:
    assert sorted(lost(**fields)) == names


@pytest.mark.parametrize(
    "fields", [{"input": 1}, {"input": [{"role": "narrator", "content": "a"}]}, {"tool_choice": "maybe"},
               {"text": {"format": {"type": "xml"}}}, {"max_output_tokens": "many"}]
)  # fmt: skip
def test_a_request_that_cannot_be_understood_is_the_callers_fault(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        read(**fields)


def test_a_request_without_input_is_one_only_where_the_provider_keeps_what_is_asked() -> None:
    with pytest.raises(BadRequest, match="input"):
        RESPONSES.read_request(split(b'{"model":"m"}'))
    assert RESPONSES.read_request(split(b'{"model":"m","prompt":{"id":"pmpt_1"}}')).turns == ()


# --- settings ---------------------------------------------------------------------------------------------------------


def test_a_form_of_answer_and_an_effort_are_told_as_the_others_say_them() -> None:
    form = {"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": True}
    prompt = read(text={"format": form}, reasoning={"effort": "low", "summary": "auto"}, max_output_tokens=99)

    assert prompt.shape == Shape(b'{"type": "object"}', "answer", "", True)
    assert prompt.reasoning == Reasoning("low", shown=True)
    body = to("openai.chat", text={"format": form}, reasoning={"effort": "low"}, max_output_tokens=99)
    assert (body["response_format"]["json_schema"]["name"], body["reasoning_effort"]) == ("answer", "low")
    assert body["max_tokens"] == 99


def test_where_only_some_tools_may_be_called_the_others_are_none() -> None:
    tools = [{"type": "function", "name": name, "parameters": {}} for name in "abc"]
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "b"}]}
    prompt = read(tools=tools, tool_choice=allowed)

    assert [tool.name for tool in prompt.tools if isinstance(tool, Tool)] == ["b"]
    assert prompt.tool_choice == Choice("required")


def test_tools_that_are_offered_among_the_items_are_tools_like_others() -> None:
    added = {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "b"}]}
    prompt = read(input=[added, USER, added], tools=[{"type": "function", "name": "a"}])

    assert [tool.name for tool in prompt.tools if isinstance(tool, Tool)] == ["a", "b"]
    assert prompt.turns == (Turn("user", (Text("Hello"),)),)


def test_a_grammar_is_told_to_chat_in_its_own_way_and_back() -> None:
    tool = {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}}
    (chat,) = to("openai.chat", tools=[tool])["tools"]
    (again,) = to("openai.responses", tools=[tool])["tools"]

    assert chat["custom"]["format"] == {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
    assert again == tool


# --- written for a model that has nothing else ------------------------------------------------------------------------


def test_nothing_of_another_dialects_request_is_kept_by_the_provider_nor_made_strict() -> None:
    asked = {"model": "m", "messages": [{"role": "system", "content": "Be brief."}, USER],
             "tools": [{"type": "function", "function": {"name": "a"}}]}  # fmt: skip
    prompt = DIALECTS["openai.chat"].read_request(split(json.dumps(asked).encode()))
    body = json.loads(RESPONSES.write_request(prompt, Aim("gpt-5-codex", "openai")).body)

    assert body["store"] is False
    assert body["instructions"] == "Be brief."
    assert body["input"] == [{"type": "message", "role": "user", "content": "Hello"}]
    assert body["tools"][0]["strict"] is False


def test_a_failed_tool_says_so_in_its_text() -> None:
    failed = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "no such file", "is_error": True}
    asked = {
        "model": "m",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": [failed]}],
        "stop_sequences": ["x"],
    }
    prompt = DIALECTS["anthropic.messages"].read_request(split(json.dumps(asked).encode()))
    written = RESPONSES.write_request(prompt, Aim("m"))

    assert json.loads(written.body)["input"][0]["output"] == "Error: no such file"
    assert [loss.field for loss in written.losses] == ["stop"]


def test_a_name_among_the_allowed_tools_that_is_no_text_names_none() -> None:
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"name": ["a"]}, {"name": {}}, {"name": "b"}]}
    prompt = read(tools=[{"type": "function", "name": "a"}, {"type": "function", "name": "b"}], tool_choice=allowed)
    assert [tool.name for tool in prompt.tools if isinstance(tool, Tool)] == ["b"]
