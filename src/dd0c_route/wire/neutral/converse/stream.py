"""A stream of Bedrock's ConverseStream ↔ pieces: events in the frames of AWS.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html. The order:
messageStart, blocks one behind the other with their index (only a tool's has a start), messageStop, metadata.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.types import Usage
from dd0c_route.wire.eventstream import EventStreamError, EventStreamParser, Frame, frame_of
from dd0c_route.wire.loose import dict_of, str_of, value_of
from dd0c_route.wire.neutral.converse import usage
from dd0c_route.wire.neutral.converse.answer import RAN_THERE, REASONS, WORDS
from dd0c_route.wire.neutral.converse.errors import read_exception, write_fault
from dd0c_route.wire.neutral.converse.request import DIALECT
from dd0c_route.wire.neutral.dialect import Opening
from dd0c_route.wire.neutral.form import (
    Begin,
    CallBegin,
    CallDelta,
    CallEnd,
    Done,
    Fault,
    Foreign,
    Piece,
    RefusalDelta,
    Stop,
    TextDelta,
    ThinkingDelta,
    UsageSoFar,
    WholePart,
)

TYPE = b"application/vnd.amazon.eventstream"


class Reader:
    """The provider's events → pieces. Blocks of tools that ran there are told as they begin."""

    def __init__(self) -> None:
        self._parser: EventStreamParser | None = EventStreamParser(checks=True)
        self._calls: dict[Any, int] = {}  # a block's index → the call's
        self._thoughts: set[Any] = set()  # blocks

    def feed(self, data: bytes) -> list[Piece]:
        pieces: list[Piece] = []
        if self._parser is not None:
            try:
                for frame in self._parser.feed(data):
                    self._read(frame, pieces)
            except EventStreamError:
                self._parser = None  # nothing behind it can be found
                pieces.append(Fault(502, "server", "the provider's stream is damaged"))
        return pieces

    def end(self) -> list[Piece]:
        return []

    def _read(self, frame: Frame, pieces: list[Piece]) -> None:
        if frame.fault:
            pieces.append(read_exception(frame.name, frame.payload))
            return
        event, name = dict_of(value_of(frame.payload)), frame.name
        index = event.get("contentBlockIndex")
        if isinstance(index, list | dict):
            return
        if name == b"contentBlockDelta":
            self._delta(index, dict_of(event.get("delta")), pieces)
        elif name == b"messageStart":
            pieces.append(Begin())
        elif name == b"contentBlockStart":
            self._block(index, dict_of(event.get("start")), pieces)
        elif name == b"contentBlockStop":
            if index in self._calls:
                pieces.append(CallEnd(self._calls[index]))
            elif index in self._thoughts:
                pieces.append(ThinkingDelta(maker=DIALECT, ends=True))
        elif name == b"messageStop":
            pieces.append(Stop(REASONS.get(str_of(event.get("stopReason")), "other")))
        elif name == b"metadata":
            if (found := usage.read(dict_of(event.get("usage")))) is not None:
                pieces.append(UsageSoFar(found))
            pieces.append(Done())

    def _block(self, index: Any, start: dict[str, Any], pieces: list[Piece]) -> None:
        call = dict_of(start.get("toolUse"))
        if call and call.get("type") != RAN_THERE:
            number = self._calls[index] = len(self._calls)
            pieces.append(CallBegin(number, str_of(call.get("toolUseId")), str_of(call.get("name"))))
        else:
            pieces += [WholePart(Foreign(DIALECT, kind, msgspec.json.encode({kind: start[kind]}))) for kind in start]

    def _delta(self, index: Any, delta: dict[str, Any], pieces: list[Piece]) -> None:
        if text := str_of(delta.get("text")):
            pieces.append(TextDelta(text))
        elif arguments := str_of(dict_of(delta.get("toolUse")).get("input")):
            if index in self._calls:
                pieces.append(CallDelta(self._calls[index], arguments))
        elif thought := dict_of(delta.get("reasoningContent")):
            if sealed := str_of(thought.get("redactedContent")):
                pieces.append(ThinkingDelta("", sealed, DIALECT, sealed=True, ends=True))
                return
            self._thoughts.add(index)
            pieces.append(ThinkingDelta(str_of(thought.get("text")), str_of(thought.get("signature")), DIALECT))


