"""A request of OpenAI's chat/completions → the neutral form.

Source: https://platform.openai.com/docs/api-reference/chat/create, and the pages of DeepSeek, Mistral and OpenRouter
for what they add.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Raw

from dd0c_route.errors import BadRequest
from dd0c_route.wire.neutral.chat.thoughts import asked_of, thought_of
from dd0c_route.wire.neutral.form import (
    Audio,
    Cache,
    Choice,
    File,
    Foreign,
    Image,
    Loss,
    Part,
    Prompt,
    Refusal,
    Shape,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from dd0c_route.wire.neutral.media import of_url
from dd0c_route.wire.neutral.reading import Fields, decoded

DIALECT = "chat"
_MODES: dict[str, Literal["none", "auto", "required"]] = {
    "none": "none",
    "auto": "auto",
    "required": "required",
    "any": "required",  # Mistral
}


def read(fields: Mapping[str, Raw]) -> Prompt:
    """A body's undecoded fields as a prompt. Raises `BadRequest` where they are no such request."""
    unread: list[Loss] = []
    top = Fields(fields, "", unread)
    system, turns = _messages(top)
    options = top.take("stream_options", dict[str, Any]) or {}
    limit, older = top.take("max_completion_tokens", int), top.take("max_tokens", int)
    logprobs, alternatives = top.take("logprobs", bool), top.take("top_logprobs", int)
    choice, tools = _choice(top, tuple(_tool(one) for one in top.each("tools")))
    return Prompt(
        dialect=DIALECT,
        model=top.text("model"),
        system=system,
        turns=turns,
        tools=tools,
        tool_choice=choice,
        parallel_tools=top.take("parallel_tool_calls", bool),
        temperature=top.take("temperature", float),
        top_p=top.take("top_p", float),
        top_k=top.take("top_k", int),  # vLLM, OpenRouter and others
        stop=_stop(top),
        seed=top.take("seed" if top.has("seed") else "random_seed", int),  # Mistral's name
        frequency_penalty=top.take("frequency_penalty", float) or None,
        presence_penalty=top.take("presence_penalty", float) or None,
        n=top.take("n", int) or 1,
        logprobs=(alternatives or 0) if logprobs else None,
        max_output=limit if limit is not None else older,
        shape=_shape(top),
        reasoning=asked_of(top),
        stream=bool(top.take("stream", bool)),
        wants_usage=options.get("include_usage") is True,
        user=top.text("user"),
        extras=top.rest(),
        unread=tuple(unread),
    )


def _stop(top: Fields) -> tuple[str, ...]:
    raw = top.raw("stop")
    if raw.startswith(b'"'):
        return (decoded(raw, str, "stop"),)
    return tuple(decoded(raw, list[str], "stop")) if raw else ()


def _shape(top: Fields) -> Shape | None:
    form = top.inner("response_format")
    kind = form.text("type") if form is not None else "text"
    if form is None or kind == "text":
        return None
    if kind == "json_object":
        return Shape()
    inner = form.inner("json_schema")
    if kind != "json_schema" or inner is None:
        raise BadRequest(f"`response_format.type` must be text, json_object or json_schema, not '{kind[:64]}'")
    found = Shape(inner.raw("schema"), inner.text("name"), inner.text("description"), inner.take("strict", bool))
    inner.done()
    form.done()
    return found


# --- tools ------------------------------------------------------------------------------------------------------------


def _tool(tool: Fields) -> Tool | Foreign:
    kind = tool.take("type", str) or "function"
    inner = tool.inner(kind) if kind in ("function", "custom") else None
    if inner is None:
        return Foreign(DIALECT, kind, _with_type(kind, tool))
    found = Tool(
        name=inner.text("name"),
        description=inner.text("description"),
        schema=inner.raw("parameters" if kind == "function" else "format"),
        strict=inner.take("strict", bool),
        custom=kind == "custom",
        cache=_cache(tool),
    )
    inner.done(("type",))  # some clients say it twice
    tool.done(("eager_input_streaming",))
    return found


def _choice(top: Fields, tools: tuple[Tool | Foreign, ...]) -> tuple[Choice | None, tuple[Tool | Foreign, ...]]:
    """What may be called; where only some of *tools* may, the others are none."""
    raw = top.raw("tool_choice")
    if not raw:
        return None, tools
    if raw.startswith(b'"'):
        mode = _MODES.get(decoded(raw, str, "tool_choice"))
        if mode is None:
            raise BadRequest("`tool_choice` must be none, auto, required, or name a function")
        return Choice(mode), tools
    asked = top.below(decoded(raw, dict[str, Raw], "tool_choice"), "tool_choice")
    kind = asked.text("type")
    inner = asked.inner(kind) if kind in ("function", "custom", "allowed_tools") else None
    mode = _MODES.get(inner.text("mode")) if inner is not None and kind == "allowed_tools" else None
    name = inner.text("name") if inner is not None and kind != "allowed_tools" else ""
    if inner is None or not (mode or name):
        raise BadRequest("`tool_choice` cannot be translated: name one function, or say none, auto or required")
    names = [_named(one) for one in inner.each("tools")] if mode else []
    inner.done()
    asked.done()
    if mode is None:
        return Choice("named", name), tools
    return Choice(mode), tuple(tool for tool in tools if isinstance(tool, Tool) and tool.name in names)


