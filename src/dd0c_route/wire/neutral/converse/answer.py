"""A whole answer of Bedrock's Converse ↔ the neutral form. It holds neither an id nor the model's name."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from dd0c_route.errors import UpstreamInvalid
from dd0c_route.wire.loose import UNREADABLE, dicts_of, str_of
from dd0c_route.wire.neutral.arguments import as_object
from dd0c_route.wire.neutral.converse import usage
from dd0c_route.wire.neutral.converse.request import DIALECT
from dd0c_route.wire.neutral.form import Answer, Foreign, Part, Refusal, StopReason, Text, Thinking, ToolCall

REASONS: dict[str, StopReason] = {
    "end_turn": "stop",
    "tool_use": "tools",
    "max_tokens": "length",
    "stop_sequence": "sequence",
    "guardrail_intervened": "filter",
    "content_filtered": "filter",
    "model_context_window_exceeded": "context",
    "malformed_tool_use": "broken",
    "malformed_model_output": "broken",
}
WORDS: dict[StopReason, str] = {reason: word for word, reason in REASONS.items()} | {
    "refusal": "content_filtered",
    "pause": "end_turn",
    "other": "end_turn",
}


RAN_THERE = "server_tool_use"  # the type of a call that Bedrock has answered itself


class _Call(Struct, gc=False):
    toolUseId: str = ""
    name: str = ""
    input: Raw = Raw(b"{}")
    type: str = ""


class _Block(Struct, gc=False):
    text: str | None = None
    toolUse: _Call | None = None
    reasoningContent: dict[str, Any] | None = None
    citationsContent: dict[str, Any] | None = None
    toolResult: Raw = Raw()
    image: Raw = Raw()


class _Message(Struct, gc=False):
    content: list[_Block] = []


class _Output(Struct, gc=False):
    message: _Message


class _Whole(Struct, gc=False):
    output: _Output
    stopReason: str = ""
    usage: dict[str, Any] | None = None


_WHOLE = msgspec.json.Decoder(_Whole)


def read(body: bytes) -> Answer:
    try:
        whole = _WHOLE.decode(body)
    except UNREADABLE:
        raise UpstreamInvalid("the provider's answer holds no message: it is none of Converse's") from None
    return Answer(
        parts=tuple(part for block in whole.output.message.content for part in _parts(block)),
        stop=REASONS.get(whole.stopReason, "other"),
        usage=usage.read(whole.usage or {}),
    )


def _parts(block: _Block) -> list[Part]:
    """Tools that ran at the provider, and what they gave, are no calls for the caller."""
    if block.text:
        return [Text(block.text)]
    if (call := block.toolUse) is not None and call.type != RAN_THERE:
        return [ToolCall(call.toolUseId, call.name, bytes(call.input).decode("utf-8", "replace"))]
    if (thought := block.reasoningContent) is not None:
        told = thought.get("reasoningText")
        if isinstance(told, dict):
            return [Thinking(str_of(told.get("text")), str_of(told.get("signature")), DIALECT)]
        return [Thinking("", str_of(thought.get("redactedContent")), DIALECT, sealed=True)]
    if block.citationsContent is not None:
        return [
            Text(text) for one in dicts_of(block.citationsContent.get("content")) if (text := str_of(one.get("text")))
        ]
    held = {"toolResult": block.toolResult, "image": block.image}
    if call is not None:
        held["toolUse"] = Raw(msgspec.json.encode(call))
    return [Foreign(DIALECT, name, msgspec.json.encode({name: raw})) for name, raw in held.items() if bytes(raw)]


def write(answer: Answer) -> bytes:
    content = [block for part in answer.parts if (block := _block(part)) is not None]
    return msgspec.json.encode(
        {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": WORDS[answer.stop],
            "usage": usage.written(answer.usage),
            "metrics": {"latencyMs": 0},
        }
    )


def _block(part: Part) -> dict[str, Any] | None:
    if isinstance(part, Text | Refusal):
        return {"text": part.text}
    if isinstance(part, ToolCall):
        return {"toolUse": {"toolUseId": part.id, "name": part.name, "input": as_object(part)}}
    if isinstance(part, Thinking):
        if part.sealed:
            return {"reasoningContent": {"redactedContent": part.signature}} if part.maker == DIALECT else None
        signed = {"signature": part.signature} if part.maker == DIALECT and part.signature else {}
        return {"reasoningContent": {"reasoningText": {"text": part.text} | signed}}
    return None
