"""The neutral form → a request of OpenAI's Responses API.

Source: https://platform.openai.com/docs/api-reference/responses/create.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw

from dd0c_route.wire.loose import dict_of, value_of
from dd0c_route.wire.neutral.carried import offered
from dd0c_route.wire.neutral.dialect import Aim, Written
from dd0c_route.wire.neutral.efforts import effort_of
from dd0c_route.wire.neutral.form import (
    Audio,
    Choice,
    File,
    Foreign,
    Image,
    Json,
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
from dd0c_route.wire.neutral.responses.thoughts import DIALECT

TARGET = "OpenAI's Responses API"
_ID = re.compile(r".{1,64}", re.DOTALL)  # longer ones are refused
_USER = re.compile(r".{1,64}", re.DOTALL)  # likewise
_UNKNOWN = ("seed", "frequency_penalty", "presence_penalty", "n", "logprobs", "stop", "top_k")  # what it does not have
_EMPTY_SCHEMA = Raw(b'{"type":"object","properties":{}}')


def write(prompt: Prompt, aim: Aim) -> Written:
    """The body for *aim*, and what is not in it. Nothing of it is kept by the provider unless the caller said so."""
    losses = Losses(prompt, DIALECT, TARGET)
    losses.unless_unset(*_UNKNOWN)
    body: dict[str, Any] = {"model": aim.model, **_conversation(prompt, losses)}
    if prompt.max_output is not None:
        body["max_output_tokens"] = prompt.max_output
    if "sampling" in aim.refuses:
        losses.unless_unset("temperature", "top_p", why=f"{aim.model[:64]} refuses it")
    else:
        sampling = {"temperature": prompt.temperature, "top_p": prompt.top_p}
        body |= {name: value for name, value in sampling.items() if value is not None}
    if prompt.shape is not None:
        body["text"] = {"format": _format(prompt.shape)}
    if reasoning := _reasoning(prompt, aim, losses):
        body["reasoning"] = reasoning
    body |= _tools(prompt, losses)
    if prompt.stream:
        body["stream"] = True
    if prompt.user:
        body["user"] = fitting(prompt.user, _USER, "user_")
    if losses.foreign:
        body["store"] = False
    else:
        for name, raw in prompt.extras.items():
            outer, _, inner = name.partition(".")
            body[outer] = {**body.get(outer, {}), inner: Raw(raw)} if inner else Raw(raw)
    return Written(msgspec.json.encode(body), losses.found())


def _reasoning(prompt: Prompt, aim: Aim, losses: Losses) -> dict[str, Any]:
    effort = effort_of(prompt, aim, losses)
    shown = prompt.reasoning is not None and prompt.reasoning.shown and aim.reasons is not False
    return ({"effort": effort} if effort else {}) | ({"summary": "auto"} if shown else {})


def _format(shape: Shape) -> dict[str, Any]:
    if not shape.schema:
        return {"type": "json_object"}
    out: dict[str, Any] = {"type": "json_schema", "name": shape.name or "answer", "schema": Raw(shape.schema)}
    if shape.description:
        out["description"] = shape.description
    if shape.strict is not None:
        out["strict"] = shape.strict
    return out


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
    """`strict` is said in any case: this API is strict where it is not, unlike all others."""
    out: dict[str, Any] = {"type": "custom" if tool.custom else "function", "name": tool.name}
    if tool.description:
        out["description"] = tool.description
    if tool.custom:
        return out | ({"format": _flat(tool.schema)} if tool.schema else {})
    return out | {"parameters": Raw(tool.schema) if tool.schema else _EMPTY_SCHEMA, "strict": tool.strict or False}


def _flat(form: Json) -> dict[str, Any]:
    """The format of a custom tool's text, a grammar's fields beside its type."""
    found = dict_of(value_of(form))
    return {"type": "grammar", **dict_of(found["grammar"])} if "grammar" in found else found


def _choice(choice: Choice, prompt: Prompt) -> Any:
    if choice.mode != "named":
        return choice.mode
    custom = any(isinstance(tool, Tool) and tool.custom and tool.name == choice.name for tool in prompt.tools)
    return {"type": "custom" if custom else "function", "name": choice.name}


# --- items ------------------------------------------------------------------------------------------------------------


def _conversation(prompt: Prompt, losses: Losses) -> dict[str, Any]:
    """The first instruction has a field of its own, unless it is all that is asked."""
    system = list(prompt.system)
    out: dict[str, Any] = {"instructions": system.pop(0).text} if system and prompt.turns else {}
    items: list[Any] = [_message("system", text.text) for text in system]
    for turn in prompt.turns:
        if turn.role == "assistant":
            items += _said(turn.parts, losses)
        elif turn.role == "system":
            items.append(_message("system", _content(turn.parts, losses)))
        else:
            items += _asked(turn, losses)
    return out | {"input": items}


def _message(role: str, content: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


def _asked(turn: Turn, losses: Losses) -> list[Any]:
    items: list[Any] = []
    rest: list[Part] = []
    for part in turn.parts:
        if isinstance(part, ToolResult):
            items.append(_result(part, losses))
        elif isinstance(part, Foreign) and part.dialect == DIALECT and not part.kind.startswith("input_"):
            items.append(Raw(part.raw))
        else:
            rest.append(part)
    if rest:
        items.append(_message("user", _content(rest, losses)))
    return items


def _content(parts: Iterable[Part], losses: Losses) -> Any:
    """One text as it is; anything else in parts."""
    written = [found for part in parts if (found := _part(part, losses)) is not None]
    only = written[0] if len(written) == 1 and isinstance(written[0], dict) else {}
    return only["text"] if only.keys() == {"type", "text"} else written


def _result(part: ToolResult, losses: Losses) -> dict[str, Any]:
    """There is no field that says that a tool failed: the text does, where it does not already."""
    output = _content(part.parts, losses) or ""
    if part.is_error and "error" not in str(output)[:64].lower():
        output = f"Error: {output}" if isinstance(output, str) else [{"type": "input_text", "text": "Error:"}, *output]
    kind = "custom_tool_call_output" if part.custom else "function_call_output"
    return {"type": kind, "call_id": fitting(part.id, _ID, "call_"), "output": output}


def _said(parts: Iterable[Part], losses: Losses) -> list[Any]:
    """The model's turn. Thoughts of others were never said, and its own count with their seal alone."""
    items: list[Any] = []
    texts: list[dict[str, str]] = []
    for part in parts:
        if isinstance(part, Text | Refusal):
            if not texts:
                items.append(_message("assistant", texts))
            refused = isinstance(part, Refusal)
            texts.append({"type": "refusal" if refused else "output_text", "refusal" if refused else "text": part.text})
            continue
        texts = []
        if isinstance(part, ToolCall):
            items.append(_call(part))
        elif isinstance(part, Thinking):
            if part.maker == DIALECT and part.signature:
                summary = [{"type": "summary_text", "text": part.text}] if part.text else []
                items.append({"type": "reasoning", "summary": summary, "encrypted_content": part.signature})
        elif isinstance(part, Foreign) and part.dialect == DIALECT:
            items.append(Raw(part.raw))
        else:
            losses.add(f"messages: {_name(part)} of the assistant")
    return items


