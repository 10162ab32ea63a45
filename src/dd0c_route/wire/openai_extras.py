"""What stands beside the token classes in a usage report of OpenAI's dialect: media, predictions, server tools."""

from __future__ import annotations

from math import ceil
from typing import Any

from dd0c_route.types import NO_TOOLS, TEXT_ONLY, Media, ServerTools, Usage
from dd0c_route.wire.answer import Answer
from dd0c_route.wire.loose import count_of, dict_of

_KINDS = ("audio", "image", "video")
# Where a provider counts the calls of its own tools: the object in the report, and the names in it.
# Sources: docs.x.ai/developers/pricing; openrouter.ai/docs/web-search; docs.perplexity.ai, API reference (usage).
_COUNTED_IN = {
    "server_side_tool_usage_details": {
        "web_search": "web_search_calls",
        "x_search": "x_search_calls",
        "code_execution": "code_interpreter_calls",
        "file_search": "file_search_calls",
        "image_generation": "image_generation_calls",
    },
    "server_tool_use_details": {"web_search": "web_search_requests"},
    "server_tool_use": {"web_search": "web_search_requests", "web_fetch": "web_fetch_requests"},
}


def details(raw: dict[str, Any], *names: str) -> dict[str, Any]:
    """The first of the objects *names* that is there; transcription and realtime say `input_token_details`."""
    return next((value for name in names if (value := dict_of(raw.get(name)))), {})


def inputs_of(raw: dict[str, Any]) -> dict[str, Any]:
    return details(raw, "prompt_tokens_details", "input_tokens_details", "input_token_details")


def outputs_of(raw: dict[str, Any]) -> dict[str, Any]:
    return details(raw, "completion_tokens_details", "output_tokens_details", "output_token_details")


def media_of(raw: dict[str, Any], usage: Usage) -> Media:
    """The media in a report whose classes are *usage*.

    What is cached of a medium stands in `cached_tokens_details`; where it does not, the cache is taken to hold text
    before anything else, so that the dearer media are not priced as cached without a word of it.
    """
    inputs, outputs = inputs_of(raw), outputs_of(raw)
    prompt = _by_kind(inputs)
    made = _by_kind(outputs)
    accepted, rejected = (count_of(outputs, f"{fate}_prediction_tokens") for fate in ("accepted", "rejected"))
    seconds = ceil(_seconds(raw))
    if not (prompt or made or accepted or rejected or seconds):
        return TEXT_ONLY
    cached = _by_kind(dict_of(inputs.get("cached_tokens_details")))
    beyond_text = usage.cache_read - max(0, usage.input_total - sum(prompt.values()))
    if not cached and beyond_text > 0:
        for kind, count in prompt.items():
            cached[kind] = min(count, beyond_text)
            beyond_text -= cached[kind]
    return Media(
        **{f"input_{kind}": max(0, count - cached.get(kind, 0)) for kind, count in prompt.items()},
        **{f"cache_read_{kind}": count for kind, count in cached.items()},
        **{f"output_{kind}": count for kind, count in made.items()},
        accepted_prediction=accepted,
        rejected_prediction=rejected,
        audio_seconds=seconds,
    )


def _by_kind(fields: dict[str, Any]) -> dict[str, int]:
    return {kind: count for kind in _KINDS if (count := count_of(fields, f"{kind}_tokens"))}


def tools_of(raw: dict[str, Any], answer: Answer) -> ServerTools:
    """The provider's own count of what its tools did; where it has none, the calls that stand in the answer."""
    counts: dict[str, int] = {}
    for place, names in _COUNTED_IN.items():
        if counted := dict_of(raw.get(place)):
            counts = {tool: count_of(counted, name) for tool, name in names.items()} | counts
    searches = dict_of(dict_of(raw.get("tool_calls_details")).get("search_web"))
    if asked := count_of(raw, "num_search_queries") or count_of(searches, "invocation"):
        counts["web_search"] = asked
    if cited := count_of(raw, "citation_tokens"):
        counts["citation_tokens"] = cited
    counts = answer.server_calls | counts if answer.server_calls else counts
    return ServerTools(**counts) if any(counts.values()) else NO_TOOLS


def _seconds(raw: dict[str, Any]) -> float:
    """Sound that is billed by its length: Mistral's in a prompt, a transcription's (`"type": "duration"`)."""
    seconds = raw.get("prompt_audio_seconds") or (raw.get("seconds") if raw.get("type") == "duration" else 0)
    return seconds if isinstance(seconds, int | float) and 0 < seconds < 1e9 else 0
