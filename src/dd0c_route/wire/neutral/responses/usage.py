"""Usage in the words of OpenAI's Responses API."""

from __future__ import annotations

from typing import Any

from dd0c_route.types import Usage
from dd0c_route.wire.answer import Answer as Seen
from dd0c_route.wire.openai_usage import report


def read(raw: dict[str, Any] | None) -> Usage | None:
    """Disjoint counts, by the rules of `wire/openai_usage.py`."""
    reported = report(Seen(usage=raw, closed=True)) if raw else None
    return reported.usage if reported is not None else None


def written(usage: Usage) -> dict[str, Any]:
    """`input_tokens` holds what was read from a cache and written to one."""
    return {
        "input_tokens": usage.input_total,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write_5m + usage.cache_write_1h,
        },
        "output_tokens": usage.output_total,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input_total + usage.output_total,
    }
