"""YAML, changed by position: PyYAML says where each value begins and ends."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dd0c_route.connect.forms import CannotEdit, Path, line_end, nested

_PLAIN = re.compile(r"[A-Za-z][\w:/.=\-]*")


def read(text: str) -> Any:
    """The values in *text*, read as data alone: no tag makes an object."""
    try:
        return yaml.safe_load(text) or {}
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise CannotEdit(f"is no YAML: {' '.join(str(error).split())[:200]}") from None


def put(text: str, path: Path, value: Any) -> str:
    read(text)
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        gap = "" if not text or text.endswith("\n") else line_end(text)
        return text + gap + _block("", path, value, line_end(text))
    for depth, key in enumerate(path):
        below = _child(node, key)
        if below is None:
            return _inserted(text, node, path[depth:], value)
        node = below
    if not isinstance(node, ScalarNode):
        raise CannotEdit(f"'{'.'.join(map(str, path))}' is no single value")
    return text[: node.start_mark.index] + _scalar(value) + text[node.end_mark.index :]


def _child(node: Node, key: str | int) -> Node | None:
    if isinstance(node, MappingNode):
        return next((value for name, value in node.value if name.value == str(key)), None)
    if isinstance(node, SequenceNode):
        return node.value[key] if isinstance(key, int) and key < len(node.value) else None
    raise CannotEdit(f"cannot put '{key}' into a single value")


def _inserted(text: str, node: Node, path: Path, value: Any) -> str:
    """*text* with what *path* names as a new part of *node*."""
    end = line_end(text)
    assert isinstance(node, MappingNode | SequenceNode)  # noqa: S101 - `_child` refuses to look into anything else
    if node.flow_style:
        at = node.start_mark.index + 1
        new = _scalar(value) if path[0] == "+" else json.dumps(nested(path, value))[1:-1]
        return f"{text[:at]}{new}{', ' if node.value else ''}{text[at:]}"
    if isinstance(node, SequenceNode):
        at = text.rfind("\n", 0, node.value[0].start_mark.index) + 1
        prefix = text[at : node.value[0].start_mark.index]
        if tuple(path) != ("+",) or prefix.strip() != "-":
            raise CannotEdit("has a list that is written in an unusual way")
        return f"{text[:at]}{prefix}{_scalar(value)}{end}{text[at:]}"
    return _into_mapping(text, node, path, value, end)


def _into_mapping(text: str, node: MappingNode, path: Path, value: Any, end: str) -> str:
    if node.start_mark.column == 0 and node.end_mark.index >= len(text.rstrip()):
        gap = "" if text.endswith("\n") else end
        return text + gap + _block("", path, value, end)
    # Behind the first name: its value is one line in every file that we know; if not, before it.
    name, first = node.value[0]
    indent: str = " " * name.start_mark.column
    block = _block(indent, path, value, end)
    if isinstance(first, ScalarNode) and first.start_mark.line == first.end_mark.line == name.start_mark.line:
        at = text.find("\n", first.end_mark.index) + 1
        return text + end + block if at == 0 else text[:at] + block + text[at:]
    at = name.start_mark.index
    return text[:at] + block.removeprefix(indent) + indent + text[at:]


def _block(indent: str, path: Path, value: Any, end: str) -> str:
    """The lines that *path* and *value* are as a block."""
    lines = []
    for depth, key in enumerate(path):
        last = depth == len(path) - 1
        head = "-" if key == "+" else f"{key}:"
        lines.append(f"{indent}{'  ' * depth}{head}{f' {_scalar(value)}' if last else ''}{end}")
    return "".join(lines)


def _scalar(value: Any) -> str:
    text = str(value)
    plain = isinstance(value, str) and _PLAIN.fullmatch(text) and yaml.safe_load(text) == text
    return text if plain else json.dumps(value, ensure_ascii=False)
