"""Usage in the words of Anthropic's Messages."""

from __future__ import annotations

from typing import Any

from dd0c_route.types import Usage
from dd0c_route.wire.answer import Answer as Seen
from dd0c_route.wire.anthropic import MESSAGES


def read(raw: dict[str, Any], *, final: bool = True) -> Usage | None:
    """Disjoint counts, by the rules of `wire/anthropic.py`."""
    reported = MESSAGES.report(Seen(usage=raw, closed=final)) if raw else None
    return reported.usage if reported is not None else None


def written(usage: Usage) -> dict[str, Any]:
    out: dict[str, Any] = {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output_total,
    }
    if usage.cache_write_1h:
        out["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        }
    if usage.reasoning:
        out["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return out
