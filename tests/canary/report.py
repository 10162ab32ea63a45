"""The verdict: which canaries stand where they do not belong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.canary.search import ENCODINGS, Hit, Scan
from tests.canary.slots import Slot


class Leak(NamedTuple):
    sink: str
    hit: Hit

    def __str__(self) -> str:
        return f"{self.hit.slot} in {self.sink} ({self.hit.form}, {self.hit.way}): {self.hit.excerpt!r}"


def leaks_in(sinks: Mapping[str, bytes], slots: Sequence[Slot]) -> list[Leak]:
    """Every canary that went another way than its own."""
    scan = Scan(slot.canary for slot in slots)
    found = []
    for sink, blob in sinks.items():
        for slot in slots:
            for way in slot.ways:
                if sink.startswith(way.sink):
                    blob = blob.replace(way.what, b"<its own way>")
        found += [Leak(sink, hit) for hit in scan.find(blob)]
    return found


def summary(sinks: Mapping[str, bytes], slots: Sequence[Slot], leaks: Sequence[Leak]) -> str:
    checks = len(slots) * len(sinks) * len(ENCODINGS)
    size = sum(map(len, sinks.values())) / 1e6
    return (
        f"canary: {len(slots)} slots x {len(sinks)} sinks x {len(ENCODINGS)} encodings = {checks:,} checks "
        f"of {size:.1f} MB, {len(leaks)} hits"
    )
