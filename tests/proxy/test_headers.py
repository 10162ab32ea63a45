"""Which headers cross, and which stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.errors import BadKey
from dd0c_route.proxy.headers import (
    CREDENTIALS,
    HOP_BY_HOP,
    Headers,
    client_headers,
    credential_of,
    upstream_headers,
    upstream_query,
)
from tests.proxy.examples import call, provider, stored_key

ORDINARY = [
    (b"user-agent", b"OpenAI/Python 1.2.3"),
    (b"content-type", b"application/json"),
    (b"accept-encoding", b"gzip"),
    (b"x-stainless-lang", b"python"),
    (b"anthropic-version", b"2023-06-01"),
    (b"anthropic-beta", b"one"),
    (b"anthropic-beta", b"two"),
    (b"openai-organization", b"org-synthetic"),
]
STAY_HERE = [
    (b"host", b"router"),
    (b"content-length", b"2"),
    (b"expect", b"100-continue"),
    (b"cookie", b"a=b"),
    (b"forwarded", b"for=1.2.3.4"),
    (b"via", b"1.1 other"),
    (b"x-real-ip", b"1.2.3.4"),
    (b"x-forwarded-for", b"1.2.3.4"),
    (b"x-forwarded-anything", b"1"),
    (b"x-dd0c-tags", b"team=core"),
    (b"x-dd0c-key", b"synthetic-access-key"),
    *[(name, b"anything") for name in sorted(HOP_BY_HOP - {b"connection"})],
]


def names(headers: Headers) -> set[bytes]:
    return {name for name, _ in headers}


def test_ordinary_headers_cross_as_they_came_and_in_order() -> None:
    assert upstream_headers(call(headers=ORDINARY), provider()) == ORDINARY


def test_an_answer_that_will_be_edited_is_asked_for_without_content_coding() -> None:
    out = upstream_headers(call(headers=ORDINARY), provider(), plain=True)

    assert [value for name, value in out if name == b"accept-encoding"] == [b"identity"]
    assert [pair for pair in out if pair[0] != b"accept-encoding"] == [
        pair for pair in ORDINARY if pair[0] != b"accept-encoding"
    ]


@pytest.mark.parametrize("header", STAY_HERE, ids=lambda header: header[0].decode())
def test_what_belongs_to_this_connection_or_to_us_stays_here(header: tuple[bytes, bytes]) -> None:
    assert upstream_headers(call(headers=[*ORDINARY, header]), provider()) == ORDINARY


def test_headers_that_connection_names_stay_here_in_both_directions() -> None:
    headers = [(b"connection", b"close, X-One"), (b"x-one", b"1"), (b"connection", b"x-two"), (b"x-two", b"2")]

    assert upstream_headers(call(headers=[*headers, *ORDINARY]), provider()) == ORDINARY
    assert client_headers([*headers, *ORDINARY]) == ORDINARY


@pytest.mark.parametrize("name", [b"ocp-apim-subscription-key", b"x-amz-security-token"])
def test_other_keys_of_the_callers_stay_here_where_a_key_is_stored(name: bytes) -> None:
    headers = [(name, b"the-callers-own"), *ORDINARY]

    assert names(upstream_headers(call(headers=headers), provider(api_key=stored_key()))) >= names(ORDINARY)
    assert name not in names(upstream_headers(call(headers=headers), provider(api_key=stored_key())))
    assert name in names(upstream_headers(call(headers=headers), provider()))


@pytest.mark.parametrize("name", CREDENTIALS)
def test_where_a_key_is_stored_no_credential_of_the_callers_goes_out(name: bytes) -> None:
    out = upstream_headers(call(headers=[(name, b"Bearer the-callers-own"), *ORDINARY]), provider(api_key=stored_key()))

    assert out == ORDINARY


@pytest.mark.parametrize("name", CREDENTIALS)
def test_without_a_stored_key_the_callers_credential_passes(name: bytes) -> None:
    headers = [(name, b"Bearer the-callers-own")]

    assert upstream_headers(call(headers=headers), provider()) == headers
    assert upstream_headers(call(headers=headers, key_id=None), provider()) == headers


def test_beside_an_access_key_of_its_own_header_the_callers_credential_passes() -> None:
    headers = [(b"x-dd0c-key", b"synthetic-access-key"), (b"authorization", b"Bearer the-callers-own")]

    out = upstream_headers(call(headers=headers, key_id="12345678"), provider())

    assert out == [(b"authorization", b"Bearer the-callers-own")]


@pytest.mark.parametrize("name", CREDENTIALS)
def test_an_access_key_that_came_as_the_credential_never_goes_upstream(name: bytes) -> None:
    admitted = call(headers=[(name, b"Bearer synthetic-access-key")], key_id="12345678")

    with pytest.raises(BadKey, match="x-dd0c-key"):
        upstream_headers(admitted, provider())
    out = upstream_headers(admitted, provider(api_key=stored_key()))
    assert not any(b"access" in value for _, value in out)


@pytest.mark.parametrize("name", CREDENTIALS)
def test_an_access_key_sent_twice_goes_upstream_in_neither_header(name: bytes) -> None:
    """Some clients repeat their key in each header that they know."""
    value = b"Bearer synthetic-access-key" if name == b"authorization" else b"synthetic-access-key"
    twice = [(b"x-dd0c-key", b"synthetic-access-key"), (name, value)]

    out = upstream_headers(call(headers=twice, key_id="12345678"), provider())

    assert not any(b"synthetic-access-key" in value for _, value in out)


def test_a_key_in_the_query_goes_where_the_callers_credential_goes() -> None:
    asked = call(query="alt=sse&key=the-callers-own")

    assert upstream_query(asked, provider()) == "alt=sse&key=the-callers-own"
    assert upstream_query(asked, provider(api_key=stored_key())) == "alt=sse"


def test_an_access_key_in_the_query_never_goes_upstream() -> None:
    twice = call(
        query="key=synthetic-access-key&alt=sse", headers=[(b"x-dd0c-key", b"synthetic-access-key")], key_id="12345678"
    )

    assert upstream_query(twice, provider()) == "alt=sse"


@pytest.mark.parametrize(
    ("headers", "query", "expected"),
    [
        ([(b"authorization", b"Bearer one")], "", "one"),
        ([(b"authorization", b"bearer   one ")], "", "one"),
        ([(b"authorization", b"one")], "", "one"),
        ([(b"x-api-key", b"two"), (b"authorization", b"Bearer one")], "", "one"),
        ([(b"x-api-key", b"two"), (b"authorization", b"Bearer ")], "", "two"),
        ([(b"x-goog-api-key", b"three")], "key=four", "three"),
        ([], "alt=sse&key=four", "four"),
    ],
)
def test_the_credential_is_found_wherever_callers_put_it(headers: Headers, query: str, expected: str) -> None:
    found = credential_of(headers, query)

    assert found is not None
    assert found.reveal() == expected


def test_of_a_signed_request_the_credential_is_whose_key_signed_it() -> None:
    signature = (
        b"AWS4-HMAC-SHA256 Credential=synthetic-key-01/20261124/us-east-1/bedrock/aws4_request, SignedHeaders=host"
    )
    found = credential_of([(b"authorization", signature)], "")

    assert found is not None
    assert found.reveal() == "synthetic-key-01"


def test_no_credential_is_none() -> None:
    assert credential_of([(b"authorization", b"")], "monkey=1") is None


def test_the_providers_headers_come_as_they_are_less_the_connections_its_cookies_and_imitations_of_ours() -> None:
    theirs = [
        (b"content-type", b"text/event-stream"),
        (b"x-request-id", b"req_synthetic"),
        (b"content-encoding", b"gzip"),
        (b"retry-after", b"1"),
    ]
    other = [
        (b"content-length", b"5"),
        (b"transfer-encoding", b"chunked"),
        (b"connection", b"keep-alive"),
        (b"keep-alive", b"timeout=5"),
        (b"set-cookie", b"a=b"),
        (b"alt-svc", b"h3"),
        (b"x-dd0c-cost-usd", b"0"),
    ]

    assert client_headers([*other, *theirs]) == theirs


headers_of_any_kind = st.lists(
    st.tuples(
        st.sampled_from([name for name, _ in ORDINARY + STAY_HERE] + [b"connection", b"x-other", *CREDENTIALS]),
        st.binary(min_size=1, max_size=8),
    ),
    max_size=12,
)


@given(headers=headers_of_any_kind, stored=st.booleans())
def test_nothing_that_must_stay_ever_crosses(headers: Headers, stored: bool) -> None:
    out = upstream_headers(call(headers=headers), provider(api_key=stored_key() if stored else None))

    assert not names(out) & (HOP_BY_HOP | {b"host", b"content-length", b"expect", b"cookie", b"forwarded", b"via"})
    assert not [name for name in names(out) if name.startswith((b"x-dd0c-", b"x-forwarded-"))]
    assert not (stored and names(out) & set(CREDENTIALS))
    assert [pair for pair in out if pair in headers] == [pair for pair in headers if pair in out]


def test_the_routers_own_key_goes_upstream_in_no_header_and_no_query_whatever_their_names() -> None:
    key = b"synthetic-access-key"
    headers = [(b"x-dd0c-key", key), (b"x-anything", b"Token " + key), (b"authorization", b"Bearer the-callers-own")]
    asked = call(headers=headers, query="a=1&anything=synthetic%2Daccess-key", key_id="12345678")

    assert upstream_headers(asked, provider()) == [(b"authorization", b"Bearer the-callers-own")]
    assert upstream_query(asked, provider()) == "a=1"


@pytest.mark.parametrize(
    "query", ["KEY=one", "%6bey=one", "a=1&ke%79=%6fne", "a=1;key=one", "api_key=one", "x-goog-api-key=one"]
)
def test_a_credential_in_the_query_is_found_however_its_name_is_written(query: str) -> None:
    found = credential_of([], query)

    assert found is not None
    assert found.reveal() == "one"
    assert upstream_query(call(query=query), provider(api_key=stored_key())) in ("", "a=1")
