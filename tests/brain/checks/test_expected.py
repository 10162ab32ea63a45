"""What a request says of the form of its answer is the same in every dialect."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.json import encode

from dd0c_route.brain.checks.expected import ANYTHING, MAX_BYTES, Expected, expected
from tests.brain.checks.answers import APIS, request

SCHEMA = {"type": "object", "required": ["a"]}
TOOLS = {"look_up": {"type": "object", "required": ["id"]}, "stop": {"type": "object"}}
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


def raw(fields: dict[str, Any]) -> dict[str, Raw]:
    return {name: Raw(encode(value)) for name, value in fields.items()}


@pytest.mark.parametrize("api", APIS)
def test_a_schema_tools_and_a_limit_are_found(api: str) -> None:
    fields = request(api, SCHEMA, TOOLS, must=True, limit=900)

    assert expected(api, raw(fields)) == Expected(True, SCHEMA, TOOLS, True, 900)


@pytest.mark.parametrize("api", APIS)
def test_of_a_request_that_says_nothing_anything_is_expected(api: str) -> None:
    assert expected(api, {}) == ANYTHING


def test_json_without_a_schema() -> None:
    assert expected("openai.chat", raw({"response_format": {"type": "json_object"}})) == Expected(json=True)
    assert expected("gemini.generate", raw({"generationConfig": {"responseMimeType": "application/json"}})) == Expected(
        json=True
    )


def test_tools_of_the_provider_leave_it_open_which_tools_can_be_called() -> None:
    fields = {"tools": [{"type": "web_search"}, {"type": "function", "name": "f", "parameters": {}}]}
    assert expected("openai.responses", raw(fields)) == ANYTHING


def test_an_api_that_is_not_read_expects_nothing_that_could_be_checked() -> None:
    assert expected("openai.embeddings", {}) is None


def test_of_tools_beyond_the_bound_nothing_is_expected() -> None:
    fields = raw({"tools": ["x" * MAX_BYTES], "response_format": {"type": "json_object"}})
    assert expected("openai.chat", fields) == ANYTHING


@pytest.mark.parametrize("api", APIS)
@given(values=st.lists(anything, min_size=8, max_size=8))
def test_fields_of_any_kind_are_read_or_passed_over(api: str, values: list[Any]) -> None:
    names = ("response_format", "text", "tools", "tool_choice", "max_tokens", "output_config", "generationConfig")
    assert expected(api, raw(dict(zip(names, values, strict=False)))) is not None


def test_a_field_that_is_no_json_says_nothing() -> None:
    assert expected("openai.chat", {"tools": Raw(b"[\xff"), "max_tokens": Raw(b"7")}) == Expected(output_limit=7)
