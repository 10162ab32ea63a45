"""A meter of a translated answer: it reads what the provider sent, and is asked by what the client got."""

from __future__ import annotations

from array import array
from bisect import bisect_right

from dd0c_route.wire.answer import Output
from dd0c_route.wire.meter import Meter, dialect_of

_MARKS = 7000  # places remembered, 16 bytes each; of longer answers the older half is thinned


class PlacedMeter(Meter):
    """Knows which of the provider's bytes so many of the client's bytes are the translation of.

    An entry counts what was delivered in bytes of the client's stream, and a meter in bytes of the provider's: here
    those without content coding. Thinned places give an offset too little, never too much.
    """

    __slots__ = ("_passed", "_read_at", "_written_at")

    def __init__(self, api: str, content_type: str, coding: str) -> None:
        super().__init__(dialect_of(api), content_type, coding)
        self._passed = 0
        self._read_at = array("Q")
        self._written_at = array("Q")

    def passed(self, written: int) -> None:
        """*written* more bytes go out, and stand for all that was read until now."""
        self._passed += written
        self._written_at.append(self._passed)
        self._read_at.append(self._decoded)
        if len(self._read_at) > _MARKS:
            half = _MARKS // 2
            del self._written_at[0:half:2]
            del self._read_at[0:half:2]

    def output_at(self, body_bytes: int | None = None) -> Output:
        """What stands in the first *body_bytes* bytes of the translation (None: in all that came)."""
        if body_bytes is None or not self._written_at:
            return super().output_at(body_bytes)
        count = bisect_right(self._written_at, body_bytes)
        return self._output_upto(self._read_at[count - 1] if count else 0)
