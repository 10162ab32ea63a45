"""OpenAI's frames: chat, and Responses, which differs in tools and calls. Measured on recorded requests (2024-2026)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dd0c_route.tokens.frames.openai_calls import Call, add_responses_turn, add_turn
from dd0c_route.tokens.frames.openai_parts import content
from dd0c_route.tokens.frames.openai_schema import add_answers, format_text
from dd0c_route.tokens.frames.openai_tools import (
    GPT_5,
    REASONS,
    add_forced,
    functions,
    place_in_chat,
    place_in_responses,
    text_in_chat,
    text_in_responses,
)
from dd0c_route.tokens.frames.reading import Fields, Frame, Sum, Unknown, decode, dicts, given, objects, refuse, string

MODELS = re.compile(r"(?:^|/)(?:ft:)?(?:gpt-(?!oss)|chatgpt-|o[1-9](?:$|[-:]))")
_LATER_GPT_5 = re.compile(r"(?:^|/)(?:ft:)?gpt-(?!35)(?:5\.[2-9]|[6-9]|\d\d)")

_CHAT_UNKNOWN = ("audio", "data_sources")
_RESPONSES_UNKNOWN = ("previous_response_id", "conversation", "prompt", "context_management")
_FIRST_REASONING = re.compile(r"(?:^|/)o1-(?:mini|preview)")  # primed like gpt-4o
_BARE = re.compile(r"-search-preview")  # is billed the texts alone
_OPENROUTER_CALL = 8
_GPT_4O = re.compile(r"gpt-4o(?:$|-20)")
# In the first weeks of Responses: a system message of the host, and the tool for parallel calls.
_GPT_4O_HIDDEN, _GPT_4O_HIDDEN_WITH_TOOLS = (0, 0, 18), (0, 0, 225)
_CHAT_MESSAGE = {
    *("role", "content", "name", "refusal", "annotations", "tool_calls", "tool_call_id"),
    *("function_call", "reasoning_content"),
}
_RESPONSES_MESSAGE = {"type", "role", "content", "id", "status", "phase"}
_SYSTEM_ROLES = ("system", "developer")
# Earlier thoughts are read again in the same turn only. They come sealed: a head, and some six letters a token.
_STORED_THOUGHT = (0, 0, 2_000)  # or only their name is sent
_SEAL_CHARS, _TOKENS_A_CHAR, _THOUGHT_BAND = 1_000, 0.155, 0.25


def chat(fields: Fields, model: str, provider: str = "") -> Frame:
    """Source: measured; the messages' frame is also OpenAI's cookbook, "How to count tokens with tiktoken"."""
    refuse(fields, _CHAT_UNKNOWN)
    if given(fields, "web_search_options") and not _BARE.search(model):
        raise Unknown
    total = Sum()
    total.tokens = _prime(model)
    messages = objects(fields, "messages")
    first, answers = _add_messages(messages, model, total)
    form = _part(fields, "response_format", "json_schema")
    written = format_text(form, total)
    if provider == "openrouter" and GPT_5.search(model):  # asks for it in Responses
        place_in_responses(_tools(fields, text_in_responses, model, total), written, model, total)
        return total.frame()
    tools = _tools(fields, text_in_chat, model, total)
    if written:
        add_answers(form, answers, calls_tools=bool(tools), model=model, total=total)
    if provider == "openrouter":  # counted some calls like those in Responses
        total.above += _OPENROUTER_CALL * sum(len(message.get("tool_calls") or ()) for message in messages)
    place_in_chat(tools, written, first, model, total)
    if given(fields, "prediction"):  # is billed with the answer, but a few tokens were seen here
        total.above += len(bytes(fields["prediction"])) // 4
    return total.frame()


def _add_messages(messages: list[dict[str, Any]], model: str, total: Sum) -> tuple[tuple[int, str] | None, int]:
    """The messages of a chat.

    Returns:
        Where among the texts the system message stands that comes first, and its text; and how many answers in words
        there are.
    """
    first = None
    results = answers = 0  # results that follow a message with calls
    for place, message in enumerate(messages):
        if any(name not in _CHAT_MESSAGE for name, value in message.items() if value) or message.get("refusal"):
            raise Unknown
        role = message.get("role")
        if role in ("tool", "function"):
            results -= 1  # counted with its call
            if results < 0:
                raise Unknown
            continue
        calls = _chat_calls(messages, place)
        results = sum(len(call.results) for call in calls)
        text = content(message.get("content"), model, total)
        if place == 0 and role in _SYSTEM_ROLES:
            first = (len(total.texts), text)
        if text or not calls:
            answers += role == "assistant"
            total.texts.append(text)
            total.tokens += _message(role, model)
        if name := message.get("name"):
            total.tokens += 0 if calls and not GPT_5.search(model) else 1
            total.texts.append("" if name == role else string(name))
        if calls:
            add_turn(calls, model, total)
    return first, answers


def responses(fields: Fields, model: str) -> Frame:
    """The same numbers as chat: `instructions` are a system message."""
    refuse(fields, _RESPONSES_UNKNOWN)
    if "reasoning" in fields and b'"mode"' in bytes(fields["reasoning"]):
        raise Unknown
    total = Sum()
    total.tokens = _prime(model)
    if given(fields, "instructions"):
        total.tokens += _message("system", model)
        total.texts.append(string(decode(fields, "instructions")))
    value = decode(fields, "input")
    items = dicts([{"role": "user", "content": value}] if isinstance(value, str) else value)
    outputs = {
        string(item.get("call_id")): content(item.get("output"), model, total)
        for item in items
        if item.get("type") == "function_call_output"
    }
    turn: list[Call] = []
    for place, item in enumerate(items):
        kind = item.get("type", "message")
        if kind == "function_call":
            result = outputs.get(string(item.get("call_id")))
            results = [] if result is None else [result]
            turn.append(Call(string(item.get("name")), string(item.get("arguments")), results, "id" in item))
            continue
        if turn and kind != "reasoning":
            add_responses_turn(turn, model, total)
            turn = []
        _add_item(kind, item, items[place + 1 :], model, total)
    if turn:
        add_responses_turn(turn, model, total)
    if _GPT_4O.search(model):
        total.add(_GPT_4O_HIDDEN_WITH_TOOLS if given(fields, "tools") else _GPT_4O_HIDDEN)
    tools = ""
    if given(fields, "tools"):
        called = functions(objects(fields, "tools"))
        one_at_a_time = given(fields, "parallel_tool_calls") and decode(fields, "parallel_tool_calls") is False
        tools = text_in_responses(called, model, total, one_at_a_time=one_at_a_time)
        add_forced(called, _choice(fields), model, total, alone=True)
    place_in_responses(tools, format_text(_part(fields, "text", "format"), total), model, total)
    return total.frame()


def answer_end(model: str, api: str, provider: str) -> tuple[int, int, int]:
    """What a whole answer costs beside its text: tokens, and how far below and above was seen.

    Models that reason count the channels that they answer in, beside the reasoning, which they report.
    """
    in_responses = api == "openai.responses"
    if _LATER_GPT_5.search(model):
        return (4, 1, 6) if in_responses else (3, 0, 8)
    if GPT_5.search(model):
        return (4, 1, 10) if in_responses else (9, 6, 3)
    if REASONS.search(model):
        return 13, 13, 13
    if in_responses:
        return 1, 0, 1
    return (1, 1, 1) if provider == "azure" else (0, 0, 1)


def _add_item(kind: Any, item: dict[str, Any], rest: list[dict[str, Any]], model: str, total: Sum) -> None:
    match kind:
        case "message" if not item.keys() - _RESPONSES_MESSAGE:
            total.tokens += _message(item.get("role"), model)
            total.texts.append(content(item.get("content"), model, total))
        case "function_call_output":
            pass  # counted with its call
        case "reasoning":
            if any(later.get("role") == "user" for later in rest):
                return
            sealed = item.get("encrypted_content")
            if not isinstance(sealed, str):
                total.add(_STORED_THOUGHT)
                return
            chars = len(sealed)
            thought = round(max(0, chars - _SEAL_CHARS) * _TOKENS_A_CHAR)
            off = 40 + round(thought * _THOUGHT_BAND)
            total.add((thought, min(thought, off), off))
        case _:
            raise Unknown


def _chat_calls(messages: list[dict[str, Any]], place: int) -> list[Call]:
    """The calls of a message, each with the results that follow."""
    message = messages[place]
    if isinstance(legacy := message.get("function_call"), dict):
        found = [legacy]
    elif message.get("tool_calls"):
        found = [
            function for call in dicts(message["tool_calls"]) if isinstance(function := call.get("function"), dict)
        ]
        if len(found) < len(message["tool_calls"]):
            raise Unknown
    else:
        return []
    results = []
    for later in messages[place + 1 :]:
        if later.get("role") not in ("tool", "function"):
            break
        results.append(content(later.get("content"), "", Sum()))
    calls, last = [], len(found) - 1
    for i, function in enumerate(found):
        of_call = results[i:] if i == last else results[i : i + 1]
        calls.append(Call(string(function.get("name")), string(function.get("arguments")), of_call))
    return calls


def _tools(fields: Fields, written: Callable[[list[dict[str, Any]], str, Sum], str], model: str, total: Sum) -> str:
    """The text of a chat's tools, as *written* writes it."""
    for name in ("tools", "functions"):
        if given(fields, name):
            called = functions(objects(fields, name))
            add_forced(called, _choice(fields), model, total, alone=False)
            return written(called, model, total)
    return ""


def _part(fields: Fields, name: str, part: str) -> Any:
    """A field of a field; None where there is none."""
    value = decode(fields, name) if given(fields, name) else None
    return value.get(part) if isinstance(value, dict) else None


def _choice(fields: Fields) -> Any:
    for name in ("tool_choice", "function_call"):
        if given(fields, name):
            return decode(fields, name)
    return None


def _prime(model: str) -> int:
    if _BARE.search(model):
        return 0
    return 2 if REASONS.search(model) and not _FIRST_REASONING.search(model) else 3


def _message(role: Any, model: str) -> int:
    if role not in ("system", "developer", "user", "assistant"):
        raise Unknown
    if _BARE.search(model):
        return 0
    return 4 + 2 * (role == "assistant" and GPT_5.search(model) is not None)
