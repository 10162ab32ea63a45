"""Arguments of a tool's call, for dialects that hold them as an object and not as a text."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from dd0c_route.wire.loose import UNREADABLE, value_of
from dd0c_route.wire.neutral.form import ToolCall

_NONE = ("", "[]", "null")  # an object without fields, as PHP and some models write it
_OBJECT = msgspec.json.Decoder(dict[str, Raw])


def as_object(call: ToolCall) -> Raw:
    """None is an empty object, and what a model wrote instead of JSON is kept as a text in one.

    An object that only Python's reader takes (`NaN`, half a surrogate pair) is written as JSON has it.
    """
    text = call.arguments.strip()
    if text in _NONE:
        return Raw(b"{}")
    if not call.custom and text.startswith("{"):
        data = text.encode("utf-8", "replace")
        try:
            _OBJECT.decode(data)
            return Raw(data)
        except UNREADABLE:
            if isinstance(value := value_of(data), dict):
                return Raw(msgspec.json.encode(value))
    return Raw(msgspec.json.encode({"input": call.arguments}))
