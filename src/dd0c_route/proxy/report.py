"""A provider's usage report as an entry keeps it: its numbers, and the few words among them. Pure.

Whoever writes a report may put into it what they like, and what they were sent: prompts and keys, or megabytes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from dd0c_route.redact import redact_label

MOST_VALUES = 500  # ten times as many as in the longest report that was recorded
_DEEPEST = 8
_LEFT_OUT = "[left out]"
_WORD = re.compile(r"[\w.:/@+ -]{0,64}")  # `standard`, `2026-11-24T05:30:00Z`, `us-east-1`, `0.00012`
_SPACES = 2  # more are a sentence


def kept(report: dict[str, Any]) -> dict[str, Any]:
    """*report* without texts that are no words, without secrets, and bounded."""
    return _fields(report, [MOST_VALUES], _DEEPEST)


@lru_cache(maxsize=4096)  # names repeat with each call; bounded, since the provider chooses them
def word(text: str) -> str:
    """*text* where it is a word or two and no secret."""
    if _WORD.fullmatch(text) is None or text.count(" ") > _SPACES:
        return _LEFT_OUT
    return redact_label(text)


def _fields(fields: dict[str, Any], left: list[int], depth: int) -> dict[str, Any]:
    return {
        word(name): value if type(value) is int else _value(value, left, depth)  # nearly all are counts
        for name, value in fields.items()
        if _counts(left)
    }


def _value(value: Any, left: list[int], depth: int) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return word(value)
    if not depth:
        return _LEFT_OUT
    if isinstance(value, dict):
        return _fields(value, left, depth - 1)
    return [_value(item, left, depth - 1) for item in value if _counts(left)]


def _counts(left: list[int]) -> bool:
    """Whether another value is kept."""
    left[0] -= 1
    return left[0] >= 0
