"""Nothing breaks out of a header line: whatever models, tags, reasons, providers and errors are called."""

from __future__ import annotations

import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.errors import BadRequest, RouteError
from dd0c_route.proxy.exchange import _about, _named
from dd0c_route.proxy.headers import Headers, upstream_headers
from dd0c_route.upstream import Pool, Sweeper
from dd0c_route.wire.errors import headers_of
from tests.proxy.doubles import Transport, client_on
from tests.proxy.examples import call, provider, stored_key
from tests.upstream.scripted import on_uvloop

BREAKING = st.sampled_from(["\r", "\n", "\r\n", "\0", "\r\nset-cookie: a=b", "\r\n\r\n<html>", "\u2028", "\x85", "\x0b",
                            "\u560d\u560a", "\u010a", "\u010d", "\x1b", "\x7f", "\t", "\udc0a"])  # fmt: skip
NAMES = st.lists(st.one_of(BREAKING, st.text(max_size=8)), max_size=8).map("".join)
VALUES = st.lists(
    st.one_of(st.sampled_from([b"\r", b"\n", b"\r\n", b"\0", b"a"]), st.binary(max_size=8)), max_size=8
).map(b"".join)
PRINTABLE = re.compile(rb"[ -~]*")
FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\r\n\0]*")


def lines_of(head: bytes) -> list[bytes]:
    """The lines of a head that ends where it should, and nowhere before."""
    assert head.count(b"\r\n\r\n") == 1
    assert head.endswith(b"\r\n\r\n")
    return head[:-4].split(b"\r\n")


@given(model=NAMES, asked=NAMES, reason=NAMES, dropped=st.lists(NAMES, max_size=40))
def test_what_the_router_says_of_a_call_is_printable_ascii(
    model: str, asked: str, reason: str, dropped: list[str]
) -> None:
    headers = [*_about(b"acme", model, asked, "routed", reason), (b"x-dd0c-dropped", _named(dropped))]
    assert all(PRINTABLE.fullmatch(value) for _, value in headers)


@given(
    headers=st.lists(st.tuples(st.sampled_from([b"x-one", b"x-two", b"x-dd0c-model"]), VALUES), max_size=6),
    length=st.sampled_from([None, 2]),
    keep_alive=st.booleans(),
)
def test_an_answers_head_has_as_many_lines_as_fields_whatever_is_in_them(
    headers: Headers, length: int | None, keep_alive: bool
) -> None:
    transport = Transport()
    client = client_on(transport, keep_alive=keep_alive)
    client.start(200, headers, length)
    first, *fields = lines_of(transport.data)
    assert first == b"HTTP/1.1 200 OK"
    assert all(FIELD.fullmatch(field) for field in fields)
    good = [b"%b: %b" % pair for pair in headers if not re.search(rb"[\r\n\0]", pair[1])]
    assert fields[:-2] == good  # the last two are the length and what becomes of the connection


@pytest.mark.parametrize("sign", [b"\r", b"\n", b"\r\n", b"\0", b"\r\nx-other: 1", b"\n\n<html>"])
@pytest.mark.parametrize("part", [0, 1])
def test_a_field_that_breaks_out_of_its_line_is_left_out_and_the_rest_goes(sign: bytes, part: int) -> None:
    bad = [b"x-bad", b"value"]
    bad[part] = bad[part][:3] + sign + bad[part][3:]
    transport = Transport()
    client_on(transport).whole(200, [(b"x-one", b"1"), (bad[0], bad[1]), (b"x-two", b"2")], b"{}")
    head, _, body = transport.data.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[1:3] == [b"x-one: 1", b"x-two: 2"]
    assert len(head.split(b"\r\n")) == 5
    assert body == b"{}"


@given(
    message=NAMES,
    api=st.sampled_from(["openai.chat", "anthropic.messages", "gemini.generate", "bedrock.converse", "x"]),
)
def test_an_errors_words_are_in_its_body_alone(message: str, api: str) -> None:
    kinds = [one for one in RouteError.__subclasses__() if one.__init__ is RouteError.__init__]
    for kind in kinds:
        assert all(PRINTABLE.fullmatch(value) for _, value in headers_of(kind(message), api, "dd_synthetic"))


@given(
    target=NAMES,
    headers=st.lists(st.tuples(st.sampled_from([b"x-one", b"x-two", b"content-type"]), VALUES), max_size=6),
    method=st.sampled_from(["GET", "POST"]),
    body=st.sampled_from([b"", b"{}"]),
)
def test_a_request_goes_out_with_as_many_lines_as_fields_or_not_at_all(
    target: str, headers: Headers, method: str, body: bytes
) -> None:
    heads: list[bytes] = []

    async def test() -> None:
        loop = asyncio.get_running_loop()
        place = provider(api_key=stored_key(), base_url="http://127.0.0.1:9/v1")
        pool = Pool(place, loop=loop, sweeper=Sweeper(loop), environ={})
        out = upstream_headers(call(headers=headers), place)
        try:
            heads.append(pool._head(method, "/x" + target, out, body))
        except (BadRequest, UnicodeEncodeError):
            assert re.search(rb"[\r\n\0]", b"".join(value for _, value in headers)) or not re.fullmatch(
                r"[!-~]*", target
            )

    on_uvloop(test)
    for head in heads:
        first, *fields = lines_of(head)
        assert first.startswith(f"{method} /v1/x".encode())
        assert first.endswith(b" HTTP/1.1")
        assert first.count(b" ") == 2
        assert all(FIELD.fullmatch(field) for field in fields)
        assert len(fields) == 2 + len(headers) + (1 if body or method == "POST" else 0)
        assert b"authorization: Bearer synthetic-stored-key" in fields
