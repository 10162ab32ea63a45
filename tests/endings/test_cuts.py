"""Providers that break off or stay silent: what the client sees, what the entry says, and that connections are back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.endings.caller import Caller, text_of, whole_events
from tests.endings.failing import call, direct, ending, message_of, request, tries
from tests.stand import Stand

# --- no answer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "status", "state", "codes"),
    [
        ("refused", 502, "upstream_failed", {"upstream_unreachable"}),
        ("deaf", 504, "timed_out", {"upstream_connect_timeout"}),
        ("nameless", None, None, {"upstream_unreachable", "upstream_connect_timeout"}),  # as the resolver likes
    ],
)
def test_a_provider_that_cannot_be_reached_is_tried_again_and_then_told(
    failing: Stand, provider: str, status: int | None, state: str | None, codes: set[str]
) -> None:
    caller = call(failing, "", model=f"{provider}/gpt-4o-mini")

    assert caller.whole
    assert message_of(caller, "openai")["code"] in codes
    entry = failing.entry(caller.id)
    assert caller.status == (status or caller.status) == entry["status"]
    assert entry["end_state"] == (state or entry["end_state"])
    assert entry["error"] in codes
    assert [attempt["status"] for attempt in entry["attempts"]] == [None, None]
    assert {attempt["connection"] for attempt in entry["attempts"]} == {"new:failed"}
    first, second = entry["attempts"]
    assert 0 < first["started_ms"] <= first["ended_ms"] <= second["started_ms"] <= second["ended_ms"]
    assert entry["usage_source"] == "none"
    assert entry["cost_billable_picodollars"] in (0, None)


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini", "passthrough"])
def test_no_first_byte_in_time_is_not_tried_again_and_may_cost_the_prompt(failing: Stand, dialect: str) -> None:
    caller = call(failing, "ttft_ms=60000", dialect)

    assert (caller.status, caller.whole) == (504, True)
    message_of(caller, dialect)
    entry = failing.entry(caller.id)
    assert ending(entry) == ("timed_out", "upstream_timeout")
    assert tries(entry) == [(None, "upstream_timeout")]
    assert entry["attempts"][0]["connection"].endswith(":failed")
    assert entry["usage_source"] in ("local_estimated", "local_exact")
    assert entry["usage"]["input"] > 0
    assert entry["usage"]["output"] == entry["billable_output_tokens"] == 0


@pytest.mark.parametrize(
    ("scene", "code"),
    [
        ("cut_head=0", "upstream_cut"),
        ("cut_head=0; cut_how=rst", "upstream_cut"),
        ("cut_head=30", "upstream_cut"),
        ("junk", "upstream_invalid"),
    ],
)
@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
def test_an_answer_without_a_whole_head_is_told_in_the_callers_dialect(
    failing: Stand, dialect: str, scene: str, code: str
) -> None:
    caller = call(failing, scene, dialect)

    assert (caller.status, caller.whole) == (502, True)
    message_of(caller, dialect)
    entry = failing.entry(caller.id)
    assert ending(entry) == ("upstream_failed", code)
    *before, last = tries(entry)
    assert last == (None, code)
    # On a kept connection this looks like one that had been closed before, which is worth another try.
    assert before in ([], [(None, "upstream_stale_connection")])


# --- a part of an answer ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "state", "code"),
    [
        ("chunks=20; stall_after=6; chunk_ms=1", "timed_out", "upstream_timeout"),
        ("chunks=9000; chunk_ms=50", "timed_out", "upstream_timeout"),
        ("chunks=20; cut_after=6; chunk_ms=1", "upstream_failed", "upstream_cut"),
        ("chunks=20; cut_after=6; chunk_ms=1; cut_how=rst", "upstream_failed", "upstream_cut"),
    ],
)
@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
def test_a_stream_that_stops_never_looks_complete(
    failing: Stand, dialect: str, scene: str, state: str, code: str
) -> None:
    caller = call(failing, scene, dialect, stream=True)

    assert (caller.status, caller.whole, caller.ended) == (200, False, "eof")
    entry = failing.entry(caller.id)
    assert ending(entry) == (state, code)
    assert tries(entry) == [(200, code)]
    assert entry["delivered_output_tokens"] == entry["received_output_tokens"] > 0
    assert entry["usage_source"] != "provider_final"
    last = whole_events(caller.body).rstrip().rpartition(b"\n")[2]
    assert b"error" in last  # and the reason was said, since the stream stopped between two events
    assert len(text_of(caller.body)) > 10


@pytest.mark.parametrize("leaves", [False, True])
def test_a_stream_in_an_array_is_billed_for_what_came_of_it(failing: Stand, leaves: bool) -> None:
    ends = "stall_after=8" if leaves else "cut_after=8"
    asked = request(f"chunks=20; {ends}; chunk_ms=20", "gemini", stream=True).replace(b"?alt=sse", b"")
    with Caller(failing.port) as caller:
        caller.send(asked)
        caller.read_until(lambda raw: raw.count(b'"text"') >= 6)
        if not leaves:
            caller.read_answer()

    entry = failing.entry(caller.id)
    assert entry["end_state"] == ("client_gone" if leaves else "upstream_failed")
    assert entry["received_output_tokens"] >= entry["delivered_output_tokens"] >= 5


def test_nothing_is_said_behind_a_streams_own_last_event(failing: Stand) -> None:
    caller = call(failing, "chunks=3; chunk_ms=5; cut_after=7", stream=True)

    assert caller.body.endswith(b"data: [DONE]\n\n")
    assert not caller.whole  # the end that did not come is not invented


@pytest.mark.parametrize("scene", ["chunks=20; cut_bytes=100", "chunks=20; cut_bytes=100; cut_how=rst"])
@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
def test_a_json_answer_shorter_than_announced_is_an_error(failing: Stand, dialect: str, scene: str) -> None:
    caller = call(failing, scene, dialect)

    assert (caller.status, caller.whole) == (502, True)
    message_of(caller, dialect)
    entry = failing.entry(caller.id)
    assert ending(entry) == ("upstream_failed", "upstream_cut")
    assert tries(entry) == [(200, "upstream_cut")]
    assert entry["delivered_output_tokens"] == 0


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_a_long_json_answer_that_breaks_off_is_cut_at_the_client_too(failing: Stand, framing: str) -> None:
    caller = call(failing, f"chunks=2000; chunk_bytes=1000; cut_bytes=1500000; framing={framing}")

    assert (caller.status, caller.whole) == (200, False)
    assert len(caller.body) <= 1_500_000
    entry = failing.entry(caller.id)
    assert ending(entry) == ("upstream_failed", "upstream_cut")


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_cut_at_any_byte_hands_on_what_came_and_no_more(failing: Stand, dialect: str) -> None:
    whole = call(failing, "chunks=2", dialect, stream=True).body
    sent = len(direct(failing, "chunks=2", dialect, stream=True).body)

    def cut(at: int) -> tuple[int, Caller]:
        how = "rst" if at % 2 else "fin"
        return at, call(
            failing, f"chunks=2; cut_bytes={at}; cut_how={how}; ttft_ms=5; chunk_ms=5", dialect, stream=True
        )

    with ThreadPoolExecutor(16) as pool:
        cuts = list(pool.map(cut, range(sent + 1)))

    ids = set()
    for at, caller in cuts:
        assert not caller.whole, at
        assert caller.status == 200
        body = caller.body
        if not whole.startswith(body):
            told = whole_events(body).rstrip().rpartition(b"\n\n")[2]
            assert b"upstream_cut" in told or b"connection was closed" in told, (at, body)
            body = body[: body.rindex(told)]
        assert whole.startswith(body), at
        ids.add(caller.id)
    entries = {entry["id"]: entry for entry in failing.confirmed(ids) if entry["id"] in ids}
    assert len(entries) == len(cuts)
    for at, caller in cuts:
        entry = entries[caller.id]
        finished = any(last in whole_events(caller.body) for last in (b"data: [DONE]", b"event: message_stop"))
        assert ending(entry) == (("complete", None) if finished else ("upstream_failed", "upstream_cut")), at
        assert entry["delivered_bytes"] == len(caller.body), at


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
def test_an_error_event_in_mid_stream_passes_byte_for_byte(failing: Stand, dialect: str) -> None:
    scene = "chunks=20; error_after=6"
    caller = call(failing, scene, dialect, stream=True)

    assert (caller.status, caller.whole) == (200, True)
    assert caller.body == direct(failing, scene, dialect, stream=True).body
    entry = failing.entry(caller.id)
    assert entry["end_state"] == "upstream_failed"
    assert entry["error"]
    assert entry["delivered_output_tokens"] > 0


def test_bytes_behind_an_answer_cost_only_the_connection(failing: Stand) -> None:
    caller = call(failing, "extra=5")

    assert (caller.status, caller.whole) == (200, True)
    assert caller.body == direct(failing, "").body
    (attempt,) = failing.entry(caller.id)["attempts"]
    assert attempt["connection"].endswith(":closed")


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_a_json_answer_that_ends_with_its_connection_must_be_whole(failing: Stand, dialect: str) -> None:
    """Without a length or chunks the end of the connection alone says nothing; half a JSON text says enough."""
    assert call(failing, "framing=eof", dialect).status == 200

    caller = call(failing, "framing=eof; cut_bytes=60", dialect)

    assert (caller.status, caller.whole) == (502, True)
    assert message_of(caller, dialect)
    entry = failing.entry(caller.id)
    assert ending(entry) == ("upstream_failed", "upstream_cut")
    assert tries(entry) == [(200, "upstream_cut")]
