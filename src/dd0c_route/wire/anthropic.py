"""Anthropic's Messages API, also as Bedrock and Vertex host it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from dd0c_route.types import NO_TOOLS, ServerTools, Usage
from dd0c_route.wire.answer import Answer, Dialect, Reported
from dd0c_route.wire.loose import UNREADABLE, count_of, dict_of, dicts_of, kind_of_error, str_of, value_of


class _Piece(Struct, gc=False):
    text: str | None = None
    thinking: str | None = None
    partial_json: str | None = None
    content: None = None


class _BlockDelta(Struct, gc=False):
    """`content_block_delta`: nearly all events."""

    delta: _Piece


_BLOCK_DELTA = msgspec.json.Decoder(_BlockDelta)


def _event(answer: Answer, data: bytes, name: bytes) -> None:
    if name == b"content_block_delta":
        try:
            piece = _BLOCK_DELTA.decode(data).delta
        except UNREADABLE:
            pass
        else:
            if piece.text:
                answer.text.add(answer.at, piece.text)
            elif piece.partial_json:
                answer.tools.add(answer.at, piece.partial_json)
            elif piece.thinking:
                answer.reasoning.add(answer.at, piece.thinking)
            return
    read_event(answer, dict_of(value_of(data)), name.decode("utf-8", "replace"))


def read_event(answer: Answer, event: dict[str, Any], name: str = "") -> None:
    """Read one decoded event; *name* stands in where the event has no `type`."""
    kind = str_of(event.get("type")) or name
    if kind == "message_start":
        message = dict_of(event.get("message"))
        answer.served_by(message.get("model"))
        _merge(answer, message.get("usage"))
    elif kind == "content_block_start":
        _read_block(answer, dict_of(event.get("content_block")))
    elif kind == "content_block_delta":
        _read_block(answer, dict_of(event.get("delta")))
    elif kind == "message_delta":
        if isinstance(event.get("usage"), dict):
            _merge(answer, event["usage"])
            answer.closed = True
    elif kind == "message_stop":
        answer.finished = True
    elif kind == "error":
        answer.error = kind_of_error(event.get("error")) or "error"


def _merge(answer: Answer, usage: Any) -> None:
    """Later figures replace earlier ones: `message_delta` is cumulative and knows of server tools."""
    if isinstance(usage, dict):
        given = {name: value for name, value in usage.items() if value is not None}
        answer.usage = {**(answer.usage or {}), **given}
        answer.served_by(None, "fast" if usage.get("speed") == "fast" else usage.get("service_tier"))


def _read_block(answer: Answer, block: dict[str, Any]) -> None:
    """A content block or a delta of one; what tools returned to the model is not its output."""
    kind = str_of(block.get("type"))
    if kind.endswith("_result"):
        return
    answer.reasoning.add(answer.at, str_of(block.get("thinking")))
    answer.text.add(answer.at, str_of(block.get("text")))
    answer.text.add(answer.at, str_of(block.get("content")))  # a compaction's summary
    answer.tools.add(answer.at, str_of(block.get("partial_json")))
    if kind.endswith("tool_use"):
        answer.call(block.get("name"), block.get("input") or None, block.get("id"))


def _body(answer: Answer, fields: dict[str, Raw]) -> None:
    answer.closed = True
    answer.served_by(value_of(fields.get("model", b"null")))
    answer.error = kind_of_error(value_of(fields.get("error", b"null")))
    _merge(answer, value_of(fields.get("usage", b"null")))
    for block in dicts_of(value_of(fields.get("content", b"null"))):
        _read_block(answer, block)


def _report(answer: Answer) -> Reported | None:
    """The message's own tokens and those of its other iterations.

    With compaction or fallback the top level is the last iteration only, so `iterations` are summed. One that
    names a model of its own (an advisor) has another price and stays out; the report is then not consistent.
    """
    raw = answer.usage
    if raw is None:
        return None
    iterations = dicts_of(raw.get("iterations"))
    own = [part for part in iterations if part.get("model") in (None, answer.model)]
    usages = [_usage(part) for part in own] or [_usage(raw)]
    output_total = sum(usage.output for usage in usages)
    reasoning = min(count_of(dict_of(raw.get("output_tokens_details")), "thinking_tokens"), output_total)
    if not answer.closed:  # the placeholder in `message_start` was never generated
        output_total = reasoning = 0
    usage = Usage(
        input=sum(usage.input for usage in usages),
        cache_read=sum(usage.cache_read for usage in usages),
        cache_write_5m=sum(usage.cache_write_5m for usage in usages),
        cache_write_1h=sum(usage.cache_write_1h for usage in usages),
        output=output_total - reasoning,
        reasoning=reasoning,
    )
    return Reported(
        usage=usage,
        final=answer.closed,
        raw=raw,
        service_tier=answer.tier,
        consistent=len(own) == len(iterations),
        server_tools=_server_tools(dict_of(raw.get("server_tool_use"))),
    )


def _server_tools(raw: dict[str, Any]) -> ServerTools:
    tools = ServerTools(
        web_search=count_of(raw, "web_search_requests"),
        web_fetch=count_of(raw, "web_fetch_requests"),
        code_execution=count_of(raw, "code_execution_requests"),
    )
    return NO_TOOLS if tools == NO_TOOLS else tools


def _usage(raw: dict[str, Any]) -> Usage:
    """`input_tokens` holds neither what was read from the cache nor what was written to it."""
    written = count_of(raw, "cache_creation_input_tokens")
    lasting = count_of(dict_of(raw.get("cache_creation")), "ephemeral_1h_input_tokens")
    short = count_of(dict_of(raw.get("cache_creation")), "ephemeral_5m_input_tokens")
    return Usage(
        input=count_of(raw, "input_tokens"),
        cache_read=count_of(raw, "cache_read_input_tokens"),
        cache_write_5m=max(written - lasting, short),
        cache_write_1h=lasting,
        output=count_of(raw, "output_tokens"),
    )


def _count_body(answer: Answer, fields: dict[str, Raw]) -> None:
    answer.closed = True
    answer.error = kind_of_error(value_of(fields.get("error", b"null")))
    if "input_tokens" in fields:
        answer.usage = {"input_tokens": value_of(fields["input_tokens"])}


MESSAGES = Dialect(event=_event, body=_body, report=_report)
COUNT_TOKENS = Dialect(event=_event, body=_count_body, report=_report)
