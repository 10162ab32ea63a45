from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from dd0c_route.tokens.loose import decoded

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_json_is_read(value: Any) -> None:
    assert decoded(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b'"a\\ud83db"', "a\ufffdb"),
        (b'"a\\udd25"', "a\ufffd"),
        (b'"\\ud83d\\udd25"', "\U0001f525"),
        (b'"a\xffb"', "a\ufffdb"),
        (b'{"a": ["\\ud83d", 1]}', {"a": ["\ufffd", 1]}),
    ],
)
def test_what_no_tokenizer_takes_becomes_a_sign_of_its_own(written: bytes, read: Any) -> None:
    assert decoded(written) == decoded(Raw(written)) == decoded(memoryview(written)) == read


@pytest.mark.parametrize("written", [b"", b"{", b"[1,", b"nope", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_no_value(written: bytes) -> None:
    with pytest.raises(ValueError, match=r"nested|Expecting|Extra"):
        decoded(written)
