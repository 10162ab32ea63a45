"""The command as a user starts it: a process of its own, in a folder of its own, in a known environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A small environment without anybody's keys or settings."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return {**kept, "PYTHONPATH": str(SOURCE), "NO_COLOR": "1", **(extra or {})}


def ran(
    folder: Path, *arguments: str, stdin: str | bytes = "", environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run `dd0c-route ARGUMENTS` in *folder* to its end."""
    return subprocess.run(
        [sys.executable, "-m", "dd0c_route", *arguments],
        cwd=folder,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        env=environment(environ),
        timeout=60,
        check=False,
    )
