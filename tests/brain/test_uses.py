"""What a request uses and what binds it to a model, in every dialect, and over the recordings of real ones."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from dd0c_route.brain.capabilities import ASKED
from dd0c_route.brain.excerpt import TAIL_BYTES
from dd0c_route.brain.request import asked
from tests.brain.test_request import CALLED, RESULT, TOOL, read, user
from tests.proxy.examples import call
from tests.wire.corpus import APIS, records

# --- what binds it to a model ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [user("a"), CALLED, RESULT]},
        {"messages": [user("a"), CALLED, RESULT, RESULT]},
        {"messages": [user("a"), CALLED, user([{"type": "tool_result", "tool_use_id": "c", "content": "4"}])]},
        {"messages": [user([{"type": "tool_result", "content": "4"}, {"type": "text", "text": "<reminder>"}])]},
        {"contents": [{"role": "model", "parts": []}, {"role": "user", "parts": [{"functionResponse": {}}]}]},
        {"input": [{"type": "function_call", "call_id": "c"}, {"type": "function_call_output", "output": "4"}]},
        {"messages": [user("a"), user([{"toolResult": {"toolUseId": "t", "content": [{"text": "4"}]}}])]},
    ],
)
def test_results_that_wait_for_the_model_are_a_tool_loop(body: dict[str, Any]) -> None:
    seen = read(body)
    assert seen.in_tool_loop
    assert seen.kind == "tool_turn"
    assert seen.tool_result_share > 0


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [user("a"), CALLED, RESULT, {"role": "assistant", "content": "42"}, user("And then?")]},
        {"messages": [user("a")], "tools": [TOOL]},
        {"input": [{"type": "function_call_output", "output": "4"}, {"role": "assistant", "content": "4"}, user("b")]},
    ],
)
def test_results_that_were_answered_are_none(body: dict[str, Any]) -> None:
    assert not read(body).in_tool_loop


def test_where_not_even_the_last_message_can_be_read_a_tool_loop_is_taken_for_granted() -> None:
    result = {**RESULT, "content": "line of a file\n" * TAIL_BYTES}
    seen = read({"messages": [user("Fix it."), CALLED, result], "tools": [TOOL]})
    assert seen.in_tool_loop
    assert not read({"messages": [user("word " * TAIL_BYTES)]}).in_tool_loop


def said(**fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": "4", **fields}


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "assistant", "content": [{"type": "thinking", "signature": "abc"}]}, user("b")]},
        {"messages": [{"role": "assistant", "content": [{"type": "redacted_thinking"}]}, user("b")]},
        {"contents": [{"role": "model", "parts": [{"text": "", "thoughtSignature": "abc"}]}, {"parts": []}]},
        {"input": [{"type": "reasoning", "encrypted_content": "abc"}, user("b")]},
        {"input": [{"type": "reasoning", "id": "rs_1", "summary": []}, user("b")]},
        {"input": [{"type": "compaction", "encrypted_content": "abc"}, user("b")]},
        {"messages": [said(reasoning_content="Well."), user("b")]},
        {"messages": [said(reasoning_details=[{"type": "reasoning.encrypted", "data": "abc"}]), user("b")]},
        {"messages": [said(content=[{"reasoningContent": {"reasoningText": {"text": "", "signature": "a"}}}])]},
        {"messages": [said(content=[{"reasoningContent": {"redactedContent": "abc"}}]), user("b")]},
        {"messages": [said(content=[{"type": "web_search_tool_result", "content": [{"encrypted_content": "a"}]}])]},
    ],
)
def test_sealed_thoughts_are_seen(body: dict[str, Any]) -> None:
    assert read(body).signed_thinking


@pytest.mark.parametrize(
    "part",
    [{"type": "thinking", "signature": "Ab1+" * 9}, {"text": "", "thoughtSignature": "Ab1+" * 9},
     {"type": "web_search_result", "encrypted_content": "Ab1+" * 9}],
)  # fmt: skip
def test_a_seal_in_a_message_too_long_to_be_read_is_seen(part: dict[str, Any]) -> None:
    long = said(content=[part, {"type": "text", "text": "Well. " * (TAIL_BYTES // 4)}])
    assert read({"messages": [user("a"), long, user("b")]}).signed_thinking
    quoted = said(content=json.dumps([part]) + "Well. " * (TAIL_BYTES // 4))
    assert not read({"messages": [user("a"), quoted, user("b")]}).signed_thinking


def test_words_about_seals_are_none() -> None:
    assert not read({"messages": [user('What is "signature": "abc" and encrypted_content?')]}).signed_thinking


@pytest.mark.parametrize("body", [{"thinking": {"type": "adaptive"}}, {"include": ["reasoning.encrypted_content"]}])
def test_where_sealed_thoughts_were_asked_for_a_long_conversation_is_taken_to_hold_some(body: dict[str, Any]) -> None:
    long = [user("Well. " * 50) for _ in range(1000)]
    assert read({"messages": long, **body}).signed_thinking
    assert not read({"messages": long}).signed_thinking
    assert not read({"messages": long[:3], **body}).signed_thinking


def test_a_conversation_that_was_searched_as_a_whole_holds_no_thoughts_because_they_were_asked_for() -> None:
    """Coding agents begin with pages of instructions in several messages."""
    included = {"include": ["reasoning.encrypted_content"], "reasoning": {"effort": "low"}}
    opening = [{"type": "message", **user(f"{number}: " + "a rule to follow. " * 300)} for number in range(4)]
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}

    assert not read({"input": opening, **included}).signed_thinking
    assert read({"input": [*opening[:2], thought, *opening * 4], **included}).signed_thinking
    assert not read({"input": opening * 9, **included}).signed_thinking


# --- what it uses -----------------------------------------------------------------------------------------------------

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


@pytest.mark.parametrize(
    ("body", "uses"),
    [
        ({"messages": [user("a")]}, set()),
        ({"messages": [user("a")], "tools": []}, set()),
        ({"messages": [user("a")], "tools": None}, set()),
        ({"messages": [user("a")], "toolConfig": {"tools": [{"toolSpec": {"name": "look"}}]}}, {"tools"}),
        ({"messages": [user("a")], "toolConfig": {"tools": [{"systemTool": {}}]}}, {"tools", "server_tools"}),
        ({"contents": [], "tools": [{"googleSearch": {}}]}, {"tools", "server_tools"}),
        ({"input": "a", "tools": [{"type": "image_generation"}]}, {"tools", "server_tools"}),
        ({"messages": [user("a")], "tools": [{"name": "web_search", "input_schema": {}}]}, {"tools"}),
        ({"messages": [user("a")], "tools": [TOOL], "parallel_tool_calls": True}, {"tools", "parallel_tools"}),
        ({"messages": [user("a")], "tools": [{"type": "web_search_20250305"}]}, {"tools", "server_tools"}),
        ({"messages": [user([IMAGE])]}, {"vision"}),
        ({"messages": [user([{"type": "document", "source": {}}])]}, {"files"}),
        ({"messages": [user([{"type": "document_url", "document_url": "https://a.invalid"}])]}, {"files"}),
        ({"messages": [user([{"image": {"format": "png", "source": {}}}])]}, {"vision"}),
        ({"messages": [user([{"toolResult": {"content": [{"document": {"name": "a"}}]}}])]}, {"files"}),
        ({"messages": [{**user("a"), "images": ["AAAA"]}]}, {"vision"}),
        (
            {"contents": [{"parts": [{"functionResponse": {"parts": [{"inlineData": {"mimeType": "image/png"}}]}}]}]},
            {"vision"},
        ),
        ({"messages": [user([{"type": "input_audio"}])]}, {"audio"}),
        ({"messages": [user([{"type": "tool_result", "content": [{"type": "image"}]}])]}, {"vision"}),
        ({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png"}}]}]}, {"vision"}),
        ({"contents": [{"parts": [{"fileData": {"mimeType": "application/pdf"}}]}]}, {"files"}),
        ({"messages": [user("a")], "response_format": {"type": "json_schema", "json_schema": {}}}, {"schema"}),
        ({"messages": [user("a")], "response_format": {"type": "json_object"}}, {"json"}),
        ({"messages": [user("a")], "output_config": {"format": {"type": "json_schema"}}}, {"schema"}),
        ({"input": "a", "text": {"format": {"type": "json_schema"}}}, {"schema"}),
        ({"contents": [], "generationConfig": {"responseSchema": {}}}, {"schema"}),
        ({"messages": [user("a")], "reasoning_effort": "high"}, {"reasoning"}),
        ({"input": "a", "reasoning": {"effort": "low"}}, {"reasoning"}),
        ({"messages": [user("a")], "thinking": {"type": "enabled", "budget_tokens": 9}}, {"reasoning"}),
        ({"messages": [user("a")], "thinking": {"type": "disabled"}}, set()),
        ({"input": "a", "reasoning": None}, set()),
        ({"input": "a", "reasoning": {"enabled": False}}, set()),
        ({"messages": [user("a")], "reasoning_effort": "none"}, {"reasoning"}),  # who cannot think refuses the field
        ({"input": "a", "include": ["reasoning.encrypted_content"]}, {"reasoning"}),
        ({"messages": [user("a")], "think": True}, {"reasoning"}),
        ({"contents": [], "generation_config": {"thinking_config": {}}}, {"reasoning"}),
        ({"messages": [user("a")], "additionalModelRequestFields": {"thinking": {"type": "enabled"}}}, {"reasoning"}),
        ({"messages": [user("a")], "additionalModelRequestFields": {"reasoningConfig": {}}}, {"reasoning"}),
        ({"messages": [user("a")], "modalities": ["text", "audio"]}, {"audio"}),
        ({"contents": [], "generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}, {"images"}),
        ({"contents": [], "generationConfig": {"response_schema": {}}}, {"schema"}),
        ({"messages": [user("a")], "response_format": {"type": "json_object", "json_schema": {}}}, {"schema"}),
        ({"messages": [user("a")], "format": {"type": "object"}}, {"schema"}),
        ({"messages": [user("a")], "format": "json"}, {"json"}),
        ({"messages": [user("a")], "outputConfig": {"textFormat": {"type": "json_schema"}}}, {"schema"}),
        ({"messages": [user("a")], "logprobs": True, "n": 2}, {"logprobs", "n"}),
        ({"input": "a", "previous_response_id": "resp_1"}, {"state"}),
    ],
)
def test_what_a_model_must_be_capable_of(body: dict[str, Any], uses: set[str]) -> None:
    assert read(body).uses - ASKED == uses


@pytest.mark.parametrize(
    ("api", "body", "asked_of"),
    [
        ("openai.chat", {"temperature": 0.2, "max_tokens": 9, "stop": ["a"]}, {"sampling", "max_tokens", "stop"}),
        ("openai.chat", {"temperature": 1, "top_p": 1, "stop": None, "max_completion_tokens": 9}, set()),
        ("openai.responses", {"max_output_tokens": 9, "top_p": 0.5}, {"sampling"}),
        ("anthropic.messages", {"max_tokens": 9, "temperature": 1}, {"sampling"}),
        ("anthropic.messages", {"max_tokens": 9, "stop_sequences": ["a"]}, set()),
        ("anthropic.messages", {"thinking": {"type": "enabled"}}, {"thinking_budget"}),
        ("anthropic.messages", {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
         {"thinking_adaptive", "effort"}),
        ("anthropic.messages", {"thinking": {"type": "disabled"}}, {"thinking_off"}),
    ],
)  # fmt: skip
def test_fields_that_some_models_refuse_are_noticed(api: str, body: dict[str, Any], asked_of: set[str]) -> None:
    body = {"model": "m", "messages": [user("a")], "input": "a", **body}
    assert asked(call(json.dumps(body).encode(), api=api)).uses & ASKED == asked_of


def test_a_file_in_the_midst_of_a_long_conversation_is_noticed() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "QUJD" * 100_000}}
    talk = [user("Well. " * 20) for _ in range(200)]
    assert "vision" in read({"messages": [user("a"), user([image]), *talk, user("b")]}).uses


# --- over the recordings ------------------------------------------------------------------------------------------

LABELS = {
    "tools": "tools", "image": "vision", "audio": "audio", "file": "files", "video": "video", "schema": "schema",
    "reasoning_req": "reasoning", "server_tools": "server_tools",
}  # fmt: skip
AGREE = 0.99  # of the recordings, for each of the uses
SEALS = frozenset(
    ("signature", "thoughtSignature", "thought_signature", "encrypted_content", "redactedContent", "reasoning_content",
     "reasoning_details")
)  # fmt: skip


def labelled(record: dict[str, Any]) -> set[str]:
    """What a recording's labels say, mended where they go by words alone.

    They call a function that is named `web_search` a tool of the provider's, overlook newer ones (`tool_search`), and
    take a prompt about reasoning for a request for it.
    """
    request = record["request"]
    names = {LABELS[name] for name in record["features"] if name in LABELS}
    names.discard("server_tools")
    offered = request.get("tools") or (request.get("toolConfig") or {}).get("tools") or []
    if any(_is_the_provider_s(tool) for tool in offered):
        names.add("server_tools")
    rest = json.dumps({name: value for name, value in request.items() if name not in ("messages", "contents", "tools")})
    if "reason" not in rest and "think" not in rest:
        names.discard("reasoning")
    return names


def _is_the_provider_s(tool: Any) -> bool:
    return isinstance(tool, dict) and (
        tool.get("type") not in (None, "function", "custom", "namespace")
        or any(name.startswith(("google", "code", "url", "file", "computer", "systemTool")) for name in tool)
    )


def holds_a_seal(value: Any) -> bool:
    if isinstance(value, list):
        return any(holds_a_seal(one) for one in value)
    return isinstance(value, dict) and (
        value.get("type") == "redacted_thinking"
        or any(value.get(name) for name in SEALS)
        or any(holds_a_seal(one) for name, one in value.items() if name not in ("arguments", "input", "args"))
    )


def results_wait(request: dict[str, Any]) -> bool:
    """Whether the last message brings results of tools."""
    messages = next((request[name] for name in ("messages", "contents", "input") if name in request), None)
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(last, dict):
        return False
    content = last.get("content", last.get("parts"))
    parts = [last, *(part for part in content if isinstance(part, dict))] if isinstance(content, list) else [last]
    brought = ("functionResponse", "function_response", "toolResult")
    return any(
        part.get("role") == "tool"
        or str(part.get("type")) in ("tool_result", "function_call_output")
        or any(name in part for name in brought)
        for part in parts
    )


def test_recorded_requests_use_what_their_labels_say_and_nothing_that_binds_them_is_overlooked() -> None:
    total, wrong = 0, Counter[str]()
    overlooked: list[str] = []
    for api in APIS:
        for record in records(api):
            request = record["request"]
            if not isinstance(request, dict):
                continue
            total += 1
            seen = asked(call(json.dumps(request).encode(), api=record["api"]))
            uses = {"schema" if use == "json" else use for use in seen.uses} & set(LABELS.values())
            wrong.update(uses ^ labelled(record))
            if not seen.signed_thinking and holds_a_seal(
                [request.get(name) for name in ("messages", "contents", "input")]
            ):
                overlooked.append(record["id"])
            if not seen.in_tool_loop and results_wait(request):
                overlooked.append(record["id"])
    assert total > 9000
    assert {use: count for use, count in wrong.items() if count > total * (1 - AGREE)} == {}
    assert overlooked == []
