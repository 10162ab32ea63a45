"""The usage chunk that the client did not ask for does not reach it, and nothing else is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.wire.hide import MAX_HELD_BYTES, UsageChunkFilter
from tests.wire.examples import CHAT, CHAT_USAGE, chunk, cuts

HIDDEN = chunk(choices=[], usage=CHAT_USAGE)
EVENTS = (
    chunk("word"),
    chunk('"choices":[] and "usage"'),
    chunk("word", usage=None),
    chunk("word", usage=CHAT_USAGE),
    chunk(choices=[], usage=None),
    b'data: {"id":"","choices":[],"prompt_filter_results":[]}\n\n',
    b": keep-alive\n\n",
    b"\n",
    b"data: not json, \xff\n\n",
    b'event: x\ndata: {"choices": [ ],\ndata: "usage": 1}\n\n',
    b"data: [DONE]\n\n",
    HIDDEN,
)
IS_HIDDEN = (HIDDEN, EVENTS[9])


def passed(pieces: list[bytes]) -> bytes:
    usage_filter = UsageChunkFilter()
    return b"".join([*map(usage_filter.feed, pieces), usage_filter.end()])


@given(
    st.lists(st.sampled_from(EVENTS), max_size=8).flatmap(
        lambda events: st.tuples(st.just(events), cuts(b"".join(events)))
    ),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
def test_what_passes_is_the_stream_without_exactly_the_usage_chunks(
    case: tuple[list[bytes], list[bytes]], line_end: bytes
) -> None:
    events, pieces = case
    expected = b"".join(event for event in events if event not in IS_HIDDEN)
    assert passed([piece.replace(b"\n", line_end) for piece in pieces]) == expected.replace(b"\n", line_end)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_every_single_cut_hides_the_same(line_end: bytes) -> None:
    stream, hidden = CHAT.replace(b"\n", line_end), HIDDEN.replace(b"\n", line_end)
    assert hidden in stream
    for cut in range(len(stream) + 1):
        assert passed([stream[:cut], stream[cut:]]) == stream.replace(hidden, b"")


def test_whole_events_pass_at_once() -> None:
    usage_filter = UsageChunkFilter()
    assert usage_filter.feed(chunk("a") + chunk("b")) == chunk("a") + chunk("b")


def test_the_beginning_of_an_event_passes_as_soon_as_it_has_a_choice() -> None:
    usage_filter = UsageChunkFilter()
    event = chunk("a long word")
    decided = event.index(b'[{"index"') + 2
    assert usage_filter.feed(event[: decided - 1]) == b""
    assert usage_filter.feed(event[decided - 1 : decided]) == event[:decided]
    assert usage_filter.feed(event[decided:-1]) == event[decided:-1]
    assert usage_filter.feed(event[-1:] + HIDDEN) == event[-1:]


def test_a_usage_chunk_without_its_blank_line_is_hidden_at_the_end() -> None:
    assert passed([chunk("a"), HIDDEN.rstrip()]) == chunk("a")
    assert passed([chunk("a"), b"data: [DO"]) == chunk("a") + b"data: [DO"


def test_no_more_than_the_bound_is_held() -> None:
    usage_filter = UsageChunkFilter()
    piece = b"data: " + b"x" * 1000
    given_bytes = sum(len(usage_filter.feed(piece)) for _ in range(200))
    assert given_bytes > 200 * len(piece) - MAX_HELD_BYTES - len(piece)
