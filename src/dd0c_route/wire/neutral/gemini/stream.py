"""A stream of Google's streamGenerateContent ↔ pieces.

Each chunk is an object like a whole answer, and the last one has the reason and the usage; nothing ends the stream but
its end. Google's SDKs fail on comment lines, so none is ever written. Without `alt=sse` the chunks are one JSON array.
"""

from __future__ import annotations

import msgspec

from dd0c_route.types import Usage
from dd0c_route.wire.neutral.dialect import Opening
from dd0c_route.wire.neutral.events import EventReader
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
    ToolCall,
    UsageSoFar,
    WholePart,
)
from dd0c_route.wire.neutral.gemini import errors, usage
from dd0c_route.wire.neutral.gemini.answer import WORDS, called, part_written, thought
from dd0c_route.wire.neutral.gemini.chunk import Teller, chunk_of
from dd0c_route.wire.neutral.gemini.parts import DIALECT


class Reader(EventReader):
    """The provider's chunks → pieces, of the first candidate."""

    def __init__(self) -> None:
        super().__init__()
        self._teller = Teller()

    def event(self, data: bytes, name: bytes, pieces: list[Piece]) -> None:
        if (chunk := chunk_of(data)) is not None:
            self._teller.tell(chunk, pieces)

    def end(self) -> list[Piece]:
        pieces = super().end()
        self._teller.tell_rest(pieces)
        return pieces


class Writer:
    """Pieces → chunks. A call goes out once its arguments are whole, the reason once the usage is there."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._array = opening.as_array
        self._written = 0
        self._begun = False
        self._ended = False
        self._tail = b""
        self._calls: dict[int, tuple[CallBegin, list[str]]] = {}
        self._stop = Stop("stop")
        self._usage: Usage | None = None

    def feed(self, pieces: list[Piece]) -> bytes:
        out: list[bytes] = []
        for piece in pieces:
            if self._ended:
                break
            if not self._begun:
                self._begin(piece if isinstance(piece, Begin) else Begin())
            if isinstance(piece, TextDelta | RefusalDelta):
                out.append(self._chunk(b'{"text":' + msgspec.json.encode(piece.text) + b"}"))
            else:
                out.append(self._other(piece))
        return b"".join(out)

    def end(self) -> bytes:
        if self._ended or not self._begun:
            return b""
        out = b"".join([self._call(index) for index in list(self._calls)])
        reason = b',"finishReason":"' + WORDS[self._stop.reason].encode() + b'"'
        counts = b""
        if self._usage is not None:
            counts = b',"usageMetadata":' + msgspec.json.encode(usage.written(self._usage))
        out += self._chunk(b'{"text":""}', reason, counts)
        self._ended = True
        return out + self._close()

    def _begin(self, piece: Begin) -> None:
        self._begun = True
        self._usage = piece.usage
        about = {"modelVersion": piece.model or self._opening.model, "responseId": piece.id or self._opening.id}
        self._tail = b"," + msgspec.json.encode(about)[1:]

    def _other(self, piece: Piece) -> bytes:
        if isinstance(piece, ThinkingDelta):
            signature = piece.signature if piece.maker == DIALECT else ""
            if piece.sealed or not (piece.text or signature):
                return b""
            return self._chunk(msgspec.json.encode(thought(piece.text, signature)))
        if isinstance(piece, CallBegin):
            self._calls[piece.index] = piece, []
        elif isinstance(piece, CallDelta):
            if piece.index in self._calls:
                self._calls[piece.index][1].append(piece.arguments)
        elif isinstance(piece, CallEnd):
            return self._call(piece.index)
        elif isinstance(piece, WholePart):
            written = part_written(piece.part)
            return b"" if written is None else self._chunk(msgspec.json.encode(written))
        elif isinstance(piece, Stop):
            self._stop = piece
        elif isinstance(piece, UsageSoFar):
            self._usage = piece.usage
        elif isinstance(piece, Done):
            return self.end()
        elif isinstance(piece, Fault):
            self._ended = True
            return self._framed(errors.write(piece, self._opening.id)) + self._close()
        return b""

    def _call(self, index: int) -> bytes:
        begun, arguments = self._calls.pop(index, (None, []))
        if begun is None:
            return b""
        call = ToolCall(begun.id, begun.name, "".join(arguments), begun.custom, begun.signature)
        return self._chunk(msgspec.json.encode(called(call)))

    def _chunk(self, part: bytes, reason: bytes = b"", counts: bytes = b"") -> bytes:
        return self._framed(
            b"".join(
                (b'{"candidates":[{"content":{"parts":[', part, b'],"role":"model"}', reason, b',"index":0}]', counts,
                 self._tail)
            )
        )  # fmt: skip

    def _framed(self, body: bytes) -> bytes:
        self._written += 1
        if self._array:
            return (b"[" if self._written == 1 else b",\r\n") + body
        return b"data: " + body + b"\r\n\r\n"

    def _close(self) -> bytes:
        return b"]" if self._array else b""
