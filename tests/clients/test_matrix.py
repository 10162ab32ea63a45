"""Every client with the same habits: a whole answer, a stream, a tool, an error, a cut, leaving early."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.clients.conftest import Programs, sdk_of
from tests.clients.habits import HABITS, Habit
from tests.clients.sim import Watched, entry_tagged
from tests.stand import Stand


@pytest.fixture(params=list(HABITS.values()), ids=list(HABITS))
def habit(request: pytest.FixtureRequest) -> Habit:
    found: Habit = request.param
    return found


def tag_of(habit: Habit, what: str) -> str:
    return f"{habit.program}-{habit.action}-{what}"


@pytest.mark.column("JSON")
def test_a_whole_answer_comes_with_its_usage(habit: Habit, programs: Programs, stand: Stand) -> None:
    tag = tag_of(habit, "whole")
    got = programs(habit).do(habit.action, sim="text=good day", tag=tag)
    assert got["text"] == "good day"
    entry = entry_tagged(stand, tag)
    assert (entry["api"], entry["end_state"], entry["usage_source"]) == (habit.api, "complete", "provider_final")
    assert (entry["usage"]["input"], entry["usage"]["output"]) == (got["input"], got["output"])
    assert entry["cost_picodollars"] > 0


@pytest.mark.column("stream")
def test_a_stream_comes_piece_by_piece_to_its_end(habit: Habit, programs: Programs, stand: Stand) -> None:
    tag = tag_of(habit, "stream")
    got = programs(habit).do(f"{habit.action}_stream", sim="chunks=5; chunk_ms=5", tag=tag)
    assert len(got["text"].split()) == 5
    assert got["pieces"] > 1
    entry = entry_tagged(stand, tag)
    assert (entry["api"], entry["stream"], entry["end_state"]) == (habit.api, True, "complete")
    assert entry["usage"]["output"] == entry["delivered_output_tokens"] == got["output"] == 5


@pytest.mark.column("stream")
def test_a_stream_cut_anywhere_is_the_same_text(habit: Habit, programs: Programs) -> None:
    scene = "text=Gr%C3%BC%C3%9Fe, %E4%B8%96%E7%95%8C %F0%9F%99%82 ; write_bytes=3; write_seed=11"
    got = programs(habit).do(f"{habit.action}_stream", sim=scene)
    assert got["text"].split() == ["Grüße,", "世界", "🙂"]


@pytest.mark.column("tools")
def test_a_tool_is_called_by_its_name_with_its_arguments(habit: Habit, programs: Programs, stand: Stand) -> None:
    tag = tag_of(habit, "tool")
    got = programs(habit).do(habit.action, sim="tool", tag=tag, tools=True)
    (call,) = got["calls"]
    assert call["name"] == "look_up"
    assert json.loads(call["arguments"])["query"]
    assert entry_tagged(stand, tag)["end_state"] == "complete"


@pytest.mark.column("error")
def test_a_providers_error_is_the_clients_own(habit: Habit, programs: Programs, stand: Stand) -> None:
    tag = tag_of(habit, "error")
    scene = "status=429; retry_after=30; header=x-should-retry:false"  # some cannot be told not to try again
    error = programs(habit).fails(habit.action, sim=scene, tag=tag)
    assert habit.limited in error["classes"], error
    assert error["status"] in (429, None)
    assert "simulated status 429" in error["message"]
    entry = entry_tagged(stand, tag)
    assert (entry["status"], entry["end_state"]) == (429, "upstream_failed")


@pytest.mark.column("error")
def test_a_stream_that_breaks_off_is_no_whole_one(habit: Habit, programs: Programs, stand: Stand) -> None:
    tag = tag_of(habit, "cut")
    asked: dict[str, Any] = {"sim": "cut_after=8; chunks=19; chunk_ms=5", "tag": tag}
    programs(habit).fails(f"{habit.action}_stream", **asked)
    entry = entry_tagged(stand, tag)
    assert entry["end_state"] == "upstream_failed"
    assert entry["delivered_output_tokens"] > 0


@pytest.mark.column("cancel")
def test_leaving_a_stream_aborts_it_upstream(habit: Habit, programs: Programs, stand: Stand) -> None:
    tag = tag_of(habit, "left")
    with Watched(stand) as seen:
        scene = "chunks=1000; chunk_ms=3" if habit.reads_on else "chunks=1000; chunk_ms=20"
        asked: dict[str, Any] = {"sim": scene, "tag": tag, "leave_after": 3}
        if habit.ends_to_leave:
            with sdk_of(habit, stand.port) as own, pytest.raises(AssertionError, match="the program ended"):
                own.outcome(f"{habit.action}_stream", **asked)
        else:
            outcome = programs(habit).outcome(f"{habit.action}_stream", **asked)
            assert "value" in outcome or "abort" in outcome["raised"]["message"].lower()
        if not habit.reads_on:
            seen.aborted()
    entry = entry_tagged(stand, tag)
    assert entry["end_state"] == "client_gone"
    assert entry["delivered_output_tokens"] < 1000
