"""What requests of Converse say in their own way, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.errors import BadRequest
from dd0c_route.wire.body import split
from dd0c_route.wire.neutral import Aim, Prompt
from dd0c_route.wire.neutral.chat import CHAT
from dd0c_route.wire.neutral.converse import CONVERSE
from dd0c_route.wire.neutral.form import Choice, File, Image, Reasoning, Text, Thinking, Tool, ToolCall, ToolResult
from dd0c_route.wire.neutral.messages import MESSAGES

USER = {"role": "user", "content": [{"text": "Hello"}]}
MARK = {"cachePoint": {"type": "default"}}


def read(**fields: Any) -> Prompt:
    return CONVERSE.read_request(split(json.dumps({"messages": [USER], **fields}).encode()))


def parts(*blocks: dict[str, Any], role: str = "user") -> tuple[Any, ...]:
    return read(messages=[{"role": role, "content": list(blocks)}]).turns[0].parts


def lost(**fields: Any) -> list[str]:
    return [loss.field for loss in CHAT.write_request(read(**fields), Aim("m")).losses]


def test_marks_of_caches_belong_to_what_stands_before_them() -> None:
    prompt = read(
        system=[{"text": "Be brief."}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        messages=[{"role": "user", "content": [{"text": "Hello"}, MARK]}],
        toolConfig={"tools": [{"toolSpec": {"name": "a", "inputSchema": {"json": {}}}}, MARK]},
    )
    body = json.loads(MESSAGES.write_request(prompt, Aim("claude")).body)

    assert prompt.system == (Text("Be brief.", "1h"),)
    assert prompt.turns[0].parts == (Text("Hello", "5m"),)
    assert body["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert body["tools"][0]["cache_control"] == body["messages"][0]["content"][0]["cache_control"]


def test_bytes_are_told_by_the_names_of_formats() -> None:
    image = {"image": {"format": "jpeg", "source": {"bytes": "AAAA"}}}
    document = {"document": {"format": "pdf", "name": "Report", "source": {"bytes": "AAAA"}}}
    text = {"document": {"format": "txt", "name": "document 2", "source": {"text": "Hi"}}}

    assert parts(image, document, text) == (
        Image("", "AAAA", "image/jpeg"),
        File("", "AAAA", "application/pdf", "Report"),
        File("", "SGk=", "text/plain"),
    )


def test_calls_results_and_thoughts() -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "c2ln"}}}
    sealed = {"reasoningContent": {"redactedContent": "c2ln"}}
    call = {"toolUse": {"toolUseId": "t1", "name": "look", "input": {"n": 2}}}
    content = [{"text": "a"}, {"json": {"b": 1}}, {"image": {"format": "png", "source": {"bytes": "AAAA"}}}]
    result = {"toolResult": {"toolUseId": "t1", "content": content, "status": "error"}}

    assert parts(thought, sealed, call, role="assistant") == (
        Thinking("Hm", "c2ln", "converse"),
        Thinking("", "c2ln", "converse", sealed=True),
        ToolCall("t1", "look", '{"n": 2}'),
    )
    assert parts({"text": "then"}, result)[0] == ToolResult(
        "t1", (Text("a"), Text('{"b": 1}'), Image("", "AAAA", "image/png")), is_error=True
    )


def test_what_a_guardrail_is_to_look_at_is_still_said() -> None:
    guarded = {"guardContent": {"text": {"text": "Hello", "qualifiers": ["query"]}}}

    assert parts(guarded) == (Text("Hello"),)
    assert lost(guardrailConfig={"guardrailIdentifier": "g", "guardrailVersion": "1"}) == ["guardrailConfig"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"auto": {}}, Choice("auto")),
        ({"any": {}}, Choice("required")),
        ({"tool": {"name": "a"}}, Choice("named", "a")),
        (None, None),
    ],
)
def test_tools_and_which_of_them(choice: Any, expected: Choice | None) -> None:
    spec = {"name": "a", "description": "Looks.", "inputSchema": {"json": {"type": "object"}}, "strict": True}
    prompt = read(toolConfig={"tools": [{"toolSpec": spec}], "toolChoice": choice})

    assert prompt.tools == (Tool("a", "Looks.", b'{"type": "object"}', True),)
    assert prompt.tool_choice == expected


@pytest.mark.parametrize(
    ("more", "reasoning"),
    [
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, Reasoning(budget=2048)),
        ({"reasoning_config": {"type": "enabled", "budget_tokens": 2048}}, Reasoning(budget=2048)),
        ({"reasoning_config": "high"}, Reasoning(effort="high")),
        ({"thinking": {"type": "disabled"}}, Reasoning(effort="none")),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}, Reasoning("low", adaptive=True)),
        ({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, Reasoning(effort="low")),
        ({"reasoning_effort": "medium"}, Reasoning(effort="medium")),
    ],
)
def test_each_makers_words_for_thinking_are_read(more: dict[str, Any], reasoning: Reasoning) -> None:
    prompt = read(additionalModelRequestFields=more)

    assert (prompt.reasoning, prompt.unread) == (reasoning, ())


@pytest.mark.parametrize("more", [{"top_k": 5}, {"inferenceConfig": {"topK": 5}}])
def test_each_makers_words_for_top_k_are_read(more: dict[str, Any]) -> None:
    assert read(additionalModelRequestFields=more).top_k == 5


def test_a_schema_for_the_answer_is_a_text() -> None:
    inner = {"name": "a", "schema": '{"type":"object"}'}
    prompt = read(outputConfig={"textFormat": {"type": "json_schema", "structure": {"jsonSchema": inner}}})

    assert prompt.shape is not None
    assert (prompt.shape.name, prompt.shape.schema) == ("a", b'{"type":"object"}')


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"requestMetadata": {"a": "b"}, "performanceConfig": {"latency": "standard"}}, []),
        ({"performanceConfig": {"latency": "optimized"}}, ["performanceConfig"]),
        ({"promptVariables": {"a": {"text": "b"}}}, ["promptVariables"]),
        ({"additionalModelRequestFields": {"new": 1}}, ["additionalModelRequestFields.new"]),
        ({"toolConfig": {"tools": [{"systemTool": {"name": "nova_grounding"}}]}}, ["tools: systemTool"]),
        (
            {"messages": [{"role": "user", "content": [{"video": {"format": "mp4", "source": {"bytes": "AA=="}}}]}]},
            ["messages: video"],
        ),
    ],
)
def test_what_only_converse_has_is_named(asked: dict[str, Any], names: list[str]) -> None:
    assert lost(**asked) == names


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": 1},
        {"messages": [{"role": "narrator", "content": []}]},
        {"inferenceConfig": {"maxTokens": "many"}},
        {"toolConfig": {"tools": [], "toolChoice": {"maybe": {}}}},
    ],
)
def test_a_request_that_cannot_be_understood_is_the_callers_fault(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        read(**fields)


def test_a_request_without_messages_says_so() -> None:
    with pytest.raises(BadRequest, match="messages"):
        CONVERSE.read_request({})
