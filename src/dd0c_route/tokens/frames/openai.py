"""OpenAI's frames, the same in chat and in Responses. Constants are measured on recorded requests (2024-2026)."""

from __future__ import annotations

import json
import re
from typing import Any

from dd0c_route.tokens.frames.openai_tools import HEADER, namespace
from dd0c_route.tokens.frames.reading import (
    Fields,
    Frame,
    Sum,
    Unknown,
    decode,
    dicts,
    given,
    objects,
    refuse,
    string,
    text,
)

MODELS = re.compile(r"(?:^|/)(?:ft:)?(?:gpt-(?!oss)|chatgpt-|o[1-9](?:$|[-:]))")
_REASONS = re.compile(r"(?:^|/)(?:ft:)?(?:gpt-(?:[5-9]|\d\d)|o[1-9](?:$|[-:]))")
_GPT_5 = re.compile(r"(?:^|/)(?:ft:)?gpt-(?:[5-9]|\d\d)")
# What a whole answer costs beside its text: tokens, and how far below and above was seen. gpt-5 counts the channels
# that it answers in, beside the reasoning, which it reports.
ANSWER_ENDS = ((_GPT_5, (9, 6, 3)), (_REASONS, (0, 3, 21)), (MODELS, (0, 0, 1)))
_CHAT_UNKNOWN = ("audio", "prediction", "web_search_options")
_GPT_4O = re.compile(r"gpt-4o(?:$|-20)")
_GPT_4O_HIDDEN = (0, 0, 18)  # in a third of the recorded requests to this model: a default system message of the host
_RESPONSES_UNKNOWN = ("previous_response_id", "conversation", "prompt", "context_management")


_CHAT_MESSAGE = {"role", "content", "name", "refusal", "annotations", "tool_calls", "tool_call_id"}
_RESPONSES_MESSAGE = {"type", "role", "content", "id", "status"}
_SYSTEM_ROLES = ("system", "developer")
_Around = tuple[tuple[int, int, int], tuple[int, int, int]]
# Tokens around the tools' text, and how far below and above was seen: with a system message, and without.
_CHAT_TOOLS = ((-1, 3, 4), (3, 3, 3))
_CHAT_TOOLS_GPT_5 = ((84, 2, 3), (84, 2, 3))
_RESPONSES_TOOLS = ((-3, 3, 225), (-3, 3, 225))  # some 216 more in one request of nine
_RESPONSES_TOOLS_GPT_5 = ((3, 3, 3), (3, 3, 3))
_TOOL = (0, 2, 2)
_CHOICE = (7, 0, 0)  # where one function must be called, beside its name
# Of an earlier call with its result, beside the name, the arguments and the result; and more of each parallel one.
_CALL, _CALL_GPT_5 = (15, 4, 3), (21, 2, 4)
_PARALLEL = (8, 7, 28)
_SCHEMA, _SCHEMA_REASONS = (15, 16, 30), (0, 11, 12)  # beside its JSON and its name
_UNREAD = ("additionalProperties", "title")


def chat(fields: Fields, model: str) -> Frame:
    """Source: measured; the messages' frame is also OpenAI's cookbook, "How to count tokens with tiktoken"."""
    refuse(fields, _CHAT_UNKNOWN)
    total, systems = Sum(), list[int]()
    total.tokens = _prime(model)
    for message in objects(fields, "messages"):
        if message.keys() - _CHAT_MESSAGE or message.get("refusal"):
            raise Unknown
        role, content = message.get("role"), text(message.get("content"), ("text",))
        calls = message.get("tool_calls")
        systems += [len(total.texts)] if role in _SYSTEM_ROLES else []
        total.texts.append(content)
        if role == "tool":
            continue  # its frame is counted with the call
        if calls:
            _add_calls([call.get("function") for call in dicts(calls)], model, total)
            continue
        total.tokens += _message(role, model)
        if name := message.get("name"):
            total.tokens += 1
            total.texts.append("" if name == role else string(name))
    if given(fields, "response_format"):
        form = decode(fields, "response_format")
        _add_schema(form.get("json_schema") if isinstance(form, dict) else None, model, total)
    _add_tools(fields, model, systems, _CHAT_TOOLS_GPT_5 if _REASONS.search(model) else _CHAT_TOOLS, total)
    return total.frame()


