"""The objects of a response: itself, and the items of its output."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from dd0c_route.types import Usage
from dd0c_route.wire.neutral.form import Answer, Foreign, Part, Refusal, StopReason, Text, Thinking, ToolCall
from dd0c_route.wire.neutral.ids import item as id_of
from dd0c_route.wire.neutral.responses import thoughts, usage

INCOMPLETE: dict[str, StopReason] = {"max_output_tokens": "length", "content_filter": "filter"}
_WHY: dict[StopReason, str] = {
    "length": "max_output_tokens",
    "context": "max_output_tokens",
    "filter": "content_filter",
    "refusal": "content_filter",
    "broken": "content_filter",
}


def ending(reason: StopReason) -> str:
    """The status of a response that ends for *reason*."""
    return "incomplete" if reason in _WHY else "completed"


def response(
    answer: Answer, status: str, output: list[Any], error: dict[str, str] | None = None
) -> dict[str, Any]:  # fmt: skip
    """*answer* with this *output*. What the caller asked for is not said again; nothing of it is stored."""
    why = _WHY.get(answer.stop) if status == "incomplete" else None
    return {
        "id": answer.id,
        "object": "response",
        "created_at": answer.created,
        "status": status,
        "background": False,
        "error": error,
        "incomplete_details": {"reason": why} if why else None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": answer.model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": _counted(answer.usage),
        "user": None,
    }


def _counted(counts: Usage | None) -> dict[str, Any] | None:
    return None if counts is None else usage.written(counts)


# --- items ------------------------------------------------------------------------------------------------------------


def items(answer: Answer) -> list[Any]:
    """The output of *answer*: texts behind each other are one message, everything else is an item of its own."""
    out: list[Any] = []
    said: list[Part] = []
    for part in answer.parts:
        if isinstance(part, Text | Refusal):
            if not said:
                out.append(said)
            said.append(part)
        else:
            said = []
            out.append(part)
    status = ending(answer.stop)
    last = len(out) - 1
    written = [_item(one, answer.id, at, status if at == last else "completed") for at, one in enumerate(out)]
    return [item for item in written if item is not None]


def _item(of: Any, about: str, at: int, status: str) -> Any:
    if isinstance(of, list):
        return message(id_of("msg_", about, at), [content(part) for part in of], status)
    if isinstance(of, Thinking):
        return thoughts.written(of, id_of("rs_", about, at))
    if isinstance(of, ToolCall):
        return call(of, id_of("ctc_" if of.custom else "fc_", about, at), status)
    return Raw(of.raw) if isinstance(of, Foreign) and of.dialect == thoughts.DIALECT else None


def message(id: str, parts: list[dict[str, Any]], status: str) -> dict[str, Any]:
    return {"id": id, "type": "message", "status": status, "role": "assistant", "content": parts}


def content(part: Text | Refusal) -> dict[str, Any]:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": part.text}


def call(of: ToolCall, id: str, status: str) -> dict[str, Any]:
    out = {"id": id, "type": "function_call", "status": status, "call_id": of.id, "name": of.name}
    if of.namespace:
        out["namespace"] = of.namespace
    if of.custom:
        return out | {"type": "custom_tool_call", "input": of.arguments}
    return out | {"arguments": of.arguments or ("{}" if status == "completed" else "")}
