"""Who keeps what an id stands for: a provider that stored an answer is the only one that can go on with it.

One file beside the journals, of slots of one size, that all workers read and write in place: the next call of a
conversation may reach another worker, or the same router after a restart. The id itself must not change, so nothing
can be written into it. An id's slot is found by its hash; a new id takes the place of the one that was there, which
bounds the file. What is torn or foreign in a slot fails its checksum, and then nothing is known.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from contextlib import suppress
from pathlib import Path

from dd0c_route.types import Target

FILE = "kept.ids"  # in the directory of the journals
SLOTS = 1 << 15  # 4 MiB; of 10,000 answers that may be gone on with, one in seven has lost its place
SLOT_BYTES = 128
_DIGEST, _CRC = 16, 4
_TEXT_BYTES = SLOT_BYTES - _DIGEST - _CRC


class Kept:
    """Which target keeps what; system calls on a page that is in memory, some microseconds each.

    Args:
        directory: Of the journals; None, or one that cannot be written: nothing is remembered.
    """

    def __init__(self, directory: Path | None) -> None:
        self._fd: int | None = None
        if directory is not None:
            with suppress(OSError):
                self._fd = os.open(directory / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def remember(self, name: str, target: Target) -> None:
        """*target* keeps what *name* stands for. One with a name longer than a slot is not remembered."""
        text = str(target).encode()
        if self._fd is None or len(text) > _TEXT_BYTES:
            return
        digest = _digest(name)
        content = digest + text.ljust(_TEXT_BYTES, b"\0")
        with suppress(OSError):  # a full disk: the next call goes where its model's name leads
            os.pwrite(self._fd, content + zlib.crc32(content).to_bytes(_CRC, "big"), _place(digest))

    def target_of(self, name: str) -> Target | None:
        """Who keeps what *name* stands for; None where that is not known."""
        if self._fd is None:
            return None
        digest = _digest(name)
        try:
            slot = os.pread(self._fd, SLOT_BYTES, _place(digest))
        except OSError:
            return None
        content, crc = slot[:-_CRC], slot[-_CRC:]
        if not content.startswith(digest) or zlib.crc32(content).to_bytes(_CRC, "big") != crc:
            return None
        provider, _, model = content[_DIGEST:].rstrip(b"\0").decode("utf-8", "replace").partition("/")
        return Target(provider, model)


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=_DIGEST).digest()


def _place(digest: bytes) -> int:
    return int.from_bytes(digest[:4], "big") % SLOTS * SLOT_BYTES
