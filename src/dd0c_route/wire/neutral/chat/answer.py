"""A whole answer of OpenAI's chat/completions ↔ the neutral form."""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.errors import UpstreamInvalid
from dd0c_route.wire.loose import dict_of, dicts_of, json_of, str_of, value_of
from dd0c_route.wire.neutral.chat import usage
from dd0c_route.wire.neutral.chat.request import DIALECT
from dd0c_route.wire.neutral.chat.thoughts import thought_of
from dd0c_route.wire.neutral.form import Answer, Part, Refusal, StopReason, Text, Thinking, ToolCall
from dd0c_route.wire.neutral.ids import made

REASONS: dict[str, StopReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tools",
    "function_call": "tools",
    "content_filter": "filter",
    "model_length": "context",  # Mistral
    "eos": "stop",  # Together
    "error": "broken",  # OpenRouter
}
_WORDS: dict[StopReason, str] = {
    "stop": "stop",
    "sequence": "stop",
    "length": "length",
    "tools": "tool_calls",
    "filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "context": "length",
    "broken": "content_filter",  # of the words that every client knows, the one that says: not all of it is here
    "other": "stop",
}


def read(body: bytes) -> Answer:
    """The first of its choices: more than one is asked for only where nothing is translated."""
    whole = dict_of(value_of(body))
    choices = dicts_of(whole.get("choices"))
    if not choices:
        raise UpstreamInvalid("the provider's answer has no choices: it is no chat completion")
    message, id = dict_of(choices[0].get("message")), str_of(whole.get("id"))
    created = whole.get("created")
    reason = REASONS.get(str_of(choices[0].get("finish_reason")), "other")
    parts = tuple(_parts(message, id))
    if reason in ("stop", "other") and any(isinstance(part, ToolCall) for part in parts):
        reason = "tools"  # some say so or nothing, and a client that goes by the reason would not call them
    return Answer(
        id=id,
        model=str_of(whole.get("model")),
        parts=parts,
        stop=reason,
        usage=usage.read(dict_of(whole.get("usage"))),
        created=int(created) if isinstance(created, int | float) and 0 <= created < 1 << 40 else 0,
    )


def _parts(message: dict[str, Any], id: str) -> list[Part]:
    parts: list[Part] = []
    if thought := str_of(message.get("reasoning_content")) or str_of(message.get("reasoning")):
        parts.append(Thinking(thought, maker=DIALECT))
    content = message.get("content")
    for said in [{"text": content}] if isinstance(content, str) else dicts_of(content):
        if thought := thought_of(said):
            parts.append(Thinking(thought, maker=DIALECT))
        elif text := str_of(said.get("text")):
            parts.append(Text(text))
    if refusal := str_of(message.get("refusal")):
        parts.append(Refusal(refusal))
    calls = dicts_of(message.get("tool_calls"))
    if not calls and dict_of(message.get("function_call")).get("name"):
        calls = [{"function": message["function_call"]}]  # as it was before there were several
    for index, call in enumerate(calls):
        custom = is_custom(call)
        function = dict_of(call.get("custom" if custom else "function"))
        name = str_of(function.get("name"))
        arguments = json_of(function.get("input" if custom else "arguments"))  # Ollama's are an object
        parts.append(ToolCall(str_of(call.get("id")) or made(name, index, id), name, arguments, custom))
    return parts


def is_custom(call: dict[str, Any]) -> bool:
    """Whether the call is of a tool that takes free text; some send an empty `custom` with every call."""
    return str_of(call.get("type")) == "custom" or ("type" not in call and "function" not in call and "custom" in call)


def write(answer: Answer) -> bytes:
    texts = "".join([part.text for part in answer.parts if isinstance(part, Text)])
    thoughts = [part.text for part in answer.parts if isinstance(part, Thinking) and part.text]
    refusals = [part.text for part in answer.parts if isinstance(part, Refusal)]
    calls = [_call(part) for part in answer.parts if isinstance(part, ToolCall)]
    message: dict[str, Any] = {"role": "assistant", "content": texts or (None if calls or refusals else "")}
    message["refusal"] = "".join(refusals) or None
    if thoughts:
        message["reasoning_content"] = "\n\n".join(thoughts)
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _WORDS[answer.stop]}
    whole: dict[str, Any] = {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [choice],
    }
    if answer.usage is not None:
        whole["usage"] = usage.written(answer.usage)
    return msgspec.json.encode(whole)


def _call(call: ToolCall) -> dict[str, Any]:
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def word(reason: StopReason) -> str:
    return _WORDS[reason]
