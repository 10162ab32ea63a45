"""Does this blob hold that canary, in whatever writing?

    scan = Scan([Canary.of("providers.openai.api_key", "sk-proj-…")])
    scan.find(blob)      # [Hit(slot, way, excerpt), …]; empty is good

Searched are any twelve characters of the canary's random part, and its MD5, SHA-1 and SHA-256, each without regard to
case: in the blob as it is, and after undoing up to three layers of `views` (two where the blob is long).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.canary.views import WAYS, views

WINDOW = 12  # bytes of the random part that count as a leak
_GRAM = 6  # bytes; a window of twelve holds a whole block of six, wherever blocks of the blob begin
_STRIDE = WINDOW - _GRAM + 1
_LAYERS = 3
# What is undone further: text, or what tells by its first bytes that it is compressed. Other bytes are looked at once.
_COMPRESSED = (b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x78", b"PK\x03\x04")
_LARGE_BYTES = 256 << 10  # of files and long lists one layer less is undone
_ONCE = ({"joined", "unfolded"}, {"percent"}, {"quoted-printable"}, {"utf-16"}, {"html"})  # what is undone stays so
_PRINTABLE = bytes(range(32, 127)) + b"\t\n\r\0"
_RANDOM = re.compile(r"[A-Za-z0-9]{8,}[A-Za-z0-9_+/-]*")

ENCODINGS = ("raw", *WAYS)


@dataclass(frozen=True, slots=True)
class Canary:
    """One planted credential.

    Args:
        slot: Where it was planted.
        value: The whole of it.
        random: The part that is its own; at least twelve characters.
    """

    slot: str
    value: str
    random: str

    @classmethod
    def of(cls, slot: str, value: str) -> Canary:
        """With the longest unbroken run of *value* as its random part."""
        return cls(slot, value, max(_RANDOM.findall(value), key=len))

    def forms(self) -> Iterator[tuple[str, bytes]]:
        """What must not be seen, each with its name."""
        yield "itself", self.random.encode()
        for name in ("md5", "sha1", "sha256"):
            digest = hashlib.new(name, self.value.encode(), usedforsecurity=False)
            yield name, digest.digest()
            yield name, digest.hexdigest().encode()


@dataclass(frozen=True, slots=True)
class Hit:
    """A canary that was found."""

    slot: str
    form: str  # `itself` or the name of a digest
    way: str  # the layers that were undone, outermost first
    excerpt: bytes  # what it stands in


class Scan:
    """A search for many canaries at once: one look at each seventh place of a blob."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        self._forms: list[tuple[str, str, bytes]] = []
        self._windows: dict[bytes, set[int]] = {}
        for canary in canaries:
            assert len(canary.random) >= WINDOW, f"{canary.slot}: a canary of {len(canary.random)} characters"
            assert canary.random in canary.value, canary.slot
            for name, form in canary.forms():
                self._add(canary.slot, name, form.lower())

    def _add(self, slot: str, name: str, form: bytes) -> None:
        number = len(self._forms)
        self._forms.append((slot, name, form))
        for at in range(len(form) - _GRAM + 1):
            self._windows.setdefault(form[at : at + _GRAM], set()).add(number)

    def find(self, blob: bytes) -> list[Hit]:
        """Every canary that *blob* holds, once for each slot and form."""
        found: dict[tuple[str, str], Hit] = {}
        seen: set[int] = set()
        todo = [("", blob, _LAYERS - (len(blob) > _LARGE_BYTES))]
        while todo:
            way, text, layers = todo.pop()
            key = hash(text)
            if key in seen:
                continue
            seen.add(key)
            for slot, form, at in self._plain(text.lower()):
                excerpt = text[max(0, at - 60) : at + 80]
                found.setdefault((slot, form), Hit(slot, form, way or "raw", excerpt))
            if layers and (way == "" or _readable(text)):
                done = way.split(" > ")
                gone = {name for names in _ONCE if not names.isdisjoint(done) for name in names}
                todo += [
                    (f"{way} > {name}" if way else name, said, layers - 1)
                    for name, said in views(text)
                    if name not in gone
                ]
        return list(found.values())

    def _plain(self, text: bytes) -> Iterator[tuple[str, str, int]]:
        blocks = {text[at : at + _GRAM] for at in range(0, len(text), _STRIDE)}
        for block in self._windows.keys() & blocks:
            at = text.find(block)
            while at >= 0:
                around = text[max(0, at - _STRIDE) : at + WINDOW + _GRAM]
                for form in self._windows[block]:
                    slot, name, whole = self._forms[form]
                    if _common_window(whole, around):
                        yield slot, name, at
                at = text.find(block, at + 1)


def _common_window(whole: bytes, around: bytes) -> bool:
    return any(around[at : at + WINDOW] in whole for at in range(len(around) - WINDOW + 1))


def _readable(text: bytes) -> bool:
    """Whether undoing more of *text* can tell anything."""
    if text.startswith(_COMPRESSED):
        return True
    sample = text[: 1 << 16]
    return len(sample.translate(None, _PRINTABLE)) * 8 <= len(sample)
