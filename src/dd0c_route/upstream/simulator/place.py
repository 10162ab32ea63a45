"""Which call a path is: told by its end, whatever stands before (`/v1`, `/openai/v1`, a proxy's prefix)."""

from __future__ import annotations

from urllib.parse import unquote

import msgspec
from msgspec import Struct

_LAST = {
    "embeddings": "openai.embeddings",
    "responses": "openai.responses",
    "models": "models",
    "messages": "anthropic.messages",
    "embed": "cohere.embeddings",
    "generate": "ollama",
}
_BEDROCK = {
    "converse": "bedrock.converse",
    "converse-stream": "bedrock.converse",
    "invoke": "bedrock.invoke",
    "invoke-with-response-stream": "bedrock.invoke",
}
_GEMINI = {
    "generateContent": "gemini.generate",
    "streamGenerateContent": "gemini.generate",
    "countTokens": "gemini.count_tokens",
}

# What reading JSON may raise: wrong syntax, wrong bytes, nested too deep.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Place(Struct, frozen=True, gc=False):
    """*action* tells calls of one api apart (streamed or not); *model* is empty where the body names it."""

    api: str
    action: str
    model: str = ""


def place_of(path: str) -> Place:
    """The call behind a URL path without its query; api `unknown` where the simulator has never heard of it."""
    rest, _, last = path.rpartition("/")
    before = rest.rpartition("/")[2]
    if last == "completions":
        return Place("openai.chat" if before == "chat" else "openai.completions", last)
    if last == "count_tokens" and before == "messages":
        return Place("anthropic.count_tokens", last)
    if last == "chat":
        return Place("ollama" if before == "api" else "cohere.chat", last)
    if api := _BEDROCK.get(last):
        return Place(api, last, unquote(before))
    model, colon, verb = last.rpartition(":")
    if colon and (api := _GEMINI.get(verb)):
        return Place(api, verb, unquote(model))
    return Place(_LAST.get(last, "unknown"), last)
