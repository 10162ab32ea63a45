"""A whole answer of OpenAI's Responses API ↔ the neutral form."""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.errors import UpstreamInvalid
from dd0c_route.wire.loose import dict_of, dicts_of, json_of, str_of, value_of
from dd0c_route.wire.neutral.form import Answer, Foreign, Part, Refusal, StopReason, Text, ToolCall
from dd0c_route.wire.neutral.responses import output, thoughts, usage
from dd0c_route.wire.neutral.responses.thoughts import DIALECT


def read(body: bytes) -> Answer:
    whole = dict_of(value_of(body))
    if not isinstance(whole.get("output"), list):
        raise UpstreamInvalid("the provider's answer has no output: it is no response")
    if whole.get("status") == "failed":
        raise UpstreamInvalid(f"the provider failed: {str_of(dict_of(whole.get('error')).get('code'))[:64] or 'error'}")
    parts = [part for item in dicts_of(whole["output"]) for part in _parts(item)]
    return Answer(
        id=str_of(whole.get("id")),
        model=str_of(whole.get("model")),
        parts=tuple(parts),
        stop=reason(whole, calls=any(isinstance(part, ToolCall) for part in parts)),
        usage=usage.read(dict_of(whole.get("usage"))),
        created=created(whole),
    )


def created(response: dict[str, Any]) -> int:
    """Seconds since 1970; some send fractions."""
    at = response.get("created_at")
    return int(at) if isinstance(at, int | float) and 0 <= at < 1 << 40 else 0


def reason(response: dict[str, Any], *, calls: bool) -> StopReason:
    """Why it ended. That tools are to be called does not stand in it."""
    if response.get("status") == "incomplete":
        return output.INCOMPLETE.get(str_of(dict_of(response.get("incomplete_details")).get("reason")), "other")
    return "tools" if calls else "stop"


def _parts(item: dict[str, Any]) -> list[Part]:
    kind = str_of(item.get("type"))
    if kind == "message":
        return [part for content in dicts_of(item.get("content")) if (part := _content(content)) is not None]
    if kind == "reasoning":
        thought = thoughts.read(item)
        return [] if thought is None else [thought]
    if kind in ("function_call", "custom_tool_call"):
        custom = kind == "custom_tool_call"
        id = str_of(item.get("call_id")) or str_of(item.get("id"))
        told = json_of(item.get("input" if custom else "arguments"))
        return [ToolCall(id, str_of(item.get("name")), told, custom, namespace=str_of(item.get("namespace")))]
    return [Foreign(DIALECT, kind, msgspec.json.encode(item))]


def _content(part: dict[str, Any]) -> Part | None:
    if part.get("type") == "refusal":
        return Refusal(str_of(part.get("refusal")))
    text = str_of(part.get("text"))
    return Text(text) if text else None


def write(answer: Answer) -> bytes:
    return msgspec.json.encode(output.response(answer, output.ending(answer.stop), output.items(answer)))
