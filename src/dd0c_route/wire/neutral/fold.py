"""Pieces make an answer, and an answer falls into pieces."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from dd0c_route.wire.neutral.form import (
    Answer,
    Audio,
    Begin,
    CallBegin,
    CallDelta,
    CallEnd,
    Done,
    Fault,
    File,
    Foreign,
    Image,
    Part,
    Piece,
    Refusal,
    RefusalDelta,
    Stop,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    UsageSoFar,
    WholePart,
)


def answer_of(pieces: Iterable[Piece]) -> Answer:
    """The answer that *pieces* are; what came before a fault, where there is one."""
    parts: list[Part] = []
    places: dict[int, int] = {}  # a call's index → its place among the parts
    answer = Answer()
    ended = True  # the last part takes no more
    for piece in pieces:
        if isinstance(piece, Begin):
            answer = Answer(id=piece.id, model=piece.model, created=piece.created, usage=piece.usage)
        elif isinstance(piece, CallBegin):
            places[piece.index] = len(parts)
            parts.append(ToolCall(piece.id, piece.name, "", piece.custom, piece.signature, "", piece.namespace))
        elif isinstance(piece, CallDelta):
            call = parts[places[piece.index]]
            assert isinstance(call, ToolCall)  # noqa: S101 - `places` points to nothing else
            parts[places[piece.index]] = structs.replace(call, arguments=call.arguments + piece.arguments)
        elif isinstance(piece, WholePart):
            parts.append(piece.part)
        elif isinstance(piece, UsageSoFar):
            answer = structs.replace(answer, usage=piece.usage)
        elif isinstance(piece, Stop):
            answer = structs.replace(answer, stop=piece.reason, sequence=piece.sequence)
        elif isinstance(piece, CallEnd | Done):
            pass
        elif isinstance(piece, Fault):
            break
        else:
            ended = _grown(parts, piece, ended)
            continue
        ended = True
    return structs.replace(answer, parts=tuple(parts))


def _grown(parts: list[Part], piece: TextDelta | RefusalDelta | ThinkingDelta, ended: bool) -> bool:
    """Add a delta to the last part, or begin a new one; returns whether that is ended."""
    last = parts[-1] if parts and not ended else None
    if isinstance(piece, TextDelta):
        old = last.text if isinstance(last, Text) else None
        new: Part = Text((old or "") + piece.text)
    elif isinstance(piece, RefusalDelta):
        old = last.text if isinstance(last, Refusal) else None
        new = Refusal((old or "") + piece.text)
    else:
        before = last if isinstance(last, Thinking) else None
        old = None if before is None else ""
        before = before or Thinking()
        new = Thinking(
            before.text + piece.text,
            before.signature + piece.signature,
            piece.maker or before.maker,
            piece.sealed or before.sealed,
        )
    if old is None:
        parts.append(new)
    else:
        parts[-1] = new
    return isinstance(piece, ThinkingDelta) and piece.ends


def pieces_of(answer: Answer) -> list[Piece]:
    """The pieces that `answer_of` makes *answer* of."""
    pieces: list[Piece] = [Begin(answer.id, answer.model, answer.created)]
    calls = 0
    for part in answer.parts:
        if isinstance(part, Text):
            pieces.append(TextDelta(part.text))
        elif isinstance(part, Refusal):
            pieces.append(RefusalDelta(part.text))
        elif isinstance(part, Thinking):
            pieces.append(ThinkingDelta(part.text, part.signature, part.maker, part.sealed, ends=True))
        elif isinstance(part, ToolCall):
            pieces.append(CallBegin(calls, part.id, part.name, part.custom, part.signature, part.namespace))
            if part.arguments:
                pieces.append(CallDelta(calls, part.arguments))
            pieces.append(CallEnd(calls))
            calls += 1
        elif isinstance(part, Image | File | Audio | Foreign):
            pieces.append(WholePart(part))
    pieces.append(Stop(answer.stop, answer.sequence))
    if answer.usage is not None:
        pieces.append(UsageSoFar(answer.usage))
    return pieces
