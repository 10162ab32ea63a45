"""The same dialect at other addresses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dd0c_route.proxy.forward import upstream_body, upstream_target
from dd0c_route.types import Target
from tests.proxy.examples import call, provider

AZURE: dict[str, Any] = {"name": "azure-deployments", "address": "azure-deployments", "query": "api-version=2024-10-21"}
VERTEX: dict[str, Any] = {"name": "vertex-claude", "address": "vertex-claude", "dialect": "anthropic"}
CLAUDE = b'{"model":"claude-haiku-4-5@20251001","max_tokens":9,"stream":true,"messages":[]}'
BASE = "/v1/projects/p/locations/global"


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        ("/chat/completions", "", "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"),
        ("/embeddings", "a=1", "/openai/deployments/my%20gpt/embeddings?a=1&api-version=2024-10-21"),
        ("/responses", "api-version=preview", "/openai/responses?api-version=preview"),
    ],
)
def test_azures_deployments_stand_in_the_path_and_its_version_in_the_query(path: str, query: str, target: str) -> None:
    asked = call(path=path, query=query)
    assert upstream_target(asked, provider(**AZURE), "", Target("azure-deployments", "my gpt")) == target


@pytest.mark.parametrize(("stream", "method"), [(True, "streamRawPredict"), (False, "rawPredict")])
def test_claude_on_vertex_has_its_model_in_the_path(stream: bool, method: str) -> None:
    asked = call(CLAUDE, dialect="anthropic", api="anthropic.messages", path="/messages", stream=stream)
    where = upstream_target(asked, provider(**VERTEX), BASE, Target("vertex-claude", asked.model))
    assert where == f"/publishers/anthropic/models/claude-haiku-4-5@20251001:{method}"


def test_claude_on_vertex_has_its_version_in_the_body_and_no_model() -> None:
    asked = call(CLAUDE, dialect="anthropic", api="anthropic.messages", path="/messages", stream=True)
    body, usage_asked = upstream_body(asked, provider(**VERTEX), Target("vertex-claude", "other"))
    expected = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "stream": True, "messages": []}
    assert (json.loads(body), usage_asked) == (expected, False)


def test_a_count_on_vertex_names_its_model_in_the_body() -> None:
    asked = call(CLAUDE, dialect="anthropic", api="anthropic.count_tokens", path="/messages/count_tokens")
    target = Target("vertex-claude", asked.model)
    where = upstream_target(asked, provider(**VERTEX), BASE, target)
    assert where == "/publishers/anthropic/models/count-tokens:rawPredict"
    assert json.loads(upstream_body(asked, provider(**VERTEX), target)[0])["model"] == asked.model


def test_what_is_passed_through_keeps_its_path() -> None:
    asked = call(b"{}", dialect="passthrough", api="unknown", path="/openai/files")
    assert upstream_target(asked, provider(**AZURE), "", Target("a", "")) == "/openai/files?api-version=2024-10-21"
