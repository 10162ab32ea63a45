"""AWS Bedrock's converse and invoke."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.types import Usage
from dd0c_route.wire.answer import Output
from tests.wire.examples import AWS, frame, invoke_frame, read, read_json

METRICS = {"inputTokenCount": 13, "outputTokenCount": 8}


def converse(**events: Any) -> bytes:
    return b"".join(frame(name, json.dumps(event).encode()) for name, event in events.items())


def test_a_converse_stream_reports_in_its_metadata() -> None:
    stream = converse(
        messageStart={"role": "assistant"},
        contentBlockStart={"start": {"toolUse": {"name": "look"}}},
        contentBlockDelta={"delta": {"toolUse": {"input": '{"a":1}'}}},
        messageStop={"stopReason": "tool_use"},
    )
    cut = read("bedrock.converse", AWS, stream)
    assert (cut.finished, cut.reported) == (False, None)
    usage = {"inputTokens": 15, "outputTokens": 100, "totalTokens": 115}
    whole = read("bedrock.converse", AWS, stream + converse(metadata={"usage": usage}))
    assert whole.finished
    assert whole.reported is not None
    assert whole.reported.usage == Usage(input=15, output=100)
    assert whole.output_at() == Output(tools='look{"a":1}')


@pytest.mark.parametrize(
    ("block", "output"),
    [
        ({"text": "a"}, Output(text="a")),
        ({"reasoningContent": {"text": "hm"}}, Output(reasoning="hm")),
        ({"reasoningContent": {"reasoningText": {"text": "hm"}}}, Output(reasoning="hm")),
        ({"toolUse": {"name": "f", "input": {"a": 1}}}, Output(tools='f{"a":1}')),
        ({"citationsContent": {"content": [{"text": "a"}]}}, Output(text="a")),
    ],
)
def test_each_block_is_a_piece_of_its_kind(block: dict[str, Any], output: Output) -> None:
    assert read("bedrock.converse", AWS, converse(contentBlockDelta={"delta": block})).output_at() == output
    assert read_json("bedrock.converse", output={"message": {"content": [block]}}).output_at() == output


def test_cache_reads_and_writes_stand_beside_the_input() -> None:
    usage = {
        "inputTokens": 3,
        "cacheReadInputTokens": 1712,
        "cacheReadInputTokenCount": 1712,
        "cacheWriteInputTokens": 336,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 236}, {"ttl": "1h", "inputTokens": 100}],
        "outputTokens": 121,
        "totalTokens": 2172,
    }
    report = read_json("bedrock.converse", output={}, usage=usage).reported
    assert report is not None
    assert report.usage == Usage(input=3, cache_read=1712, cache_write_5m=236, cache_write_1h=100, output=121)
    assert report.consistent


def test_an_exception_in_a_stream_is_the_error() -> None:
    stream = frame("throttlingException", b'{"message":"secret"}', message_type="exception")
    assert read("bedrock.converse", AWS, stream).error == "throttlingException"
    assert (
        read_json("bedrock.converse", message="secret", __type="a#ValidationException").error == "ValidationException"
    )
    assert read_json("bedrock.invoke", message="secret").error == "error"


def test_the_metrics_of_an_invoke_stream_are_the_invoice() -> None:
    stream = b"".join(
        map(
            invoke_frame,
            [
                {"type": "message_start", "message": {"model": "c", "usage": {"input_tokens": 13, "output_tokens": 1}}},
                {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}},
                {"type": "message_delta", "usage": {"output_tokens": 9}},
                {"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS},
            ],
        )
    )
    meter = read("bedrock.invoke", AWS, stream)
    assert meter.finished
    assert meter.output_at().text == "Hi"
    assert meter.reported is not None
    assert (meter.reported.usage, meter.reported.final) == (Usage(input=13, output=8), True)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"contentBlockDelta": {"delta": {"text": "Hi"}}}, "Hi"),
        ({"generation": "Hi"}, "Hi"),
        ({"outputText": "Hi"}, "Hi"),
        ({"outputs": [{"text": "Hi"}]}, "Hi"),
        ({"completion": "Hi"}, "Hi"),
        ({"choices": [{"delta": {"content": "Hi"}}]}, "Hi"),
    ],
)
def test_each_family_of_models_streams_in_its_own_shape(body: dict[str, Any], text: str) -> None:
    meter = read(
        "bedrock.invoke", AWS, invoke_frame(body) + invoke_frame({"amazon-bedrock-invocationMetrics": METRICS})
    )
    assert meter.output_at().text == text
    assert meter.reported is not None
    assert meter.reported.usage == Usage(input=13, output=8)


@pytest.mark.parametrize(
    "body",
    [
        {"content": [{"type": "text", "text": "Hi"}], "usage": {"input_tokens": 13, "output_tokens": 8}},
        {"output": {"message": {"content": [{"text": "Hi"}]}}, "usage": {"inputTokens": 13, "outputTokens": 8}},
        {"generation": "Hi", "prompt_token_count": 13, "generation_token_count": 8},
        {"inputTextTokenCount": 13, "results": [{"outputText": "Hi", "tokenCount": 8}]},
        {"choices": [{"message": {"content": "Hi"}}], "usage": {"prompt_tokens": 13, "completion_tokens": 8}},
    ],
)
def test_each_family_of_models_answers_in_its_own_shape(body: dict[str, Any]) -> None:
    meter = read_json("bedrock.invoke", **body)
    assert meter.output_at().text == "Hi"
    assert meter.reported is not None
    assert meter.reported.usage == Usage(input=13, output=8)


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"bytes":"!"}', b'{"bytes":"\xc3\xa4"}', b'{"bytes":"W10="}'])
def test_a_chunk_that_holds_no_json_object_says_nothing(payload: bytes) -> None:
    assert read("bedrock.invoke", AWS, frame("chunk", payload)).reported is None
