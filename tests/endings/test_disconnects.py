"""Clients that hang up: noticed at once in every phase, billed for what was delivered, and nothing is left behind.

`DD0C_DISCONNECTS` says how many (`make soak`: 2,000), `DD0C_SEED` which ones.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from dd0c_route.tokens import count_text_exactly
from tests.endings.caller import Caller, How, body_of, text_of, whole_events
from tests.endings.cases import DIALECTS, PHASES, Case, draw_cases
from tests.endings.deaf import deaf_port, mute_port
from tests.stand import Stand, until

COUNT = int(os.environ.get("DD0C_DISCONNECTS", "150"))
SEED = int(os.environ.get("DD0C_SEED", "2026"))
TOGETHER = 16  # clients at a time
NOTICED_S = 1.0  # the promise: never later
NOTICED_P99_S = 0.1  # the promise for 99 of 100; asserted where so many are measured that it means something
NOISE_S = 0.1  # granted on top: clients, router and provider share this machine, and the provider tells the time
MANY = 1000
UNREAD_BYTES = 64 << 10  # what a client's kernel, given a buffer of 4 KB, may have taken that its program never read

# Without a key of their own: the caller's goes through, and tells the calls apart in the provider's record.
PROVIDERS = """
[providers.sim]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"

[providers.sim-anthropic]
dialect = "anthropic"
base_url = "http://127.0.0.1:{port}/v1"

[providers.sim-gemini]
dialect = "gemini"
base_url = "http://127.0.0.1:{port}/v1beta"

[providers.hang]
dialect = "openai"
base_url = "http://127.0.0.1:HANG/v1"

[providers.hang-anthropic]
dialect = "anthropic"
base_url = "http://127.0.0.1:HANG/v1"

[providers.mute]
dialect = "openai"
base_url = "https://127.0.0.1:MUTE/v1"

[providers.mute-anthropic]
dialect = "anthropic"
base_url = "https://127.0.0.1:MUTE/v1"

[providers.narrow]
dialect = "openai"
base_url = "http://127.0.0.1:HANG/v1"
connections = 1

[providers.narrow-anthropic]
dialect = "anthropic"
base_url = "http://127.0.0.1:HANG/v1"
connections = 1
"""


class Visit(Struct, frozen=True):
    """What became of one case, from the client's side."""

    case: Case
    body: bytes
    whole: bool
    left_at: float


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with deaf_port() as port, mute_port() as mute:
        providers = PROVIDERS.replace("HANG", str(port)).replace("MUTE", str(mute))
        with Stand(tmp_path, "[retries]\nbudget_share = 1.0\n", providers=providers) as running:
            # Vocabularies are loaded by the first hang-up that has to be counted; the ones below find them there.
            visits(
                running,
                [Case(-number, "in mid-stream", "fin", True, each, 0) for number, each in enumerate(DIALECTS, 1)],
            )
            running.confirmed(len(DIALECTS))
            yield running


def visit(stand: Stand, case: Case) -> Visit:
    """Play one client."""
    phase = PHASES[case.phase]
    request = case.request(_scene(case), phase.provider.get(case.dialect, ""))
    with Caller(stand.port, phase.receive_bytes) as caller:
        phase.play(caller, request, random.Random(case.seed))
        caller.leave(case.how)
    body, whole = body_of(caller.raw)
    return Visit(case, body, whole, caller.left_at)


def _scene(case: Case) -> str:
    phase = PHASES[case.phase]
    return phase.scene if case.stream or not phase.json_scene else phase.json_scene


def visits(stand: Stand, cases: list[Case]) -> list[Visit]:
    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(lambda case: visit(stand, case), cases))


def provider_clock(stand: Stand) -> float:
    """What to add to the simulator's seconds to get ours."""
    best = (1.0, 0.0)
    for _ in range(10):
        asked = time.monotonic()
        theirs = stand.sim_stats("?since=1000000000")["now_ms"] / 1000
        answered = time.monotonic()
        best = min(best, (answered - asked, (asked + answered) / 2 - theirs))
    return best[1]


