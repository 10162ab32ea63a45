"""Streams and answers of Converse: what its clients rely on, and what recorded ones look like."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.errors import UpstreamInvalid
from dd0c_route.wire.eventstream import EventStreamParser, frame_of
from dd0c_route.wire.neutral import Opening
from dd0c_route.wire.neutral.converse import CONVERSE
from dd0c_route.wire.neutral.fold import answer_of
from dd0c_route.wire.neutral.form import (
    Begin,
    CallBegin,
    CallDelta,
    Done,
    Fault,
    Foreign,
    Stop,
    Text,
    TextDelta,
    ThinkingDelta,
    ToolCall,
)

OPENING = Opening("dd_1", "a-model", 1_700_000_000)


def events(data: bytes) -> list[tuple[str, Any]]:
    return [(frame.name.decode(), json.loads(frame.payload)) for frame in EventStreamParser(checks=True).feed(data)]


def stream(*given: tuple[str, dict[str, Any]]) -> bytes:
    return b"".join(frame_of(name.encode(), json.dumps(event).encode()) for name, event in given)


def test_events_come_in_the_order_that_clients_rely_on() -> None:
    writer = CONVERSE.writer(OPENING)
    found = events(writer.feed([Begin(), TextDelta("a"), CallBegin(0, "t1", "x"), CallDelta(0, "{}"), Stop("tools")]))
    found += events(writer.end())

    assert [(name, event.get("contentBlockIndex")) for name, event in found] == [
        ("messageStart", None),
        ("contentBlockDelta", 0),
        ("contentBlockStop", 0),
        ("contentBlockStart", 1),
        ("contentBlockDelta", 1),
        ("contentBlockStop", 1),
        ("messageStop", None),
        ("metadata", None),
    ]
    assert found[-2][1] == {"stopReason": "tool_use"}
    assert found[-1][1]["usage"] == {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}


def test_arguments_of_calls_that_come_mixed_reach_the_block_of_their_call() -> None:
    writer = CONVERSE.writer(OPENING)
    data = writer.feed(
        [Begin(), CallBegin(0, "a", "x"), CallDelta(0, '{"a"'), CallBegin(1, "b", "y"), CallDelta(1, '{"b":'),
         CallDelta(0, ":1}"), CallDelta(1, "2}"), Stop("tools"), Done()]
    )  # fmt: skip
    parts = answer_of(CONVERSE.reader().feed(data)).parts

    assert [part.arguments for part in parts if isinstance(part, ToolCall)] == ['{"a":1}', '{"b":2}']


def test_another_models_signature_is_not_shown_as_its_own() -> None:
    writer = CONVERSE.writer(OPENING)
    data = writer.feed([Begin(), ThinkingDelta("Hm", "c2ln", "messages"), ThinkingDelta("", "c2ln", "messages", True)])

    assert b"c2ln" not in data
    assert b"Hm" in data


def test_what_ran_at_the_provider_is_told_but_is_no_call_for_the_caller() -> None:
    data = stream(
        ("messageStart", {"role": "assistant"}),
        (
            "contentBlockStart",
            {
                "contentBlockIndex": 0,
                "start": {"toolUse": {"toolUseId": "t", "name": "nova_grounding", "type": "server_tool_use"}},
            },
        ),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{}"}}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "Found."}}),
        ("messageStop", {"stopReason": "end_turn"}),
    )

    ran, said = answer_of(CONVERSE.reader().feed(data)).parts

    assert isinstance(ran, Foreign)
    assert ran.kind == "toolUse"
    assert said == Text("Found.")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (b"throttlingException", "rate_limit"),
        (b"modelStreamErrorException", "server"),
        (b"serviceUnavailableException", "overloaded"),
        (b"somethingNewException", "server"),
    ],
)
def test_an_exception_among_the_events_is_a_fault(name: bytes, kind: str) -> None:
    (piece,) = CONVERSE.reader().feed(frame_of(name, b'{"message":"no"}', fault=True))

    assert isinstance(piece, Fault)
    assert (piece.kind, piece.message) == (kind, "no")


@pytest.mark.parametrize("place", [10, 40, -1])
def test_a_damaged_frame_is_not_translated(place: int) -> None:
    data = bytearray(stream(("messageStart", {"role": "assistant"})))
    data[place] ^= 1
    reader = CONVERSE.reader()
    (piece,) = reader.feed(bytes(data))

    assert isinstance(piece, Fault)
    assert reader.feed(stream(("messageStart", {"role": "assistant"}))) == []


def test_texts_with_sources_are_text() -> None:
    cited = {"citationsContent": {"content": [{"text": "So it is."}], "citations": [{"title": "A"}]}}
    body = {"output": {"message": {"role": "assistant", "content": [cited]}}, "stopReason": "end_turn"}

    assert CONVERSE.read_answer(json.dumps(body).encode()).parts == (Text("So it is."),)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"<html>", b'{"message": "no"}'])
def test_an_answer_that_is_none_is_the_providers_fault(body: bytes) -> None:
    with pytest.raises(UpstreamInvalid):
        CONVERSE.read_answer(body)


def test_the_service_may_name_an_error_in_full() -> None:
    body = b'{"__type": "com.amazon.coral.service#ThrottlingException", "message": "slowly"}'
    fault = CONVERSE.read_error(400, body)

    assert (fault.status, fault.kind, fault.message) == (400, "rate_limit", "slowly")
