"""The file of a predictor: a line of JSON that lists the arrays, then the arrays, then the hash of it all."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dd0c_route.errors import BadBrain

VERSION = 2  # of the features and of this format: a table of other features is no use
MAX_BYTES = 64 << 20  # of a file; the shipped one is a sixteenth of it
_HASH_BYTES = 32
_HALF = {"idf", "heads", "centres"}  # stored as float16: they need no more digits


class _Array(Struct, frozen=True):
    name: str
    dtype: str
    shape: tuple[int, ...]


class _Part(Struct, frozen=True):
    kind: str
    models: tuple[str, ...]
    arrays: tuple[_Array, ...]


class _Head(Struct, frozen=True):
    dd0c_brain: int
    parts: tuple[_Part, ...]
    seen: int


class Arrays(Protocol):
    """A named tuple of arrays."""

    def _asdict(self) -> dict[str, Any]: ...


def save(path: Path, parts: Sequence[tuple[tuple[str, ...], Arrays]], seen: NDArray[np.uint32]) -> None:
    """Write the file, whole or not at all."""
    listed: list[_Part] = []
    body: list[bytes] = []
    for models, arrays in parts:
        entries = []
        for name, array in arrays._asdict().items():
            stored = array.astype(np.float16) if name in _HALF else array
            entries.append(_Array(name, stored.dtype.newbyteorder("<").str, stored.shape))
            body.append(np.ascontiguousarray(stored, stored.dtype.newbyteorder("<")).tobytes())
        listed.append(_Part(type(arrays).__name__, models, tuple(entries)))
    head = msgspec.json.encode(_Head(VERSION, tuple(listed), len(seen)))
    content = b"".join((head, b"\n", *body, seen.astype("<u4").tobytes()))
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(content + hashlib.sha256(content).digest())
    fresh.replace(path)


def load(path: Path, kinds: Sequence[type[Any]]) -> tuple[list[tuple[tuple[str, ...], Arrays]], NDArray[np.uint32]]:
    """What was saved, each part's arrays as the one of *kinds* that they were.

    Raises:
        BadBrain: It is no such file, was damaged, or was made by another version.
    """
    with path.open("rb") as file:
        whole = file.read(MAX_BYTES + 1)
    content = whole[:-_HASH_BYTES]
    head, _, body = content.partition(b"\n")
    if len(whole) > MAX_BYTES or not head.startswith(b'{"dd0c_brain":'):
        raise BadBrain(f"{path} is no predictor: make one with 'dd0c-route brain fit'")
    if hashlib.sha256(content).digest() != whole[-_HASH_BYTES:]:
        raise BadBrain(f"{path} is damaged: make or copy it again")
    try:
        listed = msgspec.json.decode(head, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError):
        listed = None
    if listed is None or listed.dd0c_brain != VERSION:
        raise BadBrain(f"{path} was made by another version: make it again with 'dd0c-route brain fit'")
    try:
        return _arrays(listed, body, kinds)
    except (ValueError, TypeError, OverflowError) as error:  # its hash is right, so whoever made it made it so
        raise BadBrain(
            f"{path} has arrays that are none ({error}): make it again with 'dd0c-route brain fit'"
        ) from None


def _arrays(
    listed: _Head, body: bytes, kinds: Sequence[type[Any]]
) -> tuple[list[tuple[tuple[str, ...], Arrays]], NDArray[np.uint32]]:
    parts, at = [], 0
    for part in listed.parts:
        arrays: dict[str, NDArray[Any]] = {}
        for array in part.arrays:
            stored = np.frombuffer(body, array.dtype, int(np.prod(array.shape)), at).reshape(array.shape)
            at += stored.nbytes
            arrays[array.name] = stored.astype(np.float32) if stored.dtype == np.float16 else stored
        (kind,) = [kind for kind in kinds if kind.__name__ == part.kind]
        parts.append((part.models, kind(**arrays)))
    return parts, np.frombuffer(body, "<u4", listed.seen, at)
