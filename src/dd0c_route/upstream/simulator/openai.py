"""The OpenAI dialect: chat, completions, embeddings, models. Source: the API reference's object pages."""

from __future__ import annotations

import base64
import struct
from typing import Any

from msgspec.json import encode

from dd0c_route.upstream.simulator.answer import CREATED, Answer, Ask, Content, Piece

JSON = b"application/json"
SSE = b"text/event-stream; charset=utf-8"
_FINISH = {"stop": "stop", "length": "length", "tool": "tool_calls"}
_ERROR_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 429: "requests"}
_ERROR_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}
MODELS = ("sim-large", "sim-small")


def answer(ask: Ask, content: Content) -> Answer:
    """A chat or legacy completion, whole or as a stream."""
    chat = ask.api == "openai.chat"
    if ask.stream:
        pieces = (_chat_stream if chat else _completion_stream)(ask, content)
        return Answer(200, SSE, tuple(pieces), streams=True, broken=broken(), model=ask.model)
    body = encode((_chat if chat else _completion)(ask, content))
    return Answer(200, JSON, (Piece(body, content.characters, content.output_tokens),), model=ask.model)


def usage(content: Content) -> dict[str, Any] | None:
    """What a chat completion reports: *completion_tokens* includes the reasoning."""
    if not content.reports_usage:
        return None
    if content.usage is not None:
        return content.usage
    return {
        "prompt_tokens": content.input_tokens,
        "completion_tokens": content.output_tokens,
        "total_tokens": content.input_tokens + content.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": len(content.reasoning)},
    }


def _chat(ask: Ask, content: Content) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(content.text), "refusal": None}
    if content.reasoning:
        message["reasoning_content"] = "".join(content.reasoning)
    if content.tool:
        message["content"] = None
        message["tool_calls"] = [_tool_call(ask, content, "".join(content.arguments))]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _FINISH[content.finish]}
    return _with_usage(_envelope(ask, "chat.completion", [choice]), content)


def _chat_stream(ask: Ask, content: Content) -> list[Piece]:
    def event(delta: dict[str, Any], finish: str | None = None, *, text: str = "", tokens: int = 0) -> Piece:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk = _envelope(ask, "chat.completion.chunk", [choice])
        if ask.wants_usage:
            chunk["usage"] = None
        return Piece(sse(chunk), len(text), tokens)

    pieces = [event({"role": "assistant", "content": None if content.tool else "", "refusal": None})]
    pieces += [event({"reasoning_content": text}, text=text, tokens=1) for text in content.reasoning]
    pieces += [event({"content": text}, text=text, tokens=1) for text in content.text]
    if content.tool:
        pieces.append(event({"tool_calls": [{"index": 0, **_tool_call(ask, content, "")}]}))
        for part in content.arguments:
            delta = {"tool_calls": [{"index": 0, "function": {"arguments": part}}]}
            pieces.append(event(delta, text=part, tokens=1))
    pieces.append(event({}, _FINISH[content.finish]))
    if ask.wants_usage and content.reports_usage:
        pieces.append(Piece(sse(_with_usage(_envelope(ask, "chat.completion.chunk", []), content))))
    pieces.append(Piece(b"data: [DONE]\n\n"))
    return pieces


def _tool_call(ask: Ask, content: Content, arguments: str) -> dict[str, Any]:
    function = {"name": content.tool, "arguments": arguments}
    return {"id": f"call_sim_{ask.seed:08x}", "type": "function", "function": function}


def _completion(ask: Ask, content: Content) -> dict[str, Any]:
    choice = _completion_choice("".join(content.text), _FINISH[content.finish])
    return _with_usage(_envelope(ask, "text_completion", [choice]), content)


def _completion_stream(ask: Ask, content: Content) -> list[Piece]:
    def event(text: str, finish: str | None, tokens: int) -> Piece:
        chunk = _envelope(ask, "text_completion", [_completion_choice(text, finish)])
        if ask.wants_usage:
            chunk["usage"] = None
        return Piece(sse(chunk), len(text), tokens)

    pieces = [event(text, None, 1) for text in content.text]
    pieces.append(event("", _FINISH[content.finish], 0))
    if ask.wants_usage and content.reports_usage:
        pieces.append(Piece(sse(_with_usage(_envelope(ask, "text_completion", []), content))))
    pieces.append(Piece(b"data: [DONE]\n\n"))
    return pieces


def _completion_choice(text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}


def embeddings(ask: Ask, content: Content) -> Answer:
    """One vector for each input, as numbers or as base64 of little-endian float32."""
    data: list[dict[str, Any]] = []
    for index in range(ask.inputs):
        vector = [((ask.seed >> (i + index) % 24) % 255 - 127) / 128 for i in range(ask.dimensions)]
        packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": packed if ask.as_base64 else vector})
    body: dict[str, Any] = {"object": "list", "data": data, "model": ask.model}
    if content.reports_usage:
        tokens = ask.input_tokens
        body["usage"] = content.usage or {"prompt_tokens": tokens, "total_tokens": tokens}
    return Answer(200, JSON, (Piece(encode(body)),), model=ask.model)


def models() -> Answer:
    """The list of models; any other name is served just as well."""
    data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "simulated"} for name in MODELS]
    return Answer(200, JSON, (Piece(encode({"object": "list", "data": data})),))


def failure(status: int, message: str) -> bytes:
    """The body of an error answer."""
    kind = _ERROR_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return encode({"error": {"message": message, "type": kind, "param": None, "code": _ERROR_CODES.get(status)}})


def broken() -> bytes:
    """What a stream carries when the provider fails midway; no `[DONE]` follows."""
    return b"data: " + failure(500, "simulated failure in mid-stream") + b"\n\n"


def sse(data: object) -> bytes:
    """One unnamed event."""
    return b"data: " + encode(data) + b"\n\n"


def _envelope(ask: Ask, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
    prefix = "cmpl" if kind == "text_completion" else "chatcmpl"
    return {
        "id": f"{prefix}-sim{ask.seed:08x}",
        "object": kind,
        "created": CREATED,
        "model": ask.model,
        "choices": choices,
        "system_fingerprint": "fp_simulated",
    }


def _with_usage(body: dict[str, Any], content: Content) -> dict[str, Any]:
    if (reported := usage(content)) is not None:
        body["usage"] = reported
    return body
