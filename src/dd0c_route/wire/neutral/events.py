"""What the readers and writers of event streams have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from dd0c_route.wire.neutral.form import Fault, Piece
from dd0c_route.wire.sse import SseEvent, SseParser


class EventReader(ABC):
    """Server-sent events → pieces. A dialect says what one event means."""

    def __init__(self) -> None:
        self._parser = SseParser()

    def feed(self, data: bytes) -> list[Piece]:
        return self._read(self._parser.feed(data))

    def end(self) -> list[Piece]:
        return self._read(self._parser.close())

    def _read(self, events: list[SseEvent]) -> list[Piece]:
        pieces: list[Piece] = []
        for event in events:
            if event.whole:
                self.event(event.data, event.event, pieces)
            else:
                pieces.append(Fault(502, "server", "an event of the provider's stream is too long to be translated"))
        return pieces

    @abstractmethod
    def event(self, data: bytes, name: bytes, pieces: list[Piece]) -> None:
        """Add what the event means to *pieces*; what cannot be read means nothing."""
