"""Disks that are full, read-only, broken, torn or slow below the ledger: nothing is called that could not be accounted
for, nothing acknowledged is lost, and all is well again as soon as the disk is."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.endings.caller import Caller, post
from tests.endings.faulty import HALF, SYNCS, WAIT, WRITES, Machine
from tests.endings.rest import Rest, said, worker
from tests.stand import CHAT, Stand, until

PATH = "/v1/chat/completions"
FAULTS = [errno.EROFS, HALF]
if os.environ.get("DD0C_KILL_ROUNDS"):
    FAULTS += [errno.ENOSPC, errno.EIO, errno.EDQUOT]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture
def stand(machine: Machine, tmp_path: Path) -> Iterator[Stand]:
    try:
        with machine.stand(tmp_path) as running:
            running.connections()  # the control process is there, too
            yield running
    finally:
        machine.set(WRITES, 0)
        machine.set(SYNCS, 0)


def served(stand: Stand) -> int:
    count: int = stand.sim_stats()["totals"]["calls"]
    return count


def conserved(stand: Stand, ids: dict[str, int]) -> None:
    """One entry for each call with its status, and a complete one for each that the provider served."""
    entries = {id_: stand.entry(id_) for id_ in ids}
    assert {id_: entry["status"] for id_, entry in entries.items()} == ids
    everything = stand.confirmed(ids)
    assert max(Counter(entry["id"] for entry in everything).values()) == 1
    attempts = sum(len(entry["attempts"]) for entry in everything)
    assert attempts == served(stand), "every call at the provider is an attempt of an entry"


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_while_nothing_can_be_written_nothing_is_called_and_afterwards_nothing_is_missing(
    stand: Stand, machine: Machine, fault: int
) -> None:
    ids = {stand.post(PATH, CHAT).id: 200 for _ in range(3)}
    before, calls = Rest.of(stand), served(stand)
    with Caller(stand.port) as running:
        running.send(post(PATH, {**CHAT, "stream": True}, {"x-sim": "chunks=40; chunk_ms=10"}))
        running.read_until(lambda raw: b"data:" in raw)

        machine.set(WRITES, fault)
        refused = [stand.post(PATH, CHAT) for _ in range(5)]
        running.read_answer()

        assert {answer.status for answer in refused} == {503}
        assert "ledger_unavailable" in refused[0].body.decode()
        assert (stand.get("/healthz").status, stand.get("/readyz").status) == (200, 503)
        assert served(stand) == calls + 1
        assert running.whole, "who was being answered is answered to the end"

        machine.set(WRITES, 0)
        until(lambda: stand.get("/readyz").status == 200, "ready again")
    ids |= {answer.id: 503 for answer in refused} | {running.id: 200} | {stand.post(PATH, CHAT).id: 200}
    conserved(stand, ids)
    assert said(stand).count("journal_failing") == 1, "said once, not for each call"
    assert "journal_works_again" in said(stand)
    before.comes_back(stand)


def end_a_run(stand: Stand) -> None:
    """A worker's last segment is read and synced before it is deleted."""
    os.kill(worker(stand), signal.SIGKILL)
    until(lambda: stand.children("dd0c_route.proxy"), "another worker")


def segments(stand: Stand) -> set[str]:
    return {path.name for path in (stand.folder / "dd0c.db.journal").glob("*.log")}


def test_a_disk_that_takes_forever_to_sync_holds_up_no_call(stand: Stand, machine: Machine) -> None:
    ids = {stand.post(PATH, CHAT).id: 200 for _ in range(3)}
    conserved(stand, ids)
    synced = machine.synced
    machine.set(SYNCS, WAIT)
    end_a_run(stand)
    until(lambda: machine.synced > synced, "an fsync")

    more = {stand.post(PATH, CHAT).id: 200 for _ in range(20)}

    machine.set(SYNCS, 0)
    conserved(stand, ids | more)


def test_an_fsync_that_failed_is_not_asked_for_again_and_what_it_was_about_is_kept(
    stand: Stand, machine: Machine
) -> None:
    """The kernel forgets what it could not write: the next fsync would succeed and mean nothing."""
    ids = {stand.post(PATH, CHAT).id: 200 for _ in range(3)}
    conserved(stand, ids)
    held = segments(stand)
    machine.set(SYNCS, errno.EIO)
    end_a_run(stand)
    until(lambda: "ledger_unsynced" in said(stand), "the word that the disk failed")
    machine.set(SYNCS, 0)
    asked = machine.synced

    ids |= {stand.post(PATH, CHAT).id: 200 for _ in range(3)}
    end_a_run(stand)
    ids |= {stand.post(PATH, CHAT).id: 200 for _ in range(3)}
    conserved(stand, ids)

    assert held <= segments(stand), "the journal is the only copy that may be whole"
    assert machine.synced == asked
    assert said(stand).count("ledger_unsynced") == 1
    assert stand.get("/readyz").status == 200


def test_a_disk_that_stands_still_is_told_of_and_who_waited_is_answered(stand: Stand, machine: Machine) -> None:
    """A write waits for the disk only where the kernel has no memory left for it; then there is nothing to be done."""
    before = Rest.of(stand)
    machine.set(WRITES, WAIT)
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(stand.post(PATH, CHAT).status))
    waiting.start()
    until(lambda: "loop_blocked" in said(stand), "the word that the loop stands")

    machine.set(WRITES, 0)
    waiting.join()
    until(lambda: "loop_turns_again" in said(stand), "the word that it turns")

    assert answers == [200]
    assert "ledger/journal.py" in said(stand)
    before.comes_back(stand)
