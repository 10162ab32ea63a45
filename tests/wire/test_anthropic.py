"""Anthropic's Messages API."""

from __future__ import annotations

from typing import Any

import pytest

from dd0c_route.types import NO_TOOLS, ServerTools, Usage
from dd0c_route.wire.answer import Output, Reported
from tests.wire.examples import ANTHROPIC, SSE, named, read, read_json


def reported(**usage: Any) -> Reported:
    report = read_json("anthropic.messages", model="claude-x", content=[], usage=usage).reported
    assert report is not None
    return report


def start(**usage: Any) -> bytes:
    return named("message_start", message={"model": "claude-x", "usage": usage})


def test_a_stream_is_read_whole() -> None:
    meter = read("anthropic.messages", SSE, ANTHROPIC)
    assert meter.output_at() == Output("Hello", "hm", 'look{"a":1}')
    assert (meter.finished, meter.served_model) == (True, "claude-x")
    assert meter.reported is not None
    assert (meter.reported.usage, meter.reported.final) == (Usage(input=12, output=9), True)


def test_the_placeholder_of_message_start_is_never_output() -> None:
    report = read("anthropic.messages", SSE, start(input_tokens=12, output_tokens=4)).reported
    assert report is not None
    assert (report.usage, report.final) == (Usage(input=12), False)
    assert report.raw == {"input_tokens": 12, "output_tokens": 4}


def test_the_delta_wins_over_the_start_and_keeps_what_it_does_not_name() -> None:
    stream = start(input_tokens=100, cache_read_input_tokens=7, output_tokens=1, service_tier="batch")
    stream += named("message_delta", usage={"input_tokens": 250, "cache_read_input_tokens": None, "output_tokens": 30})
    report = read("anthropic.messages", SSE, stream).reported
    assert report is not None
    assert report.usage == Usage(input=250, cache_read=7, output=30)
    assert report.service_tier == "batch"


def test_input_holds_neither_cache_reads_nor_writes() -> None:
    usage = {"input_tokens": 3, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 50, "output_tokens": 6}
    assert reported(**usage).usage == Usage(input=3, cache_read=40, cache_write_5m=50, output=6)


def test_cache_writes_are_apart_by_their_lifetime() -> None:
    creation = {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}
    report = reported(input_tokens=3, cache_creation_input_tokens=50, cache_creation=creation, output_tokens=6)
    assert report.usage == Usage(input=3, cache_write_5m=20, cache_write_1h=30, output=6)


def test_thinking_is_a_part_of_the_output() -> None:
    report = reported(input_tokens=3, output_tokens=60, output_tokens_details={"thinking_tokens": 45})
    assert report.usage == Usage(input=3, output=15, reasoning=45)


def test_with_compaction_the_top_level_is_the_last_iteration_only_and_all_are_summed() -> None:
    iterations = [
        {"type": "compaction", "input_tokens": 100, "cache_read_input_tokens": 55096, "output_tokens": 83},
        {"type": "message", "input_tokens": 181, "output_tokens": 8},
    ]
    stream = start(input_tokens=100, output_tokens=7)
    stream += named("message_delta", usage={"input_tokens": 181, "output_tokens": 8, "iterations": iterations})
    report = read("anthropic.messages", SSE, stream).reported
    assert report is not None
    assert report.usage == Usage(input=281, cache_read=55096, output=91)
    assert report.consistent


def test_an_iteration_of_another_model_has_another_price_and_is_flagged() -> None:
    iterations = [
        {"type": "message", "input_tokens": 10, "output_tokens": 2},
        {"type": "advisor_message", "model": "claude-y", "input_tokens": 999, "output_tokens": 99},
        {"type": "message", "input_tokens": 20, "output_tokens": 3},
    ]
    report = reported(input_tokens=30, output_tokens=5, iterations=iterations)
    assert report.usage == Usage(input=30, output=5)
    assert not report.consistent


def test_what_a_tool_returned_to_the_model_is_no_output() -> None:
    blocks = [
        {"type": "server_tool_use", "name": "search", "input": {"q": "x"}},
        {"type": "web_search_tool_result", "content": [{"text": "found"}]},
        {"type": "advisor_result", "text": "advice"},
        {"type": "text", "text": "So."},
    ]
    assert read_json("anthropic.messages", content=blocks).output_at() == Output(text="So.", tools='search{"q":"x"}')


@pytest.mark.parametrize(
    ("delta", "output"),
    [
        ({"type": "text_delta", "text": "a"}, Output(text="a")),
        ({"type": "thinking_delta", "thinking": "a"}, Output(reasoning="a")),
        ({"type": "input_json_delta", "partial_json": "a"}, Output(tools="a")),
        ({"type": "compaction_delta", "content": "a"}, Output(text="a")),
        ({"type": "signature_delta", "signature": "a"}, Output()),
        ({"type": "citations_delta", "citation": {"cited_text": "a"}}, Output()),
    ],
)
def test_each_delta_is_a_piece_of_its_kind(delta: dict[str, Any], output: Output) -> None:
    assert read("anthropic.messages", SSE, named("content_block_delta", index=0, delta=delta)).output_at() == output


def test_an_error_event_names_its_type() -> None:
    event = named("error", error={"type": "overloaded_error", "message": "secret"})
    assert read("anthropic.messages", SSE, event).error == "overloaded_error"
    body = {"type": "error", "error": {"type": "not_found_error", "message": "secret"}}
    assert read_json("anthropic.messages", **body).error == "not_found_error"


def test_counted_tokens_are_input() -> None:
    report = read_json("anthropic.count_tokens", input_tokens=14).reported
    assert report is not None
    assert report.usage == Usage(input=14)


def test_server_tools_are_counted_beside_the_tokens() -> None:
    stream = start(input_tokens=2225, output_tokens=25)
    used = {"web_search_requests": 1, "web_fetch_requests": 2}
    stream += named("message_delta", usage={"input_tokens": 9447, "output_tokens": 114, "server_tool_use": used})
    report = read("anthropic.messages", SSE, stream).reported
    assert report is not None
    assert report.usage == Usage(input=9447, output=114)
    assert report.server_tools == ServerTools(web_search=1, web_fetch=2)
    assert (
        reported(input_tokens=1, output_tokens=1, server_tool_use={"web_search_requests": 0}).server_tools is NO_TOOLS
    )


def test_fast_mode_is_a_tier() -> None:
    assert reported(input_tokens=1, output_tokens=1, service_tier="standard", speed="fast").service_tier == "fast"
