"""The files of `connect`: written whole or not at all, with a backup, and brought back to the byte.

What is remembered of a client lies in a folder of its own below the user's state folder, readable by the user alone:
`record.json`, `original` (the file as it was, missing where there was none) and `written` (as we left it).
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from dd0c_route.connect import Client

_PRIVATE = 0o600


class Record(Struct, frozen=True):
    """What `connect` did.

    Attributes:
        path: The file, with links followed.
        original: Its bytes before; None: it did not exist.
        written: Its bytes after.
        made: Folders that were made for it, innermost first.
        kept_in: Where this is remembered.
    """

    path: Path
    original: bytes | None
    written: bytes
    made: tuple[Path, ...]
    kept_in: Path


def file_of(client: Client, environ: Mapping[str, str]) -> Path:
    """The client's file: the first of its names that is there, else the one that it would make."""
    home = Path(environ.get("HOME") or Path.home())
    moved = environ.get(client.folder_variable, "") if client.folder_variable else ""
    folder = Path(moved) / client.folder_inside if moved else home / client.folder.removeprefix("~").lstrip("/")
    there = [folder / name for name in client.names if (folder / name).exists()]
    return there[0] if there else folder / (client.default_name or client.names[0])


def content(path: Path) -> bytes | None:
    """The file's bytes; None where there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def memory(client: str, environ: Mapping[str, str]) -> Path:
    """The folder in which this client's record is kept."""
    home = Path(environ.get("HOME") or Path.home())
    state = Path(environ.get("XDG_STATE_HOME") or home / ".local" / "state")
    return state / "dd0c-route" / "connect" / client


def recalled(folder: Path) -> Record | None:
    """What `connect` did, as it was remembered in *folder*; None: nothing."""
    try:
        said: dict[str, Any] = json.loads((folder / "record.json").read_bytes())
    except FileNotFoundError:
        return None
    made = tuple(map(Path, said["made"]))
    written = (folder / "written").read_bytes()
    return Record(Path(said["path"]), content(folder / "original"), written, made, folder)


def write(path: Path, original: bytes | None, new: bytes, folder: Path, before: Record | None) -> Record:
    """Remember, then write. *before*: what an earlier `connect` did, whose original and folders stay the ones."""
    real = path.resolve()
    made = before.made if before is not None else tuple(_missing(real.parent))
    record = Record(real, original, new, made, folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, data in (("original", original), ("written", new)):
        if data is None:
            (folder / name).unlink(missing_ok=True)
        else:
            _replace(folder / name, data, _PRIVATE)
    said = {"path": str(real), "made": [str(one) for one in made]}
    _replace(folder / "record.json", json.dumps(said).encode(), _PRIVATE)  # last: from here on there is a record
    real.parent.mkdir(parents=True, exist_ok=True)
    _replace(real, new, None)
    return record


def undo(record: Record) -> None:
    """Bring back what was there before, and forget."""
    if record.original is None:
        record.path.unlink(missing_ok=True)
        for one in record.made:
            try:
                one.rmdir()
            except OSError:  # something else has come to live there
                break
    else:
        _replace(record.path, record.original, None)
    forget(record)


def forget(record: Record) -> None:
    shutil.rmtree(record.kept_in)


def _missing(folder: Path) -> list[Path]:
    """The folders that have to be made for *folder*, innermost first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    return missing


def _replace(path: Path, data: bytes, mode: int | None) -> None:
    """Write *path* whole or not at all. *mode*: None keeps the file's own, and its owner; a new one is private."""
    try:
        status = path.stat()
    except FileNotFoundError:
        status = None
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if mode is None and status is not None:
                os.fchmod(file.fileno(), status.st_mode & 0o7777)
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(file.fileno(), status.st_uid, status.st_gid)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # nothing may be left beside the user's file; goes on as it came
        Path(temporary).unlink(missing_ok=True)
        raise
