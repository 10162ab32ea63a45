"""Media, predictions and server tools in the reports of OpenAI's dialect: each provider's way has its test."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.types import NO_TOOLS, TEXT_ONLY, Media, ServerTools, Usage
from dd0c_route.wire.answer import Answer, Reported
from dd0c_route.wire.openai_extras import media_of, tools_of
from tests.wire.examples import SSE, named, read, read_json

USAGE = {"input_tokens": 5, "output_tokens": 6, "total_tokens": 11}


def reported(api: str = "openai.chat", **usage: Any) -> Reported:
    report = read_json(api, model="m", choices=[], usage=usage).reported
    assert report is not None
    return report


def chat(prompt: int, completion: int, **rest: Any) -> Reported:
    return reported(prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion, **rest)


def test_a_report_of_text_has_no_media_and_no_tools() -> None:
    report = chat(10, 5, prompt_tokens_details={"cached_tokens": 4, "audio_tokens": 0})
    assert (report.media, report.server_tools) == (TEXT_ONLY, NO_TOOLS)
    assert report.media is TEXT_ONLY  # what the pricing of plain calls looks at
    assert report.server_tools is NO_TOOLS


def test_audio_is_a_part_of_what_went_in_and_came_out() -> None:
    report = chat(53, 123, prompt_tokens_details={"audio_tokens": 37}, completion_tokens_details={"audio_tokens": 100})
    assert report.usage == Usage(input=53, output=123)
    assert report.media == Media(input_audio=37, output_audio=100)


def test_what_is_cached_of_a_medium_is_told_apart() -> None:
    cached = {"cached_tokens": 60, "cached_tokens_details": {"text_tokens": 20, "audio_tokens": 30, "image_tokens": 10}}
    report = reported(
        "openai.responses",
        input_tokens=200,
        output_tokens=10,
        total_tokens=210,
        input_token_details={"text_tokens": 50, "audio_tokens": 90, "image_tokens": 60, **cached},
        output_token_details={"text_tokens": 2, "audio_tokens": 8},
    )
    assert report.usage == Usage(input=140, cache_read=60, output=10)
    assert report.media == Media(
        input_audio=60, input_image=50, cache_read_audio=30, cache_read_image=10, output_audio=8
    )


@pytest.mark.parametrize(("cached", "of_audio"), [(0, 0), (20, 0), (30, 0), (45, 15), (100, 70)])
def test_without_a_word_of_it_the_cache_holds_text_before_audio(cached: int, of_audio: int) -> None:
    report = chat(100, 1, prompt_tokens_details={"cached_tokens": cached, "audio_tokens": 70})
    assert report.media == Media(input_audio=70 - of_audio, cache_read_audio=of_audio)


def test_predictions_are_a_part_of_the_output_whatever_became_of_them() -> None:
    predicted = {"accepted_prediction_tokens": 7, "rejected_prediction_tokens": 4}
    report = chat(10, 20, completion_tokens_details=predicted)
    assert report.usage == Usage(input=10, output=20)
    assert report.media == Media(accepted_prediction=7, rejected_prediction=4)


def test_mistral_bills_the_sound_in_a_prompt_by_its_length() -> None:
    report = reported(
        prompt_tokens=9,
        completion_tokens=2,
        total_tokens=386,
        prompt_audio_seconds=3,
        prompt_tokens_details={"audio_tokens": 375},
    )
    assert report.usage == Usage(input=384, output=2)
    assert report.media == Media(input_audio=375, audio_seconds=3)


def test_a_transcription_may_be_billed_by_its_length_alone() -> None:
    report = reported(type="duration", seconds=8.2)
    assert report.usage == Usage()
    assert report.media == Media(audio_seconds=9)


def test_mistrals_count_of_what_its_engine_reused_is_not_billed_as_cached() -> None:
    assert chat(100, 5, num_cached_tokens=99).usage == Usage(input=100, output=5)


def test_perplexitys_research_adds_reasoning_and_cited_pages_to_what_the_total_holds() -> None:
    report = chat(33, 7163, reasoning_tokens=6000, citation_tokens=20016, num_search_queries=46)
    assert report.usage == Usage(input=33, output=7163, reasoning=6000)
    assert report.server_tools == ServerTools(web_search=46, citation_tokens=20016)


@pytest.mark.parametrize(
    ("usage", "tools"),
    [
        ({"server_tool_use_details": {"web_search_requests": 3}}, ServerTools(web_search=3)),
        (
            {"server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}},
            ServerTools(web_search=2, web_fetch=1),
        ),
        (
            {"server_side_tool_usage_details": {"web_search_calls": 2, "x_search_calls": 1, "mcp_calls": 9}},
            ServerTools(web_search=2, x_search=1),
        ),
        ({"server_side_tool_usage_details": {"code_interpreter_calls": 1}}, ServerTools(code_execution=1)),
        ({"tool_calls_details": {"search_web": {"invocation": 2}}}, ServerTools(web_search=2)),
        ({"num_search_queries": 1}, ServerTools(web_search=1)),
        ({"server_side_tool_usage_details": {"web_search_calls": 0}, "num_sources_used": 0}, NO_TOOLS),
        ({"server_tool_use": None, "tool_calls_details": "none"}, NO_TOOLS),
    ],
)
def test_every_provider_counts_its_tools_in_a_place_of_its_own(usage: dict[str, Any], tools: ServerTools) -> None:
    assert chat(1, 1, **usage).server_tools == tools


ITEMS: list[dict[str, Any]] = [
    {"type": "web_search_call", "action": {"type": "search", "query": "x"}},
    {"type": "web_search_call", "action": {"type": "open_page", "url": "x"}},
    {"type": "web_search_call"},
    {"type": "file_search_call", "queries": ["x"]},
    {"type": "code_interpreter_call", "code": "1"},
    {"type": "image_generation_call"},
    {"type": "function_call", "name": "f", "arguments": "{}"},
]
RAN = ServerTools(web_search=2, file_search=1, code_execution=1, image_generation=1)


def test_the_items_of_an_answer_tell_what_openai_ran() -> None:
    report = read_json("openai.responses", model="m", output=ITEMS, usage=USAGE).reported
    assert report is not None
    assert report.server_tools == RAN


def test_a_stream_counts_each_item_once() -> None:
    stream = b"".join(
        named("response.output_item.added", item={**item, "action": None})
        + named("response.output_item.done", item=item)
        for item in ITEMS
    )
    stream += named("response.completed", response={"model": "m", "usage": USAGE, "output": ITEMS})
    report = read("openai.responses", SSE, stream).reported
    assert report is not None
    assert report.server_tools == RAN


@pytest.mark.parametrize("searches", [1, 5])
def test_openais_own_count_of_searches_goes_before_the_items(searches: int) -> None:
    usage = {"web_search": {"num_requests": searches}}
    report = read_json("openai.responses", model="m", output=ITEMS[:1], usage=USAGE, tool_usage=usage).reported
    assert report is not None
    assert report.server_tools == ServerTools(web_search=searches)


def test_xais_own_count_goes_before_the_items() -> None:
    usage = {**USAGE, "server_side_tool_usage_details": {"web_search_calls": 2}}
    report = read_json("openai.responses", model="m", output=ITEMS[:1], usage=usage).reported
    assert report is not None
    assert report.server_tools == ServerTools(web_search=2)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["audio_tokens", "image_tokens", "cached_tokens_details", "web_search_calls"]), inner
        )
    ),
    max_leaves=6,
)
_NAMES = st.sampled_from(
    ["prompt_tokens_details", "completion_tokens_details", "server_tool_use", "tool_calls_details", "type", "seconds"]
)


@given(st.dictionaries(_NAMES, _VALUES), st.builds(Usage, st.integers(0, 99), st.integers(0, 99)))
def test_no_type_in_a_report_makes_it_raise_and_no_count_is_negative(raw: dict[str, Any], usage: Usage) -> None:
    media, tools = media_of(raw, usage), tools_of(raw, Answer())
    assert all(getattr(media, name) >= 0 for name in Media.__struct_fields__)
    assert all(getattr(tools, name) >= 0 for name in ServerTools.__struct_fields__)
