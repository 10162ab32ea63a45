"""What models can do, and what of a request one lacks."""

from __future__ import annotations

import json
import re
from datetime import date
from importlib.resources import files
from typing import Any

import pytest
from msgspec import structs

from dd0c_route.brain.capabilities import (
    ASKED,
    LEAST_CONTEXT,
    Capability,
    _families,
    _family,
    capability,
    lacks,
    plain,
)  # fmt: skip
from dd0c_route.brain.predictor import shipped
from dd0c_route.brain.request import Asked
from dd0c_route.config import ModelRow
from tests.brain.test_request import read, user

PLAIN = read({"messages": [user("a")]})


def of(model: str, *own: ModelRow, provider: str = "openai", context: int | None = None) -> Capability:
    return capability(provider, model, own, context)


def asking(**changes: Any) -> Asked:
    return structs.replace(PLAIN, **changes)


@pytest.mark.parametrize(
    ("model", "can", "cannot"),
    [
        ("gpt-4o", {"tools", "vision", "schema"}, {"audio", "reasoning", "server_tools"}),
        ("gpt-4o-2024-08-06", {"tools", "vision", "schema"}, {"audio"}),
        ("openai/gpt-4o-mini", {"tools"}, {"audio"}),
        ("gpt-4o-audio-preview", {"audio"}, {"vision"}),
        ("gpt-3.5-turbo", {"tools", "json"}, {"vision", "schema"}),
        ("gpt-5.6-luna", {"tools", "reasoning"}, {"logprobs", "n"}),
        ("o1-mini", set(), {"tools", "reasoning"}),
        ("claude-haiku-4-5-20251001", {"tools", "vision", "schema", "reasoning"}, {"json", "audio"}),
        ("claude-3-haiku-20240307", {"tools"}, {"reasoning", "schema"}),
        ("gemini-2.5-flash", {"tools", "audio", "video"}, {"server_tools"}),
        ("text-embedding-3-small", set(), {"tools"}),
        ("acme-9", set(), {"tools", "json"}),
    ],
)
def test_families_are_known_by_the_names_of_their_models(model: str, can: set[str], cannot: set[str]) -> None:
    known = of(model)
    assert can <= known.can
    assert not cannot & known.can


def test_of_a_model_that_nobody_knows_the_least_is_taken() -> None:
    assert of("acme-9") == Capability(frozenset(), LEAST_CONTEXT)
    assert of("acme-9", context=32_000).context == 32_000


def test_the_operator_s_own_row_goes_before_what_is_known() -> None:
    row = ModelRow(model="acme-*", provider="local", can=("tools",), context=9000, output=500)
    assert of("Acme-9", row, provider="local") == Capability(frozenset({"tools"}), 9000, 500)
    assert of("acme-9", row, provider="other").can == frozenset()
    assert of("gpt-4o", ModelRow(model="gpt-4o")).can == frozenset()


@pytest.mark.parametrize(
    ("request_", "tokens", "why"),
    [
        (asking(), 100, None),
        (asking(uses=frozenset({"tools", "json"})), 100, None),
        (asking(uses=frozenset({"audio", "server_tools"})), 100, "lacks audio, the provider's own tools"),
        (asking(max_output=20_000), 100, "answers have at most 16384 tokens"),
        (asking(), 128_001, "its context of 128000 tokens is too short"),
        (asking(max_output=10_000), 120_000, "its context of 128000 tokens is too short"),
    ],
)
def test_what_a_request_needs_and_a_model_lacks_is_named(request_: Asked, tokens: int, why: str | None) -> None:
    assert lacks(of("gpt-4o"), request_, request_.uses, tokens) == why


def test_who_answers_by_a_schema_answers_in_json() -> None:
    needs = asking(uses=frozenset({"json"}))
    assert lacks(of("claude-haiku-4-5"), needs, needs.uses, 10) is None


