"""OpenAI's Responses dialect: one object, or named events with sequence numbers. Source: the API reference."""

from __future__ import annotations

from typing import Any

from msgspec.json import encode

from dd0c_route.upstream.simulator.answer import CREATED, Answer, Ask, Content, Piece
from dd0c_route.upstream.simulator.openai import JSON, SSE


def answer(ask: Ask, content: Content) -> Answer:
    """A response, whole or as a stream of events (no `[DONE]` at the end)."""
    if ask.stream:
        pieces = _Events(ask, content).all()
        return Answer(200, SSE, tuple(pieces), streams=True, broken=broken(ask), model=ask.model)
    body = encode(_response(ask, content, "incomplete" if content.finish == "length" else "completed"))
    return Answer(200, JSON, (Piece(body, content.characters, content.output_tokens),), model=ask.model)


def _response(ask: Ask, content: Content, status: str) -> dict[str, Any]:
    ended = status in ("completed", "incomplete")
    body: dict[str, Any] = {
        "id": f"resp_sim{ask.seed:08x}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": {"code": "server_error", "message": "simulated failure"} if status == "failed" else None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "metadata": {},
        "model": ask.model,
        "output": [_item(ask, content, status)] if ended else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "temperature": 1.0,
        "top_p": 1.0,
        "usage": None,
    }
    if ended and content.reports_usage:
        body["usage"] = content.usage or {
            "input_tokens": content.input_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": content.output_tokens,
            "output_tokens_details": {"reasoning_tokens": len(content.reasoning)},
            "total_tokens": content.input_tokens + content.output_tokens,
        }
    return body


def _item(ask: Ask, content: Content, status: str) -> dict[str, Any]:
    begun = status == "in_progress"
    if content.tool:
        return {
            "id": f"fc_sim{ask.seed:08x}",
            "type": "function_call",
            "status": status,
            "call_id": f"call_sim_{ask.seed:08x}",
            "name": content.tool,
            "arguments": "" if begun else "".join(content.arguments),
        }
    parts = [] if begun else [_part("".join(content.text))]
    return {
        "id": f"msg_sim{ask.seed:08x}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": parts,
    }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _named(kind: str, number: int, fields: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), encode({"type": kind, "sequence_number": number, **fields}))


class _Events:
    """The events of one stream, numbered as they are made."""

    def __init__(self, ask: Ask, content: Content) -> None:
        self._ask, self._content = ask, content
        self._pieces: list[Piece] = []

    def all(self) -> list[Piece]:
        ask, content = self._ask, self._content
        self._add("response.created", {"response": _response(ask, content, "in_progress")})
        self._add("response.in_progress", {"response": _response(ask, content, "in_progress")})
        item = _item(ask, content, "in_progress")
        self._add("response.output_item.added", {"output_index": 0, "item": item})
        status = "incomplete" if content.finish == "length" else "completed"
        (self._tool if content.tool else self._text)(item["id"])
        self._add("response.output_item.done", {"output_index": 0, "item": _item(ask, content, status)})
        self._add(f"response.{status}", {"response": _response(ask, content, status)})
        return self._pieces

    def _add(self, kind: str, fields: dict[str, Any], text: str = "", tokens: int = 0) -> None:
        self._pieces.append(Piece(_named(kind, len(self._pieces), fields), len(text), tokens))

    def _text(self, item: str) -> None:
        place = {"item_id": item, "output_index": 0, "content_index": 0}
        whole = "".join(self._content.text)
        for text in self._content.reasoning:
            fields = {"item_id": item, "output_index": 0, "content_index": 0, "delta": text}
            self._add("response.reasoning_text.delta", fields, text, 1)
        self._add("response.content_part.added", {**place, "part": _part("")})
        for text in self._content.text:
            self._add("response.output_text.delta", {**place, "delta": text, "logprobs": []}, text, 1)
        self._add("response.output_text.done", {**place, "text": whole, "logprobs": []})
        self._add("response.content_part.done", {**place, "part": _part(whole)})

    def _tool(self, item: str) -> None:
        place = {"item_id": item, "output_index": 0}
        for part in self._content.arguments:
            self._add("response.function_call_arguments.delta", {**place, "delta": part}, part, 1)
        arguments = "".join(self._content.arguments)
        self._add("response.function_call_arguments.done", {**place, "arguments": arguments})


def broken(ask: Ask) -> bytes:
    """What a stream carries when the provider fails midway: its last event."""
    silent = Content([], [], "", [], "stop", 0)
    return _named("response.failed", 999, {"response": _response(ask, silent, "failed")})
