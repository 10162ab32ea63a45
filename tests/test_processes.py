"""A child does not outlive the process that started it, whatever ended that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stand import Stand, until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child")

CHILD = """
import sys, time
from dd0c_route.processes import die_with_parent
die_with_parent(int(sys.argv[1]))
print("up", flush=True)
time.sleep(60)
"""
PARENT = """
import os, subprocess, sys, time
command = [sys.executable, "-c", sys.argv[1], str(os.getpid())]
child = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(60)
"""

ENVIRON = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_with_its_parent(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, env=ENVIRON) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.send_signal(number)
        parent.wait(10)
        until(lambda: not alive(child), "the end of the child", 5.0)


def test_a_child_whose_parent_is_gone_before_it_asks_ends_too() -> None:
    somebody_else = str(os.getppid())
    ended = subprocess.run([sys.executable, "-c", CHILD, somebody_else], env=ENVIRON, timeout=20, check=False)

    assert ended.returncode == -signal.SIGKILL


def test_numbers_are_computed_in_the_thread_that_asks() -> None:
    program = "from dd0c_route.processes import compute_in_place; compute_in_place(); import numpy, os; "
    program += "a = numpy.ones((900, 900)); a @ a; print(len(os.listdir('/proc/self/task')))"
    said = subprocess.run([sys.executable, "-c", program], env=ENVIRON, capture_output=True, timeout=60, check=True)
    assert int(said.stdout) == 1


@pytest.mark.parametrize(("mode", "loads"), [("off", False), ("on", True)])
def test_only_a_worker_with_a_route_loads_what_computes_and_that_starts_no_thread(
    tmp_path: Path, mode: str, loads: bool
) -> None:
    route = f'[[routes]]\ncandidates = ["sim/gpt-4o", "sim/gpt-4o-mini"]\nmode = "{mode}"\n'
    with Stand(tmp_path, route) as stand:
        (worker,) = stand.children("dd0c_route.proxy")
        files = Path(f"/proc/{worker}/maps").read_text()
        assert ("numpy" in files) is loads
        (control,) = stand.children("dd0c_route.control")
        assert "numpy" not in Path(f"/proc/{control}/maps").read_text()
        assert len(list(Path(f"/proc/{worker}/task").iterdir())) == 2  # the loop's and the watchdog's
