"""JSON with comments and trailing commas, changed by position.

Source: RFC 8259, and what the JSONC parsers of editors and agents accept beside it: `//` and `/* */` comments and one
comma behind the last item.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from dd0c_route.connect.forms import CannotEdit, Path, line_end, nested

_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_TO_LINE_END = re.compile(r"[ \t]*(?://[^\r\n]*|/\*[^\r\n]*?\*/[ \t]*)?(?=\r?\n)")
_TEXT = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"-?[0-9][-+.0-9eE]*|true|false|null")
_MOST_LEVELS = 100


@dataclass
class _Node:
    value: Any
    start: int
    end: int
    members: dict[str, _Node] = field(default_factory=dict)
    first_key: int = -1  # where the first member of a table begins


def read(text: str) -> Any:
    return _parsed(text).value if text.strip() else {}


def put(text: str, path: Path, value: Any) -> str:
    if not text.strip():
        text = "{}" + line_end(text)
    root = node = _parsed(text)
    for depth, key in enumerate(path):
        if not isinstance(node.value, dict):
            raise CannotEdit(f"'{'.'.join(map(str, path[:depth]))}' is no table")
        below = node.members.get(str(key))
        if below is None:
            return _inserted(text, root, node, str(key), nested(path[depth + 1 :], value))
        node = below
    return text[: node.start] + json.dumps(value, ensure_ascii=False) + text[node.end :]


def _inserted(text: str, root: _Node, table: _Node, key: str, value: Any) -> str:
    """*text* with a member more at the end of *table*."""
    spread = "\n" in text[table.start : table.end] or not table.members
    if not spread:
        last = max(member.end for member in table.members.values())
        return f"{text[:last]}, {_member(key, value)}{text[last:]}"
    end = line_end(text)
    outer = _indent(text, table.start)
    step = _indent(text, root.first_key) if root.first_key >= 0 else "  "
    inner = _indent(text, table.first_key) if _begins_its_line(text, table.first_key) else outer + (step or "  ")
    member = _member(key, value, step or "  ").replace("\n", end + inner)
    if not table.members:
        rest = text[table.start + 1 : table.end - 1]
        tail = end + outer if not rest.strip() else rest
        return f"{text[: table.start + 1]}{end}{inner}{member}{tail}{text[table.end - 1 :]}"
    last = max(one.end for one in table.members.values())
    comma = _SPACE.match(text, last)
    assert comma is not None  # noqa: S101 - the expression fits an empty text
    has_comma = text[comma.end()] == ","
    after = comma.end() + 1 if has_comma else last
    # A comment behind the last member stays with it: the new one begins on the next line.
    line = _TO_LINE_END.match(text, after)
    at = line.end() if line is not None else after
    trailing = "," if has_comma else ""
    return f"{text[:last]}{'' if has_comma else ','}{text[last:at]}{end}{inner}{member}{trailing}{text[at:]}"


def _member(key: str, value: Any, step: str | None = None) -> str:
    return f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False, indent=step)}"


def _indent(text: str, at: int) -> str:
    start = text.rfind("\n", 0, at) + 1
    line = text[start:at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _begins_its_line(text: str, at: int) -> bool:
    return at >= 0 and not text[text.rfind("\n", 0, at) + 1 : at].strip(" \t")


def _parsed(text: str) -> _Node:
    node = _value(text, _skip(text, 0), 0)
    if _skip(text, node.end) != len(text):
        raise CannotEdit(f"is no JSON: something follows its end (line {text.count(chr(10), 0, node.end) + 1})")
    return node


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None  # noqa: S101 - the expression fits an empty text
    return match.end()


def _value(text: str, at: int, level: int) -> _Node:
    if level > _MOST_LEVELS:
        raise CannotEdit(f"is nested more than {_MOST_LEVELS} deep")
    if text[at : at + 1] == "{":
        return _table(text, at, level)
    if text[at : at + 1] == "[":
        return _list(text, at, level)
    match = _TEXT.match(text, at) or _WORD.match(text, at)
    try:
        if match is not None:
            return _Node(json.loads(match[0]), at, match.end())
    except ValueError:
        pass
    raise CannotEdit(f"is no JSON: expected a value in line {text.count(chr(10), 0, at) + 1}")


def _table(text: str, start: int, level: int) -> _Node:
    node = _Node({}, start, start)
    at = _skip(text, start + 1)
    while text[at : at + 1] != "}":
        key = _TEXT.match(text, at)
        colon = _skip(text, key.end()) if key is not None else at
        if key is None or text[colon : colon + 1] != ":":
            raise CannotEdit(f"is no JSON: expected a name and ':' in line {text.count(chr(10), 0, at) + 1}")
        name = json.loads(key[0])
        if name in node.members:
            raise CannotEdit(f"has '{name}' twice")
        if node.first_key < 0:
            node.first_key = at
        below = _value(text, _skip(text, colon + 1), level + 1)
        node.members[name], node.value[name] = below, below.value
        at = _after_item(text, below.end, "}")
    node.end = at + 1
    return node


def _list(text: str, start: int, level: int) -> _Node:
    node = _Node([], start, start)
    at = _skip(text, start + 1)
    while text[at : at + 1] != "]":
        below = _value(text, at, level + 1)
        node.value.append(below.value)
        at = _after_item(text, below.end, "]")
    node.end = at + 1
    return node


def _after_item(text: str, at: int, closing: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] == ",":
        return _skip(text, at + 1)
    if text[at : at + 1] != closing:
        raise CannotEdit(f"is no JSON: expected ',' or '{closing}' in line {text.count(chr(10), 0, at) + 1}")
    return at