def provider_calls(stand: Stand) -> dict[str, list[dict[str, Any]]]:
    """The simulator's record, by the fingerprint of the caller's key."""
    found: dict[str, list[dict[str, Any]]] = {}
    since = 0
    while calls := stand.sim_stats(f"?since={since}")["calls"]:
        since = calls[-1]["id"]
        for call in calls:
            for fingerprint in call["credentials"].values():
                found.setdefault(fingerprint, []).append(call)
    return found


def descriptors(stand: Stand) -> int:
    (worker,) = stand.children("dd0c_route.proxy")
    return len(os.listdir(f"/proc/{worker}/fd"))


def in_use(stand: Stand) -> int:
    return sum(counts["in_use"] for counts in stand.connections().values())


class Reference:
    """What the provider says in answer to a case, whole."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._of = cache(self._ask)

    def body(self, case: Case) -> bytes:
        return self._of(case.dialect, case.stream, _scene(case))

    def _ask(self, dialect: Any, stream: bool, scene: str) -> bytes:
        at_once = re.sub(r"(chunk|ttft|head)_ms=\d+", r"\1_ms=0", re.sub(r"write_bytes=\d+", "", scene))
        case = Case(10**9, "", "fin", stream, dialect, 0)
        with Caller(self._stand.port) as caller:
            caller.send(case.request(at_once))
            caller.read_answer()
            return caller.body


def test_every_hang_up_is_noticed_at_once_and_billed_for_what_was_delivered(
    stand: Stand, capsys: pytest.CaptureFixture[str]
) -> None:
    before, at_rest = descriptors(stand), stand.gauge("dd0c_requests_in_flight")  # asking is a call, too

    done = visits(stand, draw_cases(COUNT, SEED))

    until(lambda: in_use(stand) == 0, "the pool being as before", NOTICED_S)
    until(lambda: stand.gauge("dd0c_requests_in_flight") == at_rest, "the end of the last call", NOTICED_S)
    offset = provider_clock(stand)
    seen = provider_calls(stand)
    noticed = sorted(
        delay for each in done for call in seen.get(each.case.fingerprint, ())
        if (delay := _check_provider(each, call, offset)) is not None
    )  # fmt: skip
    for each in done:
        _check_times_seen(each, seen.get(each.case.fingerprint, []))
    with capsys.disabled():
        print(f"\n{len(done)} hang-ups, {len(noticed)} while the provider worked: noticed after {_figures(noticed)}")
    assert noticed[-1] <= NOTICED_S
    assert len(noticed) < MANY or noticed[len(noticed) * 99 // 100] <= NOTICED_P99_S + NOISE_S

    entries = _entries_by_session(stand, done)
    reference = Reference(stand)
    for each in done:
        _check_entry(each, entries.get(f"case-{each.case.number}", []), reference)

    # What is still open are kept connections to providers; those of clients are gone.
    kept = sum(counts["open"] for counts in stand.connections().values())
    until(lambda: descriptors(stand) <= before + kept + 2, "the closing of all descriptors", 5.0)
    log = (stand.folder / "router.log").read_text()
    assert "exception" not in log.lower(), log
    assert "destroyed" not in log, log
    assert stand.post("/v1/chat/completions", {"model": "gpt-4o-mini", "messages": []}).status == 200


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_stopped_reading_is_not_billed_for_what_sits_in_our_buffers(
    stand: Stand, how: How, stream: bool
) -> None:
    left = visit(stand, Case(1, "having stopped to read", how, stream, "openai", seed=1))

    (entry,) = [entry for entry in stand.confirmed(4) if entry["session"] == "case-1"]
    assert len(left.body) <= entry["delivered_bytes"] <= len(left.body) + UNREAD_BYTES


def test_where_every_call_was_aborted_no_connection_is_left(stand: Stand) -> None:
    aborted = [case for case in draw_cases(200, SEED + 1) if PHASES[case.phase].seen == "aborted"][:32]

    visits(stand, aborted)

    def open_connections() -> int:
        return sum(counts["open"] for counts in stand.connections().values())

    until(lambda: open_connections() == 0, "the closing of every provider connection", NOTICED_S)
    assert stand.sim_stats()["totals"]["calls_ended"]["aborted_by_peer"] >= len(aborted)


def _figures(seconds: list[float]) -> str:
    p50, p99 = seconds[len(seconds) // 2], seconds[len(seconds) * 99 // 100]
    return f"p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, at most {seconds[-1] * 1e3:.1f} ms"


def _check_provider(visit: Visit, call: dict[str, Any], offset: float) -> float | None:
    """The provider's view of one call; how long after the hang-up it saw its connection closed."""
    expected = PHASES[visit.case.phase].seen
    if expected in ("aborted", "maybe"):
        assert call["state"] == "aborted_by_peer", (visit.case, call)
        return max(0.0, float(call["ended_ms"]) / 1000 + offset - visit.left_at)
    assert (expected, call["state"]) == ("complete", "complete"), (visit.case, call)
    return None


