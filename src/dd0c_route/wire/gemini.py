"""Google's generateContent, as Gemini and Vertex speak it."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from dd0c_route.types import Usage
from dd0c_route.wire.answer import Answer, Dialect, Reported
from dd0c_route.wire.loose import count_of, dict_of, dicts_of, kind_of_error, str_of, value_of


def _event(answer: Answer, data: bytes, name: bytes) -> None:
    _read(answer, dict_of(value_of(data)))


def _body(answer: Answer, fields: dict[str, Raw]) -> None:
    names = ("modelVersion", "error", "usageMetadata", "candidates", "promptFeedback")
    _read(answer, {name: value_of(fields[name]) for name in names if name in fields})
    answer.closed = True


def _read(answer: Answer, chunk: dict[str, Any]) -> None:
    answer.served_by(chunk.get("modelVersion"))
    answer.error = kind_of_error(chunk.get("error")) or answer.error
    usage = chunk.get("usageMetadata")
    if isinstance(usage, dict):
        answer.usage = usage  # in every chunk, cumulative, input too: the last one counts
        answer.served_by(None, usage.get("serviceTier"))
    if dict_of(chunk.get("promptFeedback")).get("blockReason"):
        answer.closed = True
    for candidate in dicts_of(chunk.get("candidates")):
        if candidate.get("finishReason"):
            answer.closed = True
        for part in dicts_of(dict_of(candidate.get("content")).get("parts")):
            track = answer.reasoning if part.get("thought") is True else answer.text
            track.add(answer.at, str_of(part.get("text")))
            call = dict_of(part.get("functionCall"))
            answer.call(call.get("name"), call.get("args"))
            answer.tools.add(answer.at, str_of(dict_of(part.get("executableCode")).get("code")))


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
    )


def _count_body(answer: Answer, fields: dict[str, Raw]) -> None:
    answer.closed = True
    answer.error = kind_of_error(value_of(fields.get("error", b"null")))
    if "totalTokens" in fields:
        answer.usage = {"promptTokenCount": value_of(fields["totalTokens"])}


GENERATE = Dialect(event=_event, body=_body, report=_report, usage_key="usageMetadata", has_arrays=True)
COUNT_TOKENS = Dialect(event=_event, body=_count_body, report=_report, usage_key="usageMetadata")
