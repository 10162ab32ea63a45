"""A stream of Anthropic's Messages ↔ pieces.

Source: https://docs.anthropic.com/en/docs/build-with-claude/streaming. SDKs skip events without a name, and go by the
order: start, blocks one behind the other with their index, delta with the reason and the usage, stop.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from dd0c_route.types import Usage
from dd0c_route.wire.loose import UNREADABLE, dict_of, str_of, value_of
from dd0c_route.wire.neutral.blocks import BlockWriter
from dd0c_route.wire.neutral.events import EventReader
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
from dd0c_route.wire.neutral.messages import usage
from dd0c_route.wire.neutral.messages.answer import REASONS, WORDS, signature_of
from dd0c_route.wire.neutral.messages.errors import read_data, write_fault
from dd0c_route.wire.neutral.messages.request import DIALECT

_TOLD = ("text", "thinking", "tool_use")


class _Delta(Struct, gc=False):
    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""


class _BlockDelta(Struct, gc=False):
    delta: _Delta
    index: int = 0


_BLOCK_DELTA = msgspec.json.Decoder(_BlockDelta)


class Reader(EventReader):
    """The provider's events → pieces. Blocks of its own tools are told as they begin."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[int, int] = {}  # a block's index → the call's
        self._thoughts: set[int] = set()  # blocks
        self._counts: dict[str, Any] = {}

    def event(self, data: bytes, name: bytes, pieces: list[Piece]) -> None:
        if name == b"content_block_delta" or (not name and b'"content_block_delta"' in data):
            try:
                block = _BLOCK_DELTA.decode(data)
            except UNREADABLE:
                return
            self._delta(block.index, block.delta, pieces)
            return
        event = dict_of(value_of(data))
        kind = str_of(event.get("type")) or name.decode("utf-8", "replace")
        if kind == "message_start":
            self._start(dict_of(event.get("message")), pieces)
        elif kind == "content_block_start":
            self._block(event.get("index"), dict_of(event.get("content_block")), pieces)
        elif kind == "content_block_stop":
            self._block_end(event.get("index"), pieces)
        elif kind == "message_delta":
            self._message_delta(event, pieces)
        elif kind == "message_stop":
            pieces.append(Done())
        elif kind == "error":
            pieces.append(read_data(500, data, streamed=True))

    def _start(self, message: dict[str, Any], pieces: list[Piece]) -> None:
        self._count(message.get("usage"))
        pieces.append(
            Begin(str_of(message.get("id")), str_of(message.get("model")), 0, usage.read(self._counts, final=False))
        )

    def _count(self, counts: Any) -> None:
        """Later figures replace earlier ones; those of `message_delta` are of the whole answer."""
        self._counts |= {name: value for name, value in dict_of(counts).items() if value is not None}

    def _delta(self, index: int, delta: _Delta, pieces: list[Piece]) -> None:
        if delta.type == "text_delta":
            pieces.append(TextDelta(delta.text))
        elif delta.type == "input_json_delta":
            if delta.partial_json and index in self._calls:
                pieces.append(CallDelta(self._calls[index], delta.partial_json))
        elif delta.type == "thinking_delta":
            pieces.append(ThinkingDelta(delta.thinking, maker=DIALECT))
        elif delta.type == "signature_delta":
            pieces.append(ThinkingDelta(signature=delta.signature, maker=DIALECT))

    def _block(self, index: Any, block: dict[str, Any], pieces: list[Piece]) -> None:
        kind = block.get("type")
        if kind == "tool_use" and isinstance(index, int):
            call = self._calls[index] = len(self._calls)
            pieces.append(CallBegin(call, str_of(block.get("id")), str_of(block.get("name"))))
            if given := dict_of(block.get("input")):
                pieces.append(CallDelta(call, msgspec.json.encode(given).decode()))
        elif kind == "text" and (text := str_of(block.get("text"))):
            pieces.append(TextDelta(text))
        elif kind == "thinking" and isinstance(index, int):
            self._thoughts.add(index)
            if text := str_of(block.get("thinking")):
                pieces.append(ThinkingDelta(text, maker=DIALECT))
        elif kind == "redacted_thinking":
            pieces.append(ThinkingDelta("", str_of(block.get("data")), DIALECT, sealed=True, ends=True))
        elif kind not in _TOLD:
            pieces.append(WholePart(Foreign(DIALECT, str_of(kind), msgspec.json.encode(block))))

    def _block_end(self, index: Any, pieces: list[Piece]) -> None:
        if not isinstance(index, int):
            return
        if index in self._calls:
            pieces.append(CallEnd(self._calls[index]))
        elif index in self._thoughts:
            pieces.append(ThinkingDelta(maker=DIALECT, ends=True))

    def _message_delta(self, event: dict[str, Any], pieces: list[Piece]) -> None:
        delta = dict_of(event.get("delta"))
        if reason := str_of(delta.get("stop_reason")):
            pieces.append(Stop(REASONS.get(reason, "other"), str_of(delta.get("stop_sequence"))))
        if counts := dict_of(event.get("usage")):
            self._count(counts)
            if (found := usage.read(self._counts)) is not None:
                pieces.append(UsageSoFar(found))


