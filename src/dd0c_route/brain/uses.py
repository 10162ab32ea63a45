"""What a request uses that a model must be capable of, and what binds it to the model that answered so far."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Raw

from dd0c_route.brain.excerpt import Excerpt, ends, is_sealed
from dd0c_route.brain.parts import is_result, results_in

_MEDIA_TYPES = {
    **dict.fromkeys(("image_url", "image", "input_image"), "vision"),
    **dict.fromkeys(("input_audio", "audio", "audio_url"), "audio"),
    **dict.fromkeys(("document", "file", "input_file", "document_url"), "files"),
    **dict.fromkeys(("video", "video_url", "input_video"), "video"),
}
_MEDIA_FIELDS = {"image": "vision", "images": "vision", "audio": "audio", "document": "files", "video": "video"}
_MEDIA = frozenset(_MEDIA_TYPES.values())
_MIME = (("image/", "vision"), ("audio/", "audio"), ("video/", "video"))
_TELLING = frozenset((*_MEDIA_FIELDS, "inlineData", "inline_data", "fileData", "file_data"))
_MODALITIES = {"audio": "audio", "image": "images"}  # of an answer
_DATA = ("inlineData", "inline_data", "fileData", "file_data")

# Thoughts stand in messages, in their parts and beside them. Some only their model can read (Anthropic's signatures,
# OpenAI's and Google's encrypted ones), some only their model expects back (DeepSeek's, in tool loops).
# Sources, read 2026-11-24: platform.claude.com/docs/en/build-with-claude/extended-thinking; OpenAI's on reasoning;
# ai.google.dev/gemini-api/docs/thought-signatures; api-docs.deepseek.com/guides/thinking_mode (a tool loop without
# `reasoning_content` is refused); openrouter.ai/docs/use-cases/reasoning-tokens; Amazon's ReasoningContentBlock.
_SEALS = frozenset(
    ("signature", "thoughtSignature", "thought_signature", "encrypted_content", "reasoning_details",
     "reasoning_content", "reasoningContent", "reasoning", "thinking_blocks")
)  # fmt: skip
SEARCHED_BYTES = 256 << 10  # looked through for such thoughts where the end of a conversation has none
_SEALED_TYPES = ("redacted_thinking", "thinking", "reasoning")

_APIS = {"embeddings": "vectors", "completions": "completions"}  # which no other model can stand in for
_STATE = ("previous_response_id", "conversation", "cachedContent", "mcp_servers", "container")
_TOOL_BYTES = 8 << 10  # of either end of the tools: agents put the provider's own first or last
# By their type, since an agent's own function may be called `web_search` too.
_SERVER_TOOLS = re.compile(
    rb'"type"\s*:\s*"(?:web_search|web_fetch|x_search|code_interpreter|code_execution|file_search|collections_search'
    rb"|computer|image_generation|mcp|local_shell|shell\b|tool_search|bash_2|text_editor_2|memory_2)"
    rb'|"(?:googleSearch|google_search|googleMaps|google_maps|codeExecution|code_execution|urlContext|url_context'
    rb'|fileSearch|file_search|computerUse|computer_use|enterpriseWebSearch|systemTool)[A-Za-z_]*"\s*:\s*\{'
)
_SCHEMAS = ("responseSchema", "responseJsonSchema", "response_schema", "response_json_schema", "responseFormat")
_THINKING = {"enabled": "thinking_budget", "adaptive": "thinking_adaptive", "disabled": "thinking_off"}
_AMAZON_THINKS = frozenset(("reasoningConfig", "reasoning_config"))
_MIME_TYPES = ("responseMimeType", "response_mime_type")


def uses_of(
    api: str, small: Mapping[str, Any], tools: Raw | None, seen: Excerpt, parts: Sequence[Mapping[str, Any]]
) -> frozenset[str]:
    """What `capabilities.toml` has names for.

    Args:
        small: The request's short fields, decoded.
        tools: The field that offers tools, None where it offers none.
        parts: Of the messages that were read (`parts_of`).
    """
    uses = _media(parts) | form_uses(small)
    if (own := _APIS.get(api.rpartition(".")[2])) is not None:
        uses.add(own)
    if tools is not None:
        uses.add("tools")
        if _SERVER_TOOLS.search(ends(tools, _TOOL_BYTES)):
            uses.add("server_tools")
    if small.get("parallel_tool_calls") is True:
        uses.add("parallel_tools")
    if seen.embedded and not uses & _MEDIA:
        uses.add("vision")  # a file of which the kind was not seen; nearly all are images
    if thinks(small):
        uses.add("reasoning")
    if _is_on(small.get("logprobs")) or _is_on(small.get("top_logprobs")):
        uses.add("logprobs")
    if type(small.get("n")) is int and small["n"] > 1:
        uses.add("n")
    if any(_is_on(small.get(name)) for name in _STATE):
        uses.add("state")
    uses.update(_MODALITIES[name] for name in _modalities(small) if name in _MODALITIES)
    return frozenset(uses | _asked_of(api, small))


def _asked_of(api: str, small: Mapping[str, Any]) -> set[str]:
    """Fields that some models answer with an error (`refuses` in `capabilities.toml`)."""
    asked: set[str] = set()
    anthropic = api.startswith("anthropic.")
    usual = (None,) if anthropic else (None, 1)  # OpenAI's take the usual value, Anthropic's newer ones none
    if any(small.get(name) not in usual for name in ("temperature", "top_p", "top_k")):
        asked.add("sampling")
    if any(_is_on(small.get(name)) for name in ("stop", "stop_sequences")) and not anthropic:
        asked.add("stop")
    if small.get("max_tokens") is not None and api == "openai.chat":
        asked.add("max_tokens")
    thinking = small.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if isinstance(kind, str) and kind in _THINKING:
        asked.add(_THINKING[kind])
    output = small.get("output_config")
    if isinstance(output, dict) and output.get("effort") is not None:
        asked.add("effort")
    return asked


def bound(
    small: Mapping[str, Any], tools: Raw | None, messages: Raw | None, seen: Excerpt, parts: Sequence[Mapping[str, Any]]
) -> tuple[bool, bool]:
    """Whether a request stands in a tool loop, and whether it holds sealed thoughts.

    A conversation of which not even the last message could be read is taken for a tool loop where tools are offered,
    and one that is too long to be searched for one with sealed thoughts where they were asked for: most have them.
    """
    if seen.last:
        loop = any(results_in(message) > 0 or is_result(message) for message in since_the_model(seen.last))
    else:
        loop = seen.cut and tools is not None
    signed = seen.sealed or any(
        part.get("type") in _SEALED_TYPES or any(_is_on(part[name]) for name in _SEALS & part.keys()) for part in parts
    )
    if not signed and seen.cut and seen.total > 2 and (_wants_seals(small) if seen.last else thinks(small)):
        signed = messages is None or len(messages) > SEARCHED_BYTES or is_sealed(messages)
    return loop, signed


def since_the_model(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The messages behind the model's last one: only there can results wait for it."""
    since: list[Mapping[str, Any]] = []
    for message in reversed(messages):
        if message.get("role") in ("assistant", "model") or message.get("type") in ("function_call", "reasoning"):
            break
        since.append(message)
    return since


