"""What an answer holds that its caller's dialect cannot tell, whole and as a stream."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.wire.neutral import DIALECTS, Opening, untold
from dd0c_route.wire.neutral.fold import answer_of, pieces_of
from dd0c_route.wire.neutral.form import Answer, Foreign, Image, Text

GOOGLES = {
    "candidates": [
        {
            "content": {
                "role": "model",
                "parts": [
                    {"text": "See:"},
                    {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
                    {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
                    {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}},
                ],
            },
            "finishReason": "STOP",
        }
    ]
}
IN_GOOGLES = ["answer: executableCode", "answer: codeExecutionResult", "answer: image", "answer: inlineData"]
OTHERS = ["openai.chat", "openai.responses", "anthropic.messages", "bedrock.converse"]


def names(told: Any, api: str) -> list[str]:
    return [name for one in told if (name := untold(one, DIALECTS[api].name))]


def streamed(body: dict[str, Any], api: str) -> list[Any]:
    reader = DIALECTS[api].reader()
    return reader.feed(b"data: " + json.dumps(body).encode() + b"\n\n") + reader.end()


@pytest.mark.parametrize("api", OTHERS)
def test_images_and_code_of_googles_are_named_whole_and_streamed(api: str) -> None:
    whole = DIALECTS["gemini.generate"].read_answer(json.dumps(GOOGLES).encode())

    assert names(whole.parts, api) == names(streamed(GOOGLES, "gemini.generate"), api) == IN_GOOGLES


@pytest.mark.parametrize("api", OTHERS)
def test_a_writer_says_the_rest(api: str) -> None:
    whole = DIALECTS["gemini.generate"].read_answer(json.dumps(GOOGLES).encode())
    writer = DIALECTS[api].writer(Opening("dd_1", "a-model", 0))
    reader = DIALECTS[api].reader()
    again = answer_of(reader.feed(writer.feed(pieces_of(whole)) + writer.end()) + reader.end())

    assert [part for part in again.parts if isinstance(part, Text)] == [Text("See:")]
    assert b"See:" in DIALECTS[api].write_answer(whole)


def test_an_image_is_told_in_a_stream_of_googles() -> None:
    answer = Answer(parts=(Text("See:"), Image("", "iVBORw0KGgo=", "image/png")))
    writer = DIALECTS["gemini.generate"].writer(Opening("dd_1", "a-model", 0))
    reader = DIALECTS["gemini.generate"].reader()

    assert names(answer.parts, "gemini.generate") == []
    assert answer_of(reader.feed(writer.feed(pieces_of(answer)) + writer.end())).parts == answer.parts


def test_blocks_of_a_providers_own_tools_are_named_as_they_begin() -> None:
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    begun = {"type": "content_block_start", "index": 0, "content_block": block}

    assert names(streamed(begun, "anthropic.messages"), "openai.chat") == ["answer: server_tool_use"]


def test_what_the_caller_has_itself_is_not_named() -> None:
    assert untold(Foreign("messages", "server_tool_use", b"{}"), "messages") == ""
    assert untold(Text("a"), "chat") == ""


@pytest.mark.parametrize("api", OTHERS)
def test_a_call_that_was_no_call_is_no_clean_end(api: str) -> None:
    body = {"candidates": [{"content": {}, "finishReason": "MALFORMED_FUNCTION_CALL"}]}
    whole = DIALECTS["gemini.generate"].read_answer(json.dumps(body).encode())
    told = DIALECTS[api].read_answer(DIALECTS[api].write_answer(whole))

    assert told.stop not in ("stop", "tools", "other")
