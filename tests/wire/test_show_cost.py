from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.wire.show_cost import CostWriter

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


def written(stream: bytes, cuts: list[int], cost: str | None = "0.00000975") -> bytes:
    writer = CostWriter(lambda: cost)
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return b"".join(writer.feed(stream[a:b]) for a, b in pairwise(edges)) + writer.end()


@pytest.mark.parametrize("stream", [CHAT, MESSAGES, RESPONSES])
@given(cuts=st.lists(st.integers(0, 1000), max_size=8))
def test_only_the_final_usage_object_gains_the_cost_wherever_the_bytes_are_cut(stream: bytes, cuts: list[int]) -> None:
    before, after = stream.split(b"\n\n"), written(stream, cuts).split(b"\n\n")
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    old, new = (json.loads(event.partition(b"data: ")[2]) for event in changed[0])
    usage = (new.get("response") or new)["usage"]
    assert usage.pop("cost") == 0.00000975
    assert new == old


def test_a_stream_without_a_price_passes_as_it_is() -> None:
    assert written(CHAT, [], cost=None) == CHAT


def test_half_an_event_at_the_end_is_not_swallowed() -> None:
    assert written(CHAT[:-9], [5]) == written(CHAT, [])[:-9]
