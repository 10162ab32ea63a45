"""A machine whose disk and clock do what a test says: `faults.c`, compiled here and preloaded into the router."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stand import Stand

CLOCK, WRITES, SYNCS, SYNCED = range(4)
WAIT, HALF = -1, -2  # beside 0 (works) and the number of an error
_NUMBER = struct.Struct("=q")


class Machine:
    """Give `environ` to a router; then change what the machine does while that runs.

    Args:
        folder: For the compiled library and the file that it looks at.
    """

    def __init__(self, folder: Path) -> None:
        library, rules = folder / "faults.so", folder / "faults"
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None or not sys.platform.startswith("linux"):
            pytest.skip("needs Linux and a C compiler: faults of the machine are preloaded")
        source = Path(__file__).with_name("faults.c")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True, timeout=60)
        rules.write_bytes(bytes(4 * _NUMBER.size))
        self.environ = {"LD_PRELOAD": str(library), "FAULTS_OF_MACHINE": str(rules)}
        with rules.open("r+b") as file:
            self._rules = mmap.mmap(file.fileno(), 0)

    def set(self, rule: int, value: int) -> None:
        """*rule* is `CLOCK` (nanoseconds), `WRITES` or `SYNCS` (0, the number of an error, `WAIT`, `HALF`)."""
        _NUMBER.pack_into(self._rules, rule * _NUMBER.size, value)

    @property
    def synced(self) -> int:
        """How often an fsync was asked for."""
        count: int = _NUMBER.unpack_from(self._rules, SYNCED * _NUMBER.size)[0]
        return count

    def stand(self, folder: Path, config: str = "") -> Stand:
        """A router on this machine."""
        return Stand(folder, config, environ=self.environ)
