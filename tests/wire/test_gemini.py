"""Google's generateContent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.types import TEXT_ONLY, Media, ServerTools, Usage
from dd0c_route.wire.answer import Output, Reported
from tests.wire.examples import JSON, SSE, read, read_json


def part(usage: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": [fields] if fields else []}}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": usage or {}, "modelVersion": "gemini-x"}


def sse(*chunks: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)


def reported(**usage: int) -> Reported:
    report = read_json("gemini.generate", candidates=[], usageMetadata=usage).reported
    assert report is not None
    return report


def test_usage_of_every_chunk_is_cumulative_and_the_last_one_counts() -> None:
    first = part({"promptTokenCount": 8, "totalTokenCount": 8}, text="Hel")
    second = part({"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11}, text="lo")
    last = part({"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}, finish="STOP", text="!")
    cut = read("gemini.generate", SSE, sse(first, second))
    whole = read("gemini.generate", SSE, sse(first, second, last))
    assert cut.reported is not None
    assert (cut.reported.usage, cut.reported.final) == (Usage(input=9, output=2), False)
    assert whole.reported is not None
    assert (whole.reported.usage, whole.reported.final) == (Usage(input=9, output=3), True)
    assert whole.output_at().text == "Hello!"
    assert whole.served_model == "gemini-x"
    assert not whole.finished  # the dialect has no last event


def test_a_chunk_without_counts_takes_nothing_back() -> None:
    first = part({"promptTokenCount": 8, "candidatesTokenCount": 1, "totalTokenCount": 9}, text="Hi")
    report = read("gemini.generate", SSE, sse(first, part({"trafficType": "ON_DEMAND"}, finish="STOP"))).reported
    assert report is not None
    assert (report.usage, report.final) == (Usage(input=8, output=1), True)


def test_thoughts_come_on_top_of_the_candidates() -> None:
    report = reported(promptTokenCount=11, candidatesTokenCount=17, thoughtsTokenCount=190, totalTokenCount=218)
    assert report.usage == Usage(input=11, output=17, reasoning=190)
    assert report.consistent


def test_thoughts_within_the_candidates_are_seen_by_the_total() -> None:
    report = reported(promptTokenCount=10, candidatesTokenCount=30, thoughtsTokenCount=20, totalTokenCount=40)
    assert report.usage == Usage(input=10, output=10, reasoning=20)
    assert report.consistent


def test_tool_prompts_come_on_top_of_the_prompt() -> None:
    report = reported(promptTokenCount=32, toolUsePromptTokenCount=619, candidatesTokenCount=5, totalTokenCount=656)
    assert report.usage == Usage(input=651, output=5)


def test_tool_prompts_within_the_prompt_are_seen_by_the_total() -> None:
    report = reported(promptTokenCount=700, toolUsePromptTokenCount=619, candidatesTokenCount=5, totalTokenCount=705)
    assert report.usage == Usage(input=700, output=5)


def test_cached_content_is_a_part_of_the_prompt() -> None:
    report = reported(promptTokenCount=424, cachedContentTokenCount=287, candidatesTokenCount=70, totalTokenCount=494)
    assert report.usage == Usage(input=137, cache_read=287, output=70)


def test_candidates_left_out_of_the_report_are_what_is_missing_to_the_total() -> None:
    assert reported(promptTokenCount=10, totalTokenCount=14).usage == Usage(input=10, output=4)


def test_a_total_that_nothing_explains_is_flagged() -> None:
    assert not reported(
        promptTokenCount=18, candidatesTokenCount=1, thoughtsTokenCount=203, totalTokenCount=221
    ).consistent


@pytest.mark.parametrize(
    ("piece", "output"),
    [
        ({"text": "a"}, Output(text="a")),
        ({"text": "a", "thoughtSignature": "xyz"}, Output(text="a")),
        ({"text": "a", "thought": True}, Output(reasoning="a")),
        ({"functionCall": {"name": "f", "args": {"a": 1}}}, Output(tools='f{"a":1}')),
        ({"executableCode": {"code": "x=1"}}, Output(tools="x=1")),
        ({"codeExecutionResult": {"output": "1"}}, Output()),
    ],
)
def test_each_part_is_a_piece_of_its_kind(piece: dict[str, Any], output: Output) -> None:
    assert read("gemini.generate", SSE, sse(part(**piece))).output_at() == output
    assert read_json("gemini.generate", **part(**piece)).output_at() == output


def test_a_stream_without_alt_sse_is_an_array_of_events() -> None:
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}
    chunks = [part(text="Grü"), part(usage, text="ß", finish="STOP")]
    body = b"[" + b",\r\n".join(json.dumps(chunk, ensure_ascii=False).encode() for chunk in chunks) + b"]\n"
    meter = read("gemini.generate", JSON, body)
    assert meter.finished
    assert meter.output_at().text == "Grüß"
    first_ends = 1 + len(json.dumps(chunks[0], ensure_ascii=False).encode())
    assert meter.output_at(first_ends).text == "Grü"
    assert meter.output_at(first_ends - 1).text == ""
    cut = read("gemini.generate", JSON, body[:-10])
    assert (cut.finished, cut.output_at().text) == (False, "Grü")


def test_a_blocked_prompt_is_final_too() -> None:
    chunk = {
        "promptFeedback": {"blockReason": "SAFETY"},
        "usageMetadata": {"promptTokenCount": 4, "totalTokenCount": 4},
    }
    report = read("gemini.generate", SSE, sse(chunk)).reported
    assert report is not None
    assert (report.usage, report.final) == (Usage(input=4), True)


def test_an_error_names_its_status() -> None:
    assert (
        read_json("gemini.generate", error={"code": 404, "message": "secret", "status": "NOT_FOUND"}).error
        == "NOT_FOUND"
    )
    assert read("gemini.generate", SSE, sse({"error": {"status": "UNAVAILABLE"}})).error == "UNAVAILABLE"


def test_counted_tokens_are_input() -> None:
    report = read_json("gemini.count_tokens", totalTokens=8).reported
    assert report is not None
    assert report.usage == Usage(input=8)


def details(**tokens: int) -> list[dict[str, Any]]:
    return [{"modality": medium, "tokenCount": count} for medium, count in tokens.items()]


def test_media_are_parts_of_the_prompt_and_of_the_candidates() -> None:
    usage = {
        "promptTokenCount": 500,
        "candidatesTokenCount": 1336,
        "toolUsePromptTokenCount": 20,
        "cachedContentTokenCount": 100,
        "promptTokensDetails": details(TEXT=100, AUDIO=150, IMAGE=50, DOCUMENT=30, VIDEO=170),
        "toolUsePromptTokensDetails": details(TEXT=15, AUDIO=5),
        "cacheTokensDetails": details(TEXT=60, AUDIO=40),
        "candidatesTokensDetails": details(IMAGE=1290),
        "totalTokenCount": 1856,
    }
    report = read_json("gemini.generate", candidates=[], usageMetadata=usage).reported
    assert report is not None
    assert report.usage == Usage(input=420, cache_read=100, output=1336)
    assert report.media == Media(
        input_audio=115, input_image=80, input_video=170, cache_read_audio=40, output_image=1290
    )


@pytest.mark.parametrize(
    ("modality", "media"),
    [
        (4, Media(input_audio=9)),
        (2, Media(input_image=9)),
        (1, TEXT_ONLY),
        (0, TEXT_ONLY),
        (True, TEXT_ONLY),
        (None, TEXT_ONLY),
        ("audio", Media(input_audio=9)),
        ([], TEXT_ONLY),
    ],
)
def test_a_modality_may_be_a_number(modality: Any, media: Media) -> None:
    usage = {"promptTokenCount": 9, "promptTokensDetails": [{"modality": modality, "tokenCount": 9}]}
    report = read_json("gemini.generate", candidates=[], usageMetadata=usage).reported
    assert report is not None
    assert report.media == media


def test_a_report_of_text_has_no_media() -> None:
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 2, "promptTokensDetails": details(TEXT=5)}
    report = read_json("gemini.generate", candidates=[], usageMetadata=usage).reported
    assert report is not None
    assert report.media is TEXT_ONLY


@pytest.mark.parametrize(
    ("model", "searches"), [("gemini-3-flash-preview", 3), ("gemini-2.5-flash", 1), ("models/gemini-2.0-flash", 1)]
)
def test_searches_are_billed_each_since_gemini_3_and_once_an_answer_before(model: str, searches: int) -> None:
    grounded = part({"promptTokenCount": 5, "candidatesTokenCount": 2}, finish="STOP", text="So.")
    grounded["modelVersion"] = model
    grounded["candidates"][0]["groundingMetadata"] = {"webSearchQueries": ["a", "b", "", "c"]}
    whole = read_json("gemini.generate", **grounded).reported
    streamed = read("gemini.generate", SSE, sse(grounded, grounded)).reported
    assert whole is not None
    assert streamed is not None
    assert whole.server_tools == streamed.server_tools == ServerTools(google_search=searches)


def test_vertex_names_the_tier_by_its_traffic() -> None:
    usage = {"promptTokenCount": 5, "candidatesTokenCount": 2, "trafficType": "ON_DEMAND_FLEX"}
    report = read_json("gemini.generate", candidates=[], usageMetadata=usage).reported
    assert report is not None
    assert report.service_tier == "ON_DEMAND_FLEX"
