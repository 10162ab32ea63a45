"""A whole answer of Anthropic's Messages ↔ the neutral form."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from dd0c_route.errors import UpstreamInvalid
from dd0c_route.wire.loose import UNREADABLE, dict_of, value_of
from dd0c_route.wire.neutral.arguments import as_object
from dd0c_route.wire.neutral.form import (
    Answer,
    Foreign,
    Part,
    Refusal,
    StopReason,
    Text,
    Thinking,
    ToolCall,
)
from dd0c_route.wire.neutral.messages import usage
from dd0c_route.wire.neutral.messages.request import BORROWED, DIALECT

REASONS: dict[str, StopReason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "stop_sequence": "sequence",
    "tool_use": "tools",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context",
}
WORDS: dict[StopReason, str] = {reason: word for word, reason in REASONS.items()} | {
    "filter": "refusal",
    "broken": "refusal",
    "other": "end_turn",
}


class _Block(Struct, gc=False):
    type: str
    text: str = ""
    id: str = ""
    name: str = ""
    input: Raw = Raw(b"{}")
    thinking: str = ""
    signature: str = ""
    data: str = ""


class _Whole(Struct, gc=False):
    content: list[Raw]
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: dict[str, Any] | None = None


_WHOLE = msgspec.json.Decoder(_Whole)
_BLOCK = msgspec.json.Decoder(_Block)


def read(body: bytes) -> Answer:
    try:
        whole = _WHOLE.decode(body)
        parts = tuple(_part(raw) for raw in whole.content)
    except UNREADABLE:
        raise UpstreamInvalid("the provider's answer is no message: it has no readable content") from None
    return Answer(
        id=whole.id,
        model=whole.model,
        parts=parts,
        stop=REASONS.get(whole.stop_reason or "", "other"),
        sequence=whole.stop_sequence or "",
        usage=usage.read(whole.usage or {}),
    )


def _part(raw: Raw) -> Part:
    kind = dict_of(value_of(raw)).get("type")
    if kind not in ("text", "tool_use", "thinking", "redacted_thinking"):
        return Foreign(DIALECT, str(kind), bytes(raw))
    block = _BLOCK.decode(raw)
    if kind == "text":
        return Text(block.text)
    if kind == "tool_use":
        return ToolCall(block.id, block.name, bytes(block.input).decode("utf-8", "replace"))
    if kind == "thinking":
        return Thinking(block.thinking, block.signature, DIALECT)
    return Thinking("", block.data, DIALECT, sealed=True)


def write(answer: Answer) -> bytes:
    counts = usage.written(answer.usage) if answer.usage is not None else {"input_tokens": 0, "output_tokens": 0}
    content = [block for part in answer.parts if (block := _block(part)) is not None]
    return msgspec.json.encode(
        {
            "id": answer.id,
            "type": "message",
            "role": "assistant",
            "model": answer.model,
            "content": content,
            "stop_reason": WORDS[answer.stop],
            "stop_sequence": answer.sequence or None,
            "usage": counts,
        }
    )


def _block(part: Part) -> Any:
    if isinstance(part, Text | Refusal):
        return {"type": "text", "text": part.text}
    if isinstance(part, ToolCall):
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": as_object(part)}
    if isinstance(part, Thinking):
        if part.sealed:
            return {"type": "redacted_thinking", "data": part.signature} if part.maker == DIALECT else None
        return {"type": "thinking", "thinking": part.text, "signature": signature_of(part.signature, part.maker)}
    return Raw(part.raw) if isinstance(part, Foreign) and part.dialect == DIALECT else None


def signature_of(signature: str, maker: str) -> str:
    """Anthropic's own, or a word of ours by which the thought is known again when it comes back."""
    return signature if maker == DIALECT else BORROWED + maker
