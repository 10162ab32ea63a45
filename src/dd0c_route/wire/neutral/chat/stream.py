"""A stream of OpenAI's chat/completions ↔ pieces."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from dd0c_route.wire.loose import UNREADABLE, dict_of, dicts_of, json_of, str_of, value_of
from dd0c_route.wire.neutral.chat import usage
from dd0c_route.wire.neutral.chat.answer import REASONS, is_custom, word
from dd0c_route.wire.neutral.chat.errors import read_object, write_fault
from dd0c_route.wire.neutral.chat.request import DIALECT
from dd0c_route.wire.neutral.chat.thoughts import thought_of
from dd0c_route.wire.neutral.dialect import Opening
from dd0c_route.wire.neutral.events import EventReader
from dd0c_route.wire.neutral.form import (
    Begin,
    CallBegin,
    CallDelta,
    Done,
    Fault,
    Piece,
    RefusalDelta,
    Stop,
    TextDelta,
    ThinkingDelta,
    UsageSoFar,
)
from dd0c_route.wire.neutral.ids import made


class _Delta(Struct, gc=False):
    content: str | None = None
    tool_calls: None = None
    function_call: None = None
    refusal: None = None
    reasoning_content: None = None
    reasoning: None = None


class _Choice(Struct, gc=False):
    delta: _Delta
    index: int = 0
    finish_reason: None = None


class _Chunk(Struct, gc=False):
    """A chunk of nothing but text: nearly all of them; any other is read slowly."""

    choices: list[_Choice]
    usage: None = None
    error: None = None


_CHUNK = msgspec.json.Decoder(_Chunk)


class Reader(EventReader):
    """The provider's chunks → pieces, of the first choice."""

    def __init__(self) -> None:
        super().__init__()
        self._id = ""
        self._begun = False
        self._calls: dict[int, tuple[int, str]] = {}  # the provider's index → ours, and the id
        self._count = 0
        self._stopped = False

    def event(self, data: bytes, name: bytes, pieces: list[Piece]) -> None:
        if self._begun:
            try:
                choices = _CHUNK.decode(data).choices
            except UNREADABLE:
                pass
            else:
                if len(choices) == 1 and choices[0].index == 0:
                    if text := choices[0].delta.content:
                        pieces.append(TextDelta(text))
                    return
        if data == b"[DONE]":
            if self._calls and not self._stopped:
                pieces.append(Stop("tools"))
            pieces.append(Done())
        else:
            self._read_any(dict_of(value_of(data)), pieces)

    def _read_any(self, chunk: dict[str, Any], pieces: list[Piece]) -> None:
        if chunk.get("error"):
            pieces.append(read_object(502, chunk))
            return
        if not self._begun and chunk:
            self._begun, self._id = True, str_of(chunk.get("id"))
            created = chunk.get("created")
            when = int(created) if isinstance(created, int | float) and 0 <= created < 1 << 40 else 0
            pieces.append(Begin(self._id, str_of(chunk.get("model")), when))
        for choice in dicts_of(chunk.get("choices"))[:1]:
            if choice.get("index") in (0, None):
                self._read_choice(choice, pieces)
        counts = dict_of(chunk.get("usage")) or dict_of(dict_of(chunk.get("x_groq")).get("usage"))
        if counts and (found := usage.read(counts)) is not None:
            pieces.append(UsageSoFar(found))

    def _read_choice(self, choice: dict[str, Any], pieces: list[Piece]) -> None:
        delta = dict_of(choice.get("delta"))
        if thought := str_of(delta.get("reasoning_content")) or str_of(delta.get("reasoning")):
            pieces.append(ThinkingDelta(thought, maker=DIALECT))
        content = delta.get("content")
        for said in [{"text": content}] if isinstance(content, str) else dicts_of(content):
            if inner := thought_of(said):
                pieces.append(ThinkingDelta(inner, maker=DIALECT))
            elif text := str_of(said.get("text")):
                pieces.append(TextDelta(text))
        if refusal := str_of(delta.get("refusal")):
            pieces.append(RefusalDelta(refusal))
        calls = dicts_of(delta.get("tool_calls"))
        if not calls and (alone := dict_of(delta.get("function_call"))):  # as it was before there were several
            calls = [{"index": 0, "function": alone}]
        for call in calls:
            self._read_call(call, pieces)
        if reason := str_of(choice.get("finish_reason")):
            self._stopped = True
            found = REASONS.get(reason, "other")
            pieces.append(Stop("tools" if found in ("stop", "other") and self._calls else found))

    def _read_call(self, call: dict[str, Any], pieces: list[Piece]) -> None:
        """A call begins with its name. Some providers send no index, some send several whole calls under one."""
        custom = is_custom(call)
        function = dict_of(call.get("custom" if custom else "function"))
        name, id = str_of(function.get("name")), str_of(call.get("id"))
        theirs = call.get("index")
        if not isinstance(theirs, int):
            theirs = len(self._calls) if name else len(self._calls) - 1
        index, known = self._calls.get(theirs, (-1, ""))
        if index < 0 or (name and id and id != known):
            index = self._count
            self._count += 1
            self._calls[theirs] = index, id
            pieces.append(CallBegin(index, id or made(name, index, self._id), name, custom))
        if arguments := json_of(function.get("input" if custom else "arguments")):
            pieces.append(CallDelta(index, arguments))


