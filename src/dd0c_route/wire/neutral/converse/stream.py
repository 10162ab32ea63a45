"""A stream of Bedrock's ConverseStream ↔ pieces: events in the frames of AWS.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html. The order:
messageStart, blocks one behind the other with their index (only a tool's has a start), messageStop, metadata.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.wire.eventstream import EventStreamError, EventStreamParser, Frame, frame_of
from dd0c_route.wire.loose import dict_of, str_of, value_of
from dd0c_route.wire.neutral.blocks import BlockWriter
from dd0c_route.wire.neutral.converse import usage
from dd0c_route.wire.neutral.converse.answer import RAN_THERE, REASONS, WORDS
from dd0c_route.wire.neutral.converse.errors import read_exception, write_fault
from dd0c_route.wire.neutral.converse.request import DIALECT
from dd0c_route.wire.neutral.form import (
    Begin,
    CallBegin,
    CallDelta,
    CallEnd,
    Done,
    Fault,
    Foreign,
    Piece,
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


class Writer(BlockWriter):
    """Pieces → events. The reason waits for the end, since nothing but the usage may follow it."""

    def beginning(self, piece: Begin) -> bytes:
        return _event(b"messageStart", {"role": "assistant"})

    def text(self, text: str, out: list[bytes]) -> None:
        self._start("text", out)
        out.append(_delta(self._next - 1, b'{"text":' + msgspec.json.encode(text) + b"}"))

    def thought(self, piece: ThinkingDelta, out: list[bytes]) -> None:
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
            self.close(out)

    def _start(self, kind: str, out: list[bytes]) -> None:
        """Text and thoughts have no start of their own: their first delta is one."""
        if self._open != kind:
            self.close(out)
            self._open = kind
            self._next += 1

    def call_start(self, block: int, piece: CallBegin) -> bytes:
        start = {"toolUse": {"toolUseId": piece.id, "name": piece.name}}
        return _event(b"contentBlockStart", {"contentBlockIndex": block, "start": start})

    def call_delta(self, block: int, arguments: str) -> bytes:
        return _delta(block, msgspec.json.encode({"toolUse": {"input": arguments}}))

    def block_stop(self, block: int) -> bytes:
        return _event(b"contentBlockStop", {"contentBlockIndex": block})

    def ending(self) -> bytes:
        counts = {"usage": usage.written(self._usage), "metrics": {"latencyMs": 0}}
        return _event(b"messageStop", {"stopReason": WORDS[self._stop.reason]}) + _event(b"metadata", counts)

    def fault(self, fault: Fault) -> bytes:
        return write_fault(fault, self._opening.id)


def _delta(index: int, delta: bytes) -> bytes:
    return frame_of(b"contentBlockDelta", b'{"contentBlockIndex":%d,"delta":%b}' % (index, delta))


def _event(name: bytes, event: dict[str, Any]) -> bytes:
    return frame_of(name, msgspec.json.encode(event))
