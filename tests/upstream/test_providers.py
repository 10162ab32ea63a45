from __future__ import annotations

import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from dd0c_route.config import Provider
from dd0c_route.upstream.origin import origin_of
from dd0c_route.upstream.providers import known

ROWS = sorted(known().items())
FOR_PEOPLE = {"source", "abort_source", "checked"}
NEED_BASE_URL = {"azure", "azure-deployments", "vertex", "vertex-claude", "bedrock"}
NO_VERSION = {"chatgpt"}


def test_every_named_provider_has_a_row() -> None:
    names = (
        "openai azure anthropic google vertex bedrock openrouter mistral deepseek groq xai together fireworks cerebras"
    )
    hosts = "azure-deployments vertex-claude cohere cohere-compat perplexity chatgpt ollama vllm lm-studio llama-cpp"
    assert set(known()) == {*names.split(), *hosts.split()}


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_a_row_is_a_provider(name: str, row: dict[str, Any]) -> None:
    fields = {field: value for field, value in row.items() if field not in FOR_PEOPLE}
    assert ("base_url" not in fields) == (name in NEED_BASE_URL)
    provider = msgspec.convert({"name": name, "base_url": "https://example.com", **fields}, Provider)
    assert provider.api_key is None
    assert {"dialect", "auth", "usage", "on_disconnect", "billed_after_abort"} <= set(row)


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_a_row_says_where_and_when_it_was_read(name: str, row: dict[str, Any]) -> None:
    assert urlsplit(row["source"]).scheme == "https"
    assert isinstance(row["checked"], datetime.date)
    if row["billed_after_abort"] == "whole":
        assert urlsplit(row["abort_source"]).scheme == "https"


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_an_answer_is_read_on_exactly_where_the_whole_of_it_is_billed(name: str, row: dict[str, Any]) -> None:
    assert (row["on_disconnect"] == "drain") == (row["billed_after_abort"] == "whole")


@pytest.mark.parametrize(("name", "row"), [(name, row) for name, row in ROWS if "base_url" in row])
def test_a_base_url_ends_where_the_dialects_path_begins(name: str, row: dict[str, Any]) -> None:
    origin = origin_of(row["base_url"])
    end = {"openai": "/v1", "anthropic": "/v1", "gemini": "/v1beta", "cohere": "/v2"}[row["dialect"]]
    assert origin.path.endswith(end) or name in NO_VERSION
    assert origin.tls or origin.host == "127.0.0.1"
