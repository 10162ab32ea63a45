"""JSON schemas as OpenAI's models read them: types in the manner of TypeScript.

Source: the rules of openai/harmony (`src/encoding.rs`, Apache-2.0), which renders for open models, and the signatures
that the hosted models were seen to read (serbyte-development/json-schema-to-openai-typescript, its captured
fixtures). Held against recorded requests: an object of which nothing has a comment stands on one line; bounds and
defaults stand behind a type on one line, a default above one of several lines.
"""

from __future__ import annotations

import json
from typing import Any

from dd0c_route.tokens.frames.reading import string

_BOUNDS = (
    *("minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minItems", "maxItems"),
)


class Signatures:
    """Writes functions as types.

    Attributes:
        fewer, more: By how many tokens what was read may differ: comments of simple items and of several types were
            seen to be read and not to be, and references inside of a definition are not followed.
    """

    def __init__(self, *, copies_descriptions: bool) -> None:
        """In chat each of several types (`["string", "null"]`) brings the description along; in Responses none does."""
        self._copies_descriptions = copies_descriptions
        self._definitions: dict[str, Any] = {}
        self.fewer = self.more = 0

    def lines(self, function: dict[str, Any]) -> list[str]:
        """A function in lines: `{"name": …, "description": …, "parameters": a schema}`."""
        name, parameters = string(function.get("name")), function.get("parameters")
        lines = _comment(function.get("description"))
        if not isinstance(parameters, dict) or not parameters.get("properties"):
            return [*lines, f"type {name} = () => any;"]
        self._definitions = {}
        for kind in ("definitions", "$defs"):
            if isinstance(parameters.get(kind), dict):
                self._definitions |= parameters[kind]
        head = "".join([f"{line}\n" for line in _above(parameters)])
        return [*lines, f"type {name} = (_: {head}{self._type(parameters)}) => any;"]

    def _type(self, schema: Any) -> str:
        if schema is False:
            return "never"
        if not isinstance(schema, dict):
            return "any"
        if variants := self._variants(schema):
            return self._union(variants)
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return " | ".join(map(_json, schema["enum"]))
        if "const" in schema:
            return _json(schema["const"])
        if isinstance(schema.get("allOf"), list) and schema["allOf"]:
            return self._all_of(schema["allOf"])
        match schema.get("type"):
            case "number" | "integer":
                written = "number"
            case "string" | "boolean" | "null" as name:
                written = str(name)
            case "array":
                written = self._array(schema)
            case _:
                written = self._object(schema)
        return f"{written} | null" if schema.get("nullable") is True else written

    def _variants(self, schema: dict[str, Any]) -> list[Any]:
        for several in ("anyOf", "oneOf"):
            if isinstance(schema.get(several), list):
                return [self._resolved(variant) for variant in schema[several]]
        names = schema.get("type")
        if not isinstance(names, list) or "enum" in schema:
            return []
        comment = len(names) * sum(3 + len(line) // 3 for line in _above(schema))
        if self._copies_descriptions:
            self.fewer += comment
        else:
            self.more += comment
        unread = ("default",) if self._copies_descriptions else ("default", "title", "description")
        shared = {name: value for name, value in schema.items() if name not in unread}
        return [shared | {"type": name} for name in names if isinstance(name, str)]

    def _union(self, variants: list[Any]) -> str:
        parts = [(_above(variant), self._type(variant), _behind(variant)) for variant in variants]
        if not any(above or behind or "\n" in written for above, written, behind in parts):
            return " | ".join([written for _, written, _ in parts])
        lines = [""]
        for above, written, behind in parts:
            lines += [*above, f" | {written}{_trailing(behind)}"]
        return "\n".join([*lines, ""])

    def _all_of(self, schemas: list[Any]) -> str:
        parts = [self._type(self._resolved(schema)) for schema in schemas]
        return parts[0] if len(parts) == 1 else "\n".join(["", *[f" & {part}" for part in parts], ""])

    def _array(self, schema: dict[str, Any]) -> str:
        if not schema.get("items"):
            return "any[]"
        items = self._resolved(schema["items"])
        above, written, behind = _above(items), self._type(items), _behind(items)
        if not (above or behind or "\n" in written):
            return f"{written}[]"
        if above and "{" not in written:
            self.fewer += 3 + len(above) + sum(map(len, above)) // 3
        return "\n".join(["Array<", *above, written.lstrip("\n") + _trailing(behind), ">"])

    def _object(self, schema: dict[str, Any]) -> str:
        properties, required, others = (schema.get(name) for name in ("properties", "required", "additionalProperties"))
        fields = []
        for name, inner in properties.items() if isinstance(properties, dict) else ():
            mark = "" if isinstance(required, list) and name in required else "?"
            fields.append(self._field(f"{name}{mark}:", self._resolved(inner)))
        if others is True or isinstance(others, dict):
            fields.append(([], f"[key: string]: {self._type(self._resolved(others))}", []))
        if not fields:
            return "object" if schema.get("type") == "object" else "any"
        if not any(above or behind or "\n" in written for above, written, behind in fields):
            return f"{{ {', '.join([written for _, written, _ in fields])} }}"
        lines = ["{"]
        for above, written, behind in fields:
            lines += [*above, f"{written},{_trailing(behind)}"]
        return "\n".join([*lines, "}"])

    def _field(self, name: str, schema: Any) -> tuple[list[str], str, list[str]]:
        """What stands above a property, the property, and what stands behind it."""
        written = self._type(schema)
        if "\n" not in written and not written.startswith("{"):
            return _above(schema), f"{name} {written}", _behind(schema)
        default = [f"// default: {_json(schema['default'])}"] if "default" in schema else []
        return [*_above(schema), *default], name + (" " if written[0] != "\n" else "") + written, []

    def _resolved(self, schema: Any) -> Any:
        """A schema, or what its reference stands for; references inside of that are not followed any more."""
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
            return schema
        name = schema["$ref"].rpartition("/")[2]
        known = self._definitions.get(name)
        if not isinstance(known, dict):
            return {key: value for key, value in schema.items() if key != "$ref"}
        return self._closed(known) | {key: value for key, value in schema.items() if key != "$ref"}

    def _closed(self, schema: Any) -> Any:
        """A definition whose own references stand for anything."""
        if isinstance(schema, list):
            return [self._closed(inner) for inner in schema]
        if not isinstance(schema, dict):
            return schema
        if not isinstance(schema.get("$ref"), str):
            return {name: self._closed(inner) for name, inner in schema.items()}
        self.more += len(_json(self._definitions.get(schema["$ref"].rpartition("/")[2], ""))) // 4
        return {_REFERENCE: schema["$ref"]}


_REFERENCE = "$ref of a definition"


def _above(schema: Any) -> list[str]:
    """The comment of a schema: title, description, examples."""
    if not isinstance(schema, dict):
        return []
    lines, description = _comment(schema.get("title")), _comment(schema.get("description"))
    lines += ["//", *description] if lines and description else description
    match schema.get("examples"):
        case [example]:
            lines.append(f"// Example: {_json(example)}")
        case [_, *_] as examples:
            lines += ["// Examples:", *[f"// - {_json(example)}" for example in examples]]
    return lines


def _behind(schema: Any) -> list[str]:
    """What is said of a value behind its type."""
    if not isinstance(schema, dict):
        return []
    if _REFERENCE in schema:
        return [f"$ref: {_json(schema[_REFERENCE])}"]
    said = [f"{name}: {_json(schema[name])}" for name in ("default", *_BOUNDS) if name in schema]
    if isinstance(schema.get("pattern"), str):
        said.append(f"pattern: /{schema['pattern']}/")
    if isinstance(schema.get("format"), str):
        said.append(f"format: {_json(schema['format'])}")
    return said


def _trailing(said: list[str]) -> str:
    return f" // {', '.join(said)}" if said else ""


def _comment(value: Any) -> list[str]:
    """Each line is marked, and loses the space around it."""
    if not isinstance(value, str) or not value:
        return []
    return [f"// {line.strip()}".rstrip() for line in value.strip().split("\n")]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
