"""The neutral form → a request of OpenAI's chat/completions, as all who speak it understand it.

Source: https://platform.openai.com/docs/api-reference/chat/create.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw

from dd0c_route.wire.neutral.carried import offered
from dd0c_route.wire.neutral.dialect import Aim, Written
from dd0c_route.wire.neutral.efforts import effort_of
from dd0c_route.wire.neutral.form import (
    Audio,
    Choice,
    File,
    Foreign,
    Image,
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
from dd0c_route.wire.neutral.ids import fitting
from dd0c_route.wire.neutral.losses import Losses
from dd0c_route.wire.neutral.media import as_url, text_of

DIALECT = "chat"
TARGET = "OpenAI's chat API"
_ID = re.compile(r".{1,40}", re.DOTALL)  # longer ones are refused by OpenAI
_USER = re.compile(r".{1,64}", re.DOTALL)  # likewise
_NEWER_LIMIT = ("openai", "azure")  # whose newer models refuse `max_tokens`; others know nothing else
_NO_TOP_K = ("openai", "azure", "groq", "mistral", "deepseek", "xai", "cerebras")  # who refuse it or do not have it
_SAMPLING = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_EMPTY_SCHEMA = Raw(b'{"type":"object","properties":{}}')


def write(prompt: Prompt, aim: Aim) -> Written:
    """The body for *aim*, and what is not in it."""
    losses = Losses(prompt, DIALECT, TARGET)
    body: dict[str, Any] = {"model": aim.model, "messages": _messages(prompt, losses)}
    newer = aim.provider in _NEWER_LIMIT or "max_tokens" in aim.refuses
    plain: dict[str, Any] = {
        "max_completion_tokens" if newer else "max_tokens": prompt.max_output,
        "seed": prompt.seed,
    }
    if "sampling" in aim.refuses:
        losses.unless_unset(*_SAMPLING, why=f"{aim.model[:64]} refuses it")
    else:
        plain |= {name: getattr(prompt, name) for name in _SAMPLING}
    if "stop" in aim.refuses:
        losses.unless_unset("stop", why=f"{aim.model[:64]} refuses it")
    else:
        plain["stop"] = list(prompt.stop) or None
    if prompt.top_k is not None and aim.provider in _NO_TOP_K:
        losses.add("top_k")
    else:
        plain["top_k"] = prompt.top_k
    body |= {name: value for name, value in plain.items() if value is not None}
    if prompt.n != 1:
        body["n"] = prompt.n
    if prompt.logprobs is not None:
        body |= {"logprobs": True} | ({"top_logprobs": prompt.logprobs} if prompt.logprobs else {})
    if prompt.shape is not None:
        body["response_format"] = _format(prompt.shape)
    if effort := effort_of(prompt, aim, losses):
        body["reasoning_effort"] = effort
    body |= _tools(prompt, losses)
    if prompt.stream:
        body["stream"] = True
    if prompt.user:
        body["user"] = fitting(prompt.user, _USER, "user_")
    if prompt.dialect == DIALECT:
        body |= {name: Raw(raw) for name, raw in prompt.extras.items()}
    return Written(msgspec.json.encode(body), losses.found())


def _format(shape: Shape) -> dict[str, Any]:
    if not shape.schema:
        return {"type": "json_object"}
    inner: dict[str, Any] = {"name": shape.name or "answer", "schema": Raw(shape.schema)}
    if shape.description:
        inner["description"] = shape.description
    if shape.strict is not None:
        inner["strict"] = shape.strict
    return {"type": "json_schema", "json_schema": inner}


# --- tools ------------------------------------------------------------------------------------------------------------


def _tools(prompt: Prompt, losses: Losses) -> dict[str, Any]:
    given = offered(prompt, DIALECT, losses, free_text=True)
    written = [tool if isinstance(tool, Raw) else _tool(tool) for tool in given]
    if not written:
        return {}
    out: dict[str, Any] = {"tools": written}
    if prompt.tool_choice is not None:
        out["tool_choice"] = _choice(prompt.tool_choice, prompt)
    if prompt.parallel_tools is not None:
        out["parallel_tool_calls"] = prompt.parallel_tools
    return out


def _tool(tool: Tool) -> dict[str, Any]:
    inner: dict[str, Any] = {"name": tool.name}
    if tool.description:
        inner["description"] = tool.description
    if tool.custom:
        return {"type": "custom", "custom": inner | ({"format": Raw(tool.schema)} if tool.schema else {})}
    inner["parameters"] = Raw(tool.schema) if tool.schema else _EMPTY_SCHEMA
    if tool.strict is not None:
        inner["strict"] = tool.strict
    return {"type": "function", "function": inner}


def _choice(choice: Choice, prompt: Prompt) -> Any:
    if choice.mode != "named":
        return choice.mode
    custom = any(isinstance(tool, Tool) and tool.custom and tool.name == choice.name for tool in prompt.tools)
    kind = "custom" if custom else "function"
    return {"type": kind, kind: {"name": choice.name}}


# --- messages ---------------------------------------------------------------------------------------------------------


def _messages(prompt: Prompt, losses: Losses) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    if prompt.system:
        messages.append({"role": "system", "content": _texts(prompt.system)})
    for turn in prompt.turns:
        if turn.role == "assistant":
            messages.append(_said(turn.parts, losses))
        elif turn.role == "system":
            messages.append({"role": "system", "content": _texts(turn.parts)})
        else:
            messages += _asked(turn, losses)
    return messages


def _texts(parts: Iterable[Part]) -> Any:
    texts = [part.text for part in parts if isinstance(part, Text)]
    return texts[0] if len(texts) == 1 else [{"type": "text", "text": text} for text in texts]


def _asked(turn: Turn, losses: Losses) -> list[dict[str, Any]]:
    """A message for each result, as they must follow the calls at once, and one for the rest.

    A message with a result takes text alone: images that a tool gave stand in the user's message behind it.
    """
    messages: list[dict[str, Any]] = []
    rest: list[Part] = []
    for part in turn.parts:
        if not isinstance(part, ToolResult):
            rest.append(part)
            continue
        texts = [text for inner in part.parts if (text := _as_text(inner)) is not None]
        rest += [inner for inner in part.parts if _as_text(inner) is None]
        content = _texts(texts) if texts else ""
        messages.append({"role": "tool", "tool_call_id": fitting(part.id, _ID, "call_"), "content": content})
        if part.is_error:
            messages[-1]["content"] = _as_error(content)
    content = [written for part in rest if (written := _part(part, losses)) is not None]
    if content or not messages:
        only_text = len(content) == 1 and isinstance(content[0], dict) and content[0]["type"] == "text"
        messages.append({"role": "user", "content": (content[0]["text"] if only_text else content) or ""})
    return messages


def _as_text(part: Part) -> Text | None:
    """A text, and a document of plain text, which is one."""
    if isinstance(part, File) and part.data and part.mime.startswith("text/"):
        return Text(text_of(part.data))
    return part if isinstance(part, Text) else None


def _as_error(content: Any) -> Any:
    """Chat has no field that says so: the text does, where it does not already."""
    text = content if isinstance(content, str) else "".join(part["text"] for part in content)
    if "error" in text[:64].lower():
        return content
    return f"Error: {content}" if isinstance(content, str) else [{"type": "text", "text": "Error:"}, *content]


def _said(parts: Iterable[Part], losses: Losses) -> dict[str, Any]:
    """The model's turn: one text and the calls behind it, since the dialect keeps no order between them."""
    message: dict[str, Any] = {"role": "assistant", "content": None}
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    thoughts: list[str] = []
    for part in parts:
        if isinstance(part, Text):
            texts.append(part.text)
        elif isinstance(part, ToolCall):
            calls.append(_call(part))
        elif isinstance(part, Thinking):  # of others: bound to who thought it, and no part of what was said
            thoughts += [part.text] if part.maker == DIALECT else []
        elif isinstance(part, Refusal):
            message["refusal"] = part.text
        else:
            losses.add(f"messages: {_name(part)} of the assistant")
    if texts or not (calls or "refusal" in message):
        message["content"] = "".join(texts)
    if calls:
        message["tool_calls"] = calls
    if thoughts:
        message["reasoning_content"] = "\n\n".join(thoughts)
    return message


