"""Resolve the dependencies into the lock files, with the hash of every installable file.

The locks hold for all supported versions of Python and all platforms, and name no index address: whoever
installs from them uses the index that his own pip is set up with.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMPILE = (
    *(sys.executable, "-m", "uv"),  # the environment's own, wherever it was called from
    "pip",
    "compile",
    "--quiet",
    "--universal",
    "--generate-hashes",
    "--no-header",
)


def lock(name: str, source: str, *arguments: str, python: str = "3.11") -> None:
    """Write *name* anew from *source*, for *python* and later, and check that it names no address."""
    command = [*COMPILE, "--python-version", python, *sys.argv[1:], source, *arguments, "--output-file", name]
    subprocess.run(command, cwd=ROOT, check=True)
    text = (ROOT / name).read_text()
    if "://" in text:
        raise SystemExit(f"{name} names an address: remove it and the setting that put it there")
    print(f"{name}: {text.count('==')} packages")


if __name__ == "__main__":
    lock("requirements.lock", "pyproject.toml", "--group", "build")
    lock("requirements-dev.lock", "pyproject.toml", "--group", "dev", "--constraint", "requirements.lock")
    lock("requirements-extras.lock", "pyproject.toml", "--all-extras", "--no-deps", "--constraint", "requirements.lock")
    for clients in ("sdks", "frameworks", "earlier", "aider"):
        lock(f"tests/clients/{clients}/requirements.lock", f"tests/clients/{clients}/requirements.in")
    independent = "tests/tokens/independent/requirements"
    lock(f"{independent}.lock", f"{independent}.in", python="3.12")  # what ctok declares; it runs under 3.11 as it is
    lock("benchmarks/accuracy/requirements.lock", "benchmarks/accuracy/requirements.in")
    lock("benchmarks/routing/requirements.lock", "benchmarks/routing/requirements.in")
    lock("tests/console/browser/requirements.lock", "tests/console/browser/requirements.in")
    lock("tests/control/schemas/requirements.lock", "tests/control/schemas/requirements.in")
    lock("tests/fuzz/requirements.lock", "tests/fuzz/requirements.in")
