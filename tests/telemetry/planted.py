"""Synthetic keys to put into every field that takes a text, and what finds them again."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import msgspec

from tests.canary.search import Canary, Scan
from tests.redact.synthetic import credential

KEY = credential("sk-ant-api03-{W93}AA", 71)
OTHER_KEY = credential("sk-proj-{W74}T3BlbkFJ{W74}", 72)
SCAN = Scan([Canary.of("planted", KEY), Canary.of("planted too", OTHER_KEY)])
TEXT = f"it was refused with {KEY}, and then with {OTHER_KEY}"


def filled(kind: type[msgspec.Struct], text: str = KEY, **given: Any) -> Any:
    """A *kind* with *text* in every field that takes one, also as name and value within tables and lists."""
    hints = typing.get_type_hints(kind)
    fields = {field.name: _value(hints[field.name], text) for field in msgspec.structs.fields(kind)}
    return kind(**(fields | given))


def texts_of(kind: type[msgspec.Struct]) -> int:
    """How many fields of *kind* hold a text in what `filled` makes."""
    made = msgspec.to_builtins(filled(kind))
    return sum(KEY in repr(value) for value in made.values())


def _value(hint: Any, text: str) -> Any:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _value(next(part for part in parts if part is not type(None)), text)
    if origin is typing.Literal:
        return parts[0]
    if origin is tuple:
        return tuple(_value(part, text) for part in parts if part is not Ellipsis)
    if origin is list:
        return [_value(parts[0], text)]
    if origin in (dict, Mapping):
        return {text: _value(parts[1], text)}
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return filled(hint, text)
    if hint is Any:
        return {text: [text, {text: text}]}
    plain: dict[Any, Any] = {str: text, int: 1, float: 1.0, bool: True}
    return plain[hint]
