"""The schema that an answer must have, as OpenAI's models read it. Source: measured on recorded requests."""

from __future__ import annotations

import json
from typing import Any

from dd0c_route.tokens.frames.openai_tools import REASONS
from dd0c_route.tokens.frames.reading import Sum, string

_SCHEMA, _SCHEMA_REASONS = (15, 16, 30), (0, 11, 12)  # beside its JSON and its name
_UNREAD = ("additionalProperties", "title")


def add_schema(form: Any, model: str, total: Sum) -> None:
    """Its JSON, of which some keywords are not read."""
    if not isinstance(form, dict) or "schema" not in form:
        return
    schema = json.dumps(_read(form["schema"]), ensure_ascii=False, separators=(",", ":"))
    total.texts += [schema, string(form.get("name", ""))]
    total.add(_SCHEMA_REASONS if REASONS.search(model) else _SCHEMA)


def _read(schema: Any) -> Any:
    """A schema without what is not read; a property may well have the name of a keyword."""
    if isinstance(schema, dict):
        return {name: _read(inner) for name, inner in schema.items() if isinstance(inner, dict) or name not in _UNREAD}
    return [_read(inner) for inner in schema] if isinstance(schema, list) else schema
