"""What models at Bedrock are asked in a way of their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.wire.body import split
from dd0c_route.wire.neutral import Aim, Written
from dd0c_route.wire.neutral.chat import CHAT
from dd0c_route.wire.neutral.converse import CONVERSE
from dd0c_route.wire.neutral.messages import MESSAGES

USER = {"role": "user", "content": "Hello"}
CLAUDE = Aim("us.anthropic.claude-sonnet-4-5-20250929-v1:0", reasons=True, refuses=frozenset({"thinking_adaptive"}))
NOVA, LLAMA = Aim("amazon.nova-2-lite-v1:0"), Aim("meta.llama3-1-70b-instruct-v1:0")
GPT = Aim("openai.gpt-oss-120b-1:0")
CALL = {"id": "functions.look:0 ", "type": "function", "function": {"name": "look", "arguments": ""}}
LOOP = [USER, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": CALL["id"], "content": ""}]
TOOLS = [{"type": "function", "function": {"name": "look"}}]


def written(aim: Aim, **fields: Any) -> tuple[dict[str, Any], Written]:
    prompt = CHAT.read_request(split(json.dumps({"messages": [USER], **fields}).encode()))
    found = CONVERSE.write_request(prompt, aim)
    body: dict[str, Any] = json.loads(found.body)
    return body, found


def whole(aim: Aim, **fields: Any) -> dict[str, Any]:
    body, found = written(aim, **fields)
    assert found.losses == ()
    return body


def lost(aim: Aim, **fields: Any) -> list[str]:
    return [loss.field for loss in written(aim, **fields)[1].losses]


def test_sides_take_turns_and_instructions_stand_apart() -> None:
    turns = [{"role": "system", "content": "A"}, USER, USER, {"role": "assistant", "content": "Hi"}]
    body = whole(NOVA, messages=turns)

    assert body["system"] == [{"text": "A"}]
    assert [(turn["role"], len(turn["content"])) for turn in body["messages"]] == [("user", 2), ("assistant", 1)]


def test_an_id_that_does_not_fit_is_the_same_other_one_in_call_and_result() -> None:
    _, said, given = whole(NOVA, messages=LOOP, tools=TOOLS)["messages"]
    call, result = said["content"][0]["toolUse"], given["content"][0]["toolResult"]

    assert call["toolUseId"] == result["toolUseId"]
    assert call["toolUseId"].startswith("tooluse_")
    assert (call["input"], result["content"]) == ({}, [{"json": {}}])


@pytest.mark.parametrize(
    ("aim", "extra"),
    [
        (CLAUDE, {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        (NOVA, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
        (GPT, {"reasoning_effort": "low"}),
    ],
)
def test_thinking_is_asked_for_in_the_makers_words(aim: Aim, extra: dict[str, Any]) -> None:
    body = whole(aim, reasoning_effort="low", max_tokens=9000)

    assert body["additionalModelRequestFields"] == extra


def test_of_a_model_whose_maker_has_no_word_for_it_thinking_is_lost_by_name() -> None:
    assert lost(LLAMA, reasoning_effort="low") == ["reasoning"]
    assert lost(LLAMA, reasoning_effort="none") == []


@pytest.mark.parametrize(("aim", "extra"), [(CLAUDE, {"top_k": 5}), (NOVA, {"inferenceConfig": {"topK": 5}})])
def test_top_k_is_asked_for_in_the_makers_words(aim: Aim, extra: dict[str, Any]) -> None:
    assert whole(aim, top_k=5)["additionalModelRequestFields"] == extra
    assert lost(LLAMA, top_k=5) == ["top_k"]


def test_marks_of_caches_go_only_to_models_that_take_them() -> None:
    block = {"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}
    asked = {"max_tokens": 9, "messages": [{"role": "user", "content": [block]}]}
    prompt = MESSAGES.read_request(split(json.dumps(asked).encode()))
    content = [json.loads(CONVERSE.write_request(prompt, aim).body)["messages"][0]["content"] for aim in (NOVA, LLAMA)]

    assert content == [[{"text": "Hello"}, {"cachePoint": {"type": "default"}}], [{"text": "Hello"}]]


def test_who_may_call_no_tool_is_given_none_unless_they_were_called_before() -> None:
    assert "toolConfig" not in whole(NOVA, tools=TOOLS, tool_choice="none")
    assert lost(NOVA, tools=TOOLS, tool_choice="none", messages=LOOP) == ["tool_choice"]


def test_documents_are_named_apart() -> None:
    file = {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a/b.pdf"}}
    unnamed = {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA"}}
    body = whole(NOVA, messages=[{"role": "user", "content": [file, unnamed, unnamed]}])

    assert [one["document"]["name"] for one in body["messages"][0]["content"]] == [
        "a b pdf", "document 2", "document 3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"seed": 1}, ["seed"]),
        ({"n": 2}, ["n"]),
        ({"temperature": 1.5}, ["temperature"]),
        ({"response_format": {"type": "json_object"}}, ["shape"]),
        ({"parallel_tool_calls": False, "tools": TOOLS}, ["parallel_tools"]),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x.test"}}]}
                ]
            },
            ["messages: image"],
        ),
        ({"user": "u", "metadata": {"a": "b"}, "stop": "x", "top_p": 0.5}, []),
    ],
)
def test_what_converse_cannot_be_told_is_named(asked: dict[str, Any], names: list[str]) -> None:
    assert lost(NOVA, **asked) == names


def test_an_answer_by_a_schema_is_asked_for_by_its_text() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}

    assert whole(CLAUDE, response_format=form)["outputConfig"]["textFormat"] == {
        "type": "json_schema",
        "structure": {"jsonSchema": {"name": "a", "schema": '{"type": "object"}'}},
    }
