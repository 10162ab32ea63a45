"""AWS Bedrock: converse, one shape for all models, and invoke, each model family's own."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from msgspec import Raw

from dd0c_route.types import Usage
from dd0c_route.wire import anthropic, openai_usage
from dd0c_route.wire.answer import Answer, Dialect, Reported
from dd0c_route.wire.loose import count_of, dict_of, dicts_of, fields_of, kind_of_error, str_of, value_of
from dd0c_route.wire.openai_chat import CHAT

_METRICS = "amazon-bedrock-invocationMetrics"


# --- converse ----------------------------------------------------------------------------------------


def _converse_event(answer: Answer, data: bytes, name: bytes) -> None:
    event = dict_of(value_of(data))
    _read_converse(answer, event)
    if name == b"messageStop":
        answer.closed = True
    elif name == b"metadata":
        answer.closed = answer.finished = True


def _read_converse(answer: Answer, event: dict[str, Any]) -> None:
    """A piece of a block, the start of one, or the report; Nova's invoke wraps the same objects in their names."""
    _read_block(answer, dict_of(event.get("delta")))
    _read_block(answer, dict_of(event.get("start")))
    usage = event.get("usage")
    if isinstance(usage, dict):
        answer.usage = usage
        answer.served_by(None, dict_of(event.get("serviceTier")).get("type"))


def _converse_body(answer: Answer, fields: dict[str, Raw]) -> None:
    names = ("output", "usage", "serviceTier", "message", "__type")
    body = {name: value_of(fields[name]) for name in names if name in fields}
    _read_converse(answer, body)
    for block in dicts_of(dict_of(dict_of(body.get("output")).get("message")).get("content")):
        _read_block(answer, block)
    _read_fault(answer, body)
    answer.closed = True


def _read_block(answer: Answer, block: dict[str, Any]) -> None:
    answer.text.add(answer.at, str_of(block.get("text")))
    for cited in dicts_of(dict_of(block.get("citationsContent")).get("content")):
        answer.text.add(answer.at, str_of(cited.get("text")))
    thought = dict_of(block.get("reasoningContent"))
    answer.reasoning.add(
        answer.at, str_of(thought.get("text")) or str_of(dict_of(thought.get("reasoningText")).get("text"))
    )
    tool = dict_of(block.get("toolUse"))
    answer.call(tool.get("name"), tool.get("input"), tool.get("toolUseId"))


def _read_fault(answer: Answer, body: dict[str, Any]) -> None:
    """AWS errors are `{"message": "…"}`, with `__type` where the service says it."""
    if isinstance(body.get("message"), str) and answer.usage is None:
        answer.error = str_of(body.get("__type")).rpartition("#")[2][:100] or "error"


def _converse_report(answer: Answer) -> Reported | None:
    """As Anthropic's: `inputTokens` holds neither cache reads nor writes; the total holds all."""
    raw = answer.usage
    if raw is None:
        return None
    written = count_of(raw, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    lasting = sum(
        count_of(part, "inputTokens") for part in dicts_of(raw.get("cacheDetails")) if part.get("ttl") == "1h"
    )
    usage = Usage(
        input=count_of(raw, "inputTokens"),
        cache_read=count_of(raw, "cacheReadInputTokens", "cacheReadInputTokenCount"),
        cache_write_5m=max(written - lasting, 0),
        cache_write_1h=lasting,
        output=count_of(raw, "outputTokens"),
    )
    total = count_of(raw, "totalTokens")
    return Reported(
        usage=usage,
        final=answer.closed,
        raw=raw,
        service_tier=answer.tier,
        consistent=total in (0, usage.input_total + usage.output_total),
    )


# --- invoke ------------------------------------------------------------------------------------------


def _invoke_event(answer: Answer, data: bytes, name: bytes) -> None:
    wrapped = str_of(dict_of(value_of(data)).get("bytes"))
    try:
        inner = base64.b64decode(wrapped, validate=True)
    except (binascii.Error, ValueError):
        return
    fields = fields_of(inner)
    if fields is None:
        return
    _read_invoke(answer, fields, inner)
    if _METRICS in fields:
        answer.closed = answer.finished = True
        answer.usage = {**(answer.usage or {}), _METRICS: value_of(fields[_METRICS])}


def _invoke_body(answer: Answer, fields: dict[str, Raw]) -> None:
    if "content" in fields:
        anthropic.MESSAGES.body(answer, fields)
    elif "output" in fields:
        _converse_body(answer, fields)
    else:
        _read_invoke(answer, fields, b"")
    _read_fault(answer, {name: value_of(fields[name]) for name in ("message", "__type") if name in fields})
    answer.closed = True


def _read_invoke(answer: Answer, fields: dict[str, Raw], inner: bytes) -> None:
    """The model families, told apart by what stands in their JSON: Claude, OpenAI-like, Nova, and text models."""
    body = {name: value_of(value) for name, value in fields.items() if name != _METRICS}
    if "type" in body:
        anthropic.read_event(answer, body)
    elif "choices" in body:
        if inner:
            CHAT.event(answer, inner, b"")
        else:
            CHAT.body(answer, fields)
    else:
        for part in (body, *[value for value in body.values() if isinstance(value, dict)]):
            _read_converse(answer, part)
        answer.usage = answer.usage or _flat_counts(body)
        answer.served_by(body.get("model"))
        for name in ("generation", "outputText", "completion", "text"):
            answer.text.add(answer.at, str_of(body.get(name)))
        for result in [
            *dicts_of(body.get("results")),
            *dicts_of(body.get("outputs")),
            *dicts_of(body.get("generations")),
        ]:
            answer.text.add(answer.at, str_of(result.get("outputText")) or str_of(result.get("text")))
    answer.error = kind_of_error(body.get("error")) or answer.error


def _flat_counts(body: dict[str, Any]) -> dict[str, Any] | None:
    """Llama and Titan put their counts beside the text."""
    names = ("prompt_token_count", "generation_token_count", "inputTextTokenCount", "totalOutputTextTokenCount")
    counts = {name: body[name] for name in names if isinstance(body.get(name), int)}
    made = [count_of(result, "tokenCount") for result in dicts_of(body.get("results"))]
    if counts and made:
        counts["totalOutputTextTokenCount"] = sum(made)
    return counts or None


def _invoke_report(answer: Answer) -> Reported | None:
    """The model's own usage where it gives one; the totals of Bedrock's metrics, from which it bills, override it."""
    raw = answer.usage
    if raw is None:
        return None
    if "inputTokens" in raw:
        return _converse_report(answer)
    if "prompt_tokens" in raw:
        return openai_usage.report(answer)
    if _METRICS not in raw and "input_tokens" in raw:
        return anthropic.MESSAGES.report(answer)
    metrics = dict_of(raw.get(_METRICS))
    usage = Usage(
        input=count_of({**raw, **metrics}, "inputTokenCount", "prompt_token_count", "inputTextTokenCount"),
        cache_read=count_of({**raw, **metrics}, "cacheReadInputTokenCount", "cache_read_input_tokens"),
        cache_write_5m=count_of({**raw, **metrics}, "cacheWriteInputTokenCount", "cache_creation_input_tokens"),
        output=count_of({**raw, **metrics}, "outputTokenCount", "generation_token_count", "totalOutputTextTokenCount"),
    )
    return Reported(usage=usage, final=answer.closed, raw=raw, service_tier=answer.tier)


CONVERSE = Dialect(event=_converse_event, body=_converse_body, report=_converse_report)
INVOKE = Dialect(event=_invoke_event, body=_invoke_body, report=_invoke_report)
