"""What one object of Google's tells: a whole answer, or a chunk of a stream, which has the same shape."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from dd0c_route.wire.loose import UNREADABLE, dict_of, str_of, value_of
from dd0c_route.wire.neutral.form import (
    Begin,
    CallBegin,
    CallDelta,
    CallEnd,
    Foreign,
    Image,
    Piece,
    Stop,
    StopReason,
    TextDelta,
    ThinkingDelta,
    UsageSoFar,
    WholePart,
)
from dd0c_route.wire.neutral.gemini import usage
from dd0c_route.wire.neutral.gemini.errors import read_object
from dd0c_route.wire.neutral.gemini.fields import standard_base64
from dd0c_route.wire.neutral.gemini.parts import DIALECT
from dd0c_route.wire.neutral.ids import made

_REASONS: dict[str, StopReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "filter",
    "RECITATION": "filter",
    "LANGUAGE": "filter",
    "BLOCKLIST": "filter",
    "PROHIBITED_CONTENT": "filter",
    "SPII": "filter",
    "MODEL_ARMOR": "filter",
    "IMAGE_SAFETY": "filter",
    "IMAGE_PROHIBITED_CONTENT": "filter",
    "IMAGE_RECITATION": "filter",
}
"""Source: https://ai.google.dev/api/generate-content#FinishReason; what does not stand here, as
`MALFORMED_FUNCTION_CALL`, is `broken`: Google says `STOP` of all that came to its natural end."""

_UNASKED_CALL = "UNEXPECTED_TOOL_CALL"  # of a tool that was not offered: a call all the same where one came

_NUMBERED = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION"}  # how some proxies hand the enumeration on


_NONE = Raw()  # a field that is not there


class _Call(Struct, gc=False):
    name: str = ""
    id: str | None = None
    args: Raw = Raw(b"{}")


class _Part(Struct, gc=False):
    """Source: https://ai.google.dev/api/caching#Part. The last fields are what no other dialect has."""

    text: str | None = None
    thought: bool | None = None
    thoughtSignature: str | None = None
    functionCall: _Call | None = None
    inlineData: Raw = _NONE
    fileData: Raw = _NONE
    executableCode: Raw = _NONE
    codeExecutionResult: Raw = _NONE
    toolCall: Raw = _NONE
    toolResponse: Raw = _NONE


_OF_GOOGLE = ("fileData", "executableCode", "codeExecutionResult", "toolCall", "toolResponse")


class _Content(Struct, gc=False):
    parts: list[_Part] | None = None


class _Candidate(Struct, gc=False):
    content: _Content | None = None
    finishReason: str | int | None = None
    index: int | None = None


class Chunk(Struct, gc=False):
    candidates: list[_Candidate] | None = None
    usageMetadata: dict[str, Any] | None = None
    modelVersion: str | None = None
    responseId: str | None = None
    promptFeedback: dict[str, Any] | None = None
    error: Any = None


_CHUNK = msgspec.json.Decoder(Chunk)


def chunk_of(data: bytes) -> Chunk | None:
    """None where *data* is nothing of that kind."""
    try:
        return _CHUNK.decode(data)
    except UNREADABLE:
        pass
    try:  # what Python's servers write and msgspec does not take: half a surrogate pair, NaN
        return _CHUNK.decode(msgspec.json.encode(value_of(data)))
    except UNREADABLE:
        return None


class Teller:
    """Chunk by chunk: what has been told."""

    def __init__(self) -> None:
        self._id = ""
        self._begun = False
        self._calls = 0
        self._ended = False
        self._counts: dict[str, Any] = {}

    def tell(self, chunk: Chunk, pieces: list[Piece]) -> None:
        """Add what *chunk* means to *pieces*."""
        if chunk.error:
            pieces.append(read_object(502, {"error": chunk.error}))
            return
        if not self._begun:
            self._begun, self._id = True, chunk.responseId or ""
            pieces.append(Begin(self._id, chunk.modelVersion or ""))
        if chunk.usageMetadata is not None:
            self._counts = chunk.usageMetadata
        for candidate in chunk.candidates or ():
            if not candidate.index:
                self._tell_candidate(candidate, pieces)
        if chunk.promptFeedback and str_of(chunk.promptFeedback.get("blockReason")):
            self._ended = True
            pieces.append(Stop("filter"))
        if self._ended and chunk.usageMetadata is not None:
            self.tell_usage(pieces)

    def tell_usage(self, pieces: list[Piece]) -> None:
        """Usage so far; it is cumulative, and stands in nearly every chunk."""
        if (found := usage.read(self._counts)) is not None:
            pieces.append(UsageSoFar(found))

    def tell_rest(self, pieces: list[Piece]) -> None:
        """Nothing more comes: of a stream that was cut, the usage until there."""
        if not self._ended:
            self.tell_usage(pieces)

    def _tell_candidate(self, candidate: _Candidate, pieces: list[Piece]) -> None:
        parts = candidate.content.parts if candidate.content is not None else None
        for part in parts or ():
            if part.functionCall is not None:
                self._tell_call(part.functionCall, part.thoughtSignature or "", pieces)
            elif part.thought:
                pieces.append(ThinkingDelta(part.text or "", part.thoughtSignature or "", DIALECT))
            elif part.text:
                pieces.append(TextDelta(part.text))
            if not part.text and part.functionCall is None:
                pieces += [WholePart(one) for one in _whole(part)]
        if candidate.finishReason:
            self._ended = True
            word = candidate.finishReason
            reason = _REASONS.get(_NUMBERED.get(word, "") if isinstance(word, int) else word, "broken")
            pieces.append(Stop("tools" if self._calls and (reason == "stop" or word == _UNASKED_CALL) else reason))

    def _tell_call(self, call: _Call, signature: str, pieces: list[Piece]) -> None:
        index, self._calls = self._calls, self._calls + 1
        id = call.id or made(call.name, index, self._id)
        pieces.append(CallBegin(index, id, call.name, signature=signature))
        arguments = bytes(call.args).decode("utf-8", "replace")
        if arguments != "null":
            pieces.append(CallDelta(index, arguments))
        pieces.append(CallEnd(index))


def _whole(part: _Part) -> list[Image | Foreign]:
    """What *part* holds that is no text and no call."""
    if bytes(part.inlineData):
        blob = dict_of(value_of(part.inlineData))
        mime = str_of(blob.get("mimeType")).lower()
        if mime.startswith("image/"):
            return [Image("", standard_base64(str_of(blob.get("data"))), mime)]
        return [_foreign("inlineData", part.inlineData)]
    held = [(name, getattr(part, name)) for name in _OF_GOOGLE]
    return [_foreign(name, raw) for name, raw in held if bytes(raw)]


def _foreign(kind: str, raw: Raw) -> Foreign:
    return Foreign(DIALECT, kind, msgspec.json.encode({kind: raw}))
