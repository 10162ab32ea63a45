from __future__ import annotations

from typing import Any

import pytest

from dd0c_route.tokens.frames import frame_of
from tests.tokens.frames.claude_counts import ASK, SONNET, count, fields_of

CONVERSE_ASK = {"role": "user", "content": [{"text": "hi"}]}


def converse(body: dict[str, Any]) -> int:
    return count({"messages": [CONVERSE_ASK]} | body, SONNET, "bedrock.converse").tokens


def chat(body: dict[str, Any]) -> int:
    return count({"messages": [ASK]} | body, SONNET, "openai.chat").tokens


def test_converse_switches_thinking_on_among_its_further_fields() -> None:
    for name in ("thinking", "reasoning_config"):
        fields = {name: {"type": "enabled", "budget_tokens": 1024}}
        assert converse({"additionalModelRequestFields": fields}) == converse({}) + 29


def test_converse_carries_the_schema_as_text() -> None:
    form = {"type": "json_schema", "structure": {"jsonSchema": {"schema": '{"type": "object"}'}}}
    schema = {"type": "json_schema", "schema": {"type": "object"}}
    whole = count({"messages": [ASK], "output_config": {"format": schema}}).tokens
    assert converse({"outputConfig": {"textFormat": form}}) == whole


def test_hosts_that_speak_openais_dialect_put_the_system_in_front() -> None:
    system = {"role": "system", "content": "be kind"}
    whole = count({"messages": [ASK], "system": "be kind"}).tokens
    assert chat({"messages": [ASK, system]}) == chat({"messages": [system, ASK]}) == whole


def test_they_switch_thinking_on_by_an_effort_or_by_the_name_of_the_model() -> None:
    assert chat({"reasoning": {"effort": "low"}}) == chat({}) + 29
    assert chat({"reasoning_effort": "high"}) == chat({"thinking": {"type": "enabled"}}) == chat({}) + 29
    assert chat({"reasoning": {"effort": "none"}}) == chat({"reasoning": {"enabled": False}}) == chat({})
    name = "anthropic/claude-3.7-sonnet:thinking"
    assert count({"messages": [ASK]}, name, "openai.chat").tokens == chat({}) + 28


def test_they_carry_documents_as_files() -> None:
    file = {"filename": "a.pdf", "file_data": 'data:application/pdf;base64,__OMITTED__{"pages": 2}'}
    content = [{"type": "text", "text": "hi"}, {"type": "file", "file": file}]
    assert chat({"messages": [{"role": "user", "content": content}]}) == chat({}) + 2 * 1605


def test_they_choose_tools_in_openais_words() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    auto = chat({"tools": [tool]})
    assert chat({"tools": [tool], "tool_choice": "auto"}) == chat({"tools": [tool], "tool_choice": "none"}) == auto
    assert chat({"tools": [tool], "tool_choice": "required"}) == auto + 588 - 496
    named = {"type": "function", "function": {"name": "f"}}
    assert chat({"tools": [tool], "tool_choice": named}) == auto + 590 - 496 + 1
    assert chat({"tools": [tool], "parallel_tool_calls": False}) == auto - 206


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("bedrock.converse", {"messages": [{"role": "user", "content": [{"video": {}}]}]}),
        ("bedrock.converse", {"messages": [{"role": "tool", "content": []}]}),
        ("bedrock.converse", {"toolConfig": {"tools": [{"systemTool": {}}]}}),
        ("openai.chat", {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}),
        ("openai.chat", {"messages": [{"role": "function", "content": "x"}]}),
        ("openai.chat", {"tools": [{"type": "custom"}]}),
        ("openai.chat", {"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": "{"}}]}]}),
        ("anthropic.messages", {"messages": [{"role": "user", "content": [{"type": "later"}]}]}),
        ("anthropic.messages", {"thinking": "on"}),
        ("anthropic.messages", {"messages": [{"role": "user", "content": 5}]}),
    ],
)
def test_what_is_not_known_has_no_frame(api: str, body: dict[str, Any]) -> None:
    messages = {"messages": [CONVERSE_ASK if api == "bedrock.converse" else ASK]}
    assert frame_of(api, fields_of(messages | body), SONNET) is None
