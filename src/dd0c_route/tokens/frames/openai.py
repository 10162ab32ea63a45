"""OpenAI's frames, the same in chat and in Responses. Constants are measured on recorded requests (2024-2026)."""

from __future__ import annotations

import re
from typing import Any

from dd0c_route.tokens.frames.openai_tools import HEADER, namespace
from dd0c_route.tokens.frames.reading import Fields, Frame, Unknown, decode, dicts, given, objects, refuse, string, text

MODELS = re.compile(r"(?:^|/)(?:ft:)?(?:gpt-(?!oss)|chatgpt-|o[1-9](?:$|[-:]))")
_REASONS = re.compile(r"(?:^|/)(?:ft:)?(?:gpt-(?:[5-9]|\d\d)|o[1-9](?:$|[-:]))")
_GPT_5 = re.compile(r"(?:^|/)(?:ft:)?gpt-(?:[5-9]|\d\d)")
# What a whole answer costs beside its text: tokens, and how far below and above was seen. gpt-5 counts the channels
# that it answers in, beside the reasoning, which it reports.
ANSWER_ENDS = ((_GPT_5, (9, 6, 3)), (_REASONS, (0, 3, 21)), (MODELS, (0, 0, 1)))
_CHAT_UNKNOWN = ("audio", "prediction", "web_search_options")
_GPT_4O = re.compile(r"gpt-4o(?:$|-20)")
_GPT_4O_HIDDEN = 18  # in a third of the recorded requests to this model: a default system message of the host
_RESPONSES_UNKNOWN = ("previous_response_id", "conversation", "prompt", "context_management")


_SYSTEM_ROLES = ("system", "developer")
_Around = tuple[tuple[int, int, int], tuple[int, int, int]]
# Tokens around the tools' text, and how far below and above was seen: with a system message, and without.
_CHAT_TOOLS = ((-1, 3, 4), (3, 3, 3))
_CHAT_TOOLS_GPT_5 = ((84, 2, 3), (84, 2, 3))
_RESPONSES_TOOLS = ((-3, 3, 225), (-3, 3, 225))  # some 216 more in one request of nine
_RESPONSES_TOOLS_GPT_5 = ((3, 3, 3), (3, 3, 3))
_TOOL = 2  # further tokens below and above, for each tool
_CHOICE = 7  # where one function must be called, beside its name


def chat(fields: Fields, model: str) -> Frame:
    """Source: measured; the messages' frame is also OpenAI's cookbook, "How to count tokens with tiktoken"."""
    refuse(fields, _CHAT_UNKNOWN)
    if "response_format" in fields and b"json_schema" in bytes(fields["response_format"]):
        raise Unknown
    texts: list[str] = []
    systems: list[int] = []
    tokens = _prime(model)
    for message in objects(fields, "messages"):
        if message.keys() - {"role", "content", "name", "refusal", "annotations"} or message.get("refusal"):
            raise Unknown
        role = message.get("role")
        tokens += _message(role, model)
        systems += [len(texts)] if role in _SYSTEM_ROLES else []
        texts.append(text(message.get("content"), ("text",)))
        if name := message.get("name"):
            tokens += 1
            texts.append("" if name == role else string(name))
    around = _CHAT_TOOLS_GPT_5 if _REASONS.search(model) else _CHAT_TOOLS
    return _with_tools(Frame(tuple(texts), tokens), systems, fields, model, around)


def responses(fields: Fields, model: str) -> Frame:
    """The same numbers as chat: `instructions` are a system message."""
    refuse(fields, _RESPONSES_UNKNOWN)
    if "text" in fields and b"json_schema" in bytes(fields["text"]):
        raise Unknown
    if "reasoning" in fields and b'"mode"' in bytes(fields["reasoning"]):
        raise Unknown
    texts: list[str] = []
    systems: list[int] = []
    tokens = _prime(model)
    if given(fields, "instructions"):
        tokens += _message("system", model)
        systems.append(0)
        texts.append(string(decode(fields, "instructions")))
    value = decode(fields, "input")
    items = [{"role": "user", "content": value}] if isinstance(value, str) else value
    for item in dicts(items):
        if item.get("type", "message") != "message" or item.keys() - {"type", "role", "content", "id", "status"}:
            raise Unknown
        tokens += _message(item.get("role"), model)
        systems += [len(texts)] if item.get("role") in _SYSTEM_ROLES else []
        texts.append(text(item.get("content"), ("input_text", "output_text")))
    frame = Frame(tuple(texts), tokens, above=_GPT_4O_HIDDEN if _GPT_4O.search(model) else 0)
    around = _RESPONSES_TOOLS_GPT_5 if _REASONS.search(model) else _RESPONSES_TOOLS
    return _with_tools(frame, systems, fields, model, around)


def _with_tools(frame: Frame, systems: list[int], fields: Fields, model: str, around: _Around) -> Frame:
    """The tools' text joins the first system message; *systems* says which texts are those."""
    names = [name for name in ("tools", "functions") if given(fields, name)]
    if not names:
        return frame
    tools = objects(fields, names[0])
    texts, written = list(frame.texts), HEADER + namespace(tools)
    if systems:
        texts[systems[0]] += "\n\n" + written
    else:
        texts.append(written)
    tokens, below, above = around[0 if systems else 1]
    if (name := _forced(fields)) is not None and not _REASONS.search(model):
        texts.append(name)
        tokens += _CHOICE
    spread = _TOOL * len(tools)
    return Frame(tuple(texts), frame.tokens + tokens, frame.below + below + spread, frame.above + above + spread)


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
