"""Whether a value fits a JSON Schema: the keywords that structured answers and tools are written with.

A keyword that is not known here (`pattern`, `format`, …) forbids nothing: an answer is never found at fault for what
was not understood. Types may be in capitals and values `nullable`, as in Gemini's schemas.

Source: JSON Schema 2020-12, "Validation" and "Core".
"""

from __future__ import annotations

from typing import Any, TypeGuard

MAX_STEPS = 20_000  # values compared with schemas, in all; what is beyond is taken to fit


def fits(value: Any, schema: Any) -> bool:
    """Whether *value* (parsed JSON) fits *schema* as far as that is understood."""
    return _Reader(schema).fits(value, schema, 0)


class _Reader:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._steps = 0

    def fits(self, value: Any, schema: Any, depth: int) -> bool:
        self._steps += 1
        if schema is False:
            return False
        if not isinstance(schema, dict) or depth > 64 or self._steps > MAX_STEPS:
            return True
        if value is None and schema.get("nullable") is True:
            return True
        if "$ref" in schema and not self.fits(value, self._found(schema["$ref"]), depth + 1):
            return False
        return (
            _has_type(value, schema.get("type"))
            and ("const" not in schema or _same(value, schema["const"]))
            and (not isinstance(schema.get("enum"), list) or any(_same(value, one) for one in schema["enum"]))
            and _in_bounds(value, schema)
            and self._combined(value, schema, depth)
            and (not isinstance(value, dict) or self._object(value, schema, depth))
            and (not isinstance(value, list) or self._array(value, schema, depth))
        )

    def _combined(self, value: Any, schema: dict[str, Any], depth: int) -> bool:
        for word, least in (("allOf", None), ("anyOf", 1), ("oneOf", 1)):
            choices = schema.get(word)
            if isinstance(choices, list) and choices:
                fitting = sum(self.fits(value, one, depth + 1) for one in choices)
                if fitting < (len(choices) if least is None else least):
                    return False
        return True

    def _object(self, value: dict[str, Any], schema: dict[str, Any], depth: int) -> bool:
        required, properties = schema.get("required"), schema.get("properties")
        known = properties if isinstance(properties, dict) else {}
        if isinstance(required, list) and any(isinstance(name, str) and name not in value for name in required):
            return False
        others = schema.get("additionalProperties", True)
        if "patternProperties" in schema:
            others = True
        return all(self.fits(item, known.get(name, others), depth + 1) for name, item in value.items())

    def _array(self, value: list[Any], schema: dict[str, Any], depth: int) -> bool:
        return "items" not in schema or all(self.fits(item, schema["items"], depth + 1) for item in value)

    def _found(self, reference: Any) -> Any:
        """What a reference inside the schema points to; True where that is elsewhere, which fits all."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return True
        found = self._root
        for step in reference[1:].split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or name not in found:
                return True
            found = found[name]
        return found


def _has_type(value: Any, kind: Any) -> bool:
    if isinstance(kind, list):
        return any(_has_type(value, one) for one in kind)
    match kind.lower() if isinstance(kind, str) else None:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "integer":
            return _is_number(value) and float(value).is_integer()
        case "number":
            return _is_number(value)
    return True


def _in_bounds(value: Any, schema: dict[str, Any]) -> bool:
    if _is_number(value):
        return _between(value, schema, "minimum", "maximum") and not (
            (_is_number(low := schema.get("exclusiveMinimum")) and value <= low)
            or (_is_number(high := schema.get("exclusiveMaximum")) and value >= high)
        )
    if isinstance(value, str):
        return _between(len(value), schema, "minLength", "maxLength")
    return not isinstance(value, list) or _between(len(value), schema, "minItems", "maxItems")


def _between(number: float, schema: dict[str, Any], least: str, most: str) -> bool:
    low, high = schema.get(least), schema.get(most)
    return not (_is_number(low) and number < low) and not (_is_number(high) and number > high)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(value: Any, other: Any) -> bool:
    return (type(value) is type(other) and bool(value == other)) or (
        _is_number(value) and _is_number(other) and value == other
    )
