"""What `requirements.lock` says: each package with its version, marker, hashes, and who asked for it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
_PACKAGE = re.compile(r"(?P<name>[a-z0-9._-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]+?))? \\")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class Package(NamedTuple):
    """One block of the lock; a package may have two, with markers that exclude each other.

    Attributes:
        marker: A PEP 508 marker, or "" where the package is installed everywhere.
        hashes: SHA-256 in hex, of every file of this version that may be installed.
        wanted_by: Names of packages, and `dd0c-route` for what the project asks for itself.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]


class Fact(NamedTuple):
    """What `dependencies.toml` says of a package: its licence as SPDX, why we ask for it, whether it only builds."""

    licence: str
    why: str = ""
    build: bool = False


def packages(text: str) -> tuple[Package, ...]:
    """The packages of a lock as uv writes it, in its order."""
    found = []
    for block in re.split(r"\n(?=[a-z])", text.strip()):
        head = _PACKAGE.match(block)
        assert head, f"not a pinned package with hashes: {block.splitlines()[0]}"
        wanted_by = re.findall(r"^    # (?:via |  )([\w.-]+)", block, re.MULTILINE)
        hashes = tuple(_HASH.findall(block))
        found.append(Package(head["name"], head["version"], head["marker"] or "", hashes, tuple(wanted_by)))
    return tuple(found)


def locked() -> tuple[Package, ...]:
    return packages(LOCK.read_text(encoding="utf-8"))


def facts() -> dict[str, Fact]:
    read: dict[str, dict[str, Any]] = tomllib.loads((ROOT / "scripts/dependencies.toml").read_text(encoding="utf-8"))
    return {name: Fact(**values) for name, values in read.items()}