class Writer:
    """Pieces → events. The reason waits for the end, since nothing but the usage may follow it."""

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
                out.append(_event(b"messageStart", {"role": "assistant"}))
            if isinstance(piece, TextDelta | RefusalDelta):
                self._start("text", out)
                out.append(_delta(self._next - 1, b'{"text":' + msgspec.json.encode(piece.text) + b"}"))
            else:
                self._other(piece, out)
        return b"".join(out)

    def end(self) -> bytes:
        if self._ended or not self._begun:
            return b""
        self._ended = True
        out: list[bytes] = []
        self._close(out)
        out.append(_event(b"messageStop", {"stopReason": WORDS[self._stop.reason]}))
        out.append(_event(b"metadata", {"usage": usage.written(self._usage), "metrics": {"latencyMs": 0}}))
        return b"".join(out)

    def _other(self, piece: Piece, out: list[bytes]) -> None:
        if isinstance(piece, Begin):
            self._usage = piece.usage
        elif isinstance(piece, ThinkingDelta):
            self._thought(piece, out)
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
            out.append(write_fault(piece, self._opening.id))

    def _thought(self, piece: ThinkingDelta, out: list[bytes]) -> None:
        ours = piece.maker == DIALECT
        if piece.sealed and not ours:
            return
        if piece.text or (piece.signature and ours):
            self._start("thought", out)
        if piece.text:
            out.append(_delta(self._next - 1, msgspec.json.encode({"reasoningContent": {"text": piece.text}})))
        if piece.signature and ours:
            name = "redactedContent" if piece.sealed else "signature"
            out.append(_delta(self._next - 1, msgspec.json.encode({"reasoningContent": {name: piece.signature}})))
        if piece.ends and self._open == "thought":
            self._close(out)

    # --- blocks -----------------------------------------------------------------------------------------------------

    def _start(self, kind: str, out: list[bytes]) -> None:
        """Text and thoughts have no start of their own: their first delta is one."""
        if self._open != kind:
            self._close(out)
            self._open = kind
            self._next += 1

    def _close(self, out: list[bytes]) -> None:
        """End the block of text or thoughts, and calls that nobody ended."""
        if self._open:
            out.append(_event(b"contentBlockStop", {"contentBlockIndex": self._next - 1}))
            self._open = ""
        for index in list(self._calls):
            self._end_call(index, out)

    def _call(self, piece: CallBegin, out: list[bytes]) -> None:
        """A call begins. Those before it are ended if their arguments are whole; else more of them may still come."""
        if self._open:
            self._close(out)
        for index, (_, arguments) in list(self._calls.items()):
            if isinstance(value_of("".join(arguments).encode("utf-8", "replace")), dict):
                self._end_call(index, out)
        self._calls[piece.index] = self._next, []
        start = {"toolUse": {"toolUseId": piece.id, "name": piece.name}}
        out.append(_event(b"contentBlockStart", {"contentBlockIndex": self._next, "start": start}))
        self._next += 1

    def _arguments(self, piece: CallDelta, out: list[bytes]) -> None:
        if piece.index in self._calls:
            block, before = self._calls[piece.index]
            before.append(piece.arguments)
            out.append(_delta(block, msgspec.json.encode({"toolUse": {"input": piece.arguments}})))

    def _end_call(self, index: int, out: list[bytes]) -> None:
        if index in self._calls:
            out.append(_event(b"contentBlockStop", {"contentBlockIndex": self._calls.pop(index)[0]}))


def _delta(index: int, delta: bytes) -> bytes:
    return frame_of(b"contentBlockDelta", b'{"contentBlockIndex":%d,"delta":%b}' % (index, delta))


def _event(name: bytes, event: dict[str, Any]) -> bytes:
    return frame_of(name, msgspec.json.encode(event))
