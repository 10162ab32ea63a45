"""Counts of requests to Claude, and of what a part of one adds."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from dd0c_route.tokens import count_request_exactly, count_text_exactly
from dd0c_route.types import Count

SONNET, OPUS_5 = "claude-sonnet-4-5", "claude-opus-5"
ASK = {"role": "user", "content": "hi"}


def fields_of(request: dict[str, Any]) -> dict[str, Raw]:
    return {name: Raw(msgspec.json.encode(value)) for name, value in request.items()}


def count(request: dict[str, Any], model: str = SONNET, api: str = "anthropic.messages") -> Count:
    return count_request_exactly(api, fields_of(request), model)


def words(text: str, model: str = SONNET) -> int:
    return count_text_exactly(text, model).tokens


def added(request: dict[str, Any], model: str = SONNET) -> int:
    """The tokens that the fields of *request* add to a short question."""
    return count({"messages": [ASK]} | request, model).tokens - count({"messages": [ASK]}, model).tokens
