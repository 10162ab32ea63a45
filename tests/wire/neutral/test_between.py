"""From chat to Messages and back: what becomes of the things that the two say differently."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.errors import BadRequest, UpstreamInvalid
from dd0c_route.wire.body import split
from dd0c_route.wire.neutral import DIALECTS, Aim, Written, explained
from dd0c_route.wire.neutral.chat import CHAT
from dd0c_route.wire.neutral.dialect import Dialect, Opening
from dd0c_route.wire.neutral.fold import answer_of
from dd0c_route.wire.neutral.form import (
    Begin,
    CallBegin,
    CallDelta,
    Done,
    Loss,
    Stop,
    TextDelta,
    ThinkingDelta,
    ToolCall,
)
from dd0c_route.wire.neutral.messages import MESSAGES

USER = {"role": "user", "content": "Hello"}
OPENING = Opening("dd_1", "a-model", 1_700_000_000)


def crossed(ours: Dialect, theirs: Dialect, aim: Aim | None = None, **fields: Any) -> tuple[dict[str, Any], Written]:
    asked = {"model": "asked", "max_tokens": 5000, "messages": [USER], **fields}
    prompt = ours.read_request(split(json.dumps(asked).encode()))
    written = theirs.write_request(prompt, aim or Aim("a-model"))
    body: dict[str, Any] = json.loads(written.body)
    return body, written


def to_messages(aim: Aim | None = None, **fields: Any) -> dict[str, Any]:
    body, written = crossed(CHAT, MESSAGES, aim, **fields)
    assert written.losses == ()
    return body


def to_chat(aim: Aim | None = None, **fields: Any) -> dict[str, Any]:
    body, written = crossed(MESSAGES, CHAT, aim, **fields)
    assert written.losses == ()
    return body


def lost(ours: Dialect, theirs: Dialect, aim: Aim | None = None, **fields: Any) -> list[str]:
    return [loss.field for loss in crossed(ours, theirs, aim, **fields)[1].losses]


# --- turns ------------------------------------------------------------------------------------------------------------


def test_instructions_of_all_places_and_names_are_system_at_anthropic() -> None:
    turns = [
        {"role": "developer", "content": "A"},
        {"role": "system", "content": "B"},
        USER,
        {"role": "assistant", "content": "Hi"},
        {"role": "system", "content": "C"},
        USER,
    ]
    body = to_messages(messages=turns)

    assert [block["text"] for block in body["system"]] == ["A", "B", "C"]
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]


def test_a_request_of_instructions_alone_asks_the_last_one() -> None:
    body = to_messages(messages=[{"role": "system", "content": "Say something."}])

    assert body["messages"] == [{"role": "user", "content": "Say something."}]
    assert "system" not in body


def test_turns_of_one_side_become_one_with_the_results_first() -> None:
    calls = [
        {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": ""}} for name in ("a", "b")
    ]
    turns = [
        USER,
        {"role": "assistant", "content": "Look:", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_a", "content": "1"},
        {"role": "tool", "tool_call_id": "call_b", "content": "2"},
        USER,
    ]
    _, said, results = to_messages(messages=turns)["messages"]

    assert [block["type"] for block in said["content"]] == ["text", "tool_use", "tool_use"]
    assert said["content"][1]["input"] == {}
    assert [block["type"] for block in results["content"]] == ["tool_result", "tool_result", "text"]


def test_an_id_that_the_target_cannot_hold_is_the_same_other_one_in_call_and_result() -> None:
    call = {"id": "functions.look:0", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    turns = [
        USER,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "functions.look:0", "content": "1"},
    ]
    _, said, result = to_messages(messages=turns)["messages"]

    assert said["content"][0]["id"] == result["content"][0]["tool_use_id"]
    assert said["content"][0]["id"].startswith("toolu_")


def test_arguments_go_through_as_they_were_written() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "a", "arguments": '{"n": 1e400, "b":2.50}'}}
    prompt = CHAT.read_request(
        split(json.dumps({"messages": [USER, {"role": "assistant", "tool_calls": [call]}]}).encode())
    )

    assert b'"input":{"n": 1e400, "b":2.50}' in MESSAGES.write_request(prompt, Aim("m")).body


def test_what_a_tool_gave_reaches_a_chat_as_text_and_images_behind_it() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    result = {
        "type": "tool_result",
        "tool_use_id": "toolu_1",
        "is_error": True,
        "content": [{"type": "text", "text": "no"}, image],
    }
    use = {"type": "tool_use", "id": "toolu_1", "name": "a", "input": {}}
    *_, tool, user = to_chat(
        messages=[USER, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    )["messages"]

    assert (tool["role"], tool["tool_call_id"], tool["content"]) == ("tool", "toolu_1", "Error: no")
    assert user["content"][0]["image_url"]["url"] == "data:image/png;base64,AAAA"


def test_claude_codes_word_to_anthropic_goes_to_nobody_else() -> None:
    system = [{"type": "text", "text": "x-anthropic-billing-header: cc=1"}, {"type": "text", "text": "Be brief."}]

    assert to_chat(system=system)["messages"][0] == {"role": "system", "content": "Be brief."}


def test_thoughts_of_another_model_are_shown_and_known_again_but_never_sent_to_anthropic() -> None:
    body = b'{"id":"1","choices":[{"message":{"reasoning_content":"Hm","content":"Hi"},"finish_reason":"stop"}]}'
    content = json.loads(MESSAGES.write_answer(CHAT.read_answer(body)))["content"]
    again = [USER, {"role": "assistant", "content": content}, USER]

    assert content[0] == {"type": "thinking", "thinking": "Hm", "signature": "dd0c-chat"}
    assert to_chat(messages=again)["messages"][1]["reasoning_content"] == "Hm"
    prompt = MESSAGES.read_request(split(json.dumps({"messages": again}).encode()))
    assert b"thinking" not in MESSAGES.write_request(prompt, Aim("m")).body


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limit", "most", "written"), [(7, 100, 7), (None, 100, 100), (None, None, 4096)])
def test_the_longest_answer_is_as_asked_else_what_the_model_can_else_what_all_can(
    limit: int | None, most: int | None, written: int
) -> None:
    assert to_messages(Aim("m", max_output=most), max_tokens=limit)["max_tokens"] == written


def test_thinking_is_told_as_the_model_takes_it() -> None:
    old = Aim("claude-old", reasons=True, refuses=frozenset({"thinking_adaptive", "effort"}))
    new = Aim("claude-new", reasons=True, refuses=frozenset({"thinking_budget", "sampling"}))

    assert to_messages(old, reasoning_effort="low")["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert to_messages(new, reasoning_effort="low")["thinking"] == {"type": "adaptive"}
    assert to_messages(new, reasoning_effort="low")["output_config"] == {"effort": "low"}
    assert to_chat(thinking={"type": "enabled", "budget_tokens": 2048})["reasoning_effort"] == "low"
    assert "reasoning_effort" not in to_chat(thinking={"type": "adaptive"})


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"n": 2}, ["n"]),
        ({"logprobs": True}, ["logprobs"]),
        ({"seed": 1}, ["seed"]),
        ({"presence_penalty": 0.5}, ["presence_penalty"]),
        ({"presence_penalty": 0}, []),
        ({"temperature": 1.5}, ["temperature"]),
        ({"response_format": {"type": "json_object"}}, ["shape"]),
        ({"logit_bias": {"1": 2}}, ["logit_bias"]),
        ({"service_tier": "flex"}, ["service_tier"]),
        ({"service_tier": "auto", "metadata": {"a": "b"}, "store": True}, []),
        ({"messages": [{**USER, "name": "Ann"}]}, ["messages[0].name"]),
        ({"a_new_field": 1}, ["a_new_field"]),
    ],
)
def test_what_messages_cannot_say_is_named(asked: dict[str, Any], names: list[str]) -> None:
    assert lost(CHAT, MESSAGES, **asked) == names


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, ["tools: web_search_20250305"]),
        ({"mcp_servers": [{"url": "x"}]}, ["mcp_servers"]),
        ({"messages": [{"role": "user", "content": [{"type": "search_result", "a": 1}]}]}, ["messages: search_result"]),
        ({"cache_control": {"type": "ephemeral"}, "service_tier": "auto"}, []),
    ],
)
def test_what_chat_cannot_say_is_named(asked: dict[str, Any], names: list[str]) -> None:
    assert lost(MESSAGES, CHAT, **asked) == names


def test_what_a_model_refuses_is_not_sent_to_it() -> None:
    refuses = frozenset({"sampling", "stop", "max_tokens"})
    body, written = crossed(MESSAGES, CHAT, Aim("o-model", refuses=refuses), temperature=0.5, stop_sequences=["x"])

    assert {loss.field for loss in written.losses} == {"temperature", "stop"}
    assert body["max_completion_tokens"] == 5000


def test_the_caller_reads_in_its_own_words_what_is_lost() -> None:
    losses = crossed(CHAT, MESSAGES, response_format={"type": "json_object"})[1].losses
    said = explained(losses, "anthropic/claude", lambda word: CHAT.words.get(word, word))

    assert "`response_format`" in said
    assert "x-dd0c-drop" in said


@pytest.mark.parametrize(
    "fields", [{"messages": 1}, {"messages": [{"role": "narrator"}]}, {"temperature": "hot"}, {"tool_choice": "maybe"}]
)
def test_a_request_that_cannot_be_understood_is_the_callers_fault(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        crossed(CHAT, MESSAGES, **fields)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"choices":[]}', b"<html>"])
def test_an_answer_that_is_none_is_the_providers_fault(body: bytes) -> None:
    for dialect in (CHAT, MESSAGES):
        with pytest.raises(UpstreamInvalid):
            dialect.read_answer(body)


# --- streams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["anthropic.messages", "gemini.generate", "bedrock.converse"])
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ('{"a": NaN, "b": 1}', {"a": None, "b": 1}),
        (r'{"a": "\ud800"}', {"a": "\ufffd"}),
        ('{"a": 1', {"input": '{"a": 1'}),
    ],
)
def test_arguments_that_are_no_json_are_written_as_json(api: str, said: str, kept: dict[str, Any]) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": said}}
    messages = [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [call]}]
    body = split(json.dumps({"model": "m", "messages": messages}).encode())
    sent = DIALECTS[api].write_request(CHAT.read_request(body), Aim("a-model")).body
    back = DIALECTS[api].read_request(split(sent))
    calls = [part for turn in back.turns for part in turn.parts if isinstance(part, ToolCall)]
    assert [json.loads(one.arguments) for one in calls] == [kept]


def test_a_refusal_names_so_many_fields_and_counts_the_rest() -> None:
    found = [Loss(f"field_{number}" + "x" * 500, "why") for number in range(5000)]
    told = explained(found, "sim/m", str)
    assert len(told) < 10_000
    assert "field_0x" in told
    assert "and 4980 more" in told


def test_arguments_of_calls_that_come_mixed_reach_the_block_of_their_call() -> None:
    writer = MESSAGES.writer(OPENING)
    data = writer.feed(
        [Begin(), CallBegin(0, "a", "x"), CallDelta(0, '{"a"'), CallBegin(1, "b", "y"), CallDelta(1, '{"b":'),
         CallDelta(0, ":1}"), CallDelta(1, "2}"), Stop("tools"), Done()]
    )  # fmt: skip
    reader = MESSAGES.reader()

    answer = answer_of(reader.feed(data))
    assert [part.arguments for part in answer.parts if isinstance(part, ToolCall)] == ['{"a":1}', '{"b":2}']


def test_the_last_event_goes_out_when_the_providers_own_is_seen() -> None:
    for dialect in (CHAT, MESSAGES):
        writer = dialect.writer(OPENING)
        writer.feed([Begin(), TextDelta("a"), Stop("stop")])
        assert writer.feed([Done()])
        assert writer.end() == b""


def test_a_foreign_thought_is_signed_before_its_block_ends() -> None:
    writer = MESSAGES.writer(OPENING)
    data = writer.feed([Begin(), ThinkingDelta("Hm", maker="chat"), TextDelta("Hi"), Done()])

    assert data.index(b"thinking_delta") < data.index(b"dd0c-chat") < data.index(b"content_block_stop")


def test_whole_calls_under_one_index_are_told_apart_by_their_ids() -> None:
    """As Gemini's endpoint for OpenAI's clients sends them."""
    reader = CHAT.reader()
    data = b""
    for id in ("a", "b"):
        call = {"index": 0, "id": id, "function": {"name": id, "arguments": "{}"}}
        data += b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}).encode() + b"\n\n"

    parts = answer_of(reader.feed(data)).parts
    assert [part.id for part in parts if isinstance(part, ToolCall)] == ["a", "b"]


# --- what speakers of chat say in their own ways ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "reason", "content"),
    [
        # an empty `custom` and no reason with every call (a gateway)
        (
            {"tool_calls": [{"id": "a", "type": "function", "custom": {"name": "", "input": ""},
                             "function": {"name": "look", "arguments": '{"x":1}'}}]},
            "",
            [("tool_use", {"x": 1})],
        ),
        # one call, as it was before there were several
        ({"function_call": {"name": "look", "arguments": '{"x":1}'}}, "function_call", [("tool_use", {"x": 1})]),
        # thoughts among the parts (Mistral)
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
                         {"type": "text", "text": "Hi"}]},
            "stop",
            [("thinking", "Hm"), ("text", "Hi")],
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("streamed", [False, True])
def test_answers_of_all_who_speak_chat_are_read(
    message: dict[str, Any], reason: str, content: list[tuple[str, Any]], streamed: bool
) -> None:
    if streamed:
        choices = [{"delta": {"role": "assistant"}}, {"delta": message}, {"delta": {}, "finish_reason": reason}]
        reader = CHAT.reader()
        data = b"".join(b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n" for choice in choices)
        answer = answer_of(reader.feed(data + b"data: [DONE]\n\n"))
    else:
        answer = CHAT.read_answer(json.dumps({"choices": [{"message": message, "finish_reason": reason}]}).encode())
    written = json.loads(MESSAGES.write_answer(answer))
    given = [(one["type"], one.get("input", one.get("thinking", one.get("text")))) for one in written["content"]]

    assert given == content
    assert written["stop_reason"] == ("tool_use" if content[-1][0] == "tool_use" else "end_turn")


@pytest.mark.parametrize(
    ("asked", "budget", "adaptive"),
    [
        ({"reasoning": {"max_tokens": 2000}}, 2000, False),
        ({"reasoning": {"enabled": True, "exclude": True}}, None, True),
        ({"thinking": {"type": "enabled"}}, None, True),
        ({"enable_thinking": True}, None, True),
    ],
)
def test_thinking_is_asked_for_in_many_ways(asked: dict[str, Any], budget: int | None, adaptive: bool) -> None:
    found = CHAT.read_request(split(json.dumps({"messages": [USER], **asked}).encode())).reasoning

    assert found is not None
    assert (found.budget, found.adaptive) == (budget, adaptive)


@pytest.mark.parametrize("asked", [{"reasoning": {"enabled": False}}, {"thinking": {"type": "disabled"}}])
def test_it_is_switched_off_in_as_many(asked: dict[str, Any]) -> None:
    assert "thinking" not in to_messages(**asked)


def test_mistrals_ways_to_say_it_are_understood() -> None:
    image = {"type": "image_url", "image_url": "https://example.test/a.png"}
    document = {"type": "document_url", "document_url": "https://example.test/a.pdf"}
    tools = [{"type": "function", "function": {"type": "function", "name": "look"}}]
    body = to_messages(tool_choice="any", tools=tools, messages=[{"role": "user", "content": [image, document]}])

    assert body["tool_choice"] == {"type": "any"}
    assert [block["source"]["url"][-5:] for block in body["messages"][0]["content"]] == ["a.png", "a.pdf"]


def test_a_document_of_plain_text_that_a_tool_gave_stays_in_its_result() -> None:
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Found."}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [document]}
    use = {"type": "tool_use", "id": "toolu_1", "name": "a", "input": {}}
    turns = [USER, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]

    assert to_chat(messages=turns)["messages"][-1] == {"role": "tool", "tool_call_id": "toolu_1", "content": "Found."}
