"""Usage in the words of Bedrock's Converse."""

from __future__ import annotations

from typing import Any

from dd0c_route.types import Usage
from dd0c_route.wire.answer import Answer as Seen
from dd0c_route.wire.bedrock import CONVERSE


def read(raw: dict[str, Any]) -> Usage | None:
    """Disjoint counts, by the rules of `wire/bedrock.py`. Thoughts are not told apart."""
    reported = CONVERSE.report(Seen(usage=raw, closed=True)) if raw else None
    return reported.usage if reported is not None else None


def written(usage: Usage | None) -> dict[str, Any]:
    """It is required: zeros where nothing is known."""
    usage = usage or Usage()
    out: dict[str, Any] = {
        "inputTokens": usage.input,
        "outputTokens": usage.output_total,
        "totalTokens": usage.input_total + usage.output_total,
    }
    if usage.cache_read or usage.cache_write_5m or usage.cache_write_1h:
        out["cacheReadInputTokens"] = usage.cache_read
        out["cacheWriteInputTokens"] = usage.cache_write_5m + usage.cache_write_1h
    if usage.cache_write_1h:
        out["cacheDetails"] = [
            {"ttl": ttl, "inputTokens": tokens}
            for ttl, tokens in (("5m", usage.cache_write_5m), ("1h", usage.cache_write_1h))
            if tokens
        ]
    return out
