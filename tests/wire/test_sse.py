"""Server-sent events, cut anywhere and damaged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.wire import sse
from dd0c_route.wire.sse import SseEvent, SseParser, blank_line_end
from tests.wire.examples import ANTHROPIC, CHAT, cuts

LINES = st.lists(
    st.tuples(
        st.sampled_from([b"data: x", b"data:", b"data", b"event: e", b": note", b"id: 1", b"", b"data: \xff"]),
        st.sampled_from([b"\n", b"\r\n", b"\r"]),
    ),
    max_size=12,
).map(lambda lines: b"".join(line + end for line, end in lines))


def parse(pieces: list[bytes]) -> list[SseEvent]:
    parser = SseParser()
    return [event for piece in pieces for event in parser.feed(piece)] + parser.close()


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_an_event_has_its_joined_data_its_name_and_its_end(line_end: bytes) -> None:
    stream = line_end.join([b": hello", b"event: greet", b"data: a", b"data:b", b"data", b"", b""])
    assert parse([stream]) == [SseEvent(b"a\nb\n", b"greet", len(stream))]


def test_a_byte_order_mark_before_the_first_event_is_passed_over() -> None:
    assert parse([b"\xef\xbb", b"\xbfdata: a\n\n"]) == [SseEvent(b"a", b"", 12)]


def test_comments_and_empty_data_are_no_events() -> None:
    assert parse([b": OPENROUTER PROCESSING\n\ndata: \n\ndata: x\n\n"]) == [SseEvent(b"x", b"", 42)]


def test_the_last_event_may_lack_its_blank_line() -> None:
    assert parse([b"data: a\n\nda", b"ta: [DONE]"])[-1] == SseEvent(b"[DONE]", b"", 21)


def test_a_blank_line_is_two_line_ends_of_any_kind() -> None:
    assert blank_line_end(b"a\r\nb") == -1
    assert blank_line_end(b"a\r\n\r\nb") == 5
    assert blank_line_end(b"a\n\rb") == 3
    assert blank_line_end(b"a\r\r") == -1  # an LF may follow, and would belong to it


@given(LINES.flatmap(lambda stream: st.tuples(st.just(stream), cuts(stream))))
def test_events_do_not_depend_on_where_the_bytes_are_cut(case: tuple[bytes, list[bytes]]) -> None:
    stream, pieces = case
    assert parse(pieces) == parse([stream])


@given(LINES)
def test_the_bytes_of_an_event_end_where_it_says(stream: bytes) -> None:
    for event in parse([stream]):
        assert parse([stream[: event.end]])[-1] == event


@pytest.mark.parametrize("stream", [CHAT, ANTHROPIC, CHAT.replace(b"\n", b"\r\n")])
def test_every_single_cut_gives_the_same_events(stream: bytes) -> None:
    whole = parse([stream])
    for cut in range(len(stream) + 1):
        assert parse([stream[:cut], stream[cut:]]) == whole


@pytest.mark.parametrize("piece_bytes", [7, 100, 10_000])
def test_an_event_beyond_the_bound_is_its_tail_and_holds_no_more(
    monkeypatch: pytest.MonkeyPatch, piece_bytes: int
) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    monkeypatch.setattr(sse, "TAIL_BYTES", 50)
    stream = b"data: " + b"x" * 3000 + b"the end\n\ndata: next\n\n"
    events = parse([stream[at : at + piece_bytes] for at in range(0, len(stream), piece_bytes)])
    assert events[0] == SseEvent(b"x" * 43 + b"the end", b"", 3015, whole=False)
    assert events[1] == SseEvent(b"next", b"", len(stream))


def test_a_long_event_in_many_chunks_is_joined_once() -> None:
    parser = SseParser()
    for _ in range(20_000):  # copying what is held for each chunk would move 2 GB here
        assert parser.feed(b"data: 0123456789") == []
    assert len(parser.feed(b"\n\n")) == 1
