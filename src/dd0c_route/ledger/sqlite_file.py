"""What our SQLite files have in common: their statements stand by name in a file, and they must stay where they are."""

from __future__ import annotations

import re
from pathlib import Path

BUSY_S = 5.0  # how long another process may hold the write lock before we give up and try again later

_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


def statements(name: str) -> dict[str, str]:
    """The blocks of the file *name* beside this one, each by the name in the line `-- name: …` above it."""
    return dict(_NAMED.findall((Path(__file__).parent / name).read_text(encoding="utf-8")))


def which(path: Path) -> tuple[int, int] | None:
    """Which file goes by the name *path*: its device and number; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
