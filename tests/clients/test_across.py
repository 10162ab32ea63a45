"""The SDKs before a provider that speaks another dialect: they notice nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import PROVIDERS, Programs, started
from tests.clients.habits import CHAT, CONVERSE, GEMINI, HABITS, MESSAGES, RESPONSES, Habit
from tests.clients.sdk import Sdk
from tests.clients.sim import entry_tagged
from tests.stand import Stand, until

ROUTES = """
[[routes]]
match = { model = "gpt-4o-mini" }
candidates = ["anthropic/claude-haiku-4-5"]
policy = "ordered"
mode = "on"
control_share = 0.0

[[routes]]
match = { model = "gemini-*" }
candidates = ["openai/gpt-4o-mini"]
policy = "ordered"
mode = "on"
control_share = 0.0

[[routes]]
match = { model = "claude-*" }
candidates = ["openai/gpt-5-mini"]  # writes as much as clients of Messages ask for
policy = "ordered"
mode = "on"
control_share = 0.0
"""
TRANSLATED = {CHAT: "anthropic", RESPONSES: "anthropic", MESSAGES: "openai", GEMINI: "openai", CONVERSE: "openai"}
FOREIGN = {client: habit for client, habit in HABITS.items() if habit.api in TRANSLATED}
PARAMETERS = {"type": "object", "properties": {"query": {"type": "string"}}}
CHAT_TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": PARAMETERS}}]
MESSAGES_TOOLS = [{"name": "look_up", "input_schema": PARAMETERS}]


@pytest.fixture(scope="module")
def across(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Stand(tmp_path_factory.mktemp("across"), ROUTES, providers=PROVIDERS) as running:
        yield running


@pytest.fixture(scope="module")
def programs(across: Stand) -> Iterator[Programs]:
    with started(across.port) as program:
        yield program


@pytest.fixture(scope="module")
def chat(interpreter: Path, across: Stand) -> Iterator[Sdk]:
    with Sdk(interpreter, "openai_program.py", across.port) as sdk:
        yield sdk


@pytest.fixture(scope="module")
def messages(interpreter: Path, across: Stand) -> Iterator[Sdk]:
    with Sdk(interpreter, "anthropic_program.py", across.port) as sdk:
        yield sdk


def test_openais_sdk_reads_a_whole_answer_of_anthropics(chat: Sdk, across: Stand) -> None:
    got = chat.do("chat", sim="text=good day")
    entry = across.entry(got["headers"]["x-dd0c-request-id"])

    assert got["answer"]["choices"][0]["message"]["content"] == "good day"
    assert (entry["provider"], entry["usage_source"]) == ("anthropic", "provider_final")
    assert got["answer"]["model"] == entry["served_model"] == "claude-haiku-4-5"
    assert entry["usage"]["output"] == got["answer"]["usage"]["completion_tokens"]
    assert got["headers"]["x-dd0c-cost-usd"] == entry["cost_usd"]


def test_openais_sdk_puts_a_stream_of_anthropics_together(chat: Sdk) -> None:
    got = chat.do("accumulated", sim="text=good day")

    assert got["answer"]["choices"][0]["message"]["content"] == "good day"
    assert got["answer"]["choices"][0]["finish_reason"] == "stop"


def test_openais_sdk_reads_a_call_of_a_tool_streamed_by_anthropics(chat: Sdk) -> None:
    got = chat.do("accumulated", sim="tool=1", tools=CHAT_TOOLS)
    call = got["answer"]["choices"][0]["message"]["tool_calls"][0]

    assert call["function"]["name"] == "look_up"
    assert "query" in json.loads(call["function"]["arguments"])


def test_openais_sdk_raises_its_own_error_for_one_of_anthropics(chat: Sdk) -> None:
    assert chat.fails("chat", sim="status=429")["classes"][0] == "RateLimitError"


def test_a_client_of_openais_that_leaves_a_stream_of_anthropics_is_billed_for_its_part(
    chat: Sdk, across: Stand
) -> None:  # fmt: skip
    got = chat.do("stream", sim="chunks=400; chunk_ms=5", leave_after=6)
    id = got["headers"]["x-dd0c-request-id"]
    entry = until(lambda: (found := across.entry(id))["end_state"] == "client_gone" and found, "the entry")

    assert 0 < entry["delivered_output_tokens"] < 300


def test_anthropics_sdk_reads_a_whole_answer_of_openais(messages: Sdk, across: Stand) -> None:
    got = messages.do("message", sim="text=good day")

    assert got["answer"]["content"][0]["text"] == "good day"
    assert got["answer"]["stop_reason"] == "end_turn"
    assert across.entry(got["headers"]["x-dd0c-request-id"])["provider"] == "openai"


def test_anthropics_sdk_puts_a_stream_of_openais_together(messages: Sdk) -> None:
    got: dict[str, Any] = messages.do("accumulated", sim="text=good day")

    assert got["answer"]["content"][0]["text"] == "good day"
    assert got["answer"]["usage"]["output_tokens"] > 0


def test_anthropics_sdk_reads_a_call_of_a_tool_streamed_by_openais(messages: Sdk) -> None:
    got = messages.do("accumulated", sim="tool=1", tools=MESSAGES_TOOLS)
    block = got["answer"]["content"][-1]

    assert (block["type"], block["name"]) == ("tool_use", "look_up")
    assert "query" in block["input"]


def test_anthropics_sdk_raises_its_own_error_for_one_of_openais(messages: Sdk) -> None:
    assert messages.fails("message", sim="status=401")["classes"][0] == "AuthenticationError"


@pytest.mark.column("other dialect")
@pytest.mark.parametrize("habit", FOREIGN.values(), ids=FOREIGN)
def test_a_client_notices_nothing_of_a_provider_of_another_dialect(
    habit: Habit, programs: Programs, across: Stand
) -> None:
    sdk, tag = programs(habit), f"across-{habit.program}-{habit.action}"

    whole = sdk.do(habit.action, sim="text=good day", tag=f"{tag}-whole")
    assert whole["text"] == "good day"
    entry = entry_tagged(across, f"{tag}-whole")
    assert (entry["provider"], entry["end_state"]) == (TRANSLATED[habit.api], "complete")
    assert (entry["usage"]["input"], entry["usage"]["output"]) == (whole["input"], whole["output"])

    stream = sdk.do(f"{habit.action}_stream", sim="chunks=5; chunk_ms=5", tag=f"{tag}-stream")
    assert (len(stream["text"].split()), stream["output"]) == (5, 5)
    assert stream["pieces"] > 1
    assert entry_tagged(across, f"{tag}-stream")["provider"] == TRANSLATED[habit.api]

    (call,) = sdk.do(habit.action, sim="tool", tools=True)["calls"]
    assert call["name"] == "look_up"
    assert json.loads(call["arguments"])["query"]

    error = sdk.fails(habit.action, sim="status=429; retry_after=30; header=x-should-retry:false")
    assert habit.limited in error["classes"], error
