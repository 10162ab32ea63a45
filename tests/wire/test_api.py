"""Which API a path calls."""

from __future__ import annotations

import pytest

from dd0c_route.wire.api import api_of, family_of, model_in


@pytest.mark.parametrize(
    ("path", "api"),
    [
        ("/v1/chat/completions", "openai.chat"),
        ("/openai/deployments/x/chat/completions?api-version=1", "openai.chat"),
        ("/completions", "openai.completions"),
        ("/v1/embeddings/", "openai.embeddings"),
        ("/v1/responses", "openai.responses"),
        ("/v1/messages", "anthropic.messages"),
        ("/v1/messages/count_tokens", "anthropic.count_tokens"),
        ("/v1/responses/input_tokens", "openai.input_tokens"),
        ("/v1/projects/p/publishers/anthropic/models/claude:streamRawPredict", "anthropic.messages"),
        ("/v1beta/models/gemini-x:generateContent", "gemini.generate"),
        ("/v1beta/models/gemini-x:streamGenerateContent", "gemini.generate"),
        ("/v1beta/models/gemini-x:countTokens", "gemini.count_tokens"),
        ("/model/a.b-v1:0/converse", "bedrock.converse"),
        ("/model/a.b-v1:0/converse-stream", "bedrock.converse"),
        ("/model/a.b-v1:0/invoke", "bedrock.invoke"),
        ("/model/a.b-v1:0/invoke-with-response-stream", "bedrock.invoke"),
        ("/v2/chat", "cohere.chat"),
        ("/v2/embed", "cohere.embeddings"),
        ("/api/chat", "ollama"),
        ("/api/generate", "ollama"),
        ("/v1/messages/batches", "unknown"),
        ("/v1/models", "unknown"),
        ("/", "unknown"),
        ("", "unknown"),
    ],
)
def test_the_end_of_a_path_names_the_api(path: str, api: str) -> None:
    assert api_of(path) == api


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1beta/models/gemini-x:streamGenerateContent?alt=sse", "gemini-x"),
        ("/v1/projects/p/publishers/anthropic/models/claude-x@20260101:rawPredict", "claude-x@20260101"),
        ("/model/a.b-v1%3A0/converse-stream", "a.b-v1:0"),
        ("/model/a.b-v1:0/invoke", "a.b-v1:0"),
        ("/v1/models/gpt-x", ""),
        ("/v1/chat/completions", ""),
    ],
)
def test_a_path_may_name_the_model(path: str, model: str) -> None:
    assert model_in(path) == model


@pytest.mark.parametrize(
    ("path", "names", "api"),
    [
        ("/v1/messages", [], "anthropic.messages"),
        ("/v1/messages/batches", [], "anthropic.unknown"),
        ("/v1/files", [b"anthropic-version"], "anthropic.unknown"),
        ("/v1beta/cachedContents", [], "gemini.unknown"),
        ("/v1/operations/x", [b"x-goog-api-key"], "gemini.unknown"),
        ("/model/a.b/count-tokens", [], "bedrock.unknown"),
        ("/v1/files", [b"authorization"], "unknown"),
    ],
)
def test_who_speaks_shows_even_where_the_call_is_unknown(path: str, names: list[bytes], api: str) -> None:
    assert family_of(path, names) == api