def _check_times_seen(visit: Visit, calls: list[dict[str, Any]]) -> None:
    expected = PHASES[visit.case.phase].seen
    possible = {"": {0}, "maybe": {0, 1}, "aborted": {1}, "complete": {1}}[expected]
    assert len(calls) in possible, (visit.case, calls)


def _entries_by_session(stand: Stand, done: list[Visit]) -> dict[str | None, list[dict[str, Any]]]:
    """All entries; each call leaves one, except that of a client that left before its request's head was whole."""
    kinds = Counter(PHASES[each.case.phase].entry for each in done)
    expected = kinds["one"] + kinds["bare"] + len(DIALECTS)
    found: dict[str | None, list[dict[str, Any]]] = {}
    for entry in stand.confirmed(expected):
        found.setdefault(entry["session"], []).append(entry)
    bare = found.pop(None)
    assert len(bare) == kinds["bare"]
    assert {(entry["end_state"], entry["delivered_bytes"], entry["usage_source"]) for entry in bare} == {
        ("client_gone", 0, "none")
    }
    assert Counter(map(len, found.values())) == {1: kinds["one"] + len(DIALECTS)}
    return found


def _check_entry(visit: Visit, entries: list[dict[str, Any]], reference: Reference) -> None:
    case = visit.case
    if PHASES[case.phase].entry != "one":
        assert not entries
        return
    (entry,) = entries
    story = (case, entry)
    assert entry["end_state"] == ("complete" if visit.whole else "client_gone"), story
    assert entry["delivered_bytes"] >= len(visit.body), story
    if PHASES[case.phase].receive_bytes is not None:
        assert entry["delivered_bytes"] <= len(visit.body) + UNREAD_BYTES, story
    assert entry["billable_output_tokens"] >= entry["delivered_output_tokens"] >= 0, story
    assert entry["usage"]["output"] == entry["delivered_output_tokens"], story
    if not entry["delivered_bytes"]:
        assert entry["delivered_output_tokens"] == 0, story
        return
    whole = reference.body(case)
    assert whole.startswith(visit.body), story
    assert entry["delivered_bytes"] <= len(whole), story
    if case.stream and not visit.whole:
        text = text_of(whole_events(whole[: entry["delivered_bytes"]]))
        assert entry["delivered_output_tokens"] == count_text_exactly(text, entry["served_model"]).tokens, story
    else:
        assert entry["delivered_output_tokens"] <= entry["received_output_tokens"], story


@pytest.mark.parametrize("scene", ["chunks=3", "chunks=300; chunk_bytes=1000", "chunks=1500; chunk_bytes=1000"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_gets_the_last_byte_of_a_closed_connection_has_all_of_it(
    stand: Stand, scene: str, stream: bool
) -> None:
    """We close behind the answer; the last bytes are still on their way then."""
    bodies = {}
    for number in range(10):
        with Caller(stand.port, receive_bytes=16384) as caller:
            request = Case(number, "", "fin", stream, "openai", 0).request(scene)
            caller.send(request.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
            caller.read_answer()
            assert caller.whole
            bodies[caller.id] = caller.body

    entries = [entry for entry in stand.confirmed(bodies) if entry["id"] in bodies]
    assert len(entries) == len(bodies)
    for entry in entries:
        assert (entry["end_state"], entry["delivered_bytes"]) == ("complete", len(bodies[entry["id"]])), entry
