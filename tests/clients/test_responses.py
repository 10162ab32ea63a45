"""OpenAI's SDK with the Responses API before providers that do not have it: it notices nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import PROVIDERS
from tests.clients.sdk import Sdk
from tests.stand import Stand, until

ROUTE = """
[[routes]]
match = {{ model = "gpt-4o-mini" }}
candidates = ["{target}"]
policy = "ordered"
mode = "on"
control_share = 0.0
"""
CHATS = """
[providers.mistral]
base_url = "http://127.0.0.1:{port}/v1"
api_key = {{ env = "SIM_KEY" }}
"""
PARAMETERS = {"type": "object", "properties": {"query": {"type": "string"}}}
FUNCTION = {"type": "function", "name": "look_up", "parameters": PARAMETERS, "strict": False}
PATCH = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edit files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "x"'},
}


@pytest.fixture(scope="module", params=["anthropic/claude-haiku-4-5", "mistral/mistral-small-latest"])
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    folder = tmp_path_factory.mktemp("responses")
    with Stand(folder, ROUTE.format(target=request.param), providers=PROVIDERS + CHATS) as running:
        yield running


@pytest.fixture(scope="module")
def sdk(interpreter: Path, stand: Stand) -> Iterator[Sdk]:
    with Sdk(interpreter, "responses_program.py", stand.port) as running:
        yield running


def test_a_whole_response_is_of_the_sdks_own_type(sdk: Sdk, stand: Stand) -> None:
    got = sdk.do("respond", sim="text=good day")
    entry = stand.entry(got["headers"]["x-dd0c-request-id"])

    assert got["text"] == "good day"
    assert entry["provider"] != "openai"
    assert entry["usage"]["output"] == got["answer"]["usage"]["output_tokens"]


def test_every_event_of_a_stream_is_of_the_sdks_own_type(sdk: Sdk) -> None:
    got = sdk.do("events", sim="text=good day")

    assert got["kinds"][:2] == ["response.created", "response.in_progress"]
    assert got["kinds"][-1] == "response.completed"


def test_the_sdk_puts_a_stream_together(sdk: Sdk) -> None:
    got = sdk.do("accumulated", sim="text=good day")

    assert got["text"] == got["final"] == "good day"


def test_thoughts_come_as_a_summary(sdk: Sdk) -> None:
    got = sdk.do("accumulated", sim="reasoning=4; chunks=3")
    thought, message = got["answer"]["output"]

    assert (thought["type"], message["type"]) == ("reasoning", "message")
    assert thought["summary"][0]["text"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("tool", [FUNCTION, PATCH], ids=["function", "custom"])
def test_a_tool_is_called_and_told_what_it_gave(sdk: Sdk, tool: dict[str, Any], stream: bool) -> None:
    got = sdk.do("tool_loop", tools=[tool], stream=stream)
    (call,) = got["called"]

    assert call["name"] == tool["name"]
    assert call["input"] if tool is PATCH else json.loads(call["arguments"])
    assert got["text"]


@pytest.mark.parametrize(("status", "name"), [(400, "BadRequestError"), (401, "AuthenticationError"),
                                              (429, "RateLimitError"), (500, "InternalServerError")])  # fmt: skip
def test_an_error_is_the_sdks_own(sdk: Sdk, status: int, name: str) -> None:
    assert sdk.fails("respond", sim=f"status={status}")["classes"][0] == name


def test_a_failure_in_mid_stream_raises(sdk: Sdk) -> None:
    assert "APIError" in sdk.fails("events", sim="chunks=20; error_after=5")["classes"]


def test_who_leaves_a_stream_is_billed_for_its_part(sdk: Sdk, stand: Stand) -> None:
    got = sdk.do("events", sim="chunks=400; chunk_ms=5", leave_after=9)
    id = got["headers"]["x-dd0c-request-id"]
    entry = until(lambda: (found := stand.entry(id))["end_state"] == "client_gone" and found, "the entry")

    assert 0 < entry["delivered_output_tokens"] < 300
