"""The schema that an answer must have, as OpenAI's models read it.

Source: the layout of openai/harmony's documentation ("Structured output"); which keywords are left out, and what the
answers of such a request cost, was measured on recorded requests.
"""

from __future__ import annotations

import json
from typing import Any

from dd0c_route.tokens.frames.openai_tools import REASONS
from dd0c_route.tokens.frames.reading import Sum, string

# What only bounds a value is not written: the answer is held to it in another way.
_UNREAD = frozenset(
    (
        *("additionalProperties", "required", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("multipleOf", "minItems", "maxItems", "minLength", "maxLength"),
    )
)
_UNCERTAIN = ("format", "pattern", "examples", "nullable", "uniqueItems", "prefixItems")  # in no recording
_ANSWER = 2  # of an answer that has the form, beside the form's name


def format_text(form: Any, total: Sum) -> str:
    """The text for `{"name": …, "description": …, "schema": …}`; empty for any other form of answers."""
    if not isinstance(form, dict) or "schema" not in form:
        return ""
    description = form.get("description")
    comment = f"// {string(description)}\n" if description else ""
    schema = json.dumps(_read(form["schema"]), separators=(",", ":"))
    for keyword in _UNCERTAIN:
        total.below += 20 * schema.count(f'"{keyword}":')
    return f"# Response Formats\n\n## {string(form.get('name', ''))}\n\n{comment}{schema}"


def add_answers(form: Any, answers: int, *, calls_tools: bool, model: str, total: Sum) -> None:
    """Each answer in chat is marked with the form's name, and so is the one to come where it can be nothing else.

    Args:
        answers: Of earlier turns, those that called no tool.
    """
    if not calls_tools and not REASONS.search(model):
        answers += 1
    total.texts += [string(form.get("name", ""))] * answers
    total.tokens += _ANSWER * answers


def _read(schema: Any) -> Any:
    """A schema without what is not read; a property may well have the name of a keyword."""
    if isinstance(schema, dict):
        return {
            name: {key: _read(inner) for key, inner in value.items()}
            if name in ("properties", "$defs", "definitions") and isinstance(value, dict)
            else _read(value)
            for name, value in schema.items()
            if name not in _UNREAD
        }
    return [_read(inner) for inner in schema] if isinstance(schema, list) else schema
