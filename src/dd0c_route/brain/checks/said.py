"""What a whole JSON answer says, in the terms that checks need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

Ending = Literal["", "cut", "refused"]
_DECODER = msgspec.json.Decoder()
_REFUSED = {"content_filter", "refusal", "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION"}
_CUT = {"length", "max_tokens", "max_output_tokens", "MAX_TOKENS", "model_context_window_exceeded"}


class ToolCall(Struct, frozen=True):
    """A call of a tool; *arguments* is None where they are no JSON."""

    name: str
    arguments: Any


class Said(Struct, frozen=True):
    """An answer.

    Attributes:
        text: All of its visible text.
        calls: The tools that it calls.
        ending: It reached the output limit (`cut`), or the provider or the model says that it refused.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    ending: Ending = ""


def said(api: str, body: bytes) -> Said | None:
    """Read the answer *body*; None where it is no answer of *api*, or none that is read here."""
    reader = _READERS.get(api)
    if reader is None:
        return None
    try:
        answer = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return reader(answer) if isinstance(answer, dict) else None


def _chat(answer: dict[str, Any]) -> Said | None:
    choice = next(_tables(answer.get("choices")), None)
    if choice is None:
        return None
    message = _table(choice.get("message"))
    functions = [_table(call.get("function")) for call in _tables(message.get("tool_calls"))]
    refusal = _text(message.get("refusal"))
    return Said(
        text=_text(message.get("content")),
        calls=tuple(ToolCall(_text(one.get("name")), _parsed(one.get("arguments"))) for one in functions),
        ending="refused" if refusal else _ending(choice.get("finish_reason")),
    )


def _responses(answer: dict[str, Any]) -> Said | None:
    if not isinstance(answer.get("output"), list):
        return None
    items = list(_tables(answer["output"]))
    parts = [part for item in items if item.get("type") == "message" for part in _tables(item.get("content"))]
    calls = [item for item in items if item.get("type") == "function_call"]
    refused = any(part.get("type") == "refusal" for part in parts)
    return Said(
        text="".join(_text(part.get("text")) for part in parts),
        calls=tuple(ToolCall(_text(one.get("name")), _parsed(one.get("arguments"))) for one in calls),
        ending="refused" if refused else _ending(_table(answer.get("incomplete_details")).get("reason")),
    )


def _messages(answer: dict[str, Any]) -> Said | None:
    if not isinstance(answer.get("content"), list):
        return None
    blocks = list(_tables(answer["content"]))
    return Said(
        text="".join(_text(block.get("text")) for block in blocks if block.get("type") == "text"),
        calls=tuple(ToolCall(_text(b.get("name")), b.get("input")) for b in blocks if b.get("type") == "tool_use"),
        ending=_ending(answer.get("stop_reason")),
    )


def _generate(answer: dict[str, Any]) -> Said | None:
    candidate = next(_tables(answer.get("candidates")), None)
    if candidate is None:
        blocked = _table(answer.get("promptFeedback")).get("blockReason")
        return Said(ending="refused") if blocked else None
    parts = list(_tables(_table(candidate.get("content")).get("parts")))
    calls = [_table(part.get("functionCall")) for part in parts if "functionCall" in part]
    return Said(
        text="".join(_text(part.get("text")) for part in parts if part.get("thought") is not True),
        calls=tuple(ToolCall(_text(one.get("name")), one.get("args", {})) for one in calls),
        ending=_ending(candidate.get("finishReason")),
    )


_READERS = {
    "openai.chat": _chat,
    "openai.responses": _responses,
    "anthropic.messages": _messages,
    "gemini.generate": _generate,
}


def _ending(reason: Any) -> Ending:
    if not isinstance(reason, str):
        return ""
    return "cut" if reason in _CUT else "refused" if reason in _REFUSED else ""


def _parsed(arguments: Any) -> Any:
    try:
        return _DECODER.decode(arguments) if isinstance(arguments, str) else None
    except (msgspec.DecodeError, RecursionError):
        return None


def _tables(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
