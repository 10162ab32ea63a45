"""OpenAI's Responses API."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from dd0c_route.wire.answer import Answer, Dialect
from dd0c_route.wire.loose import UNREADABLE, count_of, dict_of, dicts_of, kind_of_error, str_of, value_of
from dd0c_route.wire.openai_usage import report

_TEXT = ("response.output_text.delta", "response.refusal.delta", "response.audio.transcript.delta")
_REASONING = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
_TOOLS = (
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
    "response.mcp_call_arguments.delta",
    "response.code_interpreter_call_code.delta",
)
# Items of the output that the provider itself ran. Source: developers.openai.com, web search guide and pricing.
_SERVER_CALLS = {
    "web_search_call": "web_search",
    "file_search_call": "file_search",
    "code_interpreter_call": "code_execution",
    "image_generation_call": "image_generation",
}
_LAST = ("response.completed", "response.incomplete", "response.failed")


class _Piece(Struct, gc=False):
    """A `….delta` event: nearly all of them."""

    type: str
    delta: str


_PIECE = msgspec.json.Decoder(_Piece)


def _event(answer: Answer, data: bytes, name: bytes) -> None:
    if name.endswith(b".delta") or not name:
        try:
            piece = _PIECE.decode(data)
        except UNREADABLE:
            pass
        else:
            _read_piece(answer, piece.type, piece.delta)
            return
    event = dict_of(value_of(data))
    kind = str_of(event.get("type")) or name.decode("utf-8", "replace")
    if kind == "response.output_item.added":
        _read_call(answer, dict_of(event.get("item")))
    elif kind == "response.output_item.done":
        _note_server_call(answer, dict_of(event.get("item")))
    elif kind == "error":
        answer.error = kind_of_error(event.get("error") or {"code": event.get("code")})
    elif kind in _LAST or "response" in event:
        response = dict_of(event.get("response"))
        if kind in _LAST:
            answer.closed = answer.finished = True
        _read_frame(answer, response)
        if kind == "response.failed" and answer.error is None:
            answer.error = "error"


def _read_piece(answer: Answer, kind: str, piece: str) -> None:
    if kind in _TEXT:
        answer.text.add(answer.at, piece)
    elif kind in _REASONING:
        answer.reasoning.add(answer.at, piece)
    elif kind in _TOOLS:
        answer.tools.add(answer.at, piece)


def _read_frame(answer: Answer, response: dict[str, Any]) -> None:
    """What stands around the output: `response.created` and the last event have it all."""
    answer.served_by(response.get("model"), response.get("service_tier"))
    ids = (str_of(response.get("id")), str_of(dict_of(response.get("conversation")).get("id")))
    answer.kept_as = tuple(name for name in ids if name) or answer.kept_as
    answer.error = kind_of_error(response.get("error")) or answer.error
    usage = response.get("usage")
    if isinstance(usage, dict):
        answer.usage = usage
    searches = count_of(dict_of(dict_of(response.get("tool_usage")).get("web_search")), "num_requests")
    if searches:  # OpenAI's own count, of those seen so far
        answer.server_calls = (answer.server_calls or {}) | {"web_search": searches}


def _read_call(answer: Answer, item: dict[str, Any]) -> None:
    if str_of(item.get("type")).endswith("_call"):
        answer.call(item.get("name"), None, item.get("call_id"))


def _note_server_call(answer: Answer, item: dict[str, Any]) -> None:
    """Of web searches only those that search: a page that is opened was found by one that is billed already."""
    tool = _SERVER_CALLS.get(str_of(item.get("type")))
    if tool and dict_of(item.get("action")).get("type", "search") == "search":
        answer.server_calls = answer.server_calls or {}
        answer.server_calls[tool] = answer.server_calls.get(tool, 0) + 1


def _body(answer: Answer, fields: dict[str, Raw]) -> None:
    names = ("id", "conversation", "model", "service_tier", "usage", "error", "tool_usage")
    answer.closed = True
    for item in dicts_of(value_of(fields.get("output", b"null"))):
        for part in dicts_of(item.get("content")):
            track = answer.reasoning if item.get("type") == "reasoning" else answer.text
            track.add(answer.at, str_of(part.get("text")) or str_of(part.get("refusal")))
        for part in dicts_of(item.get("summary")):
            answer.reasoning.add(answer.at, str_of(part.get("text")))
        _read_call(answer, item)
        _note_server_call(answer, item)
        for key in ("arguments", "input", "code"):
            answer.tools.add(answer.at, str_of(item.get(key)))
    _read_frame(answer, {name: value_of(fields[name]) for name in names if name in fields})


RESPONSES = Dialect(event=_event, body=_body, report=report)
