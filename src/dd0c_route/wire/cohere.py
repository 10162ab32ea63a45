"""Cohere's chat (v1 and v2) and embeddings."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from dd0c_route.types import NO_TOOLS, TEXT_ONLY, Media, ServerTools, Usage
from dd0c_route.wire.answer import Answer, Dialect, Reported
from dd0c_route.wire.loose import count_of, dict_of, dicts_of, kind_of_error, str_of, value_of


def _event(answer: Answer, data: bytes, name: bytes) -> None:
    event = dict_of(value_of(data))
    kind = str_of(event.get("type")) or str_of(event.get("event_type")) or name.decode("utf-8", "replace")
    delta = dict_of(event.get("delta"))
    if kind == "text-generation":
        answer.text.add(answer.at, str_of(event.get("text")))
    elif kind == "message-end":
        _close(answer, delta.get("usage"), delta.get("finish_reason"))
        answer.finished = True
    elif kind == "stream-end":
        response = dict_of(event.get("response"))
        _close(answer, response.get("meta"), event.get("finish_reason"))
        answer.finished = True
    elif "message" in delta:
        _read_message(answer, dict_of(delta["message"]))


def _body(answer: Answer, fields: dict[str, Raw]) -> None:
    names = ("text", "tool_calls", "usage", "meta", "message", "finish_reason", "error")
    body = {name: value_of(fields[name]) for name in names if name in fields}
    _close(answer, body.get("usage") or body.get("meta"), body.get("finish_reason"))
    if isinstance(body.get("message"), str) and answer.usage is None:
        answer.error = "error"  # Cohere's errors are `{"message": "…"}`
    answer.error = kind_of_error(body.get("error")) or answer.error
    _read_message(answer, dict_of(body.get("message")))
    answer.text.add(answer.at, str_of(body.get("text")))
    for call in dicts_of(body.get("tool_calls")):
        answer.call(call.get("name"), call.get("parameters"))


def _close(answer: Answer, usage: Any, reason: Any) -> None:
    answer.closed = True
    if isinstance(usage, dict):
        answer.usage = usage
    if isinstance(reason, str) and reason.startswith("ERROR"):
        answer.error = reason[:100]


def _read_message(answer: Answer, message: dict[str, Any]) -> None:
    """A message or a piece of one: the lists of a whole message are single objects in a stream."""
    answer.reasoning.add(answer.at, str_of(message.get("tool_plan")))
    content, calls = message.get("content"), message.get("tool_calls")
    for part in [content] if isinstance(content, dict) else dicts_of(content):
        answer.reasoning.add(answer.at, str_of(part.get("thinking")))
        answer.text.add(answer.at, str_of(part.get("text")))
    for call in [calls] if isinstance(calls, dict) else dicts_of(calls):
        function = dict_of(call.get("function"))
        answer.call(function.get("name"), function.get("arguments"), call.get("id"))


def _report(answer: Answer) -> Reported | None:
    """`tokens` is what the model processed, `billed_units` is the invoice: about 500 fewer for a chat."""
    raw = answer.usage
    if raw is None:
        return None
    tokens, units = dict_of(raw.get("tokens")), dict_of(raw.get("billed_units"))
    billed = Usage(
        input=count_of(units, "input_tokens") + count_of(units, "image_tokens"), output=count_of(units, "output_tokens")
    )
    processed = billed
    if tokens:
        input_total, output_total = count_of(tokens, "input_tokens"), count_of(tokens, "output_tokens")
        read = min(count_of(raw, "cached_tokens"), input_total)
        reasoning = min(count_of(tokens, "reasoning_tokens"), output_total)
        processed = Usage(
            input=input_total - read, cache_read=read, output=output_total - reasoning, reasoning=reasoning
        )
    images, searches = count_of(tokens, "image_tokens"), count_of(units, "search_units")
    return Reported(
        usage=processed,
        final=answer.closed,
        raw=raw,
        service_tier=answer.tier,
        billed=billed if units else None,
        media=Media(input_image=images) if images else TEXT_ONLY,
        server_tools=ServerTools(search_units=searches) if searches else NO_TOOLS,
    )


CHAT = Dialect(event=_event, body=_body, report=_report)
