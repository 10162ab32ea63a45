"""Laws of changing a text by position, on texts that hypothesis makes up."""

from __future__ import annotations

import contextlib
import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.connect import CannotEdit, dotenv, jsonc, toml, yaml
from dd0c_route.connect.forms import line_end
from dd0c_route.connect.written import written

KEYS = st.text("abc", min_size=1, max_size=2)
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)
SPACE = st.sampled_from(["", " ", "\n", "\r\n", "\t", "/* c, } */", "// {\n"])


def commented(value: Any) -> st.SearchStrategy[str]:
    """*value* as JSON with comments and trailing commas in it."""
    if isinstance(value, dict):
        named = [st.tuples(SPACE, SPACE, SPACE, commented(v), SPACE) for v in value.values()]
        items = st.tuples(*named).map(
            lambda drawn: [f"{a}{json.dumps(k)}{b}:{c}{v}{d}" for k, (a, b, c, v, d) in zip(value, drawn, strict=True)]
        )
    elif isinstance(value, list):
        listed = [st.tuples(SPACE, commented(v), SPACE) for v in value]
        items = st.tuples(*listed).map(lambda drawn: ["".join(one) for one in drawn])
    else:
        return st.just(json.dumps(value))
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    commas = st.sampled_from(["", ","]) if value else st.just("")
    return st.builds(lambda parts, comma, gap: f"{opening}{','.join(parts)}{comma}{gap}{closing}", items, commas, SPACE)


@given(TABLES.flatmap(lambda table: st.tuples(st.just(table), commented(table))), KEYS, VALUES)
def test_a_value_put_into_json_with_comments_is_there_and_nothing_else_changed(
    case: tuple[dict[str, Any], str], key: str, value: Any
) -> None:
    table, text = case
    assert jsonc.read(text) == table
    changed = jsonc.put(text, (key,), value)
    assert jsonc.read(changed) == {**table, key: value}
    if key not in table:  # all that was there is still there, in its order
        rest = iter(changed)
        assert all(character in rest for character in text if not character.isspace())


@given(st.text())
def test_no_text_makes_a_reader_fail_otherwise_than_by_refusing(text: str) -> None:
    for form in (jsonc, toml, yaml, dotenv):
        with contextlib.suppress(CannotEdit):
            form.read(text)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, st.text() | st.booleans() | st.integers(), min_size=1), max_size=3))
def test_what_is_written_as_toml_is_read_back(tables: dict[str, Any]) -> None:
    assert tomllib.loads(written(tables)) == tables


@given(st.dictionaries(KEYS, st.text("xyz/:.", min_size=1), max_size=3), KEYS, st.sampled_from(["\n", "\r\n"]))
def test_a_line_put_into_a_dotenv_file_is_there(lines: dict[str, str], key: str, end: str) -> None:
    text = "".join(f"# {name}{end}export {name} = '{value}'{end}" for name, value in lines.items())
    changed = dotenv.put(text, (key,), "http://h:1")
    assert dotenv.read(changed) == {**lines, key: "http://h:1"}
    assert line_end(changed) == (end if text else "\n")


def test_a_value_that_needs_quotes_is_refused_in_a_dotenv_file() -> None:
    with pytest.raises(CannotEdit, match="quotes"):
        dotenv.put("", ("A",), "a b")
