"""Clients that read slowly or not at all, and clients that leave while they wait in line."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endings.caller import Caller, post
from tests.stand import CHAT, Stand, until

STALLED_S = 1.0
STREAM = "chunks=800; chunk_bytes=20000"  # 16 MB, more than all buffers on the way hold
READERS = 20
READER_BYTES = 2 << 20  # of a worker's memory, for each client that does not read

CONFIG = f"""
[limits]
stalled_client_s = {STALLED_S}

[providers.narrow]
dialect = "openai"
base_url = "http://127.0.0.1:{{port}}/v1"
connections = 1
"""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand"), CONFIG) as running:
        yield running


def ask(stand: Stand, scene: str, *, model: str = "gpt-4o-mini", close: bool = False) -> Caller:
    caller = Caller(stand.port, receive_bytes=16384)
    headers = {"x-sim": scene} | ({"connection": "close"} if close else {})
    caller.send(post("/v1/chat/completions", {**CHAT, "model": model, "stream": True}, headers))
    return caller


def in_use(stand: Stand, provider: str) -> int:
    return stand.connections()[provider]["in_use"]


def resident_bytes(stand: Stand) -> int:
    (worker,) = stand.children("dd0c_route.proxy")
    return int(Path(f"/proc/{worker}/statm").read_text().split()[1]) * 4096


def test_a_client_that_takes_nothing_for_too_long_is_given_up(stand: Stand) -> None:
    caller = ask(stand, STREAM)
    caller.read_until(lambda raw: len(raw) > 50_000, at_most=4096)
    stopped = time.monotonic()

    until(lambda: in_use(stand, "sim") == 0, "the end of the provider's call")

    assert STALLED_S * 0.9 <= time.monotonic() - stopped < STALLED_S + 2.0
    entry = next(entry for entry in stand.confirmed(1) if entry["id"] == caller.id)
    assert entry["end_state"] == "client_gone"
    assert len(caller.body) <= entry["delivered_bytes"] <= len(caller.body) + (64 << 10)
    assert entry["delivered_output_tokens"] < entry["received_output_tokens"]


@pytest.mark.parametrize("close", [True, False])
def test_a_client_that_reads_slowly_gets_all_of_it(stand: Stand, close: bool) -> None:
    caller = ask(stand, "chunks=600; chunk_bytes=4000", close=close)
    while not caller.whole and not caller.ended:
        caller.rest(0.05)  # slower than the provider, faster than giving up
        caller.read_on(120_000)

    assert caller.whole
    entry = next(entry for entry in stand.confirmed(1) if entry["id"] == caller.id)
    assert (entry["end_state"], entry["delivered_bytes"]) == ("complete", len(caller.body))


def test_clients_that_do_not_read_cost_little_memory(stand: Stand) -> None:
    before = resident_bytes(stand)
    with contextlib.ExitStack() as stack:
        for _ in range(READERS):
            stack.enter_context(ask(stand, STREAM))
        until(lambda: in_use(stand, "sim") == READERS, "the beginning of all answers")
        most = 0
        while in_use(stand, "sim"):  # until they are given up
            most = max(most, resident_bytes(stand))
    assert most - before < READERS * READER_BYTES


def test_a_client_that_leaves_while_it_waits_for_a_connection_takes_none(stand: Stand) -> None:
    calls = stand.sim_stats()["totals"]["calls"]
    with ask(stand, "ttft_ms=60000", model="narrow/gpt-4o-mini") as first:
        until(lambda: stand.sim_stats()["totals"]["calls"] == calls + 1, "the first call's arrival")
        waiting = [ask(stand, "ttft_ms=60000", model="narrow/gpt-4o-mini") for _ in range(10)]
        until(lambda: stand.gauge("dd0c_requests_in_flight") == 12, "the line")  # and the one that asks
        for index, caller in enumerate(waiting):
            caller.leave("rst" if index % 2 else "fin")
        until(lambda: stand.gauge("dd0c_requests_in_flight") == 2, "the end of the line")
        last = ask(stand, "chunks=2", model="narrow/gpt-4o-mini")
        first.leave("rst")
        last.read_answer()

    assert last.whole
    assert stand.sim_stats()["totals"]["calls"] == calls + 2
    until(lambda: in_use(stand, "narrow") == 0, "the return of the connection")
