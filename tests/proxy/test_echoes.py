"""A provider's word on a failure reaches the client without the credential that it repeats, and else as it came."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.config import Provider
from dd0c_route.proxy.echoes import MAX_EVENT_BYTES, ErrorAnswer, ErrorEvents, clean_headers
from dd0c_route.proxy.redirects import redirected
from dd0c_route.redact import registered
from dd0c_route.types import Secret

SHAPELESS = "0123456789abcdef" * 2  # synthetic; only a known secret is recognised without a shape
SHAPED = "sk-proj-" + "aB3x" * 12  # synthetic
ERROR = json.dumps({"error": {"message": f"Incorrect API key provided: {SHAPELESS}", "type": "x"}}).encode()


def test_a_known_credential_is_masked_in_body_and_headers() -> None:
    with registered(Secret(SHAPELESS)):
        told = ErrorAnswer([(b"www-authenticate", f'Bearer x="{SHAPELESS}"'.encode())], "", None)
        status, body = told.whole(401, ERROR)
    assert status == 401
    assert SHAPELESS.encode() not in body
    assert json.loads(body)["error"]["message"].startswith("Incorrect API key provided: [redacted:")
    assert SHAPELESS.encode() not in told.headers[0][1]


def test_an_error_without_a_credential_passes_byte_for_byte() -> None:
    body = b'{"error": {"message": "model `gpt-5` does not exist \xff", "param": null}}'
    headers = [(b"x-request-id", b"req_0123456789abcdef0123456789abcdef"), (b"content-encoding", b"gzip")]
    told = ErrorAnswer(headers, "gzip", None)
    assert told.whole(404, gzip.compress(body)) == (404, gzip.compress(body))
    assert told.headers == headers
    assert ErrorAnswer([], "", None).whole(404, body) == (404, body)


def test_a_credential_in_a_compressed_error_is_masked_and_the_error_comes_plain() -> None:
    with registered(Secret(SHAPELESS)):
        told = ErrorAnswer([(b"content-encoding", b"gzip"), (b"x", b"y")], "gzip", None)
        _, body = told.whole(401, gzip.compress(ERROR))
    assert b"Incorrect API key" in body
    assert SHAPELESS.encode() not in body
    assert told.headers == [(b"x", b"y")]


def test_a_redirect_does_not_repeat_a_key_in_its_address() -> None:
    assert SHAPED.encode() not in clean_headers([(b"location", f"https://a.test/?key={SHAPED}".encode())])[0][1]


@pytest.mark.parametrize(
    ("host", "is_named"),
    [("api.eu-central-1.example", True), ("login.acme-customer-portal.test", True), (f"{SHAPED}.test", False)],
)
def test_a_redirect_to_a_host_that_may_be_a_key_does_not_name_it(host: str, is_named: bool) -> None:
    provider = Provider("one", "openai", "https://api.test/v1")
    error = redirected(302, [(b"location", f"https://{host}/v1".encode())], provider)
    assert (host.lower() in error.message) == is_named
    assert is_named or "ab3x" not in error.message


@pytest.mark.parametrize("head", [b"event: error\ndata: ", b"data: "])
def test_a_credential_in_a_streams_error_is_masked_wherever_it_is_cut(head: bytes) -> None:
    event = head + ERROR + b"\n\n"
    with registered(Secret(SHAPELESS)):
        for cut in range(event.index(b'"error": {') + 10, len(event)):
            events = ErrorEvents()
            out = events.feed(b"data: {}\n\n") + events.feed(event[:cut]) + events.feed(event[cut:]) + events.end()
            assert len(out) == 10 + len(event)  # its length may have been announced
            assert SHAPELESS.encode() not in out
            assert out.endswith(b'"type": "x"}}\n\n')


@given(st.lists(st.sampled_from([b'data: {"a": 1}\n\n', b"an error\n", b"\xff\xfe", b'"error":null}\n\n']), max_size=8))
def test_a_stream_without_an_error_passes_as_it_comes(pieces: list[bytes]) -> None:
    events = ErrorEvents()
    assert [events.feed(piece) for piece in pieces] == pieces
    assert events.end() == b""


def test_an_error_that_does_not_end_is_not_held_for_ever() -> None:
    events = ErrorEvents()
    out = events.feed(b'data: {"error": {"message": "' + b"x" * MAX_EVENT_BYTES)
    assert len(out) > MAX_EVENT_BYTES
