"""Google's schemas (a part of OpenAPI 3.0 with types in capitals) → JSON Schema.

The other way is not needed: `parametersJsonSchema` and `responseJsonSchema` take JSON Schema as it is.
Source: https://ai.google.dev/api/caching#Schema, https://ai.google.dev/api/caching#FunctionDeclaration.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.wire.loose import value_of
from dd0c_route.wire.neutral.form import Json
from dd0c_route.wire.neutral.gemini.fields import camel

_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")  # written as strings
_WITHOUT_MEANING = ("propertyOrdering", "nullable")  # the first says only how to print; the second is told by the type


def of_google(raw: Json) -> Json:
    """JSON Schema for *raw*, or nothing for nothing."""
    value = value_of(raw) if raw else None
    return msgspec.json.encode(_schema(value)) if isinstance(value, dict) else b""


def _schema(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    known = {camel(name): inner for name, inner in value.items()}
    out: dict[str, Any] = {}
    for name, inner in known.items():
        if name == "type":
            if inner != "TYPE_UNSPECIFIED":
                out["type"] = inner.lower() if isinstance(inner, str) else inner
        elif name in ("properties", "defs") and isinstance(inner, dict):
            out["$defs" if name == "defs" else name] = {key: _schema(one) for key, one in inner.items()}
        elif name == "anyOf" and isinstance(inner, list):
            out[name] = [_schema(one) for one in inner]
        elif name in ("items", "additionalProperties"):
            out[name] = _schema(inner)
        elif name == "ref":
            out["$ref"] = str(inner).replace("#/defs/", "#/$defs/")
        elif name == "example":
            out["examples"] = [inner]
        elif name in _COUNTS and isinstance(inner, str) and inner.isdecimal():
            out[name] = int(inner)
        elif name not in _WITHOUT_MEANING and (name, inner) != ("format", "enum"):
            out[name] = inner
    return _nullable(out) if known.get("nullable") is True else out


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if isinstance(schema.get("enum"), list):
        schema["enum"] = [*schema["enum"], None]
    if isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    return schema
