"""A provider of another dialect may answer where it can be told all that is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.brain.capabilities import Capability
from dd0c_route.decide.foreign import reachable, unable
from dd0c_route.types import Call, Target
from dd0c_route.wire.body import split

CLAUDE = Target("anthropic", "claude-haiku-4-5")
GPT = Target("openai", "gpt-4o")
DIALECTS = {"anthropic": "anthropic", "openai": "openai", "cohere": "cohere"}


def call(*, may_drop: bool = False, api: str = "openai.chat", **fields: Any) -> Call:
    body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}], **fields}).encode()
    return Call(
        id="dd_1", at_ns=0, started_ns=0, dialect="openai", api=api, method="POST", path="/chat/completions", query="",
        headers=[], body=body, fields=split(body), model="gpt-4o", may_drop=may_drop,
    )  # fmt: skip


def able(target: Target) -> Capability:
    return Capability()


def test_what_it_cannot_be_given_is_named_in_the_callers_words() -> None:
    why = unable(call(seed=7, response_format={"type": "json_object"}), [CLAUDE, GPT], DIALECTS, able)

    assert why == {CLAUDE: "cannot be given seed, response_format"}


def test_nothing_stands_against_it_where_the_caller_allows_to_drop_or_nothing_is_lost() -> None:
    assert unable(call(seed=7, may_drop=True), [CLAUDE], DIALECTS, able) == {}
    assert unable(call(temperature=0.5, user="u", metadata={"a": "b"}), [CLAUDE], DIALECTS, able) == {}


def test_a_request_that_cannot_be_read_stays_in_its_dialect() -> None:
    assert CLAUDE in unable(call(messages=[{"role": "narrator"}]), [CLAUDE], DIALECTS, able)


@pytest.mark.parametrize(
    ("api", "dialect", "can"),
    [
        ("openai.chat", "openai", True),
        ("openai.chat", "anthropic", True),
        ("openai.chat", "cohere", False),
        ("openai.embeddings", "anthropic", False),
    ],
)
def test_only_dialects_of_the_neutral_form_can_be_reached(api: str, dialect: str, can: bool) -> None:
    assert reachable(call(api=api), dialect) is can
