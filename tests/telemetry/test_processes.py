"""What every kind of process looks like from outside: no core file, no key in its arguments or in what it says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.stand import CHAT, Stand, until
from tests.telemetry.planted import KEY, SCAN

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("processes")
    with Stand(folder, environ={"SIM_KEY": KEY, "PYTHONDEVMODE": "1", "PYTHONASYNCIODEBUG": "1"}) as running:
        yield running


def family(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def kind_of(pid: int) -> str:
    return " ".join(Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[1:4])


def test_no_process_leaves_a_core_or_shows_a_key_in_its_arguments(stand: Stand) -> None:
    left = stand.post("/v1/chat/completions", {**CHAT, "stream": True}, {"x-sim": "usage=none; chunks=3"})
    assert left.status == 200  # a count of our own: the counter starts
    until(lambda: len(family(stand.pid)) >= 4, "the start of the counter")
    kinds = set()
    for pid in family(stand.pid):
        kind = kind_of(pid)
        until(partial(_leaves_no_core, pid), f"the limit of core files of {kind}")
        assert not SCAN.find(Path(f"/proc/{pid}/cmdline").read_bytes()), kind
        kinds.add(kind)
    assert len(kinds) >= 4, kinds
    print(f"\nkinds of processes: {sorted(kinds)}")


def _leaves_no_core(pid: int) -> bool:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    soft, hard = next(line for line in lines if line.startswith("Max core file size")).split()[4:6]
    return (soft, hard) == ("0", "0")


def test_nothing_that_the_router_says_of_itself_shows_the_key_also_in_debug_modes(stand: Stand) -> None:
    secret = {"x-dd0c-session": KEY, "x-dd0c-tags": f"team={KEY},{KEY}=1", "x-dd0c-kind": KEY, "user-agent": KEY}
    for scene in ("chunks=3", "status=401", f"model={KEY}; chunks=2", "chunks=2; usage=none"):
        for stream in (True, False):
            body = {**CHAT, "model": f"sim/{KEY}", "stream": stream, "user": KEY, "metadata": {KEY: KEY}}
            stand.post("/v1/chat/completions", body, {"x-sim": scene, "authorization": f"Bearer {KEY}", **secret})
    stand.entries(8)
    seen = 0
    for path in ("/metrics", "/healthz", "/readyz", "/api/v1/requests?limit=100", "/api/v1/connections", "/ui"):
        answer = stand.get(path)
        assert not SCAN.find(answer.body), path
        assert not SCAN.find(repr(answer.headers).encode()), path
        seen += len(answer.body)
    log = (stand.folder / "router.log").read_bytes()
    assert not SCAN.find(log)
    print(f"\nbytes searched: {seen + len(log)}")
