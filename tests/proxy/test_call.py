"""A request becomes a Call: what its address, its headers and its body say."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import sys

import pytest

from dd0c_route.config import Limits
from dd0c_route.errors import BadRequest, MethodNotAllowed, NotFound
from dd0c_route.proxy.call import ADDRESSES, Address, address_of, read_call, take_apart
from dd0c_route.proxy.headers import Headers
from dd0c_route.proxy.server import Inbound
from dd0c_route.types import Call


def read(body: object, headers: Headers | None = None, target: bytes = b"/v1/chat/completions") -> Call:
    request = Inbound()
    request.method, request.target, request.headers = "POST", target, headers or []
    request.body = body if isinstance(body, bytes) else json.dumps(body).encode()
    address, query = address_of(target, "POST")
    return read_call(request, address, query, None, Limits())


@pytest.mark.parametrize(
    ("target", "dialect", "api", "path"),
    [
        (b"/v1/chat/completions", "openai", "openai.chat", "/chat/completions"),
        (b"/v1/completions", "openai", "openai.completions", "/completions"),
        (b"/v1/embeddings", "openai", "openai.embeddings", "/embeddings"),
        (b"/v1/responses", "openai", "openai.responses", "/responses"),
        (b"/v1/messages", "anthropic", "anthropic.messages", "/messages"),
        (b"/v1/messages/count_tokens", "anthropic", "anthropic.count_tokens", "/messages/count_tokens"),
        (b"/v1/responses/input_tokens", "openai", "openai.input_tokens", "/responses/input_tokens"),
        (b"/v1beta/models/m:generateContent", "gemini", "gemini.generate", "/models/m:generateContent"),
        (b"/v1/models/m:streamGenerateContent", "gemini", "gemini.generate", "/models/m:streamGenerateContent"),
        (b"/v1alpha/models/m:countTokens", "gemini", "gemini.count_tokens", "/models/m:countTokens"),
        (b"/model/a.b-v1%3A0/converse", "bedrock", "bedrock.converse", "/model/a.b-v1%3A0/converse"),
        (b"/model/a.b/converse-stream", "bedrock", "bedrock.converse", "/model/a.b/converse-stream"),
        (b"/passthrough/acme/v1/chat/completions", "passthrough", "openai.chat", "/v1/chat/completions"),
        (b"/passthrough/acme/", "passthrough", "unknown", "/"),
        (b"/passthrough/acme/v1//files/a..b/.c", "passthrough", "unknown", "/v1//files/a..b/.c"),
    ],
)
def test_the_path_says_who_speaks_and_what_is_called(target: bytes, dialect: str, api: str, path: str) -> None:
    address, query = address_of(target + b"?beta=true", "POST")

    assert (address.dialect, address.api, address.path, query) == (dialect, api, path, "beta=true")


@pytest.mark.parametrize(
    ("target", "model"),
    [
        (b"/v1beta/models/gemini-2.5-pro:generateContent", "gemini-2.5-pro"),
        (b"/v1beta/models/ollama/llama3:8b:generateContent", "ollama/llama3:8b"),
        (b"/v1beta/models/acme%2Fgpt:generateContent", "acme/gpt"),
        (b"/model/anthropic.claude-v1%3A0/converse", "anthropic.claude-v1:0"),
        (b"/model/acme%2Fclaude/converse-stream", "acme/claude"),
    ],
)
def test_the_model_of_googles_and_amazons_calls_stands_in_the_path(target: bytes, model: str) -> None:
    assert address_of(target, "POST")[0].model == model


def test_the_provider_of_a_pass_through_stands_in_the_path() -> None:
    assert address_of(b"/passthrough/acme/v1/files", "GET")[0].provider == "acme"


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/v1",
        b"/v1/chat/completions/",
        b"/v1/chat/completions/x",
        b"//v1/chat/completions",
        b"/V1/chat/completions",
        b"/v2/chat/completions",
        b"/v1beta/models/m:deleteEverything",
        b"/model/m/n/converse",
        b"/model/m/answer",
        b"/v1beta/models/:generateContent",
        b"/passthrough/acme",
        b"/passthrough//v1/files",
    ],
)
def test_other_addresses_are_not_found_and_the_answer_names_those_that_are(target: bytes) -> None:
    with pytest.raises(NotFound, match="/v1/chat/completions"):
        address_of(target, "POST")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
@pytest.mark.parametrize("target", [b"/v1/messages", b"/v1beta/models/m:generateContent"])
def test_calls_are_posted(method: str, target: bytes) -> None:
    with pytest.raises(MethodNotAllowed, match="POST"):
        address_of(target, method)


@pytest.mark.parametrize(("method", "reads"), [("POST", True), ("PUT", True), ("GET", False), ("DELETE", False)])
def test_a_pass_through_takes_any_method(method: str, reads: bool) -> None:
    assert address_of(b"/passthrough/acme/v1/files", method)[0].reads_body is reads


@pytest.mark.parametrize(
    "steps", [b"../admin", b"v1/../../admin", b"a/.", b"a/%2e%2E/b", b"..%2fadmin", b"a%5C..\\b", b"a/..;x/b"]
)
def test_a_path_does_not_lead_out_of_the_providers_base_url(steps: bytes) -> None:
    with pytest.raises(BadRequest, match="step"):
        address_of(b"/passthrough/acme/" + steps, "GET")


def test_a_target_outside_ascii_is_refused() -> None:
    with pytest.raises(BadRequest, match="percent-encode"):
        address_of("/passthrough/acme/é".encode(), "GET")


def test_the_body_is_read_once_and_kept_as_it_came() -> None:
    body = b'{"model":"gpt-4o", "stream" : true,"messages":[]}'

    call = read(body)

    assert (call.body, call.model, call.stream) == (body, "gpt-4o", True)
    assert bytes(call.fields["messages"]) == b"[]"


@pytest.mark.parametrize("stream", [False, None, "true", 1])
def test_only_true_is_a_stream(stream: object) -> None:
    assert not read({"model": "gpt-4o", "stream": stream}).stream


def test_a_stream_of_converse_shows_in_its_path_and_not_in_the_models_name() -> None:
    assert read({"messages": []}, target=b"/model/m/converse-stream").stream
    assert not read({"messages": []}, target=b"/model/stream-1/converse").stream
    assert not read({"contents": []}, target=b"/v1beta/models/stream-1:generateContent").stream


def test_a_gemini_stream_shows_in_its_path() -> None:
    assert read({"contents": []}, target=b"/v1beta/models/m:streamGenerateContent?alt=sse").stream
    assert not read({"contents": []}, target=b"/v1beta/models/m:generateContent").stream


@pytest.mark.parametrize("body", [b"", b" ", b"[]", b'"x"', b"{", b'{"model": "m"', b"\xff", b'{"messages": []}'])
def test_a_body_that_is_no_call_is_refused_without_repeating_it(body: bytes) -> None:
    with pytest.raises(BadRequest) as refusal:
        read(body)

    assert "messages" not in refusal.value.message


@pytest.mark.parametrize("body", [b"", b"not json", b"{broken", b'{"model": 5}', b"\x00\xff"])
def test_a_passed_through_body_may_be_anything(body: bytes) -> None:
    call = read(body, target=b"/passthrough/acme/v1/chat/completions")

    assert (call.body, call.model, call.provider) == (body, "", "acme")


def test_a_passed_through_call_shows_its_model_where_it_has_one() -> None:
    call = read({"model": "gpt-4o", "stream": True}, target=b"/passthrough/acme/v1/chat/completions")

    assert (call.model, call.stream) == ("gpt-4o", True)


def test_our_headers_say_what_they_say() -> None:
    call = read(
        {"model": "gpt-4o"},
        [
            (b"x-dd0c-tags", b"team=core, feature = search ,bare,=lost,"),
            (b"x-dd0c-tags", b"more=1"),
            (b"x-dd0c-session", b"s-1"),
            (b"x-dd0c-policy", b"ordered"),
            (b"x-dd0c-route", b"OFF"),
            (b"x-dd0c-cost", b"on"),
        ],
    )

    assert call.tags == {"team": "core", "feature": "search", "bare": "", "more": "1"}
    assert (call.session, call.policy, call.route_off, call.wants_cost) == ("s-1", "ordered", True, True)


def test_our_object_in_an_openai_body_says_the_same() -> None:
    ours = {"tags": {"team": "core"}, "session": "s-1", "policy": "ordered", "route": "off", "cost": True}

    call = read({"model": "gpt-4o", "dd0c": ours})

    assert (call.tags, call.session, call.policy) == ({"team": "core"}, "s-1", "ordered")
    assert (call.route_off, call.wants_cost) == (True, True)


def test_tags_of_headers_and_body_are_joined_and_the_body_is_nearer() -> None:
    call = read(
        {"model": "gpt-4o", "dd0c": {"tags": {"b": "body"}, "session": "body"}},
        [(b"x-dd0c-tags", b"a=header,b=header"), (b"x-dd0c-session", b"header")],
    )

    assert call.tags == {"a": "header", "b": "body"}
    assert call.session == "header"


def test_our_object_with_a_fault_is_refused_by_its_name() -> None:
    with pytest.raises(BadRequest, match="`dd0c`"):
        read({"model": "gpt-4o", "dd0c": {"tag": 1}})


def test_an_object_of_our_name_in_another_dialect_is_the_providers_business() -> None:
    call = read({"model": "claude-haiku-4-5", "dd0c": {"route": "off"}}, target=b"/v1/messages")

    assert not call.route_off
    assert "dd0c" in call.fields


@pytest.mark.parametrize("where", ["header", "body"])
def test_what_the_ledger_keeps_of_a_callers_words_is_bounded(where: str) -> None:
    tags = {"n" * 1000: "v" * 1000, **{f"t{number}": "" for number in range(500)}}
    if where == "header":
        text = ",".join(f"{name}={value}" for name, value in tags.items()).encode()
        call = read({"model": "gpt-4o"}, [(b"x-dd0c-tags", text), (b"x-dd0c-session", b"s" * 1000)])
    else:
        call = read({"model": "gpt-4o", "dd0c": {"tags": tags, "session": "s" * 1000}})

    assert len(call.tags) == 64
    assert call.tags["n" * 64] == "v" * 256
    assert call.session == "s" * 256


def test_a_model_of_endless_name_is_refused_and_cut_short_in_a_pass_through() -> None:
    with pytest.raises(BadRequest, match="512"):
        read({"model": "m" * 513})
    assert read({"model": "m" * 512}).model == "m" * 512
    assert read({"model": "m" * 9999}, target=b"/passthrough/acme/v1/chat/completions").model == "m" * 512


def test_an_address_is_a_value() -> None:
    assert address_of(b"/v1/messages", "POST")[0] == Address("anthropic", "anthropic.messages", "/messages")


LONG = b'{"model":"m","messages":[{"role":"user","content":"' + b"a long text: " * 200_000 + b'"}],"stream":true}'


def taken_apart(body: bytes, target: bytes = b"/v1/chat/completions", headers: Headers | None = None) -> Call:
    request = Inbound()
    request.method, request.target, request.body, request.headers = "POST", target, body, headers or []
    address, query = address_of(target, "POST")
    asyncio.run(take_apart(request, address, Limits()))
    return read_call(request, address, query, None, Limits())


def test_a_body_that_was_taken_apart_says_the_same_as_one_that_was_parsed() -> None:
    apart, parsed = taken_apart(LONG), read(LONG)
    assert (apart.model, apart.stream) == (parsed.model, parsed.stream) == ("m", True)
    assert {name: bytes(raw) for name, raw in apart.fields.items()} == {n: bytes(r) for n, r in parsed.fields.items()}


def test_others_have_their_turn_while_a_long_body_is_taken_apart() -> None:
    turns = 0

    async def main() -> None:
        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        request = Inbound()
        request.body = b'{"model":"m","a":[' + b"[]," * 1_000_000 + b"1]}"
        await take_apart(request, ADDRESSES["/v1/chat/completions"], Limits())
        counting.cancel()

    asyncio.run(main())
    assert turns > 50


DOUBTFUL = [
    b'{"a":' + b"[" * 200 + b"]" * 200 + b"}",
    b'{"model":"a","model":"b"}',
    b'{"model":"a","b":"\xff"}',
]


@pytest.mark.parametrize("body", DOUBTFUL)
@pytest.mark.parametrize("apart", [False, True])
def test_what_is_passed_through_may_be_anything_and_is_not_read_then(body: bytes, apart: bool) -> None:
    target = b"/passthrough/acme/v1/x"
    call = taken_apart(body, target) if apart else read(body, None, target)
    assert (call.fields, call.model, call.body) == ({}, "", body)
    with pytest.raises(BadRequest):
        taken_apart(body) if apart else read(body)


def test_a_body_that_was_refused_is_not_kept() -> None:
    body = bytes(bytearray(b'{"model":"a","messages":' + b"[" * 200_000))

    async def refuse(*, apart: bool) -> None:
        request = Inbound()
        request.body = body
        address = ADDRESSES["/v1/chat/completions"]
        with contextlib.suppress(BadRequest):
            if apart:
                await take_apart(request, address, Limits())
            read_call(request, address, "", None, Limits())

    async def main() -> None:
        before = sys.getrefcount(body)
        for apart in (False, True):
            await refuse(apart=apart)
            assert sys.getrefcount(body) == before

    gc.collect()
    gc.disable()  # a worker collects rarely: what refers to itself stays for long
    try:
        asyncio.run(main())
    finally:
        gc.enable()
