"""Processes that end as no program ends itself, and stops with many streams: others go on, all calls are settled."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.endings.caller import Caller, post
from tests.endings.rest import CONTROL, WORKER, Rest, said, worker
from tests.endings.test_kills import sim_calls
from tests.endings.test_stops import entries_after_restart, running, stop
from tests.stand import CHAT, Stand, until

PATH = "/v1/chat/completions"
STREAMS = 100
LONG = os.environ.get("DD0C_KILL_ROUNDS")
STOPS = int(LONG) // 10 if LONG else 1
SIGNALS = [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGKILL]
DEATHS = [(module, death) for module in (WORKER, CONTROL) for death in SIGNALS]
if not LONG:
    DEATHS = [(WORKER, signal.SIGSEGV), (CONTROL, signal.SIGABRT)]
OF_OTHERS = SIGNALS if LONG else [signal.SIGSEGV]


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with Stand(tmp_path) as each:
        each.connections()
        yield each


def has_arrived(stand: Stand, calls: int) -> bool:
    return bool(stand.sim_stats()["totals"]["calls"] == calls)


def ask(stand: Stand, stack: contextlib.ExitStack, scene: str) -> Caller:
    caller = stack.enter_context(Caller(stand.port))
    caller.send(post(PATH, {**CHAT, "stream": True}, {"x-sim": scene}))
    return caller


@pytest.mark.timeout(60 + 30 * STOPS)
def test_a_stop_with_a_hundred_streams_cuts_none_of_them_and_settles_all(stand: Stand) -> None:
    done = 0
    for _ in range(STOPS):
        with contextlib.ExitStack() as stack:
            callers = [ask(stand, stack, f"chunks=60; chunk_ms={10 + number % 20}") for number in range(STREAMS)]
            arrived = partial(has_arrived, stand, done + STREAMS)
            until(arrived, "the arrival of all streams")
            stand.router.popen.send_signal(signal.SIGTERM)
            for caller in callers:
                caller.read_answer()
            assert stop(stand)[0] == 0
        done += STREAMS
        entries = entries_after_restart(stand, done)
        assert all(caller.whole for caller in callers)
        assert {entries[caller.id]["end_state"] for caller in callers} == {"complete"}
        assert len(entries) == done
    print(f"\n{STOPS} stops with {STREAMS} streams each: 0 cut, {done} entries")


@pytest.mark.parametrize(("module", "death"), DEATHS)
def test_a_process_that_dies_is_replaced_and_what_it_did_is_settled_once(
    stand: Stand, module: str, death: signal.Signals
) -> None:
    stand.post(PATH, CHAT)
    before = Rest.of(stand)
    (pid,) = stand.children(module)
    with contextlib.ExitStack() as stack:
        callers = [ask(stand, stack, "chunks=40; chunk_ms=20") for _ in range(10)]
        until(lambda: running(stand) == 10, "the arrival of all streams")
        os.kill(pid, death)
        for caller in callers:
            caller.read_answer()

    assert {caller.whole for caller in callers} == {module == CONTROL}, "a cut is never shown as an end"
    until(lambda: [new for new in stand.children(module) if new != pid], "another process")
    entries = stand.confirmed(11)
    assert len(entries) == 11
    expected = {"complete"} if module == CONTROL else {"complete", "internal"}
    assert {entry["end_state"] for entry in entries} == expected
    assert {entry["error"] for entry in entries} <= {None, "worker_lost"}
    assert stand.sim_stats()["totals"]["calls"] == 11
    until(lambda: running(stand) == 0, "the end of all calls at the provider")
    assert not list(stand.folder.rglob("core*"))
    before.comes_back(stand)


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux: a limit set from outside")
def test_a_worker_without_memory_fails_that_call_or_is_replaced(stand: Stand) -> None:
    stand.post(PATH, CHAT)
    before, pid = Rest.of(stand), worker(stand)
    size = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(pid, resource.RLIMIT_AS, (size + (8 << 20), resource.RLIM_INFINITY))
    big = {**CHAT, "messages": [{"role": "user", "content": "x" * 25_000_000}]}

    with contextlib.suppress(OSError, ValueError):  # nothing, if the worker could not even say so
        assert stand.post(PATH, big).status in (500, 503)
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(worker(stand), resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def works() -> bool:
        with contextlib.suppress(OSError):
            return stand.post(PATH, CHAT).status == 200
        return False

    until(works, "a good call")

    def ends() -> list[str]:
        return [entry["end_state"] for entry in stand.confirmed(2)]

    until(lambda: ends().count("complete") >= 2, "the good calls' entries")
    assert set(ends()) <= {"complete", "internal", "denied"}
    assert stand.sim_stats()["totals"]["calls"] <= len(ends())
    before.comes_back(stand)


def grandchildren(stand: Stand) -> list[int]:
    """The processes beside the worker, which count."""
    (pid,) = stand.children(WORKER)
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


@pytest.mark.parametrize("death", OF_OTHERS, ids=lambda death: death.name)
def test_processes_that_count_may_die_and_leave_no_call_uncounted(stand: Stand, death: signal.Signals) -> None:
    def left(number: int) -> None:
        with contextlib.ExitStack() as stack:
            caller = ask(stand, stack, "chunks=500; chunk_ms=5")
            caller.read_until(lambda raw: len(raw) > 3000)
            caller.leave("rst")
        stand.confirmed(number)

    left(1)
    counting = until(lambda: grandchildren(stand), "a process that counts")
    before = Rest.of(stand)
    for pid in counting:
        os.kill(pid, death)
    left(2)
    left(3)

    entries = stand.confirmed(3)
    assert all(entry["delivered_output_tokens"] > 0 for entry in entries)
    assert {entry["end_state"] for entry in entries} == {"client_gone"}
    assert not set(counting) & set(grandchildren(stand)), "the dead are buried"
    before.comes_back(stand)


@pytest.mark.parametrize("death", OF_OTHERS, ids=lambda death: death.name)
def test_a_supervisor_that_dies_leaves_no_process_and_its_port_free(stand: Stand, death: signal.Signals) -> None:
    with contextlib.ExitStack() as stack:
        caller = ask(stand, stack, "chunks=500; chunk_ms=5")
        caller.read_until(lambda raw: len(raw) > 3000)
        caller.leave("rst")
    stand.confirmed(1)
    everybody = [*stand.children(WORKER), *stand.children(CONTROL), *grandchildren(stand)]
    assert len(everybody) > 2
    with contextlib.ExitStack() as stack:
        last = ask(stand, stack, "chunks=500; chunk_ms=5")
        last.read_until(lambda raw: b"data:" in raw)
        stand.router.stop(death)
        last.read_answer()
    assert not last.whole
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in everybody), "the end of all processes")

    entries = entries_after_restart(stand, 2)
    assert entries[last.id]["error"] == "worker_lost"
    assert len(sim_calls(stand)) <= len(entries)
    assert "Traceback" not in said(stand)
