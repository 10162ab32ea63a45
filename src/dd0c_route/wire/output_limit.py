"""How long the answer to a request may become at most, as far as the request says so."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from dd0c_route.wire.loose import UNREADABLE

# Where it stands, by dialect: at the top (OpenAI chat, its successor, Responses, Anthropic), or in a table of settings
# (Gemini, Bedrock's converse, Ollama). Source: the reference pages of each API.
_FIELDS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_TABLES = (("generationConfig", "maxOutputTokens"), ("inferenceConfig", "maxTokens"), ("options", "num_predict"))


def output_limit(api: str, fields: dict[str, Raw]) -> int | None:
    """The most output tokens that the caller allows, hidden reasoning included; None where it sets no limit.

    Args:
        api: As `api_of` names it.
        fields: The body's top-level fields, undecoded.
    """
    if api.endswith(".embeddings"):
        return 0
    limit = next((found for name in _FIELDS if (found := _number(fields.get(name))) is not None), None)
    if limit is None:
        limit = next(
            (found for table, name in _TABLES if (found := _inside(fields.get(table), name)) is not None), None
        )
    if limit is None:
        return None
    return limit * (_number(fields.get("n")) or 1)  # OpenAI: each of *n* answers may be so long


def _number(raw: Raw | None) -> int | None:
    return _positive(_decoded(raw)) if raw is not None else None


def _inside(raw: Raw | None, name: str) -> int | None:
    table = _decoded(raw) if raw is not None else None
    return _positive(table.get(name)) if isinstance(table, dict) else None


def _decoded(raw: Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return None


def _positive(value: Any) -> int | None:
    return value if type(value) is int and 0 < value < 1 << 31 else None
