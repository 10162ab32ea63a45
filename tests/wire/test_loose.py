"""Reading JSON without trusting its types."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.wire.loose import elements_of, json_of, kind_of_error, object_in_tail, value_of


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": "\\ud83d"}', {"a": "\ufffd"}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"\xff"', "\ufffd"),
        (b'{"n": 1e400}', {"n": float("inf")}),
        (b"[" * 100_000, None),
        (b'{"a": 1', None),
        (b"", None),
        (b"9" * 5000, None),
    ],
)
def test_a_value_is_read_as_far_as_it_can_be(data: bytes, value: object) -> None:
    assert value_of(data) == value


@given(st.binary())
def test_what_was_read_can_be_written(data: bytes) -> None:
    json_of(value_of(data)).encode()


@given(st.lists(st.dictionaries(st.text(), st.text(), max_size=2), max_size=4), st.integers(0, 60))
def test_the_elements_of_an_array_end_where_they_say(values: list[dict[str, str]], cut: int) -> None:
    body = ("[" + " ,\r\n".join(json.dumps(value, ensure_ascii=False) for value in values) + "]").encode()
    elements = elements_of(body)
    assert [json.loads(element) for element, _ in elements] == values
    assert all(body[:end].endswith(element) for element, end in elements)
    assert elements_of(body[:cut]) == [(element, end) for element, end in elements if end <= cut]


@pytest.mark.parametrize(
    ("tail", "found"),
    [
        (b'x"],"usage": {"a": {"b": 1}}, "user": null}', {"a": {"b": 1}}),
        (b'{"usage":{"a":1}, "t": "the usage: {"}', {"a": 1}),
        (b'"usage": 7, "x": {}', {}),
        (b'"usage": {"a": ', {}),
        (b"\xff\xfe", {}),
    ],
)
def test_an_object_is_found_in_a_tail(tail: bytes, found: object) -> None:
    assert object_in_tail(tail, "usage") == found


def test_an_error_is_a_word_of_bounded_length() -> None:
    assert kind_of_error({"type": "x" * 1000}) == "x" * 100
    assert kind_of_error(None) is None
    assert kind_of_error({}) == "error"