def _call(call: ToolCall) -> dict[str, Any]:
    out = {"type": "function_call", "call_id": fitting(call.id, _ID, "call_"), "name": call.name}
    if call.namespace:
        out["namespace"] = call.namespace
    if call.custom:
        return out | {"type": "custom_tool_call", "input": call.arguments}
    return out | {"arguments": call.arguments or "{}"}


def _part(part: Part, losses: Losses) -> Any:
    if isinstance(part, Text):
        return {"type": "input_text", "text": part.text}
    if isinstance(part, Image):
        url = as_url(part.url, part.data, part.mime or "image/png")
        return {"type": "input_image", "image_url": url, "detail": part.detail or "auto"}
    if isinstance(part, Audio):
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
    if isinstance(part, File) and (part.data or part.url or (part.id and not losses.foreign)):
        return _file(part)
    if isinstance(part, Foreign) and part.dialect == DIALECT:
        return Raw(part.raw)
    losses.add(f"messages: {_name(part)}", "it reads no files of others" if isinstance(part, File) else "")
    return None


def _file(part: File) -> dict[str, Any]:
    if part.data and part.mime.startswith("text/"):  # a document of plain text is a text
        return {"type": "input_text", "text": text_of(part.data)}
    if part.url:
        return {"type": "input_file", "file_url": part.url}
    if not part.data:
        return {"type": "input_file", "file_id": part.id}
    data = as_url("", part.data, part.mime or "application/pdf")
    return {"type": "input_file", "filename": part.name or "document.pdf", "file_data": data}


def _name(part: Part) -> str:
    return part.kind if isinstance(part, Foreign) else type(part).__name__.lower()
