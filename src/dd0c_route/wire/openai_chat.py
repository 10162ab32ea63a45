"""OpenAI's chat/completions, completions and embeddings, as many providers speak them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from dd0c_route.wire.answer import Answer, Dialect
from dd0c_route.wire.loose import (
    UNREADABLE,
    dict_of,
    dicts_of,
    kind_of_error,
    list_of,
    str_of,
    value_of,
)
from dd0c_route.wire.openai_usage import report


class _Function(Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(Struct, gc=False):
    function: _Function
    id: str | None = None
    custom: None = None


class _Delta(Struct, gc=False):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: list[_ToolCall] | None = None
    refusal: None = None
    function_call: None = None
    audio: None = None


class _Choice(Struct, gc=False):
    delta: _Delta | None = None
    text: str | None = None
    finish_reason: str | None = None
    message: None = None
    error: None = None


class _Chunk(Struct, gc=False):
    """A chunk of plain pieces and usage: nearly all of them. Any other is refused here and read slowly."""

    choices: list[_Choice]
    model: str | None = None
    service_tier: str | None = None
    usage: dict[str, Any] | None = None
    error: None = None
    x_groq: None = None


class _Message(Struct, gc=False):
    content: str | None = None
    refusal: None = None
    reasoning_content: None = None
    reasoning: None = None
    tool_calls: None = None
    function_call: None = None
    audio: None = None


class _WholeChoice(Struct, gc=False):
    """A choice of a whole answer with nothing but text: nearly all of them; any other is read slowly."""

    message: _Message
    text: None = None
    error: None = None


class _Whole(Struct, gc=False):
    """A whole answer of nothing but text and usage, or vectors, which are passed over."""

    choices: list[_WholeChoice] = []
    model: str | None = None
    service_tier: str | None = None
    usage: dict[str, Any] | None = None
    error: None = None
    x_groq: None = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_WHOLE = msgspec.json.Decoder(_Whole)


def _event(answer: Answer, data: bytes, name: bytes) -> None:
    try:
        chunk = _CHUNK.decode(data)
    except UNREADABLE:
        if data == b"[DONE]":
            answer.finished = True
        else:
            _read(answer, dict_of(value_of(data)), "delta")
        return
    if not answer.model or chunk.service_tier:
        answer.served_by(chunk.model, chunk.service_tier)
    if chunk.usage:
        _note_usage(answer, chunk.usage, bool(chunk.choices))
    at = answer.at
    for choice in chunk.choices:
        delta = choice.delta
        if delta is not None:
            if delta.content:
                answer.text.add(at, delta.content)
            if reasoning := delta.reasoning_content or delta.reasoning:
                answer.reasoning.add(at, reasoning)
            for call in delta.tool_calls or ():
                answer.call(call.function.name, call.function.arguments, call.id)
        if choice.text and not (delta is not None and delta.content):  # Together says the same twice
            answer.text.add(at, choice.text)
        if choice.finish_reason:
            answer.closed = True


def _usual_body(answer: Answer, data: bytes) -> bool:
    try:
        whole = _WHOLE.decode(data)
    except UNREADABLE:
        return False
    answer.closed = True
    answer.served_by(whole.model, whole.service_tier)
    if whole.usage:
        _note_usage(answer, whole.usage, False)
    for choice in whole.choices:
        answer.text.add(answer.at, choice.message.content or "")
    return True


def _body(answer: Answer, fields: dict[str, Raw]) -> None:
    names = ("model", "service_tier", "usage", "x_groq", "error", "choices")  # not `data`: vectors are megabytes
    answer.closed = True
    _read(answer, {name: value_of(fields[name]) for name in names if name in fields}, "message")


def _read(answer: Answer, chunk: dict[str, Any], part: str) -> None:
    """A chunk or a whole answer of any shape seen so far; Perplexity sends `message` and `delta` in both."""
    answer.served_by(chunk.get("model"), chunk.get("service_tier"))
    answer.error = kind_of_error(chunk.get("error")) or answer.error
    usage = chunk.get("usage") or dict_of(chunk.get("x_groq")).get("usage")
    choices = dicts_of(chunk.get("choices"))
    if isinstance(usage, dict) and usage:
        _note_usage(answer, usage, bool(choices))
    for choice in choices:
        message = dict_of(choice.get(part))
        answer.text.add(answer.at, "" if message.get("content") else str_of(choice.get("text")))
        _read_message(answer, message)
        if choice.get("finish_reason"):
            answer.closed = True
        answer.error = kind_of_error(choice.get("error")) or answer.error


def _note_usage(answer: Answer, usage: dict[str, Any], has_choices: bool) -> None:
    """Usage is cumulative where it comes more than once: the last one counts. Behind the choices it is final."""
    answer.usage = usage
    answer.served_by(None, usage.get("service_tier"))
    if not has_choices:
        answer.closed = True


def _read_message(answer: Answer, message: dict[str, Any]) -> None:
    reasoning = str_of(message.get("reasoning_content")) or str_of(message.get("reasoning"))
    answer.reasoning.add(answer.at, reasoning)
    content = message.get("content")
    answer.text.add(answer.at, str_of(content))
    for part in dicts_of(content):  # Mistral and Databricks: a list of parts, thinking among them
        answer.text.add(answer.at, str_of(part.get("text")))
        for key in ("thinking", "summary"):
            for thought in dicts_of(part.get(key)):
                answer.reasoning.add(answer.at, str_of(thought.get("text")))
    answer.text.add(answer.at, str_of(message.get("refusal")))
    answer.text.add(answer.at, str_of(dict_of(message.get("audio")).get("transcript")))
    calls = [*list_of(message.get("tool_calls")), {"function": message.get("function_call")}]
    for call in dicts_of(calls):
        function, custom = dict_of(call.get("function")), dict_of(call.get("custom"))
        arguments = function.get("arguments") or custom.get("input")
        answer.call(function.get("name") or custom.get("name"), arguments, call.get("id"))


CHAT = Dialect(event=_event, body=_body, report=report, usual_body=_usual_body)