def _call(call: ToolCall) -> dict[str, Any]:
    id = fitting(call.id, _ID, "call_")
    if call.custom:
        return {"id": id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": id, "type": "function", "function": {"name": call.name, "arguments": call.arguments or "{}"}}


def _part(part: Part, losses: Losses) -> Any:
    if (text := _as_text(part)) is not None:
        return {"type": "text", "text": text.text}
    if isinstance(part, Image):
        image = {"url": as_url(part.url, part.data, part.mime or "image/png")}
        return {"type": "image_url", "image_url": image | ({"detail": part.detail} if part.detail else {})}
    if isinstance(part, Audio):
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
    if isinstance(part, File) and part.data:
        return _file(part)
    if isinstance(part, File) and part.id and not losses.foreign:
        return {"type": "file", "file": {"file_id": part.id}}
    if isinstance(part, Foreign) and part.dialect == DIALECT:
        return Raw(part.raw)
    losses.add(f"messages: {_name(part)}", "it takes files by their bytes" if isinstance(part, File) else "")
    return None


def _file(part: File) -> dict[str, Any]:
    data = as_url("", part.data, part.mime or "application/pdf")
    return {"type": "file", "file": {"filename": part.name or "document.pdf", "file_data": data}}


def _name(part: Part) -> str:
    return part.kind if isinstance(part, Foreign) else type(part).__name__.lower()