def test_every_row_has_its_source_and_its_day() -> None:
    words = {"tools", "parallel_tools", "vision", "audio", "files", "video", "images", "schema", "json", "reasoning"}
    for _, family in _families():
        assert set(family.can) <= words | {"logprobs", "n", "server_tools"}
        assert set(family.refuses) <= ASKED
        assert re.search(r"litellm|\w+\.\w+", family.source)
        assert date(2026, 1, 1) <= family.checked
        assert family.output <= family.context
        assert family.prompt is None or family.prompt < family.context


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("gpt-4o", "gpt-4o"),
        ("openai/gpt-4o:free", "gpt-4o"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929-v1"),
        ("meta.llama3-3-70b-instruct-v1:0", "llama3-3-70b-instruct-v1"),
        ("accounts/fireworks/models/llama-v3p1-8b-instruct", "llama-v3.1-8b-instruct"),
        ("claude-opus-4-5@20251101", "claude-opus-4-5-20251101"),
        ("llama-3.1-405b-inst@sambanova", "llama-3.1-405b-inst"),
        ("openai_o3-mini", "o3-mini"),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc", "ft:gpt-4o-mini-2024-07-18"),
    ],
)
def test_a_name_is_read_without_those_who_host_it(name: str, bare: str) -> None:
    assert plain(name) == bare


@pytest.mark.parametrize(
    ("model", "uses", "why"),
    [
        ("gpt-5-mini", {"sampling", "max_tokens"}, "does not take `max_tokens`, sampling"),
        ("gpt-4o", {"sampling", "max_tokens", "stop"}, None),
        ("acme-9", {"sampling", "max_tokens", "stop"}, None),
        ("claude-opus-4-7", {"thinking_budget", "reasoning"}, "does not take a budget for thinking"),
        ("claude-opus-4-7", {"thinking_adaptive", "reasoning"}, None),
        ("claude-haiku-4-5", {"thinking_adaptive", "effort"}, "does not take a level of effort, adaptive thinking"),
        ("claude-haiku-4-5", {"thinking_budget", "tools", "video"}, "lacks video"),
    ],
)
def test_what_a_model_answers_with_an_error_rules_it_out(model: str, uses: set[str], why: str | None) -> None:
    assert lacks(of(model), asking(), frozenset(uses), 100) == why


def test_a_prompt_may_be_too_long_where_its_context_is_not() -> None:
    assert lacks(of("gpt-5"), asking(), frozenset(), 272_000) is None
    assert lacks(of("gpt-5"), asking(), frozenset(), 272_001) == "prompts have at most 272000 tokens"


MAKERS = (
    "openai",
    "anthropic",
    "google",
    "mistral",
    "deepseek",
    "x-ai",
    "aws",
    "cohere",
    "moonshotai",
    "zai",
    "minimax",
)
HOSTS = ("groq", "fireworks", "azure", "meta", "perplexity")
SHOWN_LONGER = {"gpt-5.3"}  # the catalogue's is its variant for chats
OLD = re.compile(
    r"(text-)?(ada|babbage|curie|davinci)(-00\d)?|gpt-3\.5-0301|gpt-4-vision-preview|gpt-rosalind-.*|gemini-(1\.0-)?pro.*"
    r"|amazon\.titan-text-.*|c4ai-aya.*|command|command-light|m2-her|minimax-01|pplx-.*|r1-1776|.*orpheus.*|ultramarine-.*"
    r"|mai-ds-.*|wizardlm-.*"
)


def catalogue() -> dict[str, Any]:
    providers: dict[str, Any] = json.loads(files("dd0c_route.pricing").joinpath("catalog.json").read_text())[
        "providers"
    ]
    return providers


def test_no_window_is_longer_than_the_catalogue_of_prices_says() -> None:
    compared, longer = 0, []
    for provider in MAKERS:
        for model in catalogue()[provider]["models"]:
            family = _family(plain(model["id"].lower()))
            if family is None or not family.can or "context" not in model:
                continue
            compared += 1
            if family.context > model["context"] * 1.05 and model["id"] not in SHOWN_LONGER:
                longer.append((model["id"], model["context"], family.context))
    assert compared > 150
    assert longer == []


def test_every_model_that_one_would_route_to_is_known() -> None:
    names = [model["id"].lower() for who in MAKERS + HOSTS for model in catalogue()[who]["models"]]
    assert [name for name in names if _family(plain(name)) is None and not OLD.fullmatch(name)] == []


def test_every_model_of_the_shipped_predictor_is_known() -> None:
    assert [model for model in shipped().models if _family(plain(model.lower())) is None] == []
