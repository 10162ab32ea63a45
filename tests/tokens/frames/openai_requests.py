"""Requests in OpenAI's dialects, and what they count to."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from dd0c_route.tokens import count_request_exactly, count_text_exactly
from dd0c_route.types import Count

HI: dict[str, Any] = {"role": "user", "content": "hi"}
HI_TOKENS = 3 + 4 + 1  # as the only message to gpt-4o
HI_TOKENS_GPT_5 = 2 + 4 + 1


def chat(body: dict[str, Any], model: str = "gpt-4o", provider: str = "") -> Count:
    return count_request_exactly("openai.chat", _fields(body), model, provider)


def responses(body: dict[str, Any], model: str = "gpt-4.1") -> Count:
    return count_request_exactly("openai.responses", _fields(body), model)


def tokens(*texts: str, model: str = "gpt-4o") -> int:
    return sum(count_text_exactly(text, model).tokens for text in texts)


def tool(name: str, properties: dict[str, Any] | None = None, **function: Any) -> dict[str, Any]:
    """A function as chat has it."""
    parameters = {"type": "object", "properties": properties or {}}
    return {"type": "function", "function": {"name": name, "parameters": parameters} | function}


def _fields(body: dict[str, Any]) -> dict[str, Raw]:
    return {name: Raw(msgspec.json.encode(value)) for name, value in body.items()}
