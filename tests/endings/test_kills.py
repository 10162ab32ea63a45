"""SIGKILL at any moment, of any process or of all: nothing is lost, nothing stands twice.

`DD0C_KILL_ROUNDS` says how often (`make kill`: 200), `DD0C_SEED` when and whom.
"""

from __future__ import annotations

import os
import random
import select
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.endings.load import PROVIDERS, Load, Outcome
from tests.stand import Stand, until

ROUNDS = int(os.environ.get("DD0C_KILL_ROUNDS", "6"))
SEED = int(os.environ.get("DD0C_SEED", "2026"))
CLIENTS = 8

WORKER, CONTROL = "dd0c_route.proxy", "dd0c_route.control"


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    # A killed supervisor cannot remove its private directory.
    with (
        tempfile.TemporaryDirectory() as private,
        Stand(tmp_path, "[server]\nworkers = 2\n", providers=PROVIDERS, environ={"TMPDIR": private}) as running,
    ):
        yield running


def kill_worker(stand: Stand, draw: random.Random) -> None:
    os.kill(draw.choice(until(lambda: stand.children(WORKER), "a worker")), signal.SIGKILL)


def kill_workers(stand: Stand, draw: random.Random) -> None:
    for pid in until(lambda: stand.children(WORKER), "the workers"):
        os.kill(pid, signal.SIGKILL)


def kill_control(stand: Stand, draw: random.Random) -> None:
    os.kill(until(lambda: stand.children(CONTROL), "the control process")[0], signal.SIGKILL)


def kill_supervisor(stand: Stand, draw: random.Random) -> None:
    """The others go with it; then everything is started again, on the same ledger."""
    children = stand.children(WORKER) + stand.children(CONTROL)
    stand.router.stop(signal.SIGKILL)
    until(lambda: not any(map(_runs, children)), "the end of the supervisor's children")
    stand.start_router()


def kill_all(stand: Stand, draw: random.Random) -> None:
    """Everything at one moment."""
    children = stand.children(WORKER) + stand.children(CONTROL)
    for pid in draw.sample([*children, stand.pid], len(children) + 1):
        os.kill(pid, signal.SIGKILL)
    stand.router.stop(signal.SIGKILL)
    until(lambda: not any(map(_runs, children)), "the end of all processes")
    stand.start_router()


KILLS = (kill_worker, kill_control, kill_all, kill_worker, kill_workers, kill_supervisor)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.timeout(120 + 10 * ROUNDS)
def test_no_kill_loses_a_call_or_doubles_one(stand: Stand, capsys: pytest.CaptureFixture[str]) -> None:
    draw = random.Random(SEED)
    with Load(stand, CLIENTS, SEED) as load:
        for number in range(ROUNDS):
            select.select([], [], [], draw.uniform(0.1, 0.7))  # the moment is what is drawn
            KILLS[number % len(KILLS)](stand, draw)
            until(lambda: _serves(stand), "the next answer after a kill")

    served = sim_calls(stand)
    entries = stand.confirmed(len({*served, *(o.fingerprint for o in load.outcomes if o.whole)}))

    by_session = Counter(entry["session"] for entry in entries)
    by_id = {entry["id"]: entry for entry in entries}
    assert len(by_id) == len(entries), "an id stands twice"
    doubled = [session for session, count in by_session.items() if session and count > 1]
    assert not doubled
    _check_answered(load.outcomes, by_id)
    lost = [o for o in load.outcomes if o.fingerprint in served and not by_session[o.session]]
    assert not lost, "served by the provider, and no entry"
    orphans = [entry for entry in entries if entry["error"] == "worker_lost"]
    assert {(entry["end_state"], entry["status"], entry["usage_source"]) for entry in orphans} <= {
        ("internal", 0, "none")
    }
    whole = sum(outcome.whole for outcome in load.outcomes)
    with capsys.disabled():
        print(f"\n{ROUNDS} kills: {len(load.outcomes)} calls, {whole} answered, {len(entries)} entries, "
              f"{len(orphans)} of killed workers; none lost, none twice")  # fmt: skip


def _check_answered(outcomes: list[Outcome], by_id: dict[str, dict[str, Any]]) -> None:
    """Whoever got the last byte stands in the ledger, with what the provider reported."""
    for outcome in outcomes:
        if not (outcome.whole and outcome.status == 200):
            continue
        entry = by_id.get(outcome.id)
        assert entry is not None, outcome
        assert entry["session"] == outcome.session
        assert (entry["end_state"], entry["usage"]["output"]) == ("complete", outcome.tokens), entry
        assert entry["cost_picodollars"] > 0


def sim_calls(stand: Stand) -> set[str]:
    """The fingerprints of the keys of all calls that reached the provider whole."""
    found: set[str] = set()
    since = 0
    while calls := stand.sim_stats(f"?since={since}")["calls"]:
        since = calls[-1]["id"]
        found |= {key for call in calls if call["received_ms"] is not None for key in call["credentials"].values()}
    return found


def _serves(stand: Stand) -> bool:
    try:
        return stand.get("/readyz").status == 200 and stand.get("/api/v1/connections").status == 200
    except OSError:
        return False
