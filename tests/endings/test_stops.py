"""Stopping and reloading a router that is busy: nobody's answer breaks, and what has to be cut is settled."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.endings.caller import Caller, post, text_of
from tests.endings.load import PROVIDERS, Load
from tests.stand import CHAT, Stand, until

GRACE_S = 3.0
RELOADS = 12

ALIAS = """
[[routes]]
match = {{ model = "alias-{number}" }}
candidates = ["sim/gpt-4o-mini"]
policy = "ordered"
mode = "on"
control_share = 0.0
"""


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with Stand(tmp_path, f"[server]\ngrace_s = {GRACE_S}\n", providers=PROVIDERS) as running:
        running.connections()  # the control process is there, too
        yield running


def ask(stand: Stand, scene: str, *, stream: bool = True) -> Caller:
    """A call that has been sent; its client reads later."""
    caller = Caller(stand.port)
    caller.send(post("/v1/chat/completions", {**CHAT, "stream": stream}, {"x-sim": scene}))
    return caller


def running(stand: Stand) -> int:
    count: int = stand.sim_stats()["totals"]["calls_running"]
    return count


def stop(stand: Stand) -> tuple[int, float]:
    """The exit code, and how many seconds the end took."""
    began = time.monotonic()
    code = stand.router.stop(signal.SIGTERM)
    return code, time.monotonic() - began


def entries_after_restart(stand: Stand, count: int) -> dict[str, dict[str, Any]]:
    stand.start_router()
    return {entry["id"]: entry for entry in stand.confirmed(count)}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_ends_within_the_grace_period_is_finished(stand: Stand, number: signal.Signals) -> None:
    callers = [ask(stand, f"chunks=30; chunk_ms={10 + index}") for index in range(20)]
    callers += [ask(stand, f"ttft_ms={300 + 10 * index}", stream=False) for index in range(10)]
    until(lambda: running(stand) == len(callers), "the arrival of all calls at the provider")

    stand.router.popen.send_signal(number)
    with ThreadPoolExecutor(len(callers)) as pool:
        list(pool.map(Caller.read_answer, callers))
    code, took_s = stop(stand)

    assert [(caller.status, caller.whole) for caller in callers] == [(200, True)] * len(callers)
    assert code == 0
    assert took_s < GRACE_S
    entries = entries_after_restart(stand, len(callers))
    assert [entries[caller.id]["end_state"] for caller in callers] == ["complete"] * len(callers)
    assert {entry["error"] for entry in entries.values()} == {None}


def test_what_does_not_is_cut_and_settled_with_what_was_delivered(stand: Stand) -> None:
    streams = [ask(stand, "chunks=5000; chunk_ms=20") for _ in range(10)]
    waiting = [ask(stand, "ttft_ms=60000", stream=index % 2 == 0) for index in range(10)]
    until(lambda: running(stand) == 20, "the arrival of all calls at the provider")

    with ThreadPoolExecutor(20) as pool:
        reading = [pool.submit(caller.read_answer) for caller in (*streams, *waiting)]
        code, took_s = stop(stand)
        for each in reading:
            each.result()

    assert code == 0
    assert GRACE_S <= took_s < GRACE_S + 5
    assert {(caller.status, caller.whole) for caller in streams} == {(200, False)}
    assert {(caller.status, caller.whole) for caller in waiting} == {(503, True)}
    assert {json.loads(caller.body)["error"]["code"] for caller in waiting} == {"shutting_down"}
    until(lambda: running(stand) == 0, "the end of all calls at the provider")
    entries = entries_after_restart(stand, 20)
    assert {entry["end_state"] for entry in entries.values()} == {"shut_down"}
    for caller in streams:
        entry = entries[caller.id]
        assert entry["delivered_bytes"] == len(caller.body)
        assert entry["delivered_output_tokens"] > 0
        assert len(text_of(caller.body)) > 0
    assert {entries[caller.id]["delivered_output_tokens"] for caller in waiting} == {0}


def test_while_it_stops_new_clients_are_refused_at_once(stand: Stand) -> None:
    last = ask(stand, "chunks=40; chunk_ms=25")
    last.read_until(lambda raw: b"data:" in raw)

    stand.router.popen.send_signal(signal.SIGTERM)

    def refused() -> bool:
        try:
            Caller(stand.port).leave("rst")
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # it came while the port was being closed: the next one is refused
        return False

    until(refused, "the closing of the port")
    last.read_answer()
    assert last.whole
    assert stop(stand)[0] == 0


def test_a_request_whose_body_comes_while_the_router_stops_is_answered(stand: Stand) -> None:
    last = ask(stand, "chunks=20; chunk_ms=25")
    late = Caller(stand.port)
    request = post("/v1/chat/completions", CHAT, {"x-sim": "ttft_ms=1000"})
    late.send(request[:-10])
    until(lambda: running(stand) == 1, "the arrival of the first call")

    stand.router.popen.send_signal(signal.SIGTERM)
    last.read_until(lambda raw: raw.count(b"data:") > 3)
    late.send(request[-10:])
    last.read_answer()
    late.read_answer()

    assert last.whole
    assert (late.status, late.whole) == (200, True)
    assert stop(stand)[0] == 0
    entries = entries_after_restart(stand, 2)
    assert {entry["end_state"] for entry in entries.values()} == {"complete"}


def test_a_request_that_does_not_come_in_while_the_router_stops_is_told_so(stand: Stand) -> None:
    uploading, pipelined = Caller(stand.port), Caller(stand.port)
    request = post("/v1/chat/completions", CHAT, {"x-sim": "ttft_ms=1000"})
    uploading.send(request[:-10])
    pipelined.send(request + request)
    until(lambda: running(stand) == 1, "the arrival of the first call")

    stand.router.popen.send_signal(signal.SIGTERM)
    uploading.read_answer()
    pipelined.read_answer()

    assert (uploading.status, uploading.whole) == (503, True)
    assert (pipelined.status, pipelined.whole) == (200, True)
    code, seconds = stop(stand)
    assert code == 0
    assert seconds < GRACE_S + 3
    entries = entries_after_restart(stand, 3)
    assert entries[pipelined.id]["end_state"] == "complete"
    others = [(e["end_state"], e["error"]) for i, e in entries.items() if i != pipelined.id]
    assert others == [("shut_down", "shutting_down")] * 2  # nobody of them had left


def write(stand: Stand, config: str) -> None:
    """Change the file in one step, as a careful operator does."""
    new = stand.config_path.with_suffix(".new")
    new.write_text(config)
    new.chmod(0o600)
    os.replace(new, stand.config_path)


def model_of(stand: Stand, asked: str) -> str:
    """Which model a call for *asked* is sent to."""
    return stand.post("/v1/chat/completions", {**CHAT, "model": asked}).headers["x-dd0c-model"]


def is_in_force(stand: Stand, number: int) -> bool:
    """The route `ALIAS` of that number decides."""
    return model_of(stand, f"alias-{number}") == "gpt-4o-mini"


def test_reloading_under_load_breaks_no_call_and_leaves_no_connection(stand: Stand) -> None:
    """By request and by signal in turn, each time with other settings of the provider and so with a new pool."""
    original = stand.config_path.read_text()
    with Load(stand, 8, seed=1) as load:
        for number in range(RELOADS):
            provider = original.replace('"openai"', f'"openai"\nconnections = {100 + number}', 1)
            write(stand, provider + ALIAS.format(number=number))
            if number % 2:
                stand.router.popen.send_signal(signal.SIGHUP)
            else:
                assert stand.request("POST", "/api/v1/reload").json()["reloaded"]
            until(partial(is_in_force, stand, number), "the new configuration")
            if number:
                assert not is_in_force(stand, number - 1)
            select.select([], [], [], 0.05)

    broken = [outcome for outcome in load.outcomes if not outcome.whole or outcome.status != 200]
    assert len(load.outcomes) > RELOADS
    assert not broken
    open_now = sum(counts["open"] for counts in stand.connections().values())
    until(lambda: stand.sim_stats()["totals"]["connections_open"] <= open_now, "the closing of the old pools", 5.0)


@pytest.mark.parametrize("by_signal", [True, False])
def test_a_broken_file_is_refused_under_load_and_the_old_one_stays(stand: Stand, by_signal: bool) -> None:
    write(stand, stand.config_path.read_text() + ALIAS.format(number=1))
    assert stand.request("POST", "/api/v1/reload").status == 200
    write(stand, stand.config_path.read_text().replace("grace_s", "prot = 1\ngrace_s"))

    with Load(stand, 4, seed=2) as load:
        if by_signal:
            stand.router.popen.send_signal(signal.SIGHUP)
            until(lambda: "server.prot" in stand.router.log.read_text(), "the refusal in the log")
        else:
            answer = stand.request("POST", "/api/v1/reload")
            assert answer.status == 400
            assert "server.prot" in answer.body.decode()
        assert is_in_force(stand, 1)
        select.select([], [], [], 0.1)

    assert load.outcomes
    assert all(outcome.whole for outcome in load.outcomes)
