"""Every client with the same habits: a whole answer, a stream, a tool, an error, a cut, leaving early."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.clients.sdk import Sdk
from tests.clients.sim import Watched, entry_tagged
from tests.stand import Stand


class Habit(NamedTuple):
    """One way of asking, in one program of `programs/`; `ACTION_stream` is the same as a stream.

    Attributes:
        api: What the router calls it.
        limited: The class of the client's own error for 429.
    """

    program: str
    action: str
    api: str
    limited: str


HABITS = {
    "openai-node chat": Habit("openai_node.mjs", "chat", "openai.chat", "RateLimitError"),
    "openai-node responses": Habit("openai_node.mjs", "responses", "openai.responses", "RateLimitError"),
    "@anthropic-ai/sdk": Habit("anthropic_node.mjs", "messages", "anthropic.messages", "RateLimitError"),
    "ai + @ai-sdk/openai": Habit("ai_sdk.mjs", "openai", "openai.responses", "AI_APICallError"),
    "ai + @ai-sdk/openai chat": Habit("ai_sdk.mjs", "openai_chat", "openai.chat", "AI_APICallError"),
    "ai + @ai-sdk/anthropic": Habit("ai_sdk.mjs", "anthropic", "anthropic.messages", "AI_APICallError"),
    "google-genai": Habit("gemini_program.py", "gemini", "gemini.generate", "ClientError"),
}
Programs = Callable[[str], Sdk]


@pytest.fixture(params=list(HABITS.values()), ids=list(HABITS))
def habit(request: pytest.FixtureRequest) -> Habit:
    found: Habit = request.param
    return found


def tag_of(habit: Habit, what: str) -> str:
    return f"{habit.action}-{what}"


def test_a_whole_answer_comes_with_its_usage(habit: Habit, programs: Programs, stand: Stand) -> None:
    tag = tag_of(habit, "whole")
    got = programs(habit.program).do(habit.action, sim="text=good day", tag=tag)
    assert got["text"] == "good day"
    entry = entry_tagged(stand, tag)
    assert (entry["api"], entry["end_state"], entry["usage_source"]) == (habit.api, "complete", "provider_final")
    assert (entry["usage"]["input"], entry["usage"]["output"]) == (got["input"], got["output"])
    assert entry["cost_picodollars"] > 0


def test_a_stream_comes_piece_by_piece_to_its_end(habit: Habit, programs: Programs, stand: Stand) -> None:
    tag = tag_of(habit, "stream")
    got = programs(habit.program).do(f"{habit.action}_stream", sim="chunks=5; chunk_ms=5", tag=tag)
    assert len(got["text"].split()) == 5
    assert got["pieces"] > 1
    entry = entry_tagged(stand, tag)
    assert (entry["api"], entry["stream"], entry["end_state"]) == (habit.api, True, "complete")
    assert entry["usage"]["output"] == entry["delivered_output_tokens"] == got["output"] == 5


def test_a_stream_cut_anywhere_is_the_same_text(habit: Habit, programs: Programs) -> None:
    scene = "text=Gr%C3%BC%C3%9Fe, %E4%B8%96%E7%95%8C %F0%9F%99%82 ; write_bytes=3; write_seed=11"
    got = programs(habit.program).do(f"{habit.action}_stream", sim=scene)
    assert got["text"].split() == ["Grüße,", "世界", "🙂"]


def test_a_tool_is_called_by_its_name_with_its_arguments(habit: Habit, programs: Programs, stand: Stand) -> None:
    tag = tag_of(habit, "tool")
    got = programs(habit.program).do(habit.action, sim="tool", tag=tag, tools=True)
    (call,) = got["calls"]
    assert call["name"] == "look_up"
    assert json.loads(call["arguments"])["query"]
    assert entry_tagged(stand, tag)["end_state"] == "complete"


def test_a_providers_error_is_the_clients_own(habit: Habit, programs: Programs, stand: Stand) -> None:
    tag = tag_of(habit, "error")
    error = programs(habit.program).fails(habit.action, sim="status=429; retry_after=30", tag=tag)
    assert habit.limited in error["classes"], error
    assert error["status"] in (429, None)
    assert "simulated status 429" in error["message"]
    entry = entry_tagged(stand, tag)
    assert (entry["status"], entry["end_state"]) == (429, "upstream_failed")


def test_a_stream_that_breaks_off_is_no_whole_one(habit: Habit, programs: Programs, stand: Stand) -> None:
    tag = tag_of(habit, "cut")
    asked: dict[str, Any] = {"sim": "cut_after=8; chunks=19; chunk_ms=5", "tag": tag}
    programs(habit.program).fails(f"{habit.action}_stream", **asked)
    entry = entry_tagged(stand, tag)
    assert entry["end_state"] == "upstream_failed"
    assert entry["delivered_output_tokens"] > 0


def test_leaving_a_stream_aborts_it_upstream(habit: Habit, programs: Programs, stand: Stand) -> None:
    tag = tag_of(habit, "left")
    with Watched(stand) as seen:
        ask = programs(habit.program).outcome
        outcome = ask(f"{habit.action}_stream", sim="chunks=1000; chunk_ms=20", tag=tag, leave_after=3)
        assert "value" in outcome or "abort" in outcome["raised"]["message"].lower()
        if habit.program != "gemini_program.py":  # of Google's answers the whole is billed: read on, within bounds
            seen.aborted()
    entry = entry_tagged(stand, tag)
    assert entry["end_state"] == "client_gone"
    assert entry["delivered_output_tokens"] < 1000