def _named(tool: Fields) -> str:
    """The name of one of the tools that are allowed."""
    kind = tool.text("type") or "function"
    inner = tool.inner(kind) if kind in ("function", "custom") else None
    return inner.text("name") if inner is not None else ""


# --- messages ---------------------------------------------------------------------------------------------------------


def _messages(top: Fields) -> tuple[tuple[Text, ...], tuple[Turn, ...]]:
    """What stands before the first turn, and the turns; results of tools that follow each other are one turn."""
    system: list[Text] = []
    turns: list[Turn] = []
    results: list[Part] = []
    if not top.has("messages"):
        raise BadRequest("`messages` is missing")
    for message in top.each("messages"):
        role = message.text("role")
        if role == "tool":
            results.append(_result(message))
            continue
        if results:
            turns.append(Turn("user", tuple(results)))
            results = []
        if role in ("system", "developer"):
            texts = _only_texts(message)
            if turns:
                turns.append(Turn("system", texts))
            else:
                system += texts
            message.take("name", str)
        elif role == "assistant":
            turns.append(Turn("assistant", tuple(_said(message))))
        elif role == "user":
            turns.append(Turn("user", tuple(_content(message))))
        else:
            raise BadRequest(f"`{message.place('role')}` cannot be translated: '{role[:64]}'")
        message.done()
    if results:
        turns.append(Turn("user", tuple(results)))
    return tuple(system), tuple(turns)


def _only_texts(message: Fields) -> tuple[Text, ...]:
    parts = _content(message)
    texts = tuple(part for part in parts if isinstance(part, Text))
    if len(texts) < len(parts):
        message.lose("content")
    return texts


def _result(message: Fields) -> ToolResult:
    found = _content(message)
    parts = tuple(part for part in found if isinstance(part, Text | Image | File | Foreign))
    if len(parts) < len(found):
        message.lose("content")
    result = ToolResult(message.text("tool_call_id"), parts, name=message.text("name"))
    message.done()
    return result


def _said(message: Fields) -> list[Part]:
    """The model's own turn: thoughts, words, calls. Its sound cannot be told again, its words stand beside it."""
    thought = message.text("reasoning_content") or message.text("reasoning")
    parts: list[Part] = [Thinking(thought, maker=DIALECT)] if thought else []
    parts += _content(message)
    if refusal := message.text("refusal"):
        parts.append(Refusal(refusal))
    for call in message.each("tool_calls"):
        custom = call.take("type", str) == "custom"
        inner = call.inner("custom" if custom else "function")
        if inner is None:
            raise BadRequest(f"`{call.place('function')}` is missing")
        arguments = inner.text("input" if custom else "arguments")
        parts.append(ToolCall(call.text("id"), inner.text("name"), arguments, custom))
        inner.done()
        call.done(("index",))
    message.take("name", str)  # who of several models spoke: they speak with one voice elsewhere
    message.done(("reasoning_details", "annotations", "reasoning", "provider_specific_fields"))
    return parts


def _content(message: Fields) -> list[Part]:
    raw = message.raw("content")
    if not raw:
        return []
    if raw.startswith(b'"'):
        text = decoded(raw, str, message.place("content"))
        return [Text(text)] if text else []
    where = message.place("content")
    found = decoded(raw, list[dict[str, Raw]], where)
    return [_part(message.below(one, f"content[{index}]")) for index, one in enumerate(found)]


def _part(part: Fields) -> Part:
    kind = part.text("type") or "text"
    found: Part
    if kind == "text":
        found = Text(part.text("text"), _cache(part))
    elif kind == "refusal":
        found = Refusal(part.text("refusal"))
    elif kind == "image_url" and (image := _address(part, "image_url")) is not None:
        found = Image(*of_url(image.text("url")), image.text("detail"), _cache(part))
        image.done()
    elif kind == "document_url" and (document := _address(part, "document_url")) is not None:  # Mistral
        found = File(*of_url(document.text("url")), part.text("document_name"), cache=_cache(part))
        document.done()
    elif kind == "thinking":  # Mistral
        found = Thinking(thought_of({"type": kind, "thinking": part.take("thinking", Any)}), maker=DIALECT)
        part.done(("closed",))
    elif kind == "input_audio" and (audio := part.inner("input_audio")) is not None:
        found = Audio(audio.text("data"), audio.text("format"))
        audio.done()
    elif kind == "file" and (file := part.inner("file")) is not None:
        url, data, mime = of_url(file.text("file_data"))
        found = File(url, data, mime, file.text("filename"), file.text("file_id"), _cache(part))
        file.done()
    else:
        return Foreign(DIALECT, kind, _with_type(kind, part))
    part.done(("prompt_cache_breakpoint",))
    return found


def _address(part: Fields, name: str) -> Fields | None:
    """The object that the field *name* holds; a text there is an address (Mistral)."""
    raw = part.raw(name)
    if raw.startswith(b'"'):
        return part.below({"url": Raw(raw)}, name)
    return part.below(decoded(raw, dict[str, Raw], part.place(name)), name) if raw else None


def _cache(fields: Fields) -> Cache:
    """OpenRouter and others hand Anthropic's marks on."""
    mark = fields.take("cache_control", dict[str, Any])
    if mark is None:
        return ""
    return "1h" if mark.get("ttl") == "1h" else "5m"


def _with_type(kind: str, fields: Fields) -> bytes:
    return msgspec.json.encode({"type": kind, **{name: Raw(raw) for name, raw in fields.rest().items()}})
