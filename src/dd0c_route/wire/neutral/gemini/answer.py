"""A whole answer of Google's generateContent ↔ the neutral form."""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.errors import UpstreamInvalid
from dd0c_route.wire.loose import elements_of
from dd0c_route.wire.neutral.arguments import as_object
from dd0c_route.wire.neutral.fold import answer_of
from dd0c_route.wire.neutral.form import Answer, Image, Part, Piece, Refusal, StopReason, Text, Thinking, ToolCall
from dd0c_route.wire.neutral.gemini import usage
from dd0c_route.wire.neutral.gemini.chunk import Teller, chunk_of
from dd0c_route.wire.neutral.gemini.parts import DIALECT

WORDS: dict[StopReason, str] = {
    "stop": "STOP",
    "sequence": "STOP",
    "length": "MAX_TOKENS",
    "tools": "STOP",
    "filter": "SAFETY",
    "refusal": "SAFETY",
    "pause": "STOP",
    "context": "MAX_TOKENS",
    "broken": "OTHER",
    "other": "STOP",
}


def read(body: bytes) -> Answer:
    """The first of its candidates; a stream that came as one JSON array is an answer too."""
    texts = [text for text, _ in elements_of(body)] if body.lstrip().startswith(b"[") else [body]
    teller = Teller()
    pieces: list[Piece] = []
    for text in texts:
        chunk = chunk_of(text)
        if chunk is None or not (chunk.candidates or chunk.promptFeedback or chunk.usageMetadata):
            raise UpstreamInvalid("the provider's answer has no candidates: it is none of generateContent's")
        teller.tell(chunk, pieces)
    if not pieces:
        raise UpstreamInvalid("the provider's answer is empty")
    return answer_of(pieces)


def write(answer: Answer) -> bytes:
    parts = [written for part in answer.parts if (written := part_written(part)) is not None]
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": WORDS[answer.stop], "index": 0}
    whole: dict[str, Any] = {"candidates": [candidate]}
    if answer.usage is not None:
        whole["usageMetadata"] = usage.written(answer.usage)
    return msgspec.json.encode(whole | {"modelVersion": answer.model, "responseId": answer.id})


def part_written(part: Part) -> dict[str, Any] | None:
    """None where the dialect has nothing like it."""
    if isinstance(part, Text | Refusal):
        return {"text": part.text}
    if isinstance(part, Thinking):
        return thought(part.text, part.signature if part.maker == DIALECT else "") if part.text else None
    if isinstance(part, ToolCall):
        return called(part)
    if isinstance(part, Image) and part.data:
        return {"inlineData": {"mimeType": part.mime, "data": part.data}}
    return None


def thought(text: str, signature: str) -> dict[str, Any]:
    """Without a signature where it is another model's: only Google could check one, and refuses false ones."""
    return {"text": text, "thought": True} | ({"thoughtSignature": signature} if signature else {})


def called(call: ToolCall) -> dict[str, Any]:
    written = {"functionCall": {"id": call.id, "name": call.name, "args": as_object(call)}}
    return written | ({"thoughtSignature": call.signature} if call.signature else {})
