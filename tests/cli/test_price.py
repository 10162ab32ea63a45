"""`price`: what a user feeds it, line by line, and what comes back."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from dd0c_route.cli.lines import BadLine
from dd0c_route.cli.price import priced
from dd0c_route.pricing import Catalog

CATALOG = Catalog.load()
NOW = "2026-11-24T05:30:00Z"


def bill(provider: str, model: str, api: str, usage: dict[str, Any], **line: Any) -> dict[str, Any]:
    return priced({"provider": provider, "model": model, "api": api, "usage": usage, "at": NOW, **line}, CATALOG)


CHAT = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}


def test_usage_as_openai_sends_it() -> None:
    usage = CHAT | {"prompt_tokens_details": {"cached_tokens": 400}}
    assert bill("openai", "gpt-4o-mini", "openai.chat", usage) == {
        "cost_usd": "0.00042",
        "cost_picodollars": 420_000_000,
        "lines": [
            {"class": "input", "tokens": 600, "rate_usd_per_mtok": "0.15", "amount_picodollars": 90_000_000},
            {"class": "cache_read", "tokens": 400, "rate_usd_per_mtok": "0.075", "amount_picodollars": 30_000_000},
            {"class": "output", "tokens": 500, "rate_usd_per_mtok": "0.6", "amount_picodollars": 300_000_000},
        ],
        "source": "genai-prices 0.2.3",
        "price_date": "2026-11-24",
        "tier": "standard",
    }


def test_an_anthropic_stream_reports_twice_and_the_delta_wins() -> None:
    usage = {
        "message_start": {"input_tokens": 100, "cache_creation_input_tokens": 10, "output_tokens": 1},
        "message_delta": {"input_tokens": 250, "output_tokens": 30, "server_tool_use": {"web_search_requests": 2}},
    }
    lines = bill("anthropic", "claude-sonnet-4-5", "anthropic.messages", usage)["lines"]
    assert [(line["class"], line["tokens"]) for line in lines] == [
        ("input", 250),
        ("cache_write_5m", 10),
        ("output", 30),
        ("web_search", 2),
    ]
    assert lines[-1]["unit"] == "call"


def test_media_are_lines_of_their_own() -> None:
    usage = {
        "promptTokenCount": 76,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 54,
        "totalTokenCount": 137,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 43}, {"modality": "AUDIO", "tokenCount": 33}],
    }
    answer = bill("google", "gemini-2.5-flash", "gemini.generate", usage)
    assert [(line["class"], line["tokens"]) for line in answer["lines"]] == [
        ("input_audio", 33),
        ("input", 43),
        ("output", 7),
        ("reasoning", 54),
    ]
    assert answer["cost_picodollars"] == 33 * 1_000_000 + 43 * 300_000 + 61 * 2_500_000


def test_the_normalised_fields_may_name_media_and_tools() -> None:
    usage = {"input": 100, "input_audio": 40, "output": 10, "web_search": 1, "image_generation": 1}
    answer = bill("openai", "gpt-4o", "openai.responses", usage)
    assert [line["class"] for line in answer["lines"]] == ["input", "output", "web_search"]
    assert answer["not_priced"] == ("image_generation",)


@pytest.mark.parametrize("api", ["unknown", "openai.chat"])
def test_a_report_is_known_by_its_shape_where_the_api_does_not_fit(api: str) -> None:
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    assert bill("google", "gemini-2.5-pro", api, usage) == bill("google", "gemini-2.5-pro", "gemini.generate", usage)


def test_a_report_of_nothing_costs_nothing() -> None:
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert bill("openai", "gpt-4o", "openai.chat", usage)["cost_usd"] == "0"


def test_cohere_is_priced_by_what_it_bills() -> None:
    usage = {
        "billed_units": {"input_tokens": 10, "output_tokens": 104},
        "tokens": {"input_tokens": 505, "output_tokens": 107},
    }
    lines = bill("cohere", "command-r-08-2024", "cohere.chat", usage)["lines"]
    assert [(line["class"], line["tokens"]) for line in lines] == [("input", 10), ("output", 104)]


@pytest.mark.parametrize("where", ["line", "usage"])
def test_the_tier_that_served_is_priced(where: str) -> None:
    usage = CHAT | ({"service_tier": "flex"} if where == "usage" else {})
    line = {"tier": "flex"} if where == "line" else {}
    answer = bill("openai", "gpt-5.6-sol", "openai.chat", usage, **line)
    assert answer["tier"] == "flex"
    assert answer["cost_picodollars"] * 2 == bill("openai", "gpt-5.6-sol", "openai.chat", CHAT)["cost_picodollars"]


def test_what_the_provider_says_it_charged_stands_beside_the_cost() -> None:
    answer = bill("openrouter", "openai/gpt-4o-mini", "openai.chat", CHAT | {"cost": 0.00045})
    assert (answer["cost_usd"], answer["cost_provider_usd"]) == ("0.00045", "0.00045")


def test_a_report_that_does_not_add_up_is_flagged() -> None:
    assert bill("openai", "gpt-4o", "openai.chat", CHAT | {"total_tokens": 1600})["consistent"] is False
    assert "consistent" not in bill("openai", "gpt-4o", "openai.chat", CHAT)


@pytest.mark.parametrize("at", ["2026-08-20T23:59:59Z", "Thu, 20 Aug 2026 23:59:59 GMT", "2026-08-20"])
def test_the_price_is_that_of_the_calls_date_however_it_is_written(at: str) -> None:
    lines = bill("openai", "gpt-5.6-sol", "openai.chat", CHAT, at=at)["lines"]
    assert lines[0]["rate_usd_per_mtok"] == "5"
    assert bill("openai", "gpt-5.6-sol", "openai.chat", CHAT)["lines"][0]["rate_usd_per_mtok"] == "4"


@pytest.mark.parametrize(
    ("provider", "model", "usage"),
    [
        ("openai", "gpt-99", CHAT),
        ("ollama-local", "llama3", CHAT),
        ("cerebras", "qwen-3-coder-480b", CHAT),  # the catalogue has the model and no price
        ("openai", "text-embedding-3-small", {"input": 5, "output": 1}),  # a class without a rate
    ],
)
def test_what_has_no_price_is_unpriced_and_never_zero(provider: str, model: str, usage: dict[str, Any]) -> None:
    answer = bill(provider, model, "openai.chat", usage)
    assert (answer["error"], answer["provider"], answer["model"]) == ("unpriced", provider, model)
    assert "cost_picodollars" not in answer


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ({"provider": None}, "'provider'"),
        ({"model": ""}, "'model'"),
        ({"usage": 5}, "'usage'"),
        ({"usage": {}}, "'usage'"),
        ({"usage": {"input": 1.5}}, "'usage.input'"),
        ({"usage": {"input": -1}}, "'usage.input'"),
        ({"usage": {"web_search": True}}, "'usage.web_search'"),
        ({"usage": {"prompt_tokens": "9"}}, "'usage.prompt_tokens'"),
        (
            {"usage": CHAT | {"prompt_tokens_details": {"cached_tokens": -4}}},
            "'usage.prompt_tokens_details.cached_tokens'",
        ),
        ({"usage": {"queue_time": 0.5}}, "'usage'"),
        ({"api": 3}, "'api'"),
        ({"at": "yesterday"}, "'at'"),
        ({"at": 12}, "'at'"),
        ({"tier": 1}, "'tier'"),
    ],
)
def test_whatever_is_wrong_in_a_line_is_named(line: dict[str, Any], named: str) -> None:
    whole = {"provider": "openai", "model": "gpt-4o", "api": "openai.chat", "usage": CHAT, "at": NOW} | line
    with pytest.raises(BadLine, match=named.replace(".", r"\.")):
        priced(whole, CATALOG)


def test_the_command_answers_every_line_in_order() -> None:
    good = {"provider": "openai", "model": "gpt-4o", "api": "openai.chat", "usage": CHAT}
    feed = "\n".join([json.dumps(good), json.dumps(good | {"model": "gpt-99"}), "{", json.dumps(good)])
    done = subprocess.run(
        [sys.executable, "-m", "dd0c_route", "price"],
        input=feed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer.get("error") for answer in answers] == [None, "unpriced", "invalid_line", None]
    assert (done.returncode, answers[2]["line"]) == (1, 3)
