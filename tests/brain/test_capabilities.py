"""What models can do, and what of a request one lacks."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest
from msgspec import structs

from dd0c_route.brain.capabilities import LEAST_CONTEXT, Capability, _families, capability, lacks
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
        ("o1-mini", {"reasoning"}, {"tools"}),
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
    words = {"tools", "parallel_tools", "vision", "audio", "files", "video", "schema", "json", "reasoning", "logprobs"}
    for _, family in _families():
        assert set(family.can) <= words | {"n", "server_tools"}
        assert re.search(r"\w+\.\w+", family.source)
        assert date(2026, 1, 1) <= family.read
