"""What parent and child processes owe each other."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(parent: int) -> None:
    """Let the kernel end this process when *parent*, which started it, is gone, whatever killed it (Linux).

    Nothing is lost by that: what a call owes is in the journal before it is owed.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def compute_in_place() -> None:
    """Let numpy, which comes only where a route wants it, compute in the thread that asks, and start no others.

    A worker has one core: OpenBLAS would start a thread for each of the machine's, and let them wait for each other.
    Source: https://github.com/OpenMathLib/OpenBLAS, "Setting the number of threads": read when it is loaded.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
