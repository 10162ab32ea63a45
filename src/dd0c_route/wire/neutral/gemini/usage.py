"""Usage in Google's words."""

from __future__ import annotations

from typing import Any

from dd0c_route.types import Usage
from dd0c_route.wire.answer import Answer as Seen
from dd0c_route.wire.gemini import GENERATE

_COUNTS = {"promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount"}


def read(raw: dict[str, Any]) -> Usage | None:
    """Disjoint counts, by the rules of `wire/gemini.py`; None where nothing is counted."""
    if _COUNTS.isdisjoint(raw):
        return None  # Vertex AI begins its streams with such a report
    reported = GENERATE.report(Seen(usage=raw, closed=True))
    return reported.usage if reported is not None else None


def written(usage: Usage) -> dict[str, Any]:
    out: dict[str, Any] = {
        "promptTokenCount": usage.input_total,
        "candidatesTokenCount": usage.output,
        "totalTokenCount": usage.input_total + usage.output_total,
    }
    if usage.cache_read:
        out["cachedContentTokenCount"] = usage.cache_read
    if usage.reasoning:
        out["thoughtsTokenCount"] = usage.reasoning
    return out