def responses(fields: Fields, model: str) -> Frame:
    """The same numbers as chat: `instructions` are a system message."""
    refuse(fields, _RESPONSES_UNKNOWN)
    if "reasoning" in fields and b'"mode"' in bytes(fields["reasoning"]):
        raise Unknown
    total, systems = Sum(), list[int]()
    total.tokens = _prime(model)
    if given(fields, "instructions"):
        total.tokens += _message("system", model)
        systems.append(0)
        total.texts.append(string(decode(fields, "instructions")))
    value = decode(fields, "input")
    calls: list[Any] = []
    for item in dicts([{"role": "user", "content": value}] if isinstance(value, str) else value):
        match item.get("type", "message"):
            case "message" if not item.keys() - _RESPONSES_MESSAGE:
                systems += [len(total.texts)] if item.get("role") in _SYSTEM_ROLES else []
                total.tokens += _message(item.get("role"), model)
                total.texts.append(text(item.get("content"), ("input_text", "output_text")))
            case "function_call":
                calls.append(item)
                continue
            case "function_call_output":
                total.texts.append(string(item.get("output")))
            case _:
                raise Unknown
        _add_calls(calls, model, total)
        calls = []
    _add_calls(calls, model, total)
    if _GPT_4O.search(model):
        total.add(_GPT_4O_HIDDEN)
    if given(fields, "text"):
        form = decode(fields, "text")
        _add_schema(form.get("format") if isinstance(form, dict) else None, model, total)
    _add_tools(fields, model, systems, _RESPONSES_TOOLS_GPT_5 if _REASONS.search(model) else _RESPONSES_TOOLS, total)
    return total.frame()


def _add_calls(calls: list[Any], model: str, total: Sum) -> None:
    """The tool calls of one turn."""
    for call in dicts(calls):
        total.texts += [string(call.get("name")), string(call.get("arguments"))]
        total.add(_CALL_GPT_5 if _REASONS.search(model) else _CALL)
    total.add(_PARALLEL, max(0, len(calls) - 1))


def _add_tools(fields: Fields, model: str, systems: list[int], around: _Around, total: Sum) -> None:
    """The tools' text joins the first system message; *systems* says which texts are those."""
    names = [name for name in ("tools", "functions") if given(fields, name)]
    if not names:
        return
    tools = objects(fields, names[0])
    written = HEADER + namespace(tools)
    if systems:
        total.texts[systems[0]] += "\n\n" + written
    else:
        total.texts.append(written)
    total.add(around[0 if systems else 1])
    total.add(_TOOL, len(tools))
    if (name := _forced(fields)) is not None and not _REASONS.search(model):
        total.texts.append(name)
        total.add(_CHOICE)


def _add_schema(form: Any, model: str, total: Sum) -> None:
    """The schema that the answer must have: its JSON, of which some keywords are not read."""
    if not isinstance(form, dict) or "schema" not in form:
        return
    schema = json.dumps(_read(form["schema"]), ensure_ascii=False, separators=(",", ":"))
    total.texts += [schema, string(form.get("name", ""))]
    total.add(_SCHEMA_REASONS if _REASONS.search(model) else _SCHEMA)


def _read(schema: Any) -> Any:
    """A schema without what is not read; a property may well have the name of a keyword."""
    if isinstance(schema, dict):
        return {name: _read(inner) for name, inner in schema.items() if isinstance(inner, dict) or name not in _UNREAD}
    return [_read(inner) for inner in schema] if isinstance(schema, list) else schema


def _forced(fields: Fields) -> str | None:
    """The function that must be called."""
    choice = decode(fields, "tool_choice") if given(fields, "tool_choice") else None
    if not isinstance(choice, dict):
        return None
    return string((choice.get("function") or choice).get("name"))


def _prime(model: str) -> int:
    return 2 if _REASONS.search(model) else 3


def _message(role: Any, model: str) -> int:
    if role not in ("system", "developer", "user", "assistant"):
        raise Unknown
    return 4 + 2 * (role == "assistant" and _GPT_5.search(model) is not None)
