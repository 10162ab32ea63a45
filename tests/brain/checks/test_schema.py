"""A value fits a schema as the specification says; what is not understood forbids nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.brain.checks.schema import fits

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
        "boss": {"anyOf": [{"type": "null"}, {"$ref": "#"}]},
    },
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "value",
    [
        {"name": "Ada"},
        {"name": "Ada", "age": 36, "tags": ["a", "b"], "boss": None},
        {"name": "Ada", "age": 36.0, "boss": {"name": "Charles", "boss": None}},
    ],
)
def test_what_fits(value: Any) -> None:
    assert fits(value, PERSON)


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"name": ""},
        {"name": 7},
        {"name": "Ada", "age": 36.5},
        {"name": "Ada", "age": True},
        {"name": "Ada", "age": -1},
        {"name": "Ada", "tags": ["c"]},
        {"name": "Ada", "tags": ["a", "b", "a"]},
        {"name": "Ada", "height": 1.7},
        {"name": "Ada", "boss": {"age": 3}},
        {"name": "Ada", "boss": "Charles"},
    ],
)
def test_what_does_not_fit(value: Any) -> None:
    assert not fits(value, PERSON)


@pytest.mark.parametrize(
    ("value", "schema", "fit"),
    [
        (1, {"const": 1}, True),
        (True, {"const": 1}, False),
        (1.0, {"enum": [1]}, True),
        ("1", {"enum": [1]}, False),
        (3, {"exclusiveMinimum": 3}, False),
        (3, {"exclusiveMaximum": 4}, True),
        (None, {"type": "STRING", "nullable": True}, True),
        (None, {"type": "STRING"}, False),
        (None, {"type": ["string", "null"]}, True),
        ("x", {"oneOf": [{"type": "integer"}, {"type": "boolean"}]}, False),
        (5, {"allOf": [{"type": "integer"}, {"minimum": 6}]}, False),
        ({"x": 1}, {"$defs": {"n": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/n"}}}, False),
        ({"x": 1}, {"properties": {"x": {"$ref": "elsewhere"}}}, True),
        ("anything", {"pattern": "^$", "format": "date", "unheard": 1}, True),
        ("anything", False, False),
        ("anything", True, True),
        ({"x-1": 1}, {"patternProperties": {"^x-": {}}, "additionalProperties": False}, True),
    ],
)
def test_keywords(value: Any, schema: Any, fit: bool) -> None:
    assert fits(value, schema) is fit


def test_a_schema_that_refers_to_itself_ends() -> None:
    assert fits({}, {"$ref": "#"})
    assert fits([[[]]], {"items": {"$ref": "#"}})


def test_a_schema_that_multiplies_itself_ends() -> None:
    assert fits({}, {"anyOf": [{"$ref": "#"}] * 8})


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "required", "enum", "anyOf", "$ref", "minimum", "const"]),
            inner,
            max_size=4,
        )
    ),
)


@given(value=junk, schema=junk)
def test_any_schema_says_yes_or_no(value: Any, schema: Any) -> None:
    assert fits(value, schema) in (True, False)
