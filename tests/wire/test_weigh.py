"""What is said of a body's structure, in one look or in slices: the same, and the same as a parser says."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from dd0c_route.config import Limits
from dd0c_route.errors import BadRequest
from dd0c_route.wire import weigh
from dd0c_route.wire.body import split
from dd0c_route.wire.weigh import check, in_slices, is_plain

LIMITS = Limits()


def sliced(body: bytes, limits: Limits = LIMITS) -> dict[str, Raw]:
    steps = in_slices(body, limits)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            fields: dict[str, Raw] = end.value
            return fields


def checked(body: bytes, limits: Limits = LIMITS) -> dict[str, Raw]:
    fields = split(body)
    check(body, fields, limits)
    return fields


def plain(fields: dict[str, Raw]) -> dict[str, bytes]:
    return {name: bytes(raw) for name, raw in fields.items()}


BOTH = pytest.mark.parametrize("read", [checked, sliced])

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.text(alphabet='ab"\\[]{}:, \né日\U0001f600', max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)
objects = st.dictionaries(st.text(alphabet='ab"\\:{}[],é', max_size=5), values, max_size=6)


@settings(max_examples=300)
@given(value=objects, size=st.integers(1, 40), spaces=st.booleans(), escaped=st.booleans())
def test_slices_of_any_length_find_the_fields_that_a_parser_finds(
    value: dict[str, Any], size: int, spaces: bool, escaped: bool
) -> None:
    body = json.dumps(value, indent=1 if spaces else None, ensure_ascii=escaped).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weigh, "SLICE_BYTES", size)
        found = sliced(body)
    assert plain(found) == plain(split(body))
    assert {name: msgspec.json.decode(raw) for name, raw in found.items()} == json.loads(body)
    check(body, split(body), LIMITS)


def nested(depth: int) -> list[bytes]:
    """Objects of exactly this depth, some of which hide it."""
    inner = depth - 1
    return [
        b'{"a":' + b"[" * inner + b"]" * inner + b"}",
        b'{"a":' + b'{"b":' * inner + b"1" + b"}" * inner + b"}",
        b'{"a":' + b'["]]]]",' * inner + b"1" + b"]" * inner + b"}",
        b'{"messages":[{"role":"user","content":"\\"}}}}"},' + b"[1," * (inner - 1) + b"1" + b"]" * (inner - 1) + b"]}",
        b'{"t":[' + b"[]," * 300 + b"1]," + b'"a":' + b"[ " * inner + b"] " * inner + b"}",
    ]


@BOTH
@pytest.mark.parametrize("shape", range(5))
@pytest.mark.parametrize("depth", [2, 7, 128])
def test_a_body_may_be_as_deep_as_the_limit_and_no_deeper(read: Any, shape: int, depth: int) -> None:
    limits = Limits(json_depth=max(depth, 4) if shape >= 3 else depth)
    read(nested(limits.json_depth)[shape], limits)
    with pytest.raises(BadRequest, match=r"more than \d+ deep \(\[limits\] json_depth\)"):
        read(nested(limits.json_depth + 1)[shape], limits)


@BOTH
@pytest.mark.parametrize("name", ["model", "stream"])
@pytest.mark.parametrize("second", ['"{}"', '"\\u00{:02x}{}"'])
@pytest.mark.parametrize("comma", [",", " ,\n "])
def test_what_two_readers_could_take_differently_may_stand_only_once(
    read: Any, name: str, second: str, comma: str
) -> None:
    again = second.format(name) if "u00" not in second else second.format(ord(name[0]), name[1:])
    body = f'{{"{name}":"x","a":{{"{name}":1,"text":"\\"{name}\\""}}{comma}{again}:"y"}}'.encode()
    with pytest.raises(BadRequest, match="stands twice"):
        read(body)


@BOTH
def test_a_name_may_stand_again_where_it_is_another_objects(read: Any) -> None:
    body = b'{ "model": "m", "a": [{"model": "n", "stream": 1}, {"model": "o"}], '
    body += b'"b": "\\"model\\": \\u006d", "stream": true }'
    assert list(read(body)) == ["model", "a", "b", "stream"]


@BOTH
@pytest.mark.parametrize("wrong", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80"])
def test_only_utf_8_is_text(read: Any, wrong: bytes) -> None:
    with pytest.raises(BadRequest, match=r"not valid UTF-8"):
        read(b'{"model":"m","a":"' + wrong + b'"}')


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"[]", b'"a"', b"1", b"{", b'{"a"', b'{"a":', b'{"a":1', b'{"a":1,}', b'{,"a":1}',
        b'{"a" 1}', b'{"a":1}}', b'{"a":1}{"b":2}', b'{"a":1} x', b'x{"a":1}', b'{a:1}', b'{"a"::1}',
        b'{"a":1:2}', b'{"a":1,,"b":2}', b'{"a":}',
        b'{"a":x}', b'{"a":1]', b'[{"a":1}]', b'{"a":"b}', b"{'a':1}", b'{"a":NaN}',
        b'{"a":01}', b'{"a" "b":1}', b'{"a":tru}',
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused_in_slices_too(body: bytes) -> None:
    with pytest.raises(BadRequest):
        sliced(body)
    with pytest.raises(BadRequest):
        split(body)


def test_names_are_counted_up_to_the_limit() -> None:
    def body(names: int) -> bytes:
        return b'{"a":"::::","b":{' + b",".join(b'"%d":{}' % index for index in range(names - 2)) + b"}}"

    limits = Limits(json_keys=5000)
    assert len(sliced(body(5000), limits)) == 2
    with pytest.raises(BadRequest, match=r"more than 5000 names \(\[limits\] json_keys\)"):
        sliced(body(5001), limits)


@given(names=st.integers(0, 60), keys=st.integers(1, 60))
def test_no_body_with_too_many_names_counts_as_plain(names: int, keys: int) -> None:
    body = b"{" + b",".join([b'"":1'] * names) + b"}"
    if names > keys:
        assert not is_plain(body, Limits(json_keys=keys)) or len(body) <= weigh._KEY_BYTES * keys
        assert len(body) > weigh._KEY_BYTES * keys or names <= keys


def test_a_long_body_of_text_is_plain_and_one_of_names_is_not() -> None:
    assert is_plain(b'{"a":"' + b"Hello, world: good. " * 9_000 + b'"}', LIMITS)
    assert not is_plain(b"{" + b'"":1,' * 60_000 + b'"a":1}', LIMITS)
    assert not is_plain(b'{"a":"' + b"x" * weigh.WHOLE_BYTES + b'"}', LIMITS)


def test_a_slice_ends_behind_an_escape() -> None:
    body = b'{"a":"' + b"\\\\" * 50_000 + b'\\"","b":1}'
    assert plain(sliced(body)) == plain(split(body))


@BOTH
def test_a_body_has_no_more_fields_than_can_be_looked_at(read: Any) -> None:
    def body(fields: int) -> bytes:
        return b"{" + b",".join(b'"%x":1' % index for index in range(fields)) + b"}"

    assert len(read(body(weigh.MOST_FIELDS))) == weigh.MOST_FIELDS
    with pytest.raises(BadRequest, match="more than 1000 fields"):
        read(body(weigh.MOST_FIELDS + 1))


@pytest.mark.parametrize("place", [b"%b{", b'{%b"', b"1%b}", b":%b1", b'"%b:', b"}%b"])
def test_blanks_without_end_are_no_json(place: bytes) -> None:
    whole = b'{"a":1}'
    few, many = (whole.replace(place.replace(b"%b", b""), place % (b" " * n), 1) for n in (1000, 200_000))
    assert plain(sliced(few)) == {"a": b"1"}
    with pytest.raises(BadRequest):
        sliced(many)
