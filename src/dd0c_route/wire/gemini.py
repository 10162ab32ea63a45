"""Google's generateContent, as Gemini and Vertex speak it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from dd0c_route.types import NO_TOOLS, TEXT_ONLY, Media, ServerTools, Usage
from dd0c_route.wire.answer import Answer, Dialect, Reported
from dd0c_route.wire.loose import UNREADABLE, count_of, dict_of, dicts_of, kind_of_error, str_of, value_of

_COUNTS = {"promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount"}


# Pages of documents are tokens of images (ai.google.dev/gemini-api/docs/document-processing). Some clients write the
# enumeration as its numbers (Vertex AI API, `Modality`).
_MEDIA: dict[str | int, str] = {"AUDIO": "audio", "IMAGE": "image", "DOCUMENT": "image", "VIDEO": "video"}
_MEDIA |= {2: "image", 3: "video", 4: "audio", 5: "image"}
# Until Gemini 2.5 a grounded answer is billed once, however often it searched; since Gemini 3 each search is
# (ai.google.dev/gemini-api/docs/pricing, grounding with Google Search).
_BILLED_BY_ANSWER = re.compile(r"gemini-(1|2)\b")


class _Part(Struct, gc=False):
    text: str | None = None
    thought: bool | None = None
    functionCall: None = None
    executableCode: None = None


class _Content(Struct, gc=False):
    parts: list[_Part] = []


class _Candidate(Struct, gc=False):
    content: _Content | None = None
    finishReason: str | int | None = None
    groundingMetadata: None = None


class _Chunk(Struct, gc=False):
    """A chunk of plain text and usage: nearly all of them. Any other is refused here and read slowly."""

    candidates: list[_Candidate]
    usageMetadata: dict[str, Any] | None = None
    modelVersion: str | None = None
    error: None = None
    promptFeedback: None = None


_CHUNK = msgspec.json.Decoder(_Chunk)


def _event(answer: Answer, data: bytes, name: bytes) -> None:
    try:
        chunk = _CHUNK.decode(data)
    except UNREADABLE:
        _read(answer, dict_of(value_of(data)))
        return
    answer.served_by(chunk.modelVersion)
    if chunk.usageMetadata is not None:
        _note_usage(answer, chunk.usageMetadata)
    for candidate in chunk.candidates:
        if candidate.finishReason:
            answer.closed = True
        for part in candidate.content.parts if candidate.content else ():
            if part.text:
                (answer.reasoning if part.thought else answer.text).add(answer.at, part.text)


def _body(answer: Answer, fields: dict[str, Raw]) -> None:
    names = ("modelVersion", "error", "usageMetadata", "candidates", "promptFeedback")
    _read(answer, {name: value_of(fields[name]) for name in names if name in fields})
    answer.closed = True


def _read(answer: Answer, chunk: dict[str, Any]) -> None:
    answer.served_by(chunk.get("modelVersion"))
    answer.error = kind_of_error(chunk.get("error")) or answer.error
    usage = chunk.get("usageMetadata")
    if isinstance(usage, dict):
        _note_usage(answer, usage)
    if dict_of(chunk.get("promptFeedback")).get("blockReason"):
        answer.closed = True
    for candidate in dicts_of(chunk.get("candidates")):
        if candidate.get("finishReason"):
            answer.closed = True
        _note_searches(answer, dict_of(candidate.get("groundingMetadata")).get("webSearchQueries"))
        for part in dicts_of(dict_of(candidate.get("content")).get("parts")):
            track = answer.reasoning if part.get("thought") is True else answer.text
            track.add(answer.at, str_of(part.get("text")))
            call = dict_of(part.get("functionCall"))
            answer.call(call.get("name"), call.get("args"), call.get("id"))
            answer.tools.add(answer.at, str_of(dict_of(part.get("executableCode")).get("code")))


def _note_searches(answer: Answer, queries: Any) -> None:
    """The queries of a grounded answer; a stream may say them again with each chunk."""
    asked = len([query for query in queries if query]) if isinstance(queries, list) else 0
    if asked:
        if _BILLED_BY_ANSWER.match((answer.model or "").rpartition("/")[2]):
            asked = 1
        before = (answer.server_calls or {}).get("google_search", 0)
        answer.server_calls = {"google_search": max(before, asked)}


def _note_usage(answer: Answer, usage: dict[str, Any]) -> None:
    """It is in every chunk and cumulative, input too: the last with counts (Vertex sends some without) is the truth."""
    if not _COUNTS.isdisjoint(usage):
        answer.usage = usage
    answer.served_by(None, usage.get("serviceTier") or usage.get("trafficType"))


def _report(answer: Answer) -> Reported | None:
    """Thoughts come on top of the candidates, tool prompts on top of the prompt, unless the total says otherwise."""
    raw = answer.usage
    if raw is None:
        return None
    prompt, tools = count_of(raw, "promptTokenCount"), count_of(raw, "toolUsePromptTokenCount")
    candidates, thoughts = count_of(raw, "candidatesTokenCount"), count_of(raw, "thoughtsTokenCount")
    total = count_of(raw, "totalTokenCount")
    input_total, output_total = prompt + tools, candidates + thoughts
    excess = input_total + output_total - total if total else 0
    if excess and excess == tools:
        input_total, excess = prompt, 0
    elif excess and excess == thoughts <= candidates:
        output_total, excess = candidates, 0
    elif excess and excess == tools + thoughts and thoughts <= candidates:
        input_total, output_total, excess = prompt, candidates, 0
    elif excess < 0 and "candidatesTokenCount" not in raw:
        output_total, excess = output_total - excess, 0  # left out of the report, but not of the total
    read = min(count_of(raw, "cachedContentTokenCount"), input_total)
    return Reported(
        usage=Usage(
            input=input_total - read,
            cache_read=read,
            output=output_total - thoughts,
            reasoning=thoughts,
        ),
        final=answer.closed,
        raw=raw,
        service_tier=answer.tier,
        consistent=excess == 0,
        media=_media(raw),
        server_tools=ServerTools(**answer.server_calls) if answer.server_calls else NO_TOOLS,
    )


def _media(raw: dict[str, Any]) -> Media:
    """Tokens by medium. The prompt's hold the cached ones, which `cacheTokensDetails` has once more."""
    prompt = _by_medium(raw, "promptTokensDetails", "toolUsePromptTokensDetails")
    cached = _by_medium(raw, "cacheTokensDetails")
    made = _by_medium(raw, "candidatesTokensDetails")
    if not (prompt or cached or made):
        return TEXT_ONLY
    return Media(
        **{f"input_{medium}": max(0, tokens - cached.get(medium, 0)) for medium, tokens in prompt.items()},
        **{f"cache_read_{medium}": tokens for medium, tokens in cached.items()},
        **{f"output_{medium}": tokens for medium, tokens in made.items()},
    )


def _by_medium(raw: dict[str, Any], *names: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        for detail in dicts_of(raw.get(name)):
            modality = detail.get("modality")
            medium = _MEDIA.get(modality.upper() if isinstance(modality, str) else count_of(detail, "modality"))
            if medium and (tokens := count_of(detail, "tokenCount")):
                counts[medium] = counts.get(medium, 0) + tokens
    return counts


def _count_body(answer: Answer, fields: dict[str, Raw]) -> None:
    answer.closed = True
    answer.error = kind_of_error(value_of(fields.get("error", b"null")))
    if "totalTokens" in fields:
        answer.usage = {"promptTokenCount": value_of(fields["totalTokens"])}


GENERATE = Dialect(event=_event, body=_body, report=_report, usage_key="usageMetadata", has_arrays=True)
COUNT_TOKENS = Dialect(event=_event, body=_count_body, report=_report, usage_key="usageMetadata")