class Writer:
    """Pieces → chunks, as OpenAI sends them: the role, deltas, the reason, the usage if asked for, `[DONE]`."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._head = b""
        self._usage: Raw | None = None
        self._custom: set[int] = set()
        self._ended = False
        self._stopped = False

    def feed(self, pieces: list[Piece]) -> bytes:
        out: list[bytes] = []
        for piece in pieces:
            if self._ended:
                break
            if not self._head:
                out.append(self._begin(piece if isinstance(piece, Begin) else Begin()))
            if isinstance(piece, TextDelta):
                out.append(self._delta(b'{"content":' + msgspec.json.encode(piece.text) + b"}"))
            else:
                out.append(self._other(piece))
        return b"".join(out)

    def end(self) -> bytes:
        if self._ended or not self._head:
            return b""
        self._ended = True
        tail = b"" if self._stopped else self._chunk(b"{}", b'"stop"')
        if self._opening.wants_usage and self._usage is not None:
            tail += self._head + b'"choices":[],"usage":' + bytes(self._usage) + b"}\n\n"
        return tail + b"data: [DONE]\n\n"

    def _begin(self, piece: Begin) -> bytes:
        opening = self._opening
        head = {
            "id": piece.id or opening.id,
            "object": "chat.completion.chunk",
            "created": piece.created or opening.created,
            "model": piece.model or opening.model,
        }
        self._head = b"data: " + msgspec.json.encode(head)[:-1] + b","
        return self._delta(b'{"role":"assistant","content":""}')

    def _other(self, piece: Piece) -> bytes:
        delta: dict[str, Any]
        if isinstance(piece, ThinkingDelta):
            if not piece.text:
                return b""
            delta = {"reasoning_content": piece.text}
        elif isinstance(piece, RefusalDelta):
            delta = {"refusal": piece.text}
        elif isinstance(piece, CallBegin):
            delta = {"tool_calls": [self._called(piece)]}
        elif isinstance(piece, CallDelta):
            kind, field = ("custom", "input") if piece.index in self._custom else ("function", "arguments")
            delta = {"tool_calls": [{"index": piece.index, kind: {field: piece.arguments}}]}
        elif isinstance(piece, Stop):
            self._stopped = True
            return self._chunk(b"{}", msgspec.json.encode(word(piece.reason)))
        elif isinstance(piece, UsageSoFar):
            self._usage = Raw(msgspec.json.encode(usage.written(piece.usage)))
            return b""
        elif isinstance(piece, Done):
            return self.end()
        elif isinstance(piece, Fault):
            self._ended = True
            return write_fault(piece, self._opening.id)
        else:
            return b""
        return self._delta(msgspec.json.encode(delta))

    def _called(self, piece: CallBegin) -> dict[str, Any]:
        if piece.custom:
            self._custom.add(piece.index)
            inner = {"custom": {"name": piece.name, "input": ""}}
        else:
            inner = {"function": {"name": piece.name, "arguments": ""}}
        kind = "custom" if piece.custom else "function"
        return {"index": piece.index, "id": piece.id, "type": kind, **inner}

    def _delta(self, delta: bytes) -> bytes:
        return self._chunk(delta, b"null")

    def _chunk(self, delta: bytes, reason: bytes) -> bytes:
        counts = b',"usage":null' if self._opening.wants_usage else b""
        return b"".join(
            (self._head, b'"choices":[{"index":0,"delta":', delta, b',"logprobs":null,"finish_reason":', reason, b"}]",
             counts, b"}\n\n")
        )  # fmt: skip
