"""What the router reads of a request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.errors import BadRequest
from dd0c_route.wire.body import split
from dd0c_route.wire.request import Essentials, Ours, essentials


def read(api: str, **fields: Any) -> Essentials:
    return essentials(api, split(json.dumps(fields).encode()))


def test_model_and_stream_are_read() -> None:
    got = read("openai.chat", model="m", stream=True, max_completion_tokens=9, messages=[])
    assert got == Essentials(model="m", stream=True, ours=None)


@pytest.mark.parametrize("api", ["openai.chat", "openai.embeddings", "anthropic.messages"])
@pytest.mark.parametrize("fields", [{}, {"model": None}, {"model": 4}, {"model": ""}, {"model": ["secret"]}])
def test_a_model_that_is_needed_must_be_there_and_a_string(api: str, fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="`model`") as refusal:
        read(api, **fields)
    assert "secret" not in refusal.value.message


@pytest.mark.parametrize("api", ["gemini.generate", "bedrock.converse", "openai.responses", "unknown"])
def test_a_model_may_stand_elsewhere(api: str) -> None:
    assert read(api).model == ""


@pytest.mark.parametrize("value", [None, "true", 1, False])
def test_only_true_asks_for_a_stream(value: object) -> None:
    assert not read("openai.chat", model="m", stream=value).stream


def test_the_dd0c_object_is_typed() -> None:
    ours = {"route": "off", "tags": {"team": "core"}, "session": "s", "policy": "p", "cost": True}
    assert read("openai.chat", model="m", dd0c=ours).ours == Ours("off", {"team": "core"}, "s", "p", True)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"rout": "off"}, "unknown field `rout`"),
        ({"route": "of"}, "route"),
        ({"tags": {"a": 1}}, "tags"),
        ("off", "object"),
    ],
)
def test_a_wrong_dd0c_object_is_refused_with_the_fault_and_the_fix(value: object, says: str) -> None:
    with pytest.raises(BadRequest, match=says) as refusal:
        read("openai.chat", model="m", dd0c=value)
    assert "known: route, tags" in refusal.value.message


def test_messages_are_never_decoded() -> None:
    assert essentials("openai.chat", split(b'{"model":"m","messages":"\xff"}')).model == "m"
