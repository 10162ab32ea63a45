"""The path of one call through the real processes: what the provider sees, what the client gets, what entry is left."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stand import CHAT, MESSAGES, PROVIDERS, Answer, Stand, until

ROUTES = """
[[routes]]
match = { model = "ask-away" }
candidates = ["sim/first", "away/second"]
policy = "ordered"
mode = "on"
control_share = 0.0

[[routes]]
match = { model = "ask-*" }
candidates = ["sim/first", "sim/second"]
policy = "ordered"
mode = "on"
control_share = 0.0

[[routes]]
match = { model = "watched" }
candidates = ["sim/first"]
policy = "ordered"

[[prices]]
provider = "sim"
model = "gpt-4o-mini"
input = 0.15
output = 0.6
"""
MARKED = """
[providers.marked]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
simulated = true

[providers.away]
dialect = "openai"
base_url = "http://127.0.0.1:1/v1"
"""
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "Say something."}]}]}
SPENT = re.compile(r"\d+\.\d+")


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("stand"), ROUTES, providers=PROVIDERS + MARKED) as running:
        yield running


def echoed(answer: Answer) -> dict[str, Any]:
    """What the provider saw, from an answer with `x-sim: echo=1`."""
    assert answer.status == 200, answer.body
    body = answer.json()
    for path in (
        ("choices", 0, "message", "content"),
        ("choices", 0, "text"),
        ("content", 0, "text"),
        ("candidates", 0, "content", "parts", 0, "text"),
    ):
        found: Any = body
        try:
            for step in path:
                found = found[step]
        except (KeyError, IndexError, TypeError):
            continue
        seen: dict[str, Any] = json.loads(found)
        return seen
    passed: dict[str, Any] = body
    return passed


def events(body: bytes) -> list[Any]:
    """The JSON of a stream's events."""
    lines = [line[6:] for line in body.splitlines() if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


# --- one call -------------------------------------------------------------------------------------------------


def test_a_json_call_is_answered_and_leaves_one_priced_entry(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", CHAT)

    assert answer.status == 200
    entry = stand.entry(answer.id)
    reported = answer.json()["usage"]
    assert entry["end_state"] == "complete"
    assert entry["usage"]["output"] == reported["completion_tokens"] == entry["delivered_output_tokens"]
    assert entry["usage_source"] == "provider_final"
    assert entry["delivered_bytes"] == len(answer.body)
    assert [attempt["status"] for attempt in entry["attempts"]] == [200]
    assert entry["cost_picodollars"] == reported["prompt_tokens"] * 150_000 + reported["completion_tokens"] * 600_000
    assert entry["cost_picodollars"] == entry["cost_billable_picodollars"] == entry["baseline_picodollars"]


def test_every_answer_carries_the_headers_that_are_promised(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", CHAT)

    headers = answer.headers
    assert re.fullmatch(r"dd_[0-9A-HJKMNP-TV-Z]{26}", headers["x-dd0c-request-id"])
    assert headers["x-dd0c-model"] == headers["x-dd0c-requested-model"] == "gpt-4o-mini"
    assert headers["x-dd0c-provider"] == "sim"
    assert headers["x-dd0c-decision"].startswith("kept; reason=")
    assert 0 < float(headers["x-dd0c-overhead-ms"]) < 1000
    assert SPENT.fullmatch(headers["x-dd0c-cost-usd"])
    assert headers["x-dd0c-cost-usd"] == stand.entry(answer.id)["cost_usd"]
    assert headers["x-request-id"].startswith("req_sim_")


def test_a_stream_carries_them_too_but_no_cost(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", {**CHAT, "stream": True})

    assert {name for name in answer.headers if name.startswith("x-dd0c-")} == {
        "x-dd0c-request-id",
        "x-dd0c-model",
        "x-dd0c-requested-model",
        "x-dd0c-provider",
        "x-dd0c-decision",
        "x-dd0c-overhead-ms",
    }


def test_an_entry_is_readable_within_a_second(stand: Stand) -> None:
    stand.entry(stand.post("/v1/chat/completions", CHAT).id)  # everything is warm
    answer = stand.post("/v1/chat/completions", {**CHAT, "stream": True})
    began = time.monotonic()
    stand.entry(answer.id)

    assert time.monotonic() - began < 1.0


def test_what_the_call_said_of_itself_stands_in_the_entry(stand: Stand) -> None:
    answer = stand.post(
        "/v1/chat/completions", CHAT, {"x-dd0c-tags": "team=core,feature=search", "x-dd0c-session": "s-1"}
    )

    entry = stand.entry(answer.id)
    assert entry["tags"] == {"team": "core", "feature": "search"}
    assert entry["session"] == "s-1"
    assert entry["key_id"] is None
    assert entry["decision"]["verdict"] == "kept"


# --- what crosses ---------------------------------------------------------------------------------------------


def test_the_callers_headers_cross_as_they_came_and_ours_stay(stand: Stand) -> None:
    sent = {
        "user-agent": "OpenAI/Python 1.2.3",
        "x-stainless-lang": "python",
        "openai-organization": "org-synthetic",
        "accept": "application/json",
        "x-sim": "echo=1",
    }
    ours = {
        "authorization": "Bearer the-callers-own",
        "cookie": "a=b",
        "x-forwarded-for": "1.2.3.4",
        "via": "1.1 other",
        "x-dd0c-tags": "a=b",
        "connection": "x-hop",
        "x-hop": "1",
    }

    seen = echoed(stand.post("/v1/chat/completions", CHAT, {**sent, **ours}))

    crossed = {name.lower(): value for name, value in seen["headers"]}
    assert sent.items() <= crossed.items()
    assert crossed["authorization"] == "Bearer synthetic-sim-key-0123456789"
    assert crossed["host"] == f"127.0.0.1:{stand.sim_port}"
    assert not {"cookie", "x-forwarded-for", "via", "x-dd0c-tags", "x-hop"} & crossed.keys()


def test_the_body_crosses_byte_for_byte(stand: Stand) -> None:
    body = b'{ "model":"gpt-4o-mini",\n"messages" : [{"role":"user","content":"\\u00e9"}], "seed": 1e2 }'

    seen = echoed(stand.post("/v1/chat/completions", body, {"x-sim": "echo=1"}))

    assert seen["body_sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("asked", [{"dd0c": {"route": "off"}}, {"model": "sim/gpt-4o-mini"}])
def test_what_is_ours_in_a_body_stays_here(stand: Stand, asked: dict[str, Any]) -> None:
    seen = echoed(stand.post("/v1/chat/completions", {**CHAT, **asked}, {"x-sim": "echo=1"}))

    expected = json.dumps(CHAT, separators=(",", ":")).encode()
    assert seen["body_bytes"] <= len(json.dumps(CHAT).encode())
    assert seen["body_bytes"] >= len(expected)


def test_a_header_pins_a_call(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", {**CHAT, "model": "ask-me"}, {"x-dd0c-route": "off"})

    assert answer.headers["x-dd0c-decision"].startswith("pinned; reason=")
    assert answer.headers["x-dd0c-model"] == "ask-me"


# --- routing --------------------------------------------------------------------------------------------------


def test_a_route_replaces_the_model_and_nothing_else(stand: Stand) -> None:
    body = b'{"model":"ask-me",  "messages":[{"role":"user","content":"\\u00e9"}],"seed":1e2}'
    answer = stand.post("/v1/chat/completions", body, {"x-sim": "echo=1"})

    expected = b'{"model":"first","messages":[{"role":"user","content":"\\u00e9"}],"seed":1e2}'
    assert echoed(answer)["body_sha256"] == hashlib.sha256(expected).hexdigest()
    assert answer.json()["model"] == "first"
    assert answer.headers["x-dd0c-model"] == "first"
    assert answer.headers["x-dd0c-requested-model"] == "ask-me"
    assert answer.headers["x-dd0c-decision"] == "routed; reason=order of the route"
    entry = stand.entry(answer.id)
    assert (entry["requested_model"], entry["served_model"]) == ("ask-me", "first")
    assert entry["decision"]["plan"] == ["sim/first", "sim/second"]


def test_a_refusal_of_the_first_target_is_answered_by_the_second(stand: Stand) -> None:
    answer = stand.post(
        "/v1/chat/completions", {**CHAT, "model": "ask-twice"}, {"x-sim": "fail_first=1; key=second-answers"}
    )

    assert answer.status == 200
    assert answer.headers["x-dd0c-model"] == "second"
    entry = stand.entry(answer.id)
    assert [(attempt["target"], attempt["status"]) for attempt in entry["attempts"]] == [
        ("sim/first", 503),
        ("sim/second", 200),
    ]


def test_a_route_that_only_watches_changes_nothing_and_says_what_it_would_do(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", {**CHAT, "model": "watched"})

    assert answer.json()["model"] == "watched"
    assert answer.headers["x-dd0c-decision"].startswith("kept; reason=shadow")
    assert stand.entry(answer.id)["decision"]["shadow"] == "sim/first"


def test_a_provider_may_be_named_with_the_model(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", {**CHAT, "model": "marked/gpt-4o-mini"})

    assert answer.json()["model"] == "gpt-4o-mini"
    assert answer.headers["x-dd0c-provider"] == "simulated"
    assert stand.entry(answer.id)["provider"] == "marked"


# --- every address --------------------------------------------------------------------------------------------

ADDRESSES = [
    ("/v1/chat/completions", CHAT, "sim", "/v1/chat/completions"),
    ("/v1/completions", {"model": "m-1", "prompt": "Say something."}, "sim", "/v1/completions"),
    ("/v1/messages", MESSAGES, "sim-anthropic", "/v1/messages"),
    ("/v1beta/models/m-1:generateContent", GEMINI, "sim-gemini", "/v1beta/models/m-1:generateContent"),
    ("/v1/models/m-1:generateContent", GEMINI, "sim-gemini", "/v1beta/models/m-1:generateContent"),
]


@pytest.mark.parametrize(("path", "body", "provider", "asked"), ADDRESSES, ids=[row[0] for row in ADDRESSES])
def test_each_address_reaches_the_provider_of_its_dialect(
    stand: Stand, path: str, body: dict[str, Any], provider: str, asked: str
) -> None:
    answer = stand.post(path + "?beta=true", body, {"x-sim": "echo=1"})

    seen = echoed(answer)
    assert (seen["path"], seen["query"]) == (asked, "beta=true")
    entry = stand.entry(answer.id)
    assert (entry["provider"], entry["end_state"]) == (provider, "complete")
    assert entry["usage_source"] == "provider_final"
    assert entry["usage"]["output"] > 0


@pytest.mark.parametrize(
    ("path", "body", "provider"),
    [
        ("/v1/embeddings", {"model": "m-1", "input": ["one", "two"]}, "sim"),
        ("/v1/responses", {"model": "m-1", "input": "Say something."}, "sim"),
        ("/v1/messages/count_tokens", {"model": "m-1", "messages": CHAT["messages"]}, "sim-anthropic"),
        ("/v1beta/models/m-1:countTokens", GEMINI, "sim-gemini"),
    ],
)
def test_so_do_the_calls_without_a_chat(stand: Stand, path: str, body: dict[str, Any], provider: str) -> None:
    answer = stand.post(path, body, {"x-dd0c-count": "provider"})

    assert answer.status == 200
    entry = stand.entry(answer.id)
    assert (entry["provider"], entry["status"], entry["end_state"]) == (provider, 200, "complete")
    assert entry["delivered_bytes"] == len(answer.body)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {**CHAT, "stream": True}),
        ("/v1/completions", {"model": "m-1", "prompt": "Say something.", "stream": True}),
        ("/v1/responses", {"model": "m-1", "input": "Say something.", "stream": True}),
        ("/v1/messages", {**MESSAGES, "stream": True}),
        ("/v1beta/models/m-1:streamGenerateContent?alt=sse", GEMINI),
        ("/v1beta/models/m-1:streamGenerateContent", GEMINI),
    ],
)
def test_streams_of_every_dialect_are_metered_by_the_providers_report(
    stand: Stand, path: str, body: dict[str, Any]
) -> None:
    answer = stand.post(path, body)

    assert answer.status == 200
    entry = stand.entry(answer.id)
    assert entry["stream"]
    assert entry["usage_source"] == "provider_final"
    assert entry["delivered_bytes"] == len(answer.body)
    assert entry["usage"]["output"] == entry["delivered_output_tokens"] > 0


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/completions"])
def test_the_usage_that_the_router_asked_for_does_not_show(stand: Stand, path: str) -> None:
    asked = {"model": "m-1", "prompt": "Hi.", "messages": CHAT["messages"], "stream": True}
    plain = stand.post(path, asked)
    wanted = stand.post(path, {**asked, "stream_options": {"include_usage": True}})

    assert all(event["choices"] for event in events(plain.body))
    assert [event["usage"] for event in events(wanted.body) if not event["choices"]]
    assert plain.body.endswith(b"data: [DONE]\n\n")
    for answer in (plain, wanted):
        assert stand.entry(answer.id)["usage_source"] == "provider_final"


def test_the_usage_does_not_show_however_the_type_is_written(stand: Stand) -> None:
    scene = {"x-sim": "chunks=3; header=content-type:Text/Event-Stream%3B%20Charset=UTF-8"}
    answer = stand.post("/v1/chat/completions", {**CHAT, "stream": True}, scene)

    assert all(event["choices"] for event in events(answer.body))


def test_the_entry_of_a_stream_tells_how_its_try_ended_though_it_was_written_before(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", {**CHAT, "stream": True}, {"x-sim": "chunks=3; chunk_ms=5"})

    def outcome() -> bool:
        (attempt,) = stand.entry(answer.id)["attempts"]
        return bool(attempt["connection"].endswith(":pooled"))

    until(outcome, "the end of the try")


def test_the_usage_does_not_show_either_where_the_client_takes_codings(stand: Stand) -> None:
    answer = stand.post(
        "/v1/chat/completions", {**CHAT, "stream": True}, {"accept-encoding": "gzip, br", "x-sim": "chunks=3"}
    )

    assert "content-encoding" not in answer.headers
    assert all(event["choices"] for event in events(answer.body))


@pytest.mark.parametrize("asked", ["header", "body"])
def test_a_stream_tells_its_cost_to_who_asks(stand: Stand, asked: str) -> None:
    body: dict[str, Any] = {**CHAT, "stream": True}
    headers = {"accept-encoding": "gzip"}
    if asked == "header":
        headers["x-dd0c-cost"] = "on"
    else:
        body["dd0c"] = {"cost": True}

    answer = stand.post("/v1/chat/completions", body, headers)

    (usage,) = [event["usage"] for event in events(answer.body) if event.get("usage")]
    entry = stand.entry(answer.id)
    assert usage["cost"] == float(entry["cost_usd"])
    assert usage["completion_tokens"] == entry["usage"]["output"]
    assert entry["delivered_bytes"] == len(answer.body)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_with_a_content_coding_passes_untouched_and_is_metered(stand: Stand, stream: bool) -> None:
    body = {**MESSAGES, "stream": stream}
    plain = stand.post("/v1/messages", body, {"x-sim": "text=Hello%20there."})
    coded = stand.post("/v1/messages", body, {"x-sim": "text=Hello%20there.; encoding=gzip", "accept-encoding": "gzip"})

    assert coded.headers["content-encoding"] == "gzip"
    assert gzip.decompress(coded.body) == plain.body
    entry = stand.entry(coded.id)
    assert entry["usage"] == stand.entry(plain.id)["usage"]
    assert entry["usage_source"] == "provider_final"
    assert entry["delivered_bytes"] == len(coded.body)


# --- pass-through ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_any_other_call_passes_through(stand: Stand, method: str) -> None:
    body = b"\x00any bytes\xff" if method in ("POST", "PUT", "PATCH") else b""
    answer = stand.request(
        method, "/passthrough/sim/v1/files/abc?after=x%20y", body, {"x-sim": "echo=1", "content-type": "any/thing"}
    )

    seen = echoed(answer)
    assert (seen["method"], seen["path"], seen["query"]) == (method, "/v1/files/abc", "after=x%20y")
    assert seen["body_sha256"] == hashlib.sha256(body).hexdigest()
    assert ["authorization", "Bearer synthetic-sim-key-0123456789"] in seen["headers"]
    entry = stand.entry(answer.id)
    assert (entry["dialect"], entry["provider"], entry["status"]) == ("passthrough", "sim", 200)


def test_to_head_the_providers_length_is_told(stand: Stand) -> None:
    answer = stand.request("HEAD", "/passthrough/sim/v1/files/abc", headers={"x-sim": "text=hello"})

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(b'{"text":"hello"}'))
    entry = stand.entry(answer.id)
    assert (entry["end_state"], entry["delivered_bytes"]) == ("complete", 0)


def test_a_passed_through_call_is_metered_where_its_usage_is_recognisable(stand: Stand) -> None:
    answer = stand.post("/passthrough/sim-anthropic/v1/messages", {**MESSAGES, "stream": True})

    entry = stand.entry(answer.id)
    assert (entry["api"], entry["usage_source"]) == ("anthropic.messages", "provider_final")
    assert entry["served_model"] == MESSAGES["model"]


def test_a_provider_that_is_not_configured_is_named(stand: Stand) -> None:
    answer = stand.get("/passthrough/nobody/v1/files")

    assert answer.status == 404
    assert "nobody" in answer.json()["error"]["message"]
    assert stand.entry(answer.id)["end_state"] == "denied"


# --- errors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 529])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", CHAT),
        ("/v1/messages", MESSAGES),
        ("/v1beta/models/m-1:generateContent", GEMINI),
    ],
)
def test_a_providers_error_passes_byte_for_byte(stand: Stand, path: str, body: dict[str, Any], status: int) -> None:
    sim = {"x-sim": f"status={status}; retry_after=60"}
    answer = stand.post(path, body, sim)
    again = stand.post(path, body, sim)

    assert answer.status == status
    assert answer.headers["retry-after"] == "60"
    assert answer.body == again.body
    assert "simulated status" in answer.body.decode()
    entry = stand.entry(answer.id)
    assert (entry["end_state"], entry["error"], entry["usage_source"]) == (
        "upstream_failed",
        f"status_{status}",
        "none",
    )
    assert entry["cost_picodollars"] in (0, None)


def test_the_routers_own_errors_have_the_shape_of_the_caller(stand: Stand) -> None:
    openai = stand.post("/v1/chat/completions", b"{broken").json()
    anthropic = stand.post("/v1/messages", b"{broken")
    gemini = stand.post("/v1beta/models/m-1:generateContent", b"{broken").json()

    assert openai["error"].keys() == {"message", "type", "param", "code"}
    assert anthropic.json()["type"] == "error"
    assert anthropic.json()["request_id"] == anthropic.id
    assert gemini["error"]["status"] == "INVALID_ARGUMENT"


def test_a_wrong_method_is_told_in_the_shape_of_the_address(stand: Stand) -> None:
    answer = stand.get("/v1/messages")

    assert answer.status == 405
    assert answer.json()["type"] == "error"


def test_a_provider_that_is_away_is_a_502_that_names_it_and_leaves_an_entry(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", {**CHAT, "model": "away/m-1"})

    assert answer.status == 502
    assert "away" in answer.json()["error"]["message"]
    entry = stand.entry(answer.id)
    assert (entry["end_state"], entry["error"]) == ("upstream_failed", "upstream_unreachable")
    assert len(entry["attempts"]) == 2
    assert entry["usage_source"] == "none"


def test_a_refused_call_leaves_an_entry_too(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", {"messages": []})

    assert answer.status == 400
    assert "model" in answer.json()["error"]["message"]
    entry = stand.entry(answer.id)
    assert (entry["end_state"], entry["status"], entry["attempts"]) == ("denied", 400, [])


def test_no_entry_keeps_a_key_that_its_caller_put_in_the_wrong_place(stand: Stand) -> None:
    key = "sk-proj-" + secrets.token_urlsafe(36)  # synthetic
    ours = {"x-dd0c-tags": f"team=core,{key}=1,key={key}", "x-dd0c-session": f"s {key}", "x-sim": f"model={key}"}
    answer = stand.post("/v1/chat/completions", {**CHAT, "model": key}, ours)

    text = json.dumps(stand.entry(answer.id))
    assert key not in text
    assert stand.entry(answer.id)["tags"]["team"] == "core"
    for file in stand.folder.rglob("dd0c.db*"):
        assert file.is_dir() or key.encode() not in file.read_bytes()
    for journal in stand.folder.rglob("*.log"):
        assert key.encode() not in journal.read_bytes()


def test_no_entry_is_as_long_as_its_caller_or_its_provider_likes(stand: Stand) -> None:
    endless = "x" * 3_000_000
    refused = stand.post("/v1/chat/completions", {**CHAT, "model": endless})
    ours = {"session": endless, "tags": {f"t{number}": endless[:1000] for number in range(1000)}}
    answer = stand.post("/v1/chat/completions", {**CHAT, "dd0c": ours}, {"x-sim": f"model={endless[:9000]}"})
    passed = stand.post("/passthrough/sim/v1/chat/completions", {**CHAT, "model": endless})

    assert (refused.status, answer.status, passed.status) == (400, 200, 200)
    for call in (refused, answer, passed):
        assert len(json.dumps(stand.entry(call.id))) < 40_000


def test_a_body_in_a_content_coding_is_refused_by_its_name(stand: Stand) -> None:
    body = gzip.compress(json.dumps(CHAT).encode())

    answer = stand.post("/v1/chat/completions", body, {"content-encoding": "gzip"})

    assert answer.status == 400
    assert "content-encoding" in answer.json()["error"]["message"].lower()


# --- our own addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/", "/api/hello"])
def test_probes_are_answered_at_once(stand: Stand, path: str) -> None:
    answer = stand.get(path)

    assert answer.status == 200
    assert answer.json()["status"] in ("ok", "ready")
    assert stand.request("HEAD", path).status == 200


@pytest.mark.parametrize("path", ["/nowhere", "/v1", "/v1/chat", "/admin"])
def test_an_address_that_is_not_there_is_told(stand: Stand, path: str) -> None:
    answer = stand.get(path)

    assert answer.status == 404
    assert answer.headers["x-dd0c-request-id"]


# --- trying again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 502, 503, 529])
def test_a_lone_provider_that_refuses_is_asked_once_more_after_what_it_asks_for(stand: Stand, status: int) -> None:
    sim = f"fail_first=1; key=lone-{status}; status={status}; retry_after=0.2"
    answer = stand.post("/v1/chat/completions", CHAT, {"x-sim": sim})

    assert answer.status == 200
    first, second = stand.entry(answer.id)["attempts"]
    assert (first["status"], second["status"]) == (status, 200)
    assert second["started_ms"] - first["ended_ms"] >= 199


@pytest.mark.parametrize("status", [408, 500, 504])
def test_what_a_provider_may_have_billed_is_not_asked_again(stand: Stand, status: int) -> None:
    answer = stand.post("/v1/chat/completions", CHAT, {"x-sim": f"fail_first=1; key=once-{status}; status={status}"})

    assert answer.status == status
    assert len(stand.entry(answer.id)["attempts"]) == 1


def test_two_refusals_are_enough_and_the_last_is_the_answer(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", CHAT, {"x-sim": "status=503; retry_after=0.01"})

    assert answer.status == 503
    assert len(stand.entry(answer.id)["attempts"]) == 2


def test_a_refusal_is_handed_on_where_the_next_target_cannot_even_be_reached(stand: Stand) -> None:
    answer = stand.post("/v1/chat/completions", {**CHAT, "model": "ask-away"}, {"x-sim": "status=429"})

    assert answer.status == 429
    assert "simulated status" in answer.json()["error"]["message"]
    assert (answer.headers["x-dd0c-provider"], answer.headers["x-dd0c-model"]) == ("sim", "first")
    entry = stand.entry(answer.id)
    assert (entry["provider"], entry["error"]) == ("sim", "status_429")
    assert [attempt["target"] for attempt in entry["attempts"]] == ["sim/first", "away/second"]


@pytest.mark.parametrize("stale", ["1", "next"])
def test_a_connection_that_went_stale_is_replaced_without_a_word(stand: Stand, stale: str) -> None:
    for _ in range(3):
        answer = stand.post("/v1/chat/completions", CHAT, {"x-sim": f"stale={stale}"})
        assert answer.status == 200
        assert stand.entry(answer.id)["attempts"][-1]["status"] == 200


def test_a_stale_connection_does_not_change_the_model(stand: Stand) -> None:
    for _ in range(6):
        answer = stand.post("/v1/chat/completions", {**CHAT, "model": "ask-me"}, {"x-sim": "stale=next"})
        assert answer.status == 200, answer.body
        assert answer.headers["x-dd0c-model"] == "first"


def test_once_a_byte_is_out_nothing_is_tried_again(stand: Stand) -> None:
    body = json.dumps({**CHAT, "model": "ask-me", "stream": True}).encode()
    with stand.raw() as sock:
        sock.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nx-sim: cut_after=2; chunks=9; chunk_ms=5\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        data = b""
        while piece := sock.recv(65536):
            data += piece

    assert data.startswith(b"HTTP/1.1 200")
    assert b'"code":"upstream_cut"' in data  # said in the stream, since it was cut between two events
    assert not data.endswith(b"0\r\n\r\n")
    found = re.search(rb"x-dd0c-request-id: (\S+)", data)
    assert found is not None
    entry = stand.entry(found[1].decode())
    assert (entry["end_state"], entry["error"]) == ("upstream_failed", "upstream_cut")
    assert [attempt["status"] for attempt in entry["attempts"]][-1:] == [200]
    assert [attempt["error"] for attempt in entry["attempts"][:-1]] in ([], ["upstream_stale_connection"])
    assert entry["usage_source"].startswith("local_")


@pytest.mark.parametrize(
    ("path", "headers", "holds"),
    [
        ("/v1/models", {}, '"object":"list"'),
        ("/v1/models?limit=1000", {"anthropic-version": "2023-06-01"}, '"has_more"'),
        ("/v1beta/models", {}, '"models":['),
    ],
)
def test_the_models_are_listed_in_the_shape_of_who_asks(
    stand: Stand, path: str, headers: dict[str, str], holds: str
) -> None:
    answer = stand.request("GET", path, headers=headers)

    assert answer.status == 200
    assert holds in answer.body.decode()
    assert b"sim-large" in answer.body
    entry = stand.entry(answer.id)
    assert (entry["api"], entry["usage_source"], entry["unpriced"]) == ("models", "none", False)
    assert (entry["provider"], entry["end_state"], entry["status"]) == ("local", "complete", 200)
    assert stand.post("/v1/models", {}).status == 405
