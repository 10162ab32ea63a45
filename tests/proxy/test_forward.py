"""What goes to the provider: the address, and a body that is the client's own but for the model's name."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.proxy.forward import upstream_body, upstream_target
from dd0c_route.types import Call, Target
from dd0c_route.upstream.origin import origin_of
from dd0c_route.wire.body import split
from tests.proxy.examples import CHAT_BODY, call, provider, stored_key

GEMINI = {"dialect": "gemini", "api": "gemini.generate", "model": "gemini-2.5-pro"}


def full_path(asked: Call, base_url: str, model: str = "gpt-4o", **row: object) -> str:
    """Base path and request target joined, as the pool does it."""
    origin = origin_of(base_url)
    return origin.path + upstream_target(asked, provider(base_url=base_url, **row), origin.path, Target("acme", model))


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://api.openai.com/v1", "/v1/chat/completions"),
        ("https://api.openai.com/v1/", "/v1/chat/completions"),
        ("https://api.openai.com", "/v1/chat/completions"),
        ("https://host/openai/deployments/d", "/openai/deployments/d/chat/completions"),
        ("https://host/v1beta/openai", "/v1beta/openai/chat/completions"),
        ("https://host/api/paas/v4", "/api/paas/v4/chat/completions"),
    ],
)
def test_an_openai_address_stands_below_the_base_url_with_and_without_its_version(base_url: str, expected: str) -> None:
    assert full_path(call(), base_url) == expected


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://api.anthropic.com/v1", "/v1/messages"),
        ("https://api.anthropic.com", "/v1/messages"),
        ("https://host/anthropic", "/anthropic/v1/messages"),
        ("https://host/anthropic/v1", "/anthropic/v1/messages"),
    ],
)
def test_an_anthropic_address_always_has_its_version(base_url: str, expected: str) -> None:
    assert full_path(call(dialect="anthropic", api="anthropic.messages", path="/messages"), base_url) == expected


@pytest.mark.parametrize("base_url", ["https://host/v1beta", "https://host"])
def test_a_gemini_address_names_the_targets_model(base_url: str) -> None:
    asked = call(b"{}", path="/models/gemini-2.5-pro:streamGenerateContent", query="alt=sse", **GEMINI)

    assert full_path(asked, base_url, "gemini-2.5-flash") == (
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    )


def test_a_gemini_address_keeps_the_version_of_its_base_url() -> None:
    asked = call(b"{}", path="/models/gemini-2.5-pro:generateContent", **GEMINI)

    assert full_path(asked, "https://host/v1", "gemini-2.5-pro") == "/v1/models/gemini-2.5-pro:generateContent"


def test_a_converse_address_names_the_targets_model_and_stays_as_it_is_without_a_change() -> None:
    asked = call(
        b"{}", path="/model/a.b-v1%3A0/converse-stream", dialect="bedrock", api="bedrock.converse", model="a.b-v1:0"
    )

    assert full_path(asked, "https://host", "a.b-v1:0") == "/model/a.b-v1%3A0/converse-stream"
    assert full_path(asked, "https://host", "us.c.d-v2:0") == "/model/us.c.d-v2%3A0/converse-stream"


@pytest.mark.parametrize(
    ("base_url", "path", "expected"),
    [
        ("https://host/v1", "/v1/files", "/v1/files"),
        ("https://host/v1", "/files", "/v1/files"),
        ("https://host/v1", "/v1", "/v1/"),
        ("https://host/v1", "/v1beta/files", "/v1/v1beta/files"),
        ("https://host", "/v1/files", "/v1/files"),
        ("https://host", "/", "/"),
        ("https://host/a/b", "/a/b/c%2Fd", "/a/b/c%2Fd"),
    ],
)
def test_a_passed_through_path_is_joined_once_to_the_base_url(base_url: str, path: str, expected: str) -> None:
    asked = call(dialect="passthrough", api="unknown", provider="acme", path=path, query="limit=2&after=x%20y")

    assert full_path(asked, base_url) == f"{expected}?limit=2&after=x%20y"


def test_a_stored_key_takes_the_callers_key_out_of_the_query() -> None:
    asked = call(b"{}", path="/models/gemini-2.5-pro:generateContent", query="key=abc", **GEMINI)

    assert full_path(asked, "https://host/v1beta", "gemini-2.5-pro", api_key=stored_key()) == (
        "/v1beta/models/gemini-2.5-pro:generateContent"
    )


# --- the body ----------------------------------------------------------------------------------------------


def test_where_nothing_changes_the_clients_own_bytes_go_on() -> None:
    asked = call()

    body, usage_asked = upstream_body(asked, provider(), Target("acme", "gpt-4o"))

    assert body is asked.body
    assert not usage_asked


def test_only_the_models_name_is_replaced() -> None:
    body, _ = upstream_body(call(), provider(), Target("acme", 'odd "name"'))

    before, after = split(CHAT_BODY), split(body)
    assert json.loads(bytes(after.pop("model"))) == 'odd "name"'
    del before["model"]
    assert {name: bytes(raw) for name, raw in after.items()} == {name: bytes(raw) for name, raw in before.items()}
    assert list(split(body)) == list(split(CHAT_BODY))


def test_a_provider_prefix_in_the_models_name_stays_here() -> None:
    body, _ = upstream_body(call(b'{"model":"acme/gpt-4o","n":1}'), provider(), Target("acme", "gpt-4o"))

    assert body == b'{"model":"gpt-4o","n":1}'


def test_our_own_object_is_taken_out() -> None:
    body, _ = upstream_body(
        call(b'{"model":"gpt-4o","dd0c":{"route":"off"},"n":1}'), provider(), Target("acme", "gpt-4o")
    )

    assert body == b'{"model":"gpt-4o","n":1}'


@pytest.mark.parametrize("dialect", ["anthropic", "gemini", "passthrough"])
def test_an_object_of_our_name_is_not_ours_in_another_dialect(dialect: str) -> None:
    asked = call(b'{"model":"m","dd0c":1}', dialect=dialect, api="unknown")

    assert upstream_body(asked, provider(), Target("acme", "m")) == (asked.body, False)


def test_a_passed_through_body_is_never_touched() -> None:
    asked = call(b'{"model":"gpt-4o","stream":true,"dd0c":1}', dialect="passthrough", provider="acme", stream=True)

    assert upstream_body(asked, provider(), Target("acme", "other")) == (asked.body, False)


def test_a_gemini_body_is_never_touched() -> None:
    asked = call(b'{"contents":[]}', **GEMINI)

    assert upstream_body(asked, provider(), Target("acme", "other")) == (asked.body, False)


STREAM = b'{"model":"gpt-4o","stream":true}'


@pytest.mark.parametrize("api", ["openai.chat", "openai.completions"])
def test_a_stream_that_can_report_its_usage_is_asked_to(api: str) -> None:
    body, usage_asked = upstream_body(call(STREAM, api=api, stream=True), provider(), Target("acme", "gpt-4o"))

    assert json.loads(body) == {"model": "gpt-4o", "stream": True, "stream_options": {"include_usage": True}}
    assert usage_asked


@pytest.mark.parametrize(
    ("asked", "usage"),
    [
        (call(b'{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true}}', stream=True), "ask"),
        (call(STREAM, stream=True), "always"),
        (call(STREAM, stream=True), "never"),
        (call(b'{"model":"gpt-4o"}'), "ask"),
        (call(STREAM, stream=True, api="openai.responses"), "ask"),
        (call(STREAM, stream=True, api="anthropic.messages", dialect="anthropic"), "ask"),
    ],
)
def test_no_usage_is_asked_for_where_it_came_anyway_or_is_not_understood(asked: Call, usage: str) -> None:
    assert upstream_body(asked, provider(usage=usage), Target("acme", "gpt-4o")) == (asked.body, False)


def test_the_other_stream_options_of_the_client_stay() -> None:
    asked = call(b'{"model":"gpt-4o","stream":true,"stream_options":{"include_obfuscation":false}}', stream=True)

    body, _ = upstream_body(asked, provider(), Target("acme", "gpt-4o"))

    assert json.loads(body)["stream_options"] == {"include_obfuscation": False, "include_usage": True}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)
fields = st.dictionaries(st.text(max_size=8), values, max_size=6)


@given(other=fields, stream=st.booleans(), model=st.text(min_size=1, max_size=9), indent=st.sampled_from([None, 1]))
def test_whatever_is_in_a_body_only_what_is_ours_changes(
    other: dict[str, object], stream: bool, model: str, indent: int | None
) -> None:
    body = json.dumps({**other, "model": "gpt-4o"}, indent=indent).encode()
    asked = call(body, stream=stream)

    out, usage_asked = upstream_body(asked, provider(), Target("acme", model))

    ours = {"model", "dd0c"} | ({"stream_options"} if usage_asked else set())
    kept = {name: bytes(raw) for name, raw in split(body).items() if name not in ours}
    assert {name: bytes(raw) for name, raw in split(out).items() if name not in ours} == kept
    assert msgspec.json.decode(split(out)["model"]) == model
    assert "dd0c" not in split(out)
