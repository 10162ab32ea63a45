"""Streams of the Responses API: what readers take, and the order that writers keep."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dd0c_route.wire.neutral.dialect import Opening
from dd0c_route.wire.neutral.fold import answer_of
from dd0c_route.wire.neutral.form import (
    Begin,
    CallBegin,
    CallDelta,
    CallEnd,
    Done,
    Fault,
    Foreign,
    Piece,
    Refusal,
    RefusalDelta,
    Stop,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    UsageSoFar,
)
from dd0c_route.wire.neutral.responses import RESPONSES
from dd0c_route.wire.sse import SseParser

OPENING = Opening("dd_1", "a-model", 1_700_000_000)


def written(*pieces: Piece) -> list[dict[str, Any]]:
    writer = RESPONSES.writer(OPENING)
    parser = SseParser()
    found = parser.feed(b"".join([writer.feed([piece]) for piece in pieces]) + writer.end()) + parser.close()
    events = [json.loads(event.data) for event in found]
    assert [event["type"] for event in events] == [event.event.decode() for event in found]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events]


def read(*events: dict[str, Any]) -> list[Piece]:
    reader = RESPONSES.reader()
    return reader.feed(b"".join([b"data: " + json.dumps(event).encode() + b"\n\n" for event in events])) + reader.end()


# --- written ----------------------------------------------------------------------------------------------------------


def test_a_thought_a_text_and_a_call_are_items_one_behind_the_other() -> None:
    events = written(
        Begin("1", "m"), ThinkingDelta("Hm", maker="messages"),
        ThinkingDelta(signature="c2ln", maker="messages", ends=True), TextDelta("Hi"),
        CallBegin(0, "call_1", "look"), CallDelta(0, "{}"), CallEnd(0), Stop("tools"), Done(),
    )  # fmt: skip

    assert names(events) == [
        "created", "in_progress",
        "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
        "output_item.added", "content_part.added", "output_text.delta", "output_text.done", "content_part.done",
        "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
        "completed",
    ]  # fmt: skip
    thought, message, call = events[-1]["response"]["output"]
    assert thought["encrypted_content"] == "dd0c-messages:c2ln"
    assert message["content"] == [{"type": "output_text", "annotations": [], "logprobs": [], "text": "Hi"}]
    assert (call["call_id"], call["arguments"], call["status"]) == ("call_1", "{}", "completed")


def test_each_event_names_its_item_and_its_place() -> None:
    events = written(Begin("1", "m"), TextDelta("a"), CallBegin(0, "x", "f"), CallDelta(0, "{}"), Stop("tools"))
    items = {event["output_index"]: event["item"]["id"] for event in events if event["type"].endswith("item.added")}

    assert sorted(items) == [0, 1]
    assert all(event["item_id"] == items[event["output_index"]] for event in events if "item_id" in event)
    assert [item["id"] for item in events[-1]["response"]["output"]] == list(items.values())


def test_pieces_of_calls_that_come_mixed_reach_their_call() -> None:
    events = written(
        Begin(), CallBegin(0, "a", "x"), CallBegin(1, "b", "y", custom=True), CallDelta(0, '{"a"'),
        CallDelta(1, "free"), CallDelta(0, ":1}"), Stop("tools"), Done(),
    )  # fmt: skip
    one, two = events[-1]["response"]["output"]

    assert one["arguments"] == '{"a":1}'
    assert (two["type"], two["input"]) == ("custom_tool_call", "free")
    assert "custom_tool_call_input.delta" in names(events)


def test_a_refusal_is_a_part_of_its_own_in_the_message() -> None:
    events = written(Begin(), TextDelta("a"), RefusalDelta("No"), RefusalDelta("."), Stop("stop"))
    (message,) = events[-1]["response"]["output"]

    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]
    assert message["content"][1]["refusal"] == "No."


@pytest.mark.parametrize(("reason", "status", "why"), [
    ("stop", "completed", None), ("tools", "completed", None), ("length", "incomplete", "max_output_tokens"),
    ("filter", "incomplete", "content_filter"), ("refusal", "incomplete", "content_filter"),
])  # fmt: skip
def test_the_last_event_says_why_it_ended(reason: Any, status: str, why: str | None) -> None:
    last = written(Begin(), TextDelta("a"), Stop(reason))[-1]

    assert last["type"] == f"response.{status}"
    assert (last["response"]["incomplete_details"] or {}).get("reason") == why
    assert last["response"]["output"][0]["status"] == status


def test_a_fault_is_an_error_and_a_response_that_failed() -> None:
    events = written(Begin(), TextDelta("a"), Fault(529, "overloaded", "busy"), TextDelta("b"))

    assert names(events)[-2:] == ["error", "failed"]
    assert events[-2]["error"]["message"] == events[-2]["message"] == "busy"
    assert events[-1]["response"]["error"] == {"code": "server_error", "message": "busy"}


# --- read -------------------------------------------------------------------------------------------------------------


def test_what_comes_whole_and_not_in_pieces_is_read_all_the_same() -> None:
    message = {
        "type": "message",
        "id": "m",
        "content": [{"type": "output_text", "text": "Hi"}, {"type": "refusal", "refusal": "No"}],
    }
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a":1}'}
    thought = {"type": "reasoning", "summary": [{"text": "Hm"}, {"text": "Ah"}], "encrypted_content": "seal"}
    pieces = read(
        {"type": "response.created", "response": {"id": "1", "model": "m", "created_at": 7.5}},
        {"type": "response.output_item.done", "output_index": 0, "item": thought},
        {"type": "response.output_item.done", "output_index": 1, "item": message},
        {"type": "response.output_item.done", "output_index": 2, "item": call},
        {"type": "response.completed", "response": {"usage": {"input_tokens": 1, "output_tokens": 2}}},
    )  # fmt: skip
    answer = answer_of(pieces)

    assert answer.parts == (
        Thinking("Hm\n\nAh", "seal", "responses"), Text("Hi"), Refusal("No"), ToolCall("c", "f", '{"a":1}'),
    )  # fmt: skip
    assert (answer.created, answer.stop) == (7, "tools")
    assert any(isinstance(piece, UsageSoFar) for piece in pieces)
    assert pieces[-1] == Done()


def test_unknown_events_are_passed_over_and_items_of_the_providers_own_tools_told_when_done() -> None:
    pieces = read(
        {"type": "keepalive", "sequence_number": 2},
        {"type": "response.created", "response": {"id": "1", "model": "m"}},
        {"type": "response.something_new", "delta": 7},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "web_search_call", "id": "ws_1"}},
        {"type": "response.web_search_call.searching", "item_id": "ws_1", "output_index": 0},
        {"type": "response.mcp_call_arguments.delta", "output_index": 0, "delta": "{}"},
        {"type": "response.output_item.done", "output_index": 0, "item": {"type": "web_search_call", "id": "ws_1"}},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Hi"},
        {"type": "response.completed", "response": {"status": "completed"}},
    )

    item = b'{"type":"web_search_call","id":"ws_1"}'
    assert answer_of(pieces).parts == (Foreign("responses", "web_search_call", item), Text("Hi"))
    assert answer_of(pieces).stop == "stop"


@pytest.mark.parametrize(
    "last",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None},
        {"type": "error", "error": {"type": "x", "code": "rate_limit_exceeded", "message": "slow down"}},
        {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "slow down"}}},
    ],
)
def test_a_failure_is_one_fault_whatever_it_looks_like(last: dict[str, Any]) -> None:
    pieces = read({"type": "response.created", "response": {"id": "1"}}, last, last)

    (fault,) = [piece for piece in pieces if isinstance(piece, Fault)]
    assert (fault.kind, fault.message) == ("rate_limit", "slow down")


KINDS = [
    "created",
    "output_item.added",
    "output_item.done",
    "output_text.delta",
    "output_text.done",
    "function_call_arguments.delta",
    "reasoning_summary_part.added",
    "refusal.done",
    "completed",
    "incomplete",
    "failed",
]
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from(["", "message", "function_call", "reasoning"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["type", "id", "text", "content", "summary", "arguments", "error"]), inner),
    ),
    max_leaves=6,
)
FIELDS = st.sampled_from(["output_index", "content_index", "item", "delta", "text", "response", "type"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(KINDS), st.dictionaries(FIELDS, VALUES)), max_size=6))
def test_no_event_makes_the_reader_fail(events: list[tuple[str, dict[str, Any]]]) -> None:
    read(*({"type": f"response.{kind}", **fields} for kind, fields in events))
