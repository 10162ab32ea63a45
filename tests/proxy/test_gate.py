"""What llhttp would let pass, and we do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.config import Limits
from dd0c_route.errors import BadRequest, HeadTooLarge, MethodNotAllowed
from dd0c_route.proxy.gate import METHODS, check, without_upgrade
from dd0c_route.proxy.headers import Headers

HOST = (b"host", b"router.example:4747")
LIMITS = Limits(head_bytes=1000, body_bytes=100)


def passes(
    headers: Headers, *, method: str = "POST", version: str = "1.1", target: bytes = b"/v1/chat/completions"
) -> int:
    return check(method, version, target, headers, LIMITS)


@pytest.mark.parametrize(
    "headers",
    [
        [HOST],
        [HOST, (b"content-length", b"100"), (b"x_one", b"underscores of other names are fine")],
        [HOST, (b"transfer-encoding", b"Chunked")],
        [(b"host", b"")],
        [(b"host", b"127.0.0.1")],
        [(b"host", b"[::1]:4747")],
        [(b"host", b"a-b.c_d.example.:80")],
    ],
)
def test_an_honest_head_passes(headers: Headers) -> None:
    passes(headers)


def test_http_1_0_needs_no_host() -> None:
    passes([], version="1.0")


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [HOST, HOST],
        [(b"host", b"a/admin?")],
        [(b"host", b"a@b")],
        [(b"host", b"a b")],
        [(b"host", b"a,b")],
        [(b"host", b"a:80:80")],
        [(b"host", b"[::1")],
        [(b"host", b"a\xe9")],
        [(b"host", b"a\n")],
        [HOST, (b"transfer-encoding", b",chunked")],
        [HOST, (b"transfer-encoding", b"identity, chunked")],
        [HOST, (b"transfer-encoding", b"gzip, chunked")],
        [HOST, (b"transfer-encoding", b"identity")],
        [HOST, (b"transfer-encoding", b"")],
        [HOST, (b"transfer_encoding", b"chunked")],
        [HOST, (b"content_length", b"5")],
    ],
)
def test_a_head_that_servers_read_differently_is_refused(headers: Headers) -> None:
    with pytest.raises(BadRequest):
        passes(headers)


def test_chunks_are_not_for_http_1_0() -> None:
    with pytest.raises(BadRequest):
        passes([HOST, (b"transfer-encoding", b"chunked")], version="1.0")


@pytest.mark.parametrize("version", ["0.9", "2.0", "1.2"])
def test_other_versions_are_refused(version: str) -> None:
    with pytest.raises(BadRequest, match=r"HTTP/1\.1"):
        passes([HOST], version=version)


@pytest.mark.parametrize("target", [b"@evil", b"http://evil/", b"*", b"evil", b"", b"/a#b"])
def test_a_target_is_a_path(target: bytes) -> None:
    with pytest.raises(BadRequest, match="begins with '/'"):
        passes([HOST], target=target)


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "PURGE", "PROPFIND", "PRI", "DESCRIBE", "SOURCE"])
def test_odd_methods_are_refused(method: str) -> None:
    with pytest.raises(MethodNotAllowed, match="GET"):
        passes([HOST], method=method)


def test_the_announced_length_of_the_body_is_read() -> None:
    assert passes([HOST, (b"content-length", b"0101")]) == 101
    assert passes([HOST]) == passes([HOST, (b"transfer-encoding", b"chunked")]) == 0


def test_a_head_that_is_too_long_is_refused_however_it_came() -> None:
    passes([HOST, (b"x-one", b"x" * 900)])
    with pytest.raises(HeadTooLarge, match="head_bytes"):
        passes([HOST, (b"x-one", b"x" * 1000)])
    with pytest.raises(HeadTooLarge):
        passes([HOST], target=b"/" + b"x" * 1000)


def test_a_wish_for_another_protocol_is_left_out_and_the_rest_stays() -> None:
    headers = [
        HOST,
        (b"connection", b"Upgrade, HTTP2-Settings"),
        (b"upgrade", b"h2c"),
        (b"http2-settings", b"AAEA"),
        (b"content-length", b"2"),
    ]

    assert without_upgrade("POST", "1.1", b"/v1/messages", headers) == (
        b"POST /v1/messages HTTP/1.1\r\nhost: router.example:4747\r\ncontent-length: 2\r\n\r\n"
    )


def test_a_wish_to_close_stays() -> None:
    head = without_upgrade("GET", "1.1", b"/", [HOST, (b"connection", b"upgrade, close"), (b"upgrade", b"h2c")])

    assert head.endswith(b"\r\nconnection: close\r\n\r\n")


@given(
    method=st.sampled_from(sorted(METHODS)) | st.text(max_size=9),
    version=st.sampled_from(["1.0", "1.1", "0.9"]),
    target=st.binary(max_size=12),
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"host", b"transfer-encoding", b"transfer_encoding", b"x-one"]), st.binary(max_size=9)
        ),
        max_size=4,
    ),
)
def test_no_head_breaks_the_gate(method: str, version: str, target: bytes, headers: Headers) -> None:
    try:
        check(method, version, target, headers, LIMITS)
    except (BadRequest, MethodNotAllowed):
        pass
    else:
        assert target.startswith(b"/")
        assert sum(name == b"host" for name, _ in headers) == 1 or version == "1.0"


@pytest.mark.parametrize("size", [500, 501])
def test_a_single_header_and_the_target_have_a_longest_length(size: int) -> None:
    limits = Limits(head_bytes=2000, header_bytes=500)
    for target, value in ((b"/" + b"a" * (size - 1), b"b"), (b"/", b"b" * (size - 3))):
        headers = [HOST, (b"x-a", value)]
        if size == 500:
            assert check("POST", "1.1", target, headers, limits) == 0
        else:
            with pytest.raises(HeadTooLarge, match=r"over 500 bytes \(\[limits\] header_bytes\)"):
                check("POST", "1.1", target, headers, limits)
