"""Writing the streams of dialects whose answers are blocks one behind the other: Anthropic's and Bedrock's."""

from __future__ import annotations

from abc import ABC, abstractmethod

from dd0c_route.types import Usage
from dd0c_route.wire.loose import value_of
from dd0c_route.wire.neutral.dialect import Opening
from dd0c_route.wire.neutral.form import (
    Begin,
    CallBegin,
    CallDelta,
    CallEnd,
    Done,
    Fault,
    Piece,
    RefusalDelta,
    Stop,
    TextDelta,
    ThinkingDelta,
    UsageSoFar,
)


class BlockWriter(ABC):
    """Pieces → events. The reason and the usage wait for the end. A dialect says how each event is written."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._begun = False
        self._ended = False
        self._next = 0  # index of the next block
        self._open = ""  # the kind of the block that text or thoughts go to
        self._calls: dict[int, tuple[int, list[str]]] = {}  # open calls: their block, and the arguments so far
        self._stop = Stop("stop")
        self._usage: Usage | None = None

    def feed(self, pieces: list[Piece]) -> bytes:
        out: list[bytes] = []
        for piece in pieces:
            if self._ended:
                break
            if not self._begun:
                self._begun = True
                begin = piece if isinstance(piece, Begin) else Begin()
                self._usage = begin.usage
                out.append(self.beginning(begin))
            if isinstance(piece, TextDelta | RefusalDelta):
                self.text(piece.text, out)
            else:
                self._other(piece, out)
        return b"".join(out)

    def end(self) -> bytes:
        if self._ended or not self._begun:
            return b""
        self._ended = True
        out: list[bytes] = []
        self.close(out)
        out.append(self.ending())
        return b"".join(out)

    def _other(self, piece: Piece, out: list[bytes]) -> None:
        if isinstance(piece, ThinkingDelta):
            self.thought(piece, out)
        elif isinstance(piece, CallBegin):
            self._call(piece, out)
        elif isinstance(piece, CallDelta):
            self._arguments(piece, out)
        elif isinstance(piece, CallEnd):
            self._end_call(piece.index, out)
        elif isinstance(piece, Stop):
            self._stop = piece
        elif isinstance(piece, UsageSoFar):
            self._usage = piece.usage
        elif isinstance(piece, Done):
            out.append(self.end())
        elif isinstance(piece, Fault):
            self._ended = True
            out.append(self.fault(piece))

    def close(self, out: list[bytes]) -> None:
        """End the block of text or thoughts, and calls that nobody ended."""
        if self._open:
            out.append(self.block_stop(self._next - 1))
            self._open = ""
        for index in list(self._calls):
            self._end_call(index, out)

    def _call(self, piece: CallBegin, out: list[bytes]) -> None:
        """A call begins. Those before it are ended if their arguments are whole; else more of them may still come."""
        if self._open:
            self.close(out)
        for index, (_, arguments) in list(self._calls.items()):
            if isinstance(value_of("".join(arguments).encode("utf-8", "replace")), dict):
                self._end_call(index, out)
        self._calls[piece.index] = self._next, []
        out.append(self.call_start(self._next, piece))
        self._next += 1

    def _arguments(self, piece: CallDelta, out: list[bytes]) -> None:
        if piece.index in self._calls:
            block, before = self._calls[piece.index]
            before.append(piece.arguments)
            out.append(self.call_delta(block, piece.arguments))

    def _end_call(self, index: int, out: list[bytes]) -> None:
        if index in self._calls:
            out.append(self.block_stop(self._calls.pop(index)[0]))

    # --- what a dialect says ----------------------------------------------------------------------------------------

    @abstractmethod
    def beginning(self, piece: Begin) -> bytes: ...

    @abstractmethod
    def text(self, text: str, out: list[bytes]) -> None: ...

    @abstractmethod
    def thought(self, piece: ThinkingDelta, out: list[bytes]) -> None: ...

    @abstractmethod
    def call_start(self, block: int, piece: CallBegin) -> bytes: ...

    @abstractmethod
    def call_delta(self, block: int, arguments: str) -> bytes: ...

    @abstractmethod
    def block_stop(self, block: int) -> bytes: ...

    @abstractmethod
    def ending(self) -> bytes: ...

    @abstractmethod
    def fault(self, fault: Fault) -> bytes: ...