class Writer(BlockWriter):
    """Pieces → events. The reason waits for the usage that may follow it, so that one `message_delta` has both."""

    _maker = ""  # of the thoughts in the open block

    def beginning(self, piece: Begin) -> bytes:
        message: dict[str, Any] = {
            "id": piece.id or self._opening.id,
            "type": "message",
            "role": "assistant",
            "model": piece.model or self._opening.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage.written(piece.usage or Usage()),
        }
        return _event("message_start", {"type": "message_start", "message": message})

    def text(self, text: str, out: list[bytes]) -> None:
        if self._open != "text":
            self._start("text", {"type": "text", "text": ""}, out)
        out.append(
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":"text_delta","text":%b}}\n\n' % (self._next - 1, msgspec.json.encode(text))
        )

    def thought(self, piece: ThinkingDelta, out: list[bytes]) -> None:
        if piece.sealed:
            if piece.maker == DIALECT:
                self._start("sealed", {"type": "redacted_thinking", "data": piece.signature}, out)
                self.close(out)
            return
        if self._open != "thinking" and (piece.text or piece.signature):
            self._start("thinking", {"type": "thinking", "thinking": "", "signature": ""}, out)
            self._maker = piece.maker
        index = self._next - 1
        if piece.text:
            out.append(_delta(index, {"type": "thinking_delta", "thinking": piece.text}))
        if piece.signature and piece.maker == DIALECT:
            out.append(_delta(index, {"type": "signature_delta", "signature": piece.signature}))
        if piece.ends and self._open == "thinking":
            self.close(out)

    def _start(self, kind: str, block: dict[str, Any], out: list[bytes]) -> None:
        self.close(out)
        self._open = kind
        out.append(_block_start(self._next, block))
        self._next += 1

    def close(self, out: list[bytes]) -> None:
        """A block of another maker's thoughts is signed as such first."""
        if self._open == "thinking" and self._maker != DIALECT:
            signature = signature_of("", self._maker)
            out.append(_delta(self._next - 1, {"type": "signature_delta", "signature": signature}))
        super().close(out)

    def call_start(self, block: int, piece: CallBegin) -> bytes:
        return _block_start(block, {"type": "tool_use", "id": piece.id, "name": piece.name, "input": {}})

    def call_delta(self, block: int, arguments: str) -> bytes:
        return _delta(block, {"type": "input_json_delta", "partial_json": arguments})

    def block_stop(self, block: int) -> bytes:
        return _event("content_block_stop", {"type": "content_block_stop", "index": block})

    def ending(self) -> bytes:
        delta = {"stop_reason": WORDS[self._stop.reason], "stop_sequence": self._stop.sequence or None}
        counts = usage.written(self._usage or Usage())
        return _event("message_delta", {"type": "message_delta", "delta": delta, "usage": counts}) + _event(
            "message_stop", {"type": "message_stop"}
        )

    def fault(self, fault: Fault) -> bytes:
        return write_fault(fault, self._opening.id)


def _event(name: str, event: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(event))


def _block_start(index: int, block: dict[str, Any]) -> bytes:
    return _event("content_block_start", {"type": "content_block_start", "index": index, "content_block": block})


def _delta(index: int, delta: dict[str, Any]) -> bytes:
    return _event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})
