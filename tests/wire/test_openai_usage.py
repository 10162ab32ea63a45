"""Usage as OpenAI and those who speak its dialect report it: each trap has its test."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dd0c_route.types import Usage
from dd0c_route.wire import openai_usage
from dd0c_route.wire.answer import Answer, Reported
from tests.wire.examples import read_json


def reported(api: str = "openai.chat", **usage: Any) -> Reported:
    report = read_json(api, model="m", choices=[], usage=usage).reported
    assert report is not None
    return report


def chat(prompt: int, completion: int, total: int, **rest: Any) -> Reported:
    return reported(prompt_tokens=prompt, completion_tokens=completion, total_tokens=total, **rest)


def test_reasoning_is_part_of_the_completion_when_the_total_says_so() -> None:
    report = chat(10, 20, 30, completion_tokens_details={"reasoning_tokens": 15})
    assert report.usage == Usage(input=10, output=5, reasoning=15)
    assert report.consistent


def test_xai_adds_reasoning_to_the_completion_as_its_total_says() -> None:
    report = chat(10, 20, 45, completion_tokens_details={"reasoning_tokens": 15})
    assert report.usage == Usage(input=10, output=20, reasoning=15)
    assert report.consistent


def test_xai_responses_include_reasoning_and_report_the_charge_in_ticks() -> None:
    report = reported(
        "openai.responses",
        input_tokens=202,
        output_tokens=205,
        total_tokens=407,
        output_tokens_details={"reasoning_tokens": 125},
        cost_in_usd_ticks=6306000,
    )
    assert report.usage == Usage(input=202, output=80, reasoning=125)
    assert report.cost_usd == "0.0006306000"


def test_reasoning_beyond_the_completion_can_only_come_on_top() -> None:
    report = chat(43, 10, 53, completion_tokens_details={"reasoning_tokens": 11})
    assert report.usage == Usage(input=43, output=10, reasoning=11)


def test_audio_beside_the_prompt_is_input_as_the_total_says() -> None:
    report = chat(9, 248, 632, prompt_tokens_details={"audio_tokens": 375})
    assert report.usage == Usage(input=384, output=248)
    assert report.consistent


def test_audio_within_the_prompt_is_not_counted_twice() -> None:
    assert chat(400, 8, 408, prompt_tokens_details={"audio_tokens": 375}).usage == Usage(input=400, output=8)


def test_a_total_that_nothing_explains_is_flagged() -> None:
    report = chat(35, 12, 109)
    assert report.usage == Usage(input=35, output=12)
    assert not report.consistent


@pytest.mark.parametrize(
    "cached",
    [
        {"prompt_tokens_details": {"cached_tokens": 64}},
        {"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},
        {"cached_tokens": 64},
        {"cache_read_input_tokens": 64, "cache_creation_input_tokens": 0},
    ],
)
def test_cache_reads_are_a_part_of_the_prompt_under_every_name(cached: dict[str, Any]) -> None:
    assert chat(100, 5, 105, **cached).usage == Usage(input=36, cache_read=64, output=5)


def test_cache_writes_are_a_part_of_the_input_since_gpt_5_6() -> None:
    report = reported(
        "openai.responses",
        input_tokens=1220,
        output_tokens=100,
        total_tokens=1320,
        input_tokens_details={"cached_tokens": 0, "cache_write_tokens": 1217},
    )
    assert report.usage == Usage(input=3, cache_write_5m=1217, output=100)


def test_more_cached_than_there_was_is_cut_and_flagged() -> None:
    report = chat(10, 213, 223, prompt_tokens_details={"cached_tokens": 161})
    assert report.usage == Usage(cache_read=10, output=213)
    assert not report.consistent


def test_embeddings_may_report_the_total_alone() -> None:
    assert reported("openai.embeddings", total_tokens=3).usage == Usage(input=3)


@pytest.mark.parametrize(
    ("usage", "dollars"),
    [
        ({"cost": 5.37e-06}, "0.00000537"),
        ({"cost": 0}, "0"),
        ({"cost": {"currency": "USD", "total_cost": 2.8e-08}}, "0.000000028"),
        ({"cost_in_usd_ticks": 1}, "0.0000000001"),
        ({"cost": None}, None),
        ({"cost": "free"}, None),
        ({"cost": "1e400"}, None),
        ({"cost": "0.000450"}, "0.000450"),
        ({"cost_in_usd_ticks": True}, None),
        ({}, None),
    ],
)
def test_a_charge_that_the_provider_names_is_kept_in_exact_decimals(usage: dict[str, Any], dollars: str | None) -> None:
    assert chat(1, 1, 2, **usage).cost_usd == dollars


def test_the_tier_is_the_one_that_served() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    report = read_json("openai.chat", choices=[], service_tier="flex", usage=usage).reported
    assert report is not None
    assert report.service_tier == "flex"


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_a_count_that_is_not_there_counts_nothing(nothing: Any) -> None:
    assert reported(prompt_tokens=nothing, completion_tokens=4, total_tokens=None).usage == Usage(output=4)


@pytest.mark.parametrize("wrong", ["9", -9, True, 1e300])
def test_a_report_without_a_readable_input_is_none(wrong: Any) -> None:
    usage = {"prompt_tokens": wrong, "completion_tokens": 4}

    assert read_json("openai.chat", choices=[], usage=usage).reported is None


def test_a_count_may_be_a_whole_float() -> None:
    assert reported(prompt_tokens=3.0, completion_tokens=4).usage == Usage(input=3, output=4)


def test_the_report_is_kept_as_it_was_sent() -> None:
    assert chat(1, 1, 2, queue_time=0.5).raw == {
        "prompt_tokens": 1,
        "completion_tokens": 1,
        "total_tokens": 2,
        "queue_time": 0.5,
    }


_COUNTS = st.one_of(st.integers(0, 30), st.none(), st.just("7"), st.just(-1))
_DETAILS = st.dictionaries(st.sampled_from(["cached_tokens", "audio_tokens", "reasoning_tokens"]), _COUNTS)


@given(
    st.dictionaries(st.sampled_from(["prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens"]), _COUNTS),
    st.one_of(st.none(), _DETAILS),
    st.one_of(st.none(), _DETAILS),
    st.booleans(),
)
def test_the_usual_report_is_read_in_one_look_as_it_would_be_field_by_field(
    counts: dict[str, Any], inputs: dict[str, Any] | None, outputs: dict[str, Any] | None, adds_up: bool
) -> None:
    raw = {**counts, "prompt_tokens_details": inputs, "completion_tokens_details": outputs}
    if adds_up:
        raw |= {"prompt_tokens": 20, "completion_tokens": 9, "total_tokens": 29}
    answer = Answer()
    usual = openai_usage._usual_report(answer, raw)
    assert usual is None or usual == openai_usage._any_report(answer, raw)
