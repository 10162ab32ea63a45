"""The Gemini dialect: generateContent, streamGenerateContent, countTokens, models. Source: the Gemini API reference."""

from __future__ import annotations

from typing import Any

from msgspec.json import encode

from dd0c_route.upstream.simulator.answer import Answer, Ask, Content, Piece
from dd0c_route.upstream.simulator.openai import JSON, MODELS, SSE, sse

_FINISH = {"stop": "STOP", "length": "MAX_TOKENS", "tool": "STOP"}
_ERROR_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def answer(ask: Ask, content: Content) -> Answer:
    """One object; or a stream, as server-sent events (`alt=sse`) or as one JSON array."""
    if not ask.stream:
        parts = [*_thoughts(content), *_parts(content)]
        tokens = content.output_tokens
        body = encode(_chunk(ask, content, parts, content.finish, len(content.reasoning), tokens))
        return Answer(200, JSON, (Piece(body, content.characters, tokens),), model=ask.model)
    chunks = _chunks(ask, content)
    if ask.as_array:
        pieces = tuple(
            Piece((b"[" if index == 0 else b",\r\n") + encode(body), len(text), tokens)
            for index, (body, text, tokens) in enumerate(chunks)
        )
        return Answer(
            200, JSON, (*pieces, Piece(b"]")), streams=True, broken=b",\r\n" + _unavailable(), model=ask.model
        )
    pieces = tuple(Piece(sse(body), len(text), tokens) for body, text, tokens in chunks)
    return Answer(200, SSE, pieces, streams=True, broken=broken(), model=ask.model)


def _chunks(ask: Ask, content: Content) -> list[tuple[dict[str, Any], str, int]]:
    """Each chunk with its text and how many tokens it brings; usage grows from chunk to chunk."""
    steps: list[tuple[list[dict[str, Any]], str, int]] = []
    steps += [([{"text": text, "thought": True}], text, 1) for text in content.reasoning]
    if content.tool:
        steps.append((_parts(content), "".join(content.arguments), len(content.arguments)))
    else:
        steps += [([{"text": text}], text, 1) for text in content.text]
    if not steps:
        steps.append(([{"text": ""}], "", 0))
    chunks = []
    said = 0
    for number, (parts, text, tokens) in enumerate(steps, 1):
        said += tokens
        finish = content.finish if number == len(steps) else None
        thought = min(said, len(content.reasoning))
        chunks.append((_chunk(ask, content, parts, finish, thought, said), text, tokens))
    return chunks


def _chunk(
    ask: Ask, content: Content, parts: list[dict[str, Any]], finish: str | None, thoughts: int, tokens: int
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = _FINISH[finish]
    body: dict[str, Any] = {"candidates": [candidate]}
    if content.reports_usage:
        body["usageMetadata"] = content.usage or {
            "promptTokenCount": content.input_tokens,
            "candidatesTokenCount": tokens - thoughts,
            "totalTokenCount": content.input_tokens + tokens,
            **({"thoughtsTokenCount": thoughts} if thoughts else {}),
        }
    return body | {"modelVersion": ask.model, "responseId": f"sim{ask.seed:08x}"}


def _parts(content: Content) -> list[dict[str, Any]]:
    if content.tool:
        return [{"functionCall": {"name": content.tool, "args": content.called_with}}]
    return [{"text": "".join(content.text)}]


def _thoughts(content: Content) -> list[dict[str, Any]]:
    return [{"text": "".join(content.reasoning), "thought": True}] if content.reasoning else []


def count_tokens(ask: Ask) -> Answer:
    """How long the prompt is."""
    return Answer(200, JSON, (Piece(encode({"totalTokens": ask.input_tokens})),), model=ask.model)


def models() -> Answer:
    """The list of models, in this dialect's shape."""
    methods = ["generateContent", "streamGenerateContent", "countTokens"]
    data = [{"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": methods} for name in MODELS]
    return Answer(200, JSON, (Piece(encode({"models": data})),))


def failure(status: int, message: str) -> bytes:
    """The body of an error answer."""
    return encode({"error": {"code": status, "message": message, "status": _ERROR_STATUS.get(status, "UNKNOWN")}})


def broken() -> bytes:
    """What a stream of server-sent events carries when the provider fails midway."""
    return b"data: " + _unavailable() + b"\n\n"


def _unavailable() -> bytes:
    return failure(503, "simulated failure in mid-stream")
