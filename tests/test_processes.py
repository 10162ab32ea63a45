"""A child does not outlive the process that started it, whatever ended that."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stand import until

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
