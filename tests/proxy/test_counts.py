"""Prompts whose length is asked for are counted by the router."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.stand import CHAT, MESSAGES, PROVIDERS, Stand

CLAUDE = {"model": "claude-haiku-4-5", "messages": CHAT["messages"]}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "Say something."}]}]}
OPENAI = {"model": "gpt-4o-mini", "input": "Say something."}
PATHS = {
    "/v1/messages/count_tokens": CLAUDE,
    "/v1beta/models/gemini-2.5-flash:countTokens": GEMINI,
    "/v1/responses/input_tokens": OPENAI,
}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("counts"), providers=PROVIDERS) as running:
        yield running


def upstream_calls(stand: Stand) -> int:
    return int(stand.sim_stats("?limit=0")["totals"]["calls"])


@pytest.mark.parametrize("path", PATHS)
def test_the_answer_has_the_shape_of_the_dialect_and_no_provider_is_asked(stand: Stand, path: str) -> None:
    before = upstream_calls(stand)
    answer = stand.post(path, PATHS[path])

    assert answer.status == 200, answer.body
    body = answer.json()
    match path.rpartition("/")[2]:
        case "count_tokens":
            assert list(body) == ["input_tokens"]
        case "input_tokens":
            assert body["object"] == "response.input_tokens"
        case _:
            assert body["promptTokensDetails"] == [{"modality": "TEXT", "tokenCount": body["totalTokens"]}]
    tokens = body.get("input_tokens", body.get("totalTokens"))
    low, high = map(int, answer.headers["x-dd0c-count-band"].split("-"))
    assert low <= tokens <= high
    assert (answer.headers["x-dd0c-count"] == "exact") == (low == high)
    assert answer.headers["x-dd0c-provider"] == "local"
    assert upstream_calls(stand) == before


@pytest.mark.parametrize(("path", "tokens"), [("/v1/messages/count_tokens", 10), ("/v1/responses/input_tokens", 10)])
def test_a_text_of_a_known_tokenizer_is_counted_exactly(stand: Stand, path: str, tokens: int) -> None:
    answer = stand.post(path, PATHS[path])
    assert answer.headers["x-dd0c-count"] == "exact"
    assert answer.json()["input_tokens"] == tokens


@pytest.mark.parametrize("path", PATHS)
def test_the_call_leaves_one_entry_that_costs_nothing(stand: Stand, path: str) -> None:
    answer = stand.post(path, PATHS[path], {"x-dd0c-tags": "team=core"})
    entry = stand.entry(answer.id)
    tokens = answer.json().get("input_tokens", answer.json().get("totalTokens"))
    assert (entry["end_state"], entry["status"], entry["provider"]) == ("complete", 200, "local")
    assert entry["usage_source"] == f"local_{answer.headers['x-dd0c-count']}"
    assert (entry["usage"]["input"], entry["usage"]["output"]) == (tokens, 0)
    assert (entry["cost_picodollars"], entry["unpriced"], entry["attempts"]) == (0, False, [])
    assert (entry["served_model"], entry["tags"]) == (entry["requested_model"], {"team": "core"})
    assert entry["delivered_bytes"] == len(answer.body)


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1beta/models/gemini-2.5-flash:countTokens"])
def test_who_wants_the_providers_word_gets_its_answer_byte_for_byte(stand: Stand, path: str) -> None:
    before = upstream_calls(stand)
    answer = stand.post(path, PATHS[path], {"x-dd0c-count": "provider"})
    assert answer.status == 200
    assert "x-dd0c-count" not in answer.headers
    assert answer.headers["x-dd0c-provider"].startswith("sim")
    assert upstream_calls(stand) == before + 1
    assert stand.entry(answer.id)["usage_source"] == "provider_final"


def test_what_goes_by_pass_through_goes_to_the_provider(stand: Stand) -> None:
    answer = stand.post("/passthrough/sim-anthropic/messages/count_tokens", CLAUDE)
    assert answer.headers["x-dd0c-provider"] == "sim-anthropic"


def test_the_model_need_not_be_configured(tmp_path: Any) -> None:
    openai_only = PROVIDERS.partition("[providers.sim-anthropic]")[0]
    with Stand(tmp_path, providers=openai_only) as stand:
        answer = stand.post("/v1/messages/count_tokens", CLAUDE)
        assert (answer.status, answer.headers["x-dd0c-count"]) == (200, "exact")
        refused = stand.post("/v1/messages/count_tokens", CLAUDE, {"x-dd0c-count": "provider"})
        assert refused.status == 404


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/v1/messages/count_tokens", b"{", "not valid JSON"),
        ("/v1/messages/count_tokens", {"messages": []}, "`model` is missing"),
        ("/v1/messages/count_tokens", {"model": "claude-haiku-4-5"}, "messages: field required"),
        ("/v1/messages/count_tokens", CLAUDE | {"messages": {}}, "messages: must be a list"),
        ("/v1/messages/count_tokens", CLAUDE | {"messages": []}, "at least one message"),
        ("/v1/messages/count_tokens", CLAUDE | {"messages": [{"role": "user"}]}, "content"),
        ("/v1/messages/count_tokens", CLAUDE | {"messages": [{"role": "x", "content": ""}]}, "role"),
        ("/v1/messages/count_tokens", CLAUDE | {"messages": [{"role": "user", "content": 7}]}, "content: must be"),
        ("/v1beta/models/gemini-2.5-flash:countTokens", {}, "contents: field required"),
        ("/v1beta/models/gemini-2.5-flash:countTokens", {"generateContentRequest": 3}, "Expected `object`"),
        ("/v1/responses/input_tokens", {"model": "gpt-4o"}, "instructions: field required"),
        ("/v1/responses/input_tokens", {"input": "x"}, "names no model"),
    ],
)
def test_what_the_provider_would_refuse_is_refused_in_its_shape(stand: Stand, path: str, body: Any, says: str) -> None:
    answer = stand.post(path, body)
    assert answer.status == 400
    error = answer.json()["error"]
    assert says in error["message"]
    if "messages" in path:
        assert (answer.json()["type"], error["type"]) == ("error", "invalid_request_error")
    elif "models" in path:
        assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    entry = stand.entry(answer.id)
    assert (entry["end_state"], entry["usage_source"]) == ("denied", "none")


def test_an_access_key_is_needed_as_for_any_call(tmp_path: Any) -> None:
    config = '[server]\naccess_keys = [{{ env = "ROUTER_KEY" }}]\n'
    with Stand(tmp_path, config, environ={"ROUTER_KEY": "synthetic-router-key-0123456789"}) as stand:
        refused = stand.post("/v1/messages/count_tokens", CLAUDE)
        assert (refused.status, refused.json()["error"]["type"]) == (401, "authentication_error")
        key = {"x-api-key": "synthetic-router-key-0123456789"}
        assert stand.post("/v1/messages/count_tokens", CLAUDE, key).json()["input_tokens"] == 10


def test_a_hundred_at_once_are_all_answered(stand: Stand) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: stand.post("/v1/messages/count_tokens", CLAUDE), range(100)))
    assert {answer.status for answer in answers} == {200}
    assert {answer.json()["input_tokens"] for answer in answers if answer.headers["x-dd0c-count"] == "exact"} == {10}


def test_what_only_the_provider_knows_is_estimated(stand: Stand) -> None:
    answer = stand.post("/v1/responses/input_tokens", OPENAI | {"previous_response_id": "resp_1"})
    low, high = map(int, answer.headers["x-dd0c-count-band"].split("-"))
    assert answer.headers["x-dd0c-count"] == "estimated"
    assert high - low > 50_000


def test_a_body_on_many_lines_and_one_of_a_megabyte_are_counted(stand: Stand) -> None:
    indented = json.dumps(CLAUDE, indent=4).encode()
    assert stand.post("/v1/messages/count_tokens", indented).json()["input_tokens"] == 10
    long = CLAUDE | {"messages": [{"role": "user", "content": "one two three " * 80_000}]}
    answer = stand.post("/v1/messages/count_tokens", long)
    assert 235_000 < answer.json()["input_tokens"] < 250_000
    messages = stand.post("/v1/messages", MESSAGES)
    assert messages.status == 200
