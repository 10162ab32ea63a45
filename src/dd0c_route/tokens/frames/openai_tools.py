"""How OpenAI's models read tools: as a namespace of TypeScript functions behind the system message.

Source: the format that openai/harmony (`src/encoding.rs`, Apache-2.0) renders for open models; what differs here was
found on recorded requests: an object in which nothing has a comment stands on one line, and a comment of several lines
is marked once.
"""

from __future__ import annotations

import json
from typing import Any

from dd0c_route.tokens.frames.reading import Unknown, string

HEADER = "# Tools\n\n## functions\n\n"


def namespace(tools: list[dict[str, Any]]) -> str:
    """The text for *tools*, each as in chat (`{"type": "function", "function": {…}}`), in Responses, or a function."""
    lines = ["namespace functions {", ""]
    for tool in tools:
        if tool.get("type", "function") != "function":
            raise Unknown
        function = tool.get("function", tool)
        if not isinstance(function, dict):
            raise Unknown
        lines += [*_function(function), ""]
    return "\n".join([*lines, "} // namespace functions"])


def _function(function: dict[str, Any]) -> list[str]:
    name, parameters = string(function.get("name")), function.get("parameters")
    lines = _comment(function.get("description"))
    if not isinstance(parameters, dict) or not parameters.get("properties"):
        return [*lines, f"type {name} = () => any;"]
    head = "".join([f"{line}\n" for line in _comments(parameters)])
    return [*lines, f"type {name} = (_: {head}{_type(parameters)}) => any;"]


def _type(schema: Any) -> str:
    if not isinstance(schema, dict):
        return "any"
    for several in ("anyOf", "oneOf"):
        if isinstance(schema.get(several), list):
            return " | ".join(map(_type, schema[several]))
    if isinstance(schema.get("enum"), list):
        return " | ".join([json.dumps(value, ensure_ascii=False) for value in schema["enum"]])
    match schema.get("type"):
        case list() as names:
            return " | ".join([_type(schema | {"type": name}) for name in names if isinstance(name, str)])
        case "number" | "integer":
            return "number"
        case "string" | "boolean" | "null" as name:
            return str(name)
        case "array":
            return f"{_type(schema['items'])}[]" if schema.get("items") else "any[]"
        case _:
            return _object(schema)


def _object(schema: dict[str, Any]) -> str:
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(required, list):
        required = []
    if not isinstance(properties, dict) or not properties:
        return "object" if schema.get("type") == "object" else "any"
    fields = {f"{name}{'' if name in required else '?'}: {_type(inner)}": inner for name, inner in properties.items()}
    comments = [_comments(inner) for inner in fields.values()]
    if not any(comments):
        return f"{{ {', '.join(fields)} }}"
    lines = ["{"]
    for field, comment in zip(fields, comments, strict=True):
        lines += [*comment, f"{field},"]
    return "\n".join([*lines, "}"])


def _comments(schema: Any) -> list[str]:
    if not isinstance(schema, dict):
        return []
    lines = _comment(schema.get("title"))
    description = _comment(schema.get("description"))
    lines += ["//", *description] if lines and description else description
    if "default" in schema:
        lines.append(f"// default: {json.dumps(schema['default'], ensure_ascii=False)}")
    return lines


def _comment(value: Any) -> list[str]:
    return [f"// {value.strip()}"] if isinstance(value, str) and value else []