def _media(parts: Sequence[Mapping[str, Any]]) -> set[str]:
    uses: set[str] = set()
    for part in parts:
        kind = part.get("type")
        if isinstance(kind, str) and kind in _MEDIA_TYPES:
            uses.add(_MEDIA_TYPES[kind])
        if _TELLING.isdisjoint(part):
            continue
        uses.update([use for name, use in _MEDIA_FIELDS.items() if isinstance(part.get(name), (dict, list))])
        data = next((part[name] for name in _DATA if name in part), None)
        if isinstance(data, dict):
            mime = str(data.get("mimeType", data.get("mime_type", "")))
            uses.add(next((use for start, use in _MIME if mime.startswith(start)), "files"))
    return uses


def form_uses(small: Mapping[str, Any]) -> set[str]:
    """Whether the answer is to follow a schema or be JSON, in the words of each dialect."""
    uses: set[str] = set()
    for name in ("response_format", "text", "output_config", "output_format", "outputConfig", "format"):
        value = small.get(name)
        value = value.get("format", value.get("textFormat", value)) if isinstance(value, dict) else value
        if isinstance(value, dict):
            kind = value.get("type")
            if kind in ("json_schema", "object") or (
                kind == "json_object" and {"json_schema", "schema"} & value.keys()
            ):
                uses.add("schema")
            elif kind == "json_object":
                uses.add("json")
        elif value == "json":  # Ollama's
            uses.add("json")
    config = _config(small)
    if any(name in config for name in _SCHEMAS):
        uses.add("schema")
    elif any(config.get(name) == "application/json" for name in _MIME_TYPES):
        uses.add("json")
    return uses


def _modalities(small: Mapping[str, Any]) -> list[str]:
    """What the answer is to be made of, in lower case."""
    config = _config(small)
    told = small.get("modalities", config.get("responseModalities", config.get("response_modalities")))
    return [str(name).lower() for name in told] if isinstance(told, list) else []


def thinks(small: Mapping[str, Any]) -> bool:
    """Whether the model is asked to think, or not to: others refuse to be asked."""
    more = small.get("additionalModelRequestFields")
    if isinstance(more, dict) and (thinks(more) or _AMAZON_THINKS & more.keys()):
        return True
    told = small.get("reasoning")
    if isinstance(told, dict):
        told = told.get("enabled") is not False and bool(told)
    wanted = (small.get("reasoning_effort"), told, small.get("think"))
    config = _config(small)
    return (
        any(value not in (None, False) for value in wanted)
        or _is_enabled(small.get("thinking"))
        or "thinkingConfig" in config
        or "thinking_config" in config
        or _wants_seals(small)
    )


def _wants_seals(small: Mapping[str, Any]) -> bool:
    """Whether the caller gets thoughts to send back that are sealed."""
    included = small.get("include")
    sealed = isinstance(included, list) and "reasoning.encrypted_content" in included
    return sealed or _is_enabled(small.get("thinking"))


def _is_enabled(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") in ("enabled", "adaptive")


def _config(small: Mapping[str, Any]) -> Mapping[str, Any]:
    """Google's fields for the answer."""
    config = small.get("generationConfig", small.get("generation_config"))
    return config if isinstance(config, dict) else {}


def _is_on(value: Any) -> bool:
    return value not in (None, False, 0, "", [], {})
