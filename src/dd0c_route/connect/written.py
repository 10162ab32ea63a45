"""Plain values as TOML for people: tables in the order given, one blank line between them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any


def written(tables: dict[str, Any]) -> str:
    """TOML of *tables*: tables of values, tables of tables, and lists of tables; empty ones are left out."""
    blocks = []
    for name, value in tables.items():
        if isinstance(value, list):
            blocks += [_block(f"[[{name}]]", one) for one in value]
        elif value and all(isinstance(one, dict) for one in value.values()):
            blocks += [_block(f"[{name}.{key}]", one) for key, one in value.items()]
        elif value:
            blocks.append(_block(f"[{name}]", value))
    return "\n".join(blocks)


def _block(head: str, table: dict[str, Any]) -> str:
    return "".join(f"{line}\n" for line in (head, *_lines(table)))


def _lines(table: dict[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        yield f"{name} = {_value(value)}"


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            text = format(value.normalize(), "f")
            return text if "." in text else f"{text}.0"
        case int() | float():
            return repr(value)
        case dict():
            return "{ " + ", ".join(f"{name} = {_value(one)}" for name, one in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(_value, value)) + "]"
        case _:
            # JSON's escapes are TOML's, but for the one character that JSON leaves as it is.
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
