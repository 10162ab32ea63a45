"""A credential that says whose it is goes to nobody else. All of them are made up."""

from __future__ import annotations

from typing import Any

import pytest

from dd0c_route.errors import BadKey
from dd0c_route.proxy.credentials import MARKS, mark_of, may_go_to
from dd0c_route.proxy.headers import Headers, names_of, subscription_of, upstream_headers, upstream_query
from dd0c_route.upstream.providers import known
from tests.proxy.examples import call, provider, stored_key

PLAN = b"Bearer sk-ant-oat01-synthetic"
CHATGPT = [(b"authorization", b"Bearer eyJzeW50aGV0aWM"), (b"chatgpt-account-id", b"synthetic-account")]
ANTHROPIC = {"dialect": "anthropic", "base_url": "https://api.anthropic.com/v1"}


def named(name: str, **changes: Any) -> Any:
    row = {field: known().get(name, {}).get(field) for field in ("dialect", "base_url", "price_as")}
    return provider(name=name, **{field: value for field, value in row.items() if value} | changes)


def test_every_mark_names_rows_that_there_are() -> None:
    assert all(vendor in known() and "base_url" in known()[vendor] for mark in MARKS for vendor in mark.vendors)


@pytest.mark.parametrize(
    ("headers", "query", "whose"),
    [
        ([(b"authorization", PLAN)], "", "anthropic"),
        ([(b"authorization", b"Bearer sk-ant-api03-synthetic")], "", None),
        ([(b"x-api-key", b"sk-ant-oat01-synthetic")], "", "anthropic"),
        (CHATGPT, "", "chatgpt"),
        (CHATGPT[:1], "", None),  # any JWT
        ([], "key=AIzaSynthetic", None),
        ([], "", None),
    ],
)
def test_a_subscriptions_token_is_told_by_its_shape(headers: Headers, query: str, whose: str | None) -> None:
    assert subscription_of(headers, query, names_of(headers)) == whose


@pytest.mark.parametrize(
    ("credential", "target", "allowed"),
    [
        ("sk-ant-oat01-x", named("anthropic"), True),
        ("sk-ant-oat01-x", named("anthropic", base_url="http://127.0.0.1:9/v1"), True),
        ("sk-ant-oat01-x", named("anthropic-eu", **ANTHROPIC), True),
        ("sk-ant-oat01-x", named("claude", price_as="anthropic"), True),
        ("sk-ant-oat01-x", named("claude", **ANTHROPIC), True),
        ("sk-ant-oat01-x", named("stand-in", dialect="anthropic"), True),
        ("sk-ant-oat01-x", named("local"), False),  # of OpenAI's dialect, which all speak
        ("sk-ant-oat01-x", named("openrouter"), False),
        ("sk-ant-oat01-x", named("minimax", dialect="anthropic", price_as="minimax"), False),
        ("sk-ant-api03-x", named("local"), True),
        ("sk-ant-api03-x", named("groq"), False),
        ("gsk_x", named("groq"), True),
        ("sk-proj-x", named("deepseek"), False),
        ("sk-or-v1-x", named("openrouter"), True),
    ],
)
def test_a_token_goes_to_its_vendor_and_a_key_to_nobody_known_to_be_another(
    credential: str, target: Any, allowed: bool
) -> None:
    mark = mark_of(credential, [])
    assert mark is not None
    assert may_go_to(mark, target) is allowed


def test_chatgpts_token_goes_to_chatgpt_and_not_to_a_local_model() -> None:
    assert set(CHATGPT) <= set(upstream_headers(call(headers=CHATGPT), named("chatgpt")))
    with pytest.raises(BadKey, match="a subscription's token of 'chatgpt'"):
        upstream_headers(call(headers=CHATGPT), named("vllm"))


@pytest.mark.parametrize("header", [b"authorization", b"x-api-key", b"api-key"])
def test_a_foreign_credential_is_refused_wherever_it_stands(header: bytes) -> None:
    value = PLAN if header == b"authorization" else PLAN.removeprefix(b"Bearer ")
    with pytest.raises(BadKey, match="not sent there"):
        upstream_headers(call(headers=[(header, value), (b"authorization", b"Bearer x")]), named("groq"))
    with pytest.raises(BadKey, match="a key of 'google'"):
        upstream_headers(call(query="key=AIzaSynthetic"), named("groq"))


@pytest.mark.parametrize("before", [b" ", b"\t", b"\xa0", b"\x85", b"Bearer  ", b" bEARER \xa0"])
def test_no_white_space_hides_a_foreign_credential(before: bytes) -> None:
    with pytest.raises(BadKey, match="a key of 'anthropic'"):
        upstream_headers(call(headers=[(b"authorization", before + b"sk-ant-api03-synthetic")]), named("groq"))
    plan = [(b"authorization", before + b"sk-ant-oat01-synthetic")]
    assert subscription_of(plan, "", names_of(plan)) == "anthropic"


def test_where_a_key_is_stored_the_callers_token_and_account_stay_here() -> None:
    headers = [
        *CHATGPT,
        (b"helicone-auth", b"Bearer synthetic"),
        (b"x-amz-security-token", b"synthetic"),
        (b"x-a", b"1"),
    ]
    out = upstream_headers(call(headers=headers), named("groq", api_key=stored_key()))
    assert out == [(b"x-a", b"1")]


def test_an_access_key_of_aws_replaces_the_callers_credential() -> None:
    keys = {"aws_access_key_id": stored_key(), "aws_secret_access_key": stored_key(), "aws_region": "us-east-1"}
    asked = call(headers=[(b"authorization", b"Bearer theirs")], query="key=theirs&x=1")
    target = named("bedrock", dialect="bedrock", **keys)
    assert upstream_headers(asked, target) == []
    assert upstream_query(asked, target) == "x=1"
