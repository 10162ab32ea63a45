"""Ollama's own chat and generate: JSON, or a stream of JSON lines."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from dd0c_route.types import Usage
from dd0c_route.wire.answer import Answer, Dialect, Reported
from dd0c_route.wire.loose import count_of, dict_of, dicts_of, kind_of_error, str_of, value_of

_COUNTS = ("prompt_eval_count", "eval_count")


def _event(answer: Answer, data: bytes, name: bytes) -> None:
    _read(answer, dict_of(value_of(data)))


def _body(answer: Answer, fields: dict[str, Raw]) -> None:
    names = ("model", "message", "response", "thinking", "done", "error", *_COUNTS)  # not `context`: token numbers
    _read(answer, {name: value_of(fields[name]) for name in names if name in fields})
    answer.closed = True


def _read(answer: Answer, chunk: dict[str, Any]) -> None:
    answer.served_by(chunk.get("model"))
    answer.error = kind_of_error(chunk.get("error")) or answer.error
    message = dict_of(chunk.get("message"))
    answer.reasoning.add(answer.at, str_of(message.get("thinking")) or str_of(chunk.get("thinking")))
    answer.text.add(answer.at, str_of(message.get("content")) or str_of(chunk.get("response")))
    for call in dicts_of(message.get("tool_calls")):
        function = dict_of(call.get("function"))
        answer.call(function.get("name"), function.get("arguments"))
    counts = {name: chunk[name] for name in _COUNTS if name in chunk}
    if counts:
        answer.usage = counts
    if chunk.get("done") is True:
        answer.closed = answer.finished = True


def _report(answer: Answer) -> Reported | None:
    """A prompt found whole in the cache has no count: the report is then not consistent with what was read."""
    raw = answer.usage
    if raw is None:
        return None
    usage = Usage(input=count_of(raw, "prompt_eval_count"), output=count_of(raw, "eval_count"))
    return Reported(usage=usage, final=answer.closed, raw=raw, consistent="prompt_eval_count" in raw)


CHAT = Dialect(event=_event, body=_body, report=_report)
