"""What callers bring along: a subscription's token, another gateway's headers, versions and fields that are new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.stand import CHAT, MESSAGES, Stand

PLAN = {"authorization": "Bearer sk-ant-oat01-synthetic-token-0123456789", "anthropic-beta": "oauth-2025-04-20"}
PROVIDERS = """
[providers.anthropic]
base_url = "http://127.0.0.1:{port}/v1"

[providers.minimax]
dialect = "anthropic"
base_url = "http://127.0.0.1:{port}/v1"
price_as = "minimax"

[providers.sim]
dialect = "openai"
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}

[[routes]]
match = {{ model = "claude-*" }}
candidates = ["minimax/sim-small"]
policy = "ordered"
mode = "on"
control_share = 0.0

[[prices]]
provider = "minimax"
model = "sim-small"
input = 0.01
output = 0.01
"""


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("callers"), providers=PROVIDERS) as running:
        yield running


def entry_of(stand: Stand, path: str, body: Any, headers: dict[str, str]) -> Any:
    answer = stand.post(path, body, headers)
    assert answer.status == 200, answer.body
    return stand.entry(answer.id)


def test_a_subscriptions_call_stays_with_its_provider_and_is_marked(stand: Stand) -> None:
    entry = entry_of(stand, "/v1/messages?beta=true", MESSAGES, PLAN)
    assert (entry["provider"], entry["credential"]) == ("anthropic", "subscription")
    assert entry["decision"]["verdict"] == "pinned"
    assert entry["cost_picodollars"] > 0  # what the same would cost by the API


def test_other_callers_are_routed_and_the_entry_says_whose_key_paid(stand: Stand) -> None:
    entry = entry_of(stand, "/v1/messages", MESSAGES, {"x-api-key": "synthetic"})
    assert (entry["provider"], entry["credential"]) == ("minimax", "caller")
    assert entry_of(stand, "/v1/chat/completions", CHAT, {})["credential"] == "stored"


def test_a_subscriptions_token_goes_to_no_other_provider_and_into_no_file(stand: Stand) -> None:
    answer = stand.post("/v1/messages", {**MESSAGES, "model": "minimax/claude-haiku-4-5"}, PLAN)
    assert answer.status == 401
    assert "is not known to be that" in answer.json()["error"]["message"]
    assert answer.json()["type"] == "error"
    for path in stand.folder.rglob("*"):
        assert not path.is_file() or b"sk-ant-oat01-synthetic" not in path.read_bytes()


def test_headers_of_another_gateway_are_heard_after_ours(stand: Stand) -> None:
    theirs = {
        "x-litellm-tags": "team=core,nightly", "x-litellm-session-id": "s-1", "helicone-user-id": "u-1",
        "x-portkey-metadata": '{"feature":"search","_user":"u-2"}', "x-dd0c-tags": "team=own",
    }  # fmt: skip
    entry = entry_of(stand, "/v1/chat/completions", CHAT, theirs)
    assert entry["session"] == "s-1"
    assert entry["tags"].items() >= {"team": "own", "nightly": "", "feature": "search"}.items()
    assert entry["tags"]["user"] in ("u-1", "u-2")
    assert entry_of(stand, "/v1/chat/completions", CHAT, {**theirs, "x-dd0c-session": "own"})["session"] == "own"


@pytest.mark.parametrize("version", ["2023-06-01", "2026-10-21", "2027-01-01"])
def test_nothing_is_refused_because_it_is_new(stand: Stand, version: str) -> None:
    turns = [*MESSAGES["messages"], {"role": "system", "content": "From now on, rhyme."}]  # type: ignore[misc]
    body = {**MESSAGES, "messages": turns, "field_of_tomorrow": {"a": [1]}, "thinking": {"type": "adaptive"}}
    headers = {"x-api-key": "synthetic", "anthropic-version": version, "anthropic-beta": "one-2026,new-2027"}
    assert stand.post("/v1/messages?beta=true", body, headers).status == 200


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_geminis_streams_hold_nothing_but_events(tmp_path: Any, version: str) -> None:
    with Stand(tmp_path) as stand:
        path = f"/{version}/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
        answer = stand.post(path, {"contents": [{"role": "user", "parts": [{"text": "Say something."}]}]})
        assert answer.status == 200
        lines = [line for line in answer.body.splitlines() if line]
        assert lines
        assert all(line.startswith(b"data: ") for line in lines)
