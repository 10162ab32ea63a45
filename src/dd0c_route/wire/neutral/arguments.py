"""Arguments of a tool's call, for dialects that hold them as an object and not as a text."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from dd0c_route.wire.loose import value_of
from dd0c_route.wire.neutral.form import ToolCall

_NONE = ("", "[]", "null")  # an object without fields, as PHP and some models write it


def as_object(call: ToolCall) -> Raw:
    """None is an empty object, and what a model wrote instead of JSON is kept as a text in one."""
    text = call.arguments.strip()
    if text in _NONE:
        return Raw(b"{}")
    if not call.custom and text.startswith("{") and isinstance(value_of(text.encode("utf-8", "replace")), dict):
        return Raw(text.encode("utf-8", "replace"))
    return Raw(msgspec.json.encode({"input": call.arguments}))
