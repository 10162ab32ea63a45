"""Mistakes that cost trackers have made, each with a report like the one that showed it, up to the bill."""

from __future__ import annotations

from typing import Any

import pytest

from dd0c_route.cli.price import priced
from dd0c_route.pricing import Catalog

CATALOG = Catalog.load()


def bill(provider: str, model: str, api: str, usage: dict[str, Any], **line: Any) -> dict[str, int]:
    """Class -> picodollars."""
    whole = {"provider": provider, "model": model, "api": api, "usage": usage, "at": "2026-11-24T12:00:00Z"} | line
    answer = priced(whole, CATALOG)
    assert answer["cost_picodollars"] == sum(line["amount_picodollars"] for line in answer["lines"])
    return {line["class"]: line["amount_picodollars"] for line in answer["lines"]}


def claude(**usage: Any) -> dict[str, int]:
    return bill("anthropic", "claude-haiku-4-5", "anthropic.messages", {"input_tokens": 10, "output_tokens": 0} | usage)


def test_what_was_cached_is_not_charged_a_second_time_as_input() -> None:
    usage = {
        "promptTokenCount": 1000,
        "cachedContentTokenCount": 900,
        "candidatesTokenCount": 0,
        "totalTokenCount": 1000,
    }
    gemini = bill("google", "gemini-2.5-flash", "gemini.generate", usage)
    assert gemini == {"input": 100 * 300_000, "cache_read": 900 * 30_000}


def test_a_cache_write_is_charged_once() -> None:
    written = {"cache_creation_input_tokens": 1000, "cache_creation": {"ephemeral_5m_input_tokens": 1000}}
    assert claude(**written) == {"input": 10 * 1_000_000, "cache_write_5m": 1000 * 1_250_000}


def test_a_write_for_an_hour_costs_twice_the_input_not_a_quarter_more() -> None:
    written = {"cache_creation_input_tokens": 1000, "cache_creation": {"ephemeral_1h_input_tokens": 1000}}
    assert claude(**written) == {"input": 10 * 1_000_000, "cache_write_1h": 1000 * 2_000_000}


def test_bedrocks_cache_is_not_free() -> None:
    usage = {
        "inputTokens": 10,
        "outputTokens": 5,
        "cacheReadInputTokens": 200,
        "cacheWriteInputTokens": 300,
        "totalTokens": 515,
    }
    model = "global.anthropic.claude-haiku-4-5-20251001-v1:0"
    assert bill("bedrock", model, "bedrock.converse", usage) == {
        "input": 10 * 1_000_000,
        "cache_read": 200 * 100_000,
        "cache_write_5m": 300 * 1_250_000,
        "output": 5 * 5_000_000,
    }


def test_thoughts_are_billed_with_the_five_tokens_that_show() -> None:
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 343, "totalTokenCount": 358}
    gemini = bill("google", "gemini-2.5-flash", "gemini.generate", usage)
    assert gemini["output"] + gemini["reasoning"] == 348 * 2_500_000


def test_the_answer_is_billed_with_its_reasoning() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 482,
        "total_tokens": 492,
        "completion_tokens_details": {"reasoning_tokens": 448},
    }
    lines = bill("openai", "gpt-5-mini", "openai.chat", usage)
    assert lines["output"] + lines["reasoning"] == 482 * 2_000_000


def test_above_the_step_the_whole_request_costs_the_higher_rate() -> None:
    def usage(prompt: int) -> dict[str, int]:
        return {"prompt_tokens": prompt, "completion_tokens": 10, "total_tokens": prompt + 10}

    below = bill("openai", "gpt-5.6-sol", "openai.chat", usage(272_000))
    above = bill("openai", "gpt-5.6-sol", "openai.chat", usage(272_001))
    assert below == {"input": 272_000 * 4_000_000, "output": 10 * 20_000_000}
    assert above == {"input": 272_001 * 8_000_000, "output": 10 * 30_000_000}


@pytest.mark.parametrize(("tier", "half_dollars"), [("flex", 4), ("default", 8), ("priority", 16)])
def test_the_tier_that_served_is_billed(tier: str, half_dollars: int) -> None:
    usage = {"input_tokens": 100, "output_tokens": 0, "total_tokens": 100}
    lines = bill("openai", "gpt-5.6-sol", "openai.responses", usage, tier=tier)
    assert lines == {"input": 100 * half_dollars * 500_000}


def test_what_is_written_to_a_cache_since_gpt_5_6_costs_a_quarter_more() -> None:
    usage = {
        "input_tokens": 1220,
        "output_tokens": 0,
        "total_tokens": 1220,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 1217},
    }
    lines = bill("openai", "gpt-5.6-sol", "openai.responses", usage)
    assert lines == {"input": 3 * 4_000_000, "cache_write_5m": 1217 * 5_000_000}


def test_hours_of_the_day_are_those_of_the_call() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 0, "total_tokens": 100}
    dear, cheap = (
        bill("deepseek", "deepseek-v4-flash", "openai.chat", usage, at=f"2026-11-24T{hour}:30:00Z")
        for hour in ("03", "05")
    )
    assert dear["input"] == 2 * cheap["input"]
