"""The parts of messages, in the shapes of every dialect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from dd0c_route.brain.excerpt import Excerpt

_MOST_PARTS = 256  # that are looked at
_DEEPEST = 4  # a part of a result of a tool, in a wrapper
_HOLDERS = frozenset(("content", "parts", "output", "toolResult", "functionResponse", "function_response"))
_RESULT_TYPES = ("tool_result", "function_call_output", "custom_tool_call_output", "computer_call_output")
_IDS = ("tool_call_id", "tool_use_id", "call_id", "toolUseId", "id")  # of the call that a result belongs to
_MOST_RESULTS = 32  # whose calls are looked for
_RESULT_FIELDS = ("functionResponse", "function_response", "toolResult")


def parts_of(seen: Excerpt) -> list[Mapping[str, Any]]:
    """The messages that were read, their parts, and the parts of tools' results; the last message first."""
    parts: list[Mapping[str, Any]] = []
    for message in reversed(seen.last):
        parts += _within(message, _DEEPEST)
        if len(parts) > _MOST_PARTS:
            break
    return parts


def _within(part: Mapping[str, Any], deepest: int) -> Iterator[Mapping[str, Any]]:
    yield part
    if not deepest or _HOLDERS.isdisjoint(part):
        return
    for name in _HOLDERS & part.keys():
        held = part[name]
        for one in held if isinstance(held, list) else (held,):
            if isinstance(one, dict):
                yield from _within(one, deepest - 1)


def is_result(part: Mapping[str, Any]) -> bool:
    """Whether a message or a part of one brings what a tool gave."""
    return (
        part.get("role") in ("tool", "function")
        or part.get("type") in _RESULT_TYPES
        or any(name in part for name in _RESULT_FIELDS)
    )


def results_in(message: Mapping[str, Any]) -> int:
    """How many characters of results a message holds."""
    if is_result(message):
        return _length(message)
    parts = message.get("content", message.get("parts"))
    if not isinstance(parts, list):
        return 0
    return sum([_length(part) for part in parts if isinstance(part, dict) and is_result(part)])


def answered_calls(parts: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Ids of the calls whose results are among *parts*."""
    ids: dict[str, None] = {}
    for part in parts:
        if len(ids) == _MOST_RESULTS:
            break
        if not is_result(part):
            continue
        held = next((part[name] for name in _RESULT_FIELDS if isinstance(part.get(name), dict)), part)
        told = next((held[name] for name in _IDS if isinstance(held.get(name), str)), "")
        if told:
            ids[told] = None
    return tuple(ids)


def share_of_results(seen: Excerpt) -> float:
    """Which share of the characters of the last messages they are."""
    results = sum([results_in(message) for message in seen.last])
    if not results:
        return 0.0
    total = sum([len(msgspec.json.encode(message)) for message in seen.last])
    return round(min(1.0, results / max(1, total)), 3)


def _length(value: Mapping[str, Any]) -> int:
    content = value.get("content", value.get("output"))
    return len(content) if isinstance(content, str) else len(msgspec.json.encode(value))
