"""Signatures as AWS publishes them, and as its own SDK makes them where that is installed."""

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


@pytest.mark.parametrize(
    "path",
    [
        "/model/anthropic.claude-haiku-v1%3A0/converse",
        "/model/anthropic.claude-haiku-v1:0/converse-stream",
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fa.b/invoke",
        "/model/a.b/converse?x=1&a=%2F~",
    ],
)
@pytest.mark.parametrize("token", [None, "synthetic/session+token=="])
def test_awss_own_sdk_signs_the_same(path: str, token: str | None) -> None:
    auth = pytest.importorskip("botocore.auth", reason="botocore is not installed: nothing to compare with")
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    body, host = b'{"messages":[]}', "bedrock-runtime.us-east-1.amazonaws.com"
    signer = Signer(Secret(KEY), Secret(SECRET), Secret(token) if token else None, "us-east-1", host)
    ours = dict(signer.signed("POST", path, [(b"content-type", b"application/json")], body, AT_NS))
    request = AWSRequest("POST", f"https://{host}{path}", {"Content-Type": "application/json"}, body)
    request.context["timestamp"] = "20150830T123600Z"
    signing = auth.SigV4Auth(Credentials(KEY, SECRET, token), "bedrock", "us-east-1")
    request.headers["X-Amz-Date"] = "20150830T123600Z"
    if token:
        request.headers["X-Amz-Security-Token"] = token
    expected = signing.signature(signing.string_to_sign(request, signing.canonical_request(request)), request)
    assert ours[b"authorization"].decode().endswith(f"Signature={expected}")


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
