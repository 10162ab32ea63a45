from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.wire.show_cost import ArrayCostWriter, Cost, CostWriter, with_cost

CHAT = (
    b'data: {"choices":[{"delta":{"content":"hi"}}],"usage":null}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n'
    b"data: [DONE]\n\n"
)
MESSAGES = (
    b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":3}}}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":1}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
RESPONSES = (
    b'event: response.created\ndata: {"response":{"id":"r","usage":null}}\n\n'
    b'event: response.completed\ndata: {"response":{"id":"r","usage":{"input_tokens":3}}}\n\n'
)


GEMINI = (
    b'data: {"candidates":[{"content":{}}],"usageMetadata":{"promptTokenCount":3}}\r\n\r\n'
    b'data: {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3}}\r\n\r\n'
)
COST = Cost("0.00000975", "0.00000375", "0.000006")
SHOWN = {
    "cost": 0.00000975,
    "cost_details": {
        "upstream_inference_cost": 0.00000975,
        "upstream_inference_prompt_cost": 0.00000375,
        "upstream_inference_completions_cost": 0.000006,
    },
}


def written(stream: bytes, cuts: list[int], cost: Cost | None = COST) -> bytes:
    writer = CostWriter(lambda: cost)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return b"".join(writer.feed(stream[a:b]) for a, b in pairwise(edges)) + writer.end()


@pytest.mark.parametrize("stream", [CHAT, MESSAGES, RESPONSES, GEMINI])
@given(cuts=st.lists(st.integers(0, 1000), max_size=8))
def test_only_the_final_usage_object_gains_the_cost_wherever_the_bytes_are_cut(stream: bytes, cuts: list[int]) -> None:
    blank = b"\r\n\r\n" if stream is GEMINI else b"\n\n"
    before, after = stream.split(blank), written(stream, cuts).split(blank)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    old, new = (json.loads(event.partition(b"data: ")[2]) for event in changed[0])
    inner = new.get("response") or new
    usage = inner.get("usage") or inner["usageMetadata"]
    assert {name: usage.pop(name) for name in SHOWN} == SHOWN
    assert new == old


def test_a_stream_without_a_price_passes_as_it_is() -> None:
    assert written(CHAT, [], cost=None) == CHAT


def test_half_an_event_at_the_end_is_not_swallowed() -> None:
    assert written(CHAT[:-9], [5]) == written(CHAT, [])[:-9]


@pytest.mark.parametrize(
    "body", [b'{"id": "1", "usage": {"prompt_tokens": 3}}', b'{"usageMetadata": {"promptTokenCount": 3}}']
)
def test_a_whole_answer_gains_it_likewise(body: bytes) -> None:
    old, new = json.loads(body), json.loads(with_cost(body, lambda: COST))
    usage = new.get("usage") or new["usageMetadata"]
    assert {name: usage.pop(name) for name in SHOWN} == SHOWN
    assert new == old


@pytest.mark.parametrize("body", [b'{"error": {"message": "no"}}', b"[]", b"", b'{"usage": null}', b"<html>"])
def test_what_has_no_usage_stays_as_it_is(body: bytes) -> None:
    assert with_cost(body, lambda: COST) == body


@pytest.mark.parametrize("pieces", [1, 3])
def test_the_last_element_of_an_array_gains_it_and_no_other(pieces: int) -> None:
    first = b'[{"candidates":[{"content":{}}],"usageMetadata":{"promptTokenCount":3}}'
    last = b',\r\n{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3}}'
    writer = ArrayCostWriter(lambda: COST)
    told = [first, last, b"]"] if pieces == 3 else [first + last + b"]"]
    one, other = json.loads(b"".join(map(writer.feed, told)) + writer.end())

    assert one == json.loads(first[1:])
    assert {name: other["usageMetadata"].pop(name) for name in SHOWN} == SHOWN
    assert other == json.loads(last[1:])


def test_the_event_in_the_name_of_a_whole_stream_gains_it_too() -> None:
    assert with_cost(CHAT, lambda: COST) == written(CHAT, [])
