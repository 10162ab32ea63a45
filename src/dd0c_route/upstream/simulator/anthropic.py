"""The Anthropic dialect: messages, count_tokens, models. Source: docs of the Messages API, "Streaming messages"."""

from __future__ import annotations

from typing import Any

from msgspec.json import encode

from dd0c_route.upstream.simulator.answer import Answer, Ask, Content, Piece
from dd0c_route.upstream.simulator.openai import JSON, MODELS, SSE

_FINISH = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use"}
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_PLACEHOLDER_TOKENS = 1  # what `message_start` carries as output before anything was said


def answer(ask: Ask, content: Content) -> Answer:
    """A message, whole or as named events."""
    if ask.stream:
        return Answer(200, SSE, tuple(_stream(ask, content)), streams=True, broken=broken(), model=ask.model)
    body = _message(ask, _blocks(ask, content), _FINISH[content.finish])
    if content.reports_usage:
        body["usage"] = content.usage or _usage(content.input_tokens, content.output_tokens)
    return Answer(200, JSON, (Piece(encode(body), content.characters, content.output_tokens),), model=ask.model)


def _stream(ask: Ask, content: Content) -> list[Piece]:
    start = _message(ask, [], None)
    if content.reports_usage:
        start["usage"] = content.usage or _usage(content.input_tokens, _PLACEHOLDER_TOKENS)
    pieces = [_event("message_start", {"message": start})]
    for index, block in enumerate(_blocks(ask, content)):
        kind, field, parts = _deltas(block, content)
        empty = {"thinking": "", "text": "", "input": {}}
        opening = {name: empty.get(name, value) for name, value in block.items()}
        pieces.append(_event("content_block_start", {"index": index, "content_block": opening}))
        if index == 0:
            pieces.append(_event("ping", {}))
        for part in parts:
            delta = {"type": kind, field: part}
            pieces.append(_event("content_block_delta", {"index": index, "delta": delta}, part, 1))
        if block["type"] == "thinking":
            signature = {"type": "signature_delta", "signature": block["signature"]}
            pieces.append(_event("content_block_delta", {"index": index, "delta": signature}))
        pieces.append(_event("content_block_stop", {"index": index}))
    end: dict[str, Any] = {"delta": {"stop_reason": _FINISH[content.finish], "stop_sequence": None}}
    if content.reports_usage:
        end["usage"] = content.usage or {"output_tokens": content.output_tokens}
    return [*pieces, _event("message_delta", end), _event("message_stop", {})]


def _blocks(ask: Ask, content: Content) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if content.reasoning:
        signature = f"sim-signature-{ask.seed:08x}"
        blocks.append({"type": "thinking", "thinking": "".join(content.reasoning), "signature": signature})
    if content.tool:
        tool = {"type": "tool_use", "id": f"toolu_sim{ask.seed:08x}", "name": content.tool}
        blocks.append(tool | {"input": content.called_with})
    else:
        blocks.append({"type": "text", "text": "".join(content.text)})
    return blocks


def _deltas(block: dict[str, Any], content: Content) -> tuple[str, str, list[str]]:
    if block["type"] == "thinking":
        return "thinking_delta", "thinking", content.reasoning
    if block["type"] == "tool_use":
        return "input_json_delta", "partial_json", content.arguments
    return "text_delta", "text", content.text


def count_tokens(ask: Ask) -> Answer:
    """How long the prompt is."""
    return Answer(200, JSON, (Piece(encode({"input_tokens": ask.input_tokens})),), model=ask.model)


def models() -> Answer:
    """The list of models, in this dialect's shape."""
    born = "2026-01-01T00:00:00Z"
    data = [{"type": "model", "id": name, "display_name": name, "created_at": born} for name in MODELS]
    body = {"data": data, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
    return Answer(200, JSON, (Piece(encode(body)),))


def failure(status: int, message: str) -> bytes:
    """The body of an error answer."""
    kind = _ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    return encode({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_simulated"})


def broken() -> bytes:
    """What a stream carries when the provider fails midway."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "simulated failure in mid-stream"}}
    return b"event: error\ndata: " + encode(error) + b"\n\n"


def _event(kind: str, fields: dict[str, Any], text: str = "", tokens: int = 0) -> Piece:
    data = b"event: %s\ndata: %s\n\n" % (kind.encode(), encode({"type": kind, **fields}))
    return Piece(data, len(text), tokens)


def _message(ask: Ask, blocks: list[dict[str, Any]], stop_reason: str | None) -> dict[str, Any]:
    return {
        "id": f"msg_sim{ask.seed:08x}",
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": blocks,
        "stop_reason": stop_reason,
        "stop_sequence": None,
    }


def _usage(input_tokens: int, output_tokens: int) -> dict[str, Any]:
    return {
        "input_tokens": input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
        "service_tier": "standard",
    }
