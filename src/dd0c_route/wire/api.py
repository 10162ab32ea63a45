"""Which API a path calls, told by its end, since every provider has its own beginning."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote

_METHODS = {  # behind the last colon: Google's style
    "generateContent": "gemini.generate",
    "streamGenerateContent": "gemini.generate",
    "countTokens": "gemini.count_tokens",
    "rawPredict": "anthropic.messages",
    "streamRawPredict": "anthropic.messages",
}
_ENDS = (  # the first that fits
    ("/chat/completions", "openai.chat"),
    ("/completions", "openai.completions"),
    ("/api/chat", "ollama"),
    ("/api/generate", "ollama"),
    ("/api/embed", "ollama"),
    ("/api/embeddings", "ollama"),
    ("/embeddings", "openai.embeddings"),
    ("/responses", "openai.responses"),
    ("/responses/input_tokens", "openai.input_tokens"),
    ("/messages/count_tokens", "anthropic.count_tokens"),
    ("/messages", "anthropic.messages"),
    ("/converse", "bedrock.converse"),
    ("/converse-stream", "bedrock.converse"),
    ("/invoke", "bedrock.invoke"),
    ("/invoke-with-response-stream", "bedrock.invoke"),
    ("/v1/chat", "cohere.chat"),
    ("/v2/chat", "cohere.chat"),
    ("/v1/embed", "cohere.embeddings"),
    ("/v2/embed", "cohere.embeddings"),
)
_MODEL_IN_PATH = re.compile(r"/models?/([^/]+?)(?::[A-Za-z]+|/(?:converse|invoke)[a-z-]*)$")  # Google's, Amazon's


def api_of(path: str) -> str:
    """The API's name as the ledger has it (`openai.chat`, `gemini.generate`, …), or `unknown`."""
    path = "/" + path.partition("?")[0].strip("/")
    tail = path.rpartition("/")[2]
    if ":" in tail and (api := _METHODS.get(tail.rpartition(":")[2])):
        return api
    for end, api in _ENDS:
        if path.endswith(end):
            return api
    return "unknown"


def family_of(path: str, names: Collection[bytes]) -> str:
    """The API that a request speaks, as far as it shows: as `api_of`, and where that does not know the call its family
    alone (`gemini.unknown`), so that its error has the shape that its SDK reads.

    Args:
        names: Of the request's headers.
    """
    api = api_of(path)
    if api != "unknown":
        return api
    if path.startswith(("/v1beta/", "/v1alpha/")) or b"x-goog-api-key" in names:
        return "gemini.unknown"
    if b"anthropic-version" in names or path.startswith("/v1/messages"):
        return "anthropic.unknown"
    return "bedrock.unknown" if path.startswith("/model/") else api


def model_in(path: str) -> str:
    """The model that a path names (`/models/NAME:generateContent`, `/model/NAME/converse`), or empty."""
    found = _MODEL_IN_PATH.search(path.partition("?")[0])
    return unquote(found[1]) if found else ""
