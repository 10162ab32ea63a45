"""Signatures as AWS publishes them, and as its own SDK makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dd0c_route.config import Provider
from dd0c_route.types import Secret
from dd0c_route.upstream.signing import Signer

from .scripted import answers, on_uvloop, read, serving, whole

# The example key and time of AWS's own test suite for Signature Version 4: published, and worth nothing.
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
AT_NS = int(datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()) * 1_000_000_000
SIGNER = Signer(Secret(KEY), Secret(SECRET), None, "us-east-1", "example.amazonaws.com", service="service")


def signature(signer: Signer, method: str, target: str, headers: Any = (), body: bytes = b"") -> str:
    return dict(signer.signed(method, target, list(headers), body, AT_NS))[b"authorization"].decode()


@pytest.mark.parametrize(
    ("method", "target", "signed"),
    [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
)
def test_the_published_vectors_come_out(method: str, target: str, signed: str) -> None:
    scope = "20150830/us-east-1/service/aws4_request"
    assert signature(SIGNER, method, target) == (
        f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders=host;x-amz-date, Signature={signed}"
    )


BY_BOTOCORE = [  # what botocore 1.44.8 makes of these, worked out on 2026-11-24
    (
        "/model/anthropic.claude-haiku-v1%3A0/converse",
        None,
        "86ce84ec2e3fc810f2a0cd4b717d98c5c1caa30379bd837b082fb7a4ba5b477c",
    ),
    (
        "/model/anthropic.claude-haiku-v1:0/converse-stream",
        None,
        "f7ade16847e13427124e51387ec5dce1bb0e06deab780f4d1ed0030e0175fe83",
    ),
    (
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fa.b/invoke",
        None,
        "b4485fc037a1e1e4bca9a3aa704befd1555113787a2f48b3d8f2147b4aa41b70",
    ),
    (
        "/model/a.b/converse?x=1&a=%2F~",
        "synthetic/session+token==",
        "666b1ab8608487e0c8132a0ce42e2d959dccace611429f0b420e7adaba697cb8",
    ),
]


@pytest.mark.parametrize(("path", "token", "expected"), BY_BOTOCORE)
def test_awss_own_sdk_signs_the_same(path: str, token: str | None, expected: str) -> None:
    host = "bedrock-runtime.us-east-1.amazonaws.com"
    signer = Signer(Secret(KEY), Secret(SECRET), Secret(token) if token else None, "us-east-1", host)
    headers = [(b"content-type", b"application/json")]
    assert signature(signer, "POST", path, headers, b'{"messages":[]}').endswith(f"Signature={expected}")


def test_a_signature_that_came_along_is_replaced() -> None:
    stale = [(b"authorization", b"AWS4-HMAC-SHA256 x"), (b"x-amz-date", b"old"), (b"x-amz-security-token", b"theirs")]
    out = SIGNER.signed("POST", "/", stale, b"", AT_NS)
    assert [name for name, _ in out] == [b"x-amz-date", b"authorization"]
    assert dict(out)[b"authorization"].endswith(b"5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")


def test_body_type_and_token_are_signed() -> None:
    headers = [(b"content-type", b"application/json"), (b"user-agent", b"x")]
    with_token = Signer(Secret(KEY), Secret(SECRET), Secret("synthetic"), "us-east-1", "example.amazonaws.com")
    value = signature(with_token, "POST", "/model/m/converse", headers, b"{}")
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token," in value
    assert value != signature(with_token, "POST", "/model/m/converse", headers, b"{} ")


def test_a_provider_with_an_access_key_signs_and_one_without_does_not() -> None:
    row: dict[str, Any] = {"name": "bedrock", "dialect": "bedrock", "base_url": "https://host.invalid:8443/x/"}
    assert Signer.of(Provider(**row, api_key=Secret("synthetic"))) is None
    keys: dict[str, Any] = {"aws_access_key_id": Secret(KEY), "aws_secret_access_key": Secret(SECRET)}
    keys["aws_region"] = "eu-west-1"
    signer = Signer.of(Provider(**row, **keys))
    assert signer is not None
    assert (signer.region, signer.authority, signer.base_path) == ("eu-west-1", "host.invalid:8443", "/x")


def test_what_goes_out_is_signed() -> None:
    keys: dict[str, Any] = {"aws_access_key_id": Secret(KEY), "aws_secret_access_key": Secret(SECRET)}
    keys["aws_region"] = "us-east-1"

    async def test() -> None:
        async with serving(answers(whole(b"hello")), **keys) as (provided, pool):
            assert await read(pool) == (200, b"hello")
            head = provided.requests[0].decode()
            assert f"authorization: AWS4-HMAC-SHA256 Credential={KEY}/" in head
            assert "/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, Signature=" in head

    on_uvloop(test)
