"""Request bodies: split, left alone, joined."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from dd0c_route.errors import BadRequest
from dd0c_route.wire.body import join, split, with_usage_asked

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_what_was_split_joins_to_the_same_object_in_the_same_order(fields: dict[str, object]) -> None:
    joined = json.loads(join(split(json.dumps(fields, indent=1).encode())))
    assert joined == fields
    assert list(joined) == list(fields)


def test_untouched_values_keep_every_byte() -> None:
    body = b'{ "a" : 1.50e0 , "b":"\\u00e9\\/" ,"c": [1 , 2] }'
    assert join(split(body)) == b'{"a":1.50e0,"b":"\\u00e9\\/","c":[1 , 2]}'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "no body"),
        (b" \n", "no body"),
        (b"[1]", "not a JSON object"),
        (b'"secret"', "not a JSON object"),
        (b'{"a": secret}', "byte 6"),
        (b'{"a": "secret', "not valid JSON"),
        (b'{"\xff": 1}', "not valid UTF-8"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"secret", "not valid JSON"),
        (b'{"a": "secret \\ud83d\\ude00 \\uD83D"}', "half of a surrogate pair .byte 27"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_without_a_word_of_it(body: bytes, says: str) -> None:
    with pytest.raises(BadRequest, match=says) as refusal:
        split(body)
    assert "secret" not in refusal.value.message


@given(st.binary())
def test_any_bytes_are_split_or_refused(body: bytes) -> None:
    try:
        fields = split(body)
    except BadRequest:
        return
    assert isinstance(fields, dict)


@pytest.mark.parametrize(
    ("given_options", "sent"),
    [
        (None, {"include_usage": True}),
        (b"null", {"include_usage": True}),
        (b"{}", {"include_usage": True}),
        (b'{"include_usage": false, "other": 1}', {"include_usage": True, "other": 1}),
    ],
)
def test_usage_is_asked_for_where_the_client_did_not(given_options: bytes | None, sent: dict[str, object]) -> None:
    fields = split(b'{"model":"m","stream":true}')
    if given_options is not None:
        fields["stream_options"] = Raw(given_options)
    asked = with_usage_asked(fields)
    assert asked is not None
    assert json.loads(join(asked)) == {"model": "m", "stream": True, "stream_options": sent}


@pytest.mark.parametrize("options", [b'{"include_usage": true }', b'"x"', b"[]", b"7"])
def test_nothing_is_changed_where_usage_was_asked_for_or_cannot_be(options: bytes) -> None:
    assert with_usage_asked({"stream_options": Raw(options)}) is None
