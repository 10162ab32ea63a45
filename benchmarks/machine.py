"""The machine under the measurement: what it is, how busy it is, and which core does what. Linux."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from msgspec import Struct

PACKAGES = ("dd0c-route", "uvloop", "httptools", "msgspec")
_TICKS = os.sysconf("SC_CLK_TCK")


class Cores(Struct, frozen=True):
    """One core for the proxy's worker alone where there are two; the load and the provider share where they must."""

    proxy: int
    provider: int
    load: int

    @classmethod
    def of_this_machine(cls) -> Cores:
        cores = sorted(os.sched_getaffinity(0))
        return cls(proxy=cores[0], provider=cores[min(1, len(cores) - 1)], load=cores[min(2, len(cores) - 1)])


def facts() -> dict[str, str]:
    """Machine, kernel, versions: what a figure means nothing without."""
    found = {
        "machine": f"{os.cpu_count()} x {_cpu_model()}, {_memory_gib():.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()} ({sys.executable})",
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    for tool, arguments in {"nginx": ["-v"], "wrk": ["-v"]}.items():
        found[tool] = _tool_version(tool, arguments)
    found["commit"] = _commit()
    return found


def busy_share(seconds: float = 0.5) -> float:
    """Share of all cores' time that is in use right now, by whomever; 0..1."""
    before = _cpu_times()
    time.sleep(seconds)
    after = _cpu_times()
    spent = [b - a for a, b in zip(before, after, strict=True)]
    idle = spent[3] + spent[4]
    return 1 - idle / max(1, sum(spent[:8]))


def stolen_s() -> float:
    """Seconds that the hypervisor gave to others since the start of the machine."""
    return _cpu_times()[7] / _TICKS


def pin(pid: int, core: int) -> None:
    """All threads of a process on one core."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {core})


def cpu_s(pid: int) -> float:
    """Seconds of processor time that all threads of a process have used."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def resident_mb(pid: int) -> float:
    """Resident memory in MB (10⁶ bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, queue = [], [pid]
    while queue:
        found.append(queue[0])
        queue += children.get(queue.pop(0), [])
    return found


@contextmanager
def spinning(cores: set[int]) -> Iterator[None]:
    """Keep virtual processors from halting by a loop that runs only when nothing else wants to (SCHED_IDLE).

    Waking a halted virtual processor goes through the hypervisor and costs up to milliseconds, for every target alike.
    """
    parent = os.getpid()
    program = f"import os\nwhile os.getppid() == {parent}:\n    for _ in range(10**6): pass"
    spinners = [subprocess.Popen([sys.executable, "-S", "-c", program]) for _ in cores]
    try:
        for spinner, core in zip(spinners, cores, strict=True):
            os.sched_setscheduler(spinner.pid, os.SCHED_IDLE, os.sched_param(0))
            os.sched_setaffinity(spinner.pid, {core})
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


def _cpu_times() -> list[int]:
    """user nice system idle iowait irq softirq steal …, in ticks (proc_stat(5))."""
    return [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _tool_version(tool: str, arguments: list[str]) -> str:
    try:
        done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "not installed"
    return ((done.stderr or done.stdout).splitlines() or ["unknown"])[0].strip()


def _commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "not a checkout"
