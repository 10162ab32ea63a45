"""Small calls, providers and configurations, made by hand."""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.config import Provider
from dd0c_route.types import Call, Secret
from dd0c_route.wire.body import split

CHAT_BODY = b'{"model": "gpt-4o",  "messages":[{"role":"user","content":"Say \\u00e9."}], "n": 1.0}'


def call(body: bytes = CHAT_BODY, **changes: Any) -> Call:
    """A chat call; `fields` and `model` follow *body* where it is a JSON object."""
    fields = split(body) if body.startswith(b"{") else {}
    model = msgspec.json.decode(fields["model"]) if "model" in fields else ""
    settings: dict[str, Any] = {
        "id": "dd_synthetic",
        "at_ns": 1_800_000_000_000_000_000,
        "started_ns": 0,
        "dialect": "openai",
        "api": "openai.chat",
        "method": "POST",
        "path": "/chat/completions",
        "query": "",
        "headers": [],
        "body": body,
        "fields": fields,
        "model": model,
    }
    return Call(**(settings | changes))


def provider(**changes: Any) -> Provider:
    """A provider of the OpenAI dialect without a stored key."""
    settings: dict[str, Any] = {"name": "acme", "dialect": "openai", "base_url": "http://127.0.0.1:9/v1"}
    return Provider(**(settings | changes))


def stored_key() -> Secret:
    return Secret("synthetic-stored-key")
