from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.tokens.frames.openai_types import Signatures


def signature(function: dict[str, Any], *, copies_descriptions: bool = True) -> str:
    return "\n".join(Signatures(copies_descriptions=copies_descriptions).lines(function))


def parameter(schema: Any, *, copies_descriptions: bool = True, **more: Any) -> str:
    """How a parameter `a` is written."""
    parameters = {"type": "object", "properties": {"a": schema}, "required": ["a"]} | more
    written = signature({"name": "f", "parameters": parameters}, copies_descriptions=copies_descriptions)
    return written.removeprefix("type f = (_: ").removesuffix(") => any;")


def test_a_function_is_a_type_under_its_description() -> None:
    properties = {
        "location": {"type": "string", "description": "The city and state"},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "integer", "default": 3},
    }
    parameters = {"type": "object", "properties": properties, "required": ["location"]}
    function = {"name": "weather", "description": "Of a place\n\n  today", "parameters": parameters}
    assert signature(function).splitlines() == [
        "// Of a place",
        "//",
        "// today",
        "type weather = (_: {",
        "// The city and state",
        "location: string,",
        'unit?: "celsius" | "fahrenheit",',
        "days?: number, // default: 3",
        "}) => any;",
    ]


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object", "properties": {}}, "object"])
def test_a_function_without_parameters_has_none(parameters: Any) -> None:
    assert signature({"name": "f", "parameters": parameters}) == "type f = () => any;"


def test_the_comment_of_the_parameters_stands_inside() -> None:
    assert parameter({"type": "string"}, title="Args").splitlines() == ["// Args", "{ a: string }"]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "number"}, "number"),
        ({"type": "boolean"}, "boolean"),
        ({"type": "array", "items": {"type": "string"}}, "string[]"),
        ({"type": "array"}, "any[]"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"type": ["string", "null"], "enum": ["x", None]}, '"x" | null'),
        ({"type": "string", "nullable": True}, "string | null"),
        ({"const": 3}, "3"),
        ({"allOf": [{"type": "string"}]}, "string"),
        ({"type": "object"}, "object"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "{ [key: string]: string }"),
        ({"type": "object", "properties": {"b": {"type": "null"}}}, "{ b?: null }"),
        ({"type": "array", "items": {"properties": {"b": {}}}}, "{ b?: any }[]"),
        ({}, "any"),
        (True, "any"),
        (False, "never"),
    ],
)
def test_what_has_no_comment_stands_on_one_line(schema: Any, text: str) -> None:
    assert parameter(schema) == f"{{ a: {text} }}"


@pytest.mark.parametrize(
    ("schema", "lines"),
    [
        ({"title": "A", "description": "x", "type": "string"}, ["// A", "//", "// x", "a: string,"]),
        ({"type": "string", "format": "date"}, ['a: string, // format: "date"']),
        (
            {"type": "integer", "default": 5, "minimum": 1, "maximum": 9},
            ["a: number, // default: 5, minimum: 1, maximum: 9"],
        ),
        ({"type": "string", "pattern": "^x"}, ["a: string, // pattern: /^x/"]),
        ({"type": "string", "examples": ["x"]}, ['// Example: "x"', "a: string,"]),
        ({"type": "string", "examples": [1, 2]}, ["// Examples:", "// - 1", "// - 2", "a: string,"]),
        (
            {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
            ["a:", ' | string // format: "date"', " | null", ","],
        ),
        (
            {"type": "array", "default": None, "items": {"title": "B", "properties": {"b": {"description": "x"}}}},
            ["// default: null", "a: Array<", "// B", "{", "// x", "b?: any,", "}", ">,"],
        ),
        ({"allOf": [{"type": "string"}, {"type": "null"}]}, ["a:", " & string", " & null", ","]),
    ],
)
def test_comments_stand_above_and_bounds_behind(schema: Any, lines: list[str]) -> None:
    assert parameter(schema).splitlines() == ["{", *lines, "}"]


def test_several_types_bring_the_description_along_in_chat_only() -> None:
    schema = {"type": ["string", "null"], "description": "x"}
    copied = ["{", "// x", "a:", "// x", " | string", "// x", " | null", ",", "}"]
    assert parameter(schema).splitlines() == copied
    assert parameter(schema, copies_descriptions=False).splitlines() == ["{", "// x", "a: string | null,", "}"]
    for copies, band in ((True, (8, 0)), (False, (0, 8))):
        signatures = Signatures(copies_descriptions=copies)
        signatures.lines({"name": "f", "parameters": {"properties": {"a": schema}}})
        assert (signatures.fewer, signatures.more) == band


def test_a_reference_is_what_it_stands_for_once() -> None:
    definitions = {"B": {"type": "object", "properties": {"c": {"$ref": "#/$defs/B"}}}}
    schema = {"$ref": "#/$defs/B", "description": "x"}
    signatures = Signatures(copies_descriptions=True)
    parameters = {"type": "object", "properties": {"a": schema}, "$defs": definitions}
    lines = "\n".join(signatures.lines({"name": "f", "parameters": parameters})).splitlines()
    assert lines[1:-1] == ["// x", "a?: {", 'c?: any, // $ref: "#/$defs/B"', "},"]
    assert (signatures.fewer, signatures.more > 0) == (0, True)
    assert parameter({"$ref": "#/$defs/missing"}) == "{ a: any }"


def test_the_comments_of_simple_items_may_not_be_read() -> None:
    signatures = Signatures(copies_descriptions=True)
    items = {"type": "array", "items": {"type": "string", "description": "of a place"}}
    lines = "\n".join(signatures.lines({"name": "f", "parameters": {"properties": {"a": items}}})).splitlines()
    assert lines[1:-1] == ["a?: Array<", "// of a place", "string", ">,"]
    assert (signatures.fewer > 0, signatures.more) == (True, 0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["object", "array", "#/$defs/a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "anyOf", "allOf", "enum", "$ref", "$defs", "a", "default"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(json_values)
def test_any_schema_is_a_type(schema: Any) -> None:
    parameters = {"type": "object", "properties": {"a": schema}, "$defs": {"a": schema}}
    signature({"name": "f", "parameters": parameters})
