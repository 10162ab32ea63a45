"""The neutral form → a request of Anthropic's Messages, version 2023-06-01, which still takes sampling parameters.

Source: https://docs.anthropic.com/en/api/messages.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw

from dd0c_route.wire.neutral.arguments import as_object
from dd0c_route.wire.neutral.carried import instructed, offered
from dd0c_route.wire.neutral.dialect import Aim, Written
from dd0c_route.wire.neutral.form import (
    Cache,
    Choice,
    File,
    Foreign,
    Image,
    Part,
    Prompt,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from dd0c_route.wire.neutral.ids import fitting
from dd0c_route.wire.neutral.losses import Losses
from dd0c_route.wire.neutral.media import text_of
from dd0c_route.wire.neutral.messages.request import DIALECT
from dd0c_route.wire.neutral.messages.thinking import thinking_of

TARGET = "Anthropic's Messages"
DEFAULT_LIMIT = 4096  # where neither the caller nor anything known of the model says it: all models can write so much
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EMPTY_SCHEMA = Raw(b'{"type":"object","properties":{}}')
_MODES = {"none": "none", "auto": "auto", "required": "any", "named": "tool"}


def write(prompt: Prompt, aim: Aim) -> Written:
    """The body for *aim*, and what is not in it."""
    losses = Losses(prompt, DIALECT, TARGET)
    losses.unless_unset("seed", "frequency_penalty", "presence_penalty", "n", "logprobs")
    limit = prompt.max_output or aim.max_output or DEFAULT_LIMIT
    body: dict[str, Any] = {"model": aim.model, "max_tokens": limit}
    system, turns = instructed(prompt)
    if system:
        body["system"] = _system(system)
    body["messages"] = _messages(turns, losses)
    body |= _tools(prompt, losses)
    thinking = thinking_of(prompt, aim, limit, losses)
    if thinking.asked:
        body["thinking"] = thinking.asked
    if "sampling" in aim.refuses:
        losses.unless_unset("temperature", "top_p", "top_k", why=f"{aim.model[:64]} refuses it")
    else:
        body |= _sampling(prompt, losses, thinks=thinking.thinks)
    body |= _stops(prompt, losses)
    config: dict[str, Any] = {"effort": thinking.effort} if thinking.effort else {}
    if prompt.shape is not None and prompt.shape.schema:
        config["format"] = {"type": "json_schema", "schema": Raw(prompt.shape.schema)}
    elif prompt.shape is not None:
        losses.add("shape", "it has no JSON without a schema")
    if config:
        body["output_config"] = config
    if prompt.user:
        body["metadata"] = {"user_id": prompt.user[:256]}
    if prompt.stream:
        body["stream"] = True
    if not losses.foreign:
        body |= {name: Raw(raw) for name, raw in prompt.extras.items()}
    return Written(msgspec.json.encode(body), losses.found())


def _sampling(prompt: Prompt, losses: Losses, *, thinks: bool) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if (temperature := prompt.temperature) is not None:
        if temperature > 1:
            losses.add("temperature", "it goes from 0 to 1")
        elif thinks and temperature != 1:
            losses.add("temperature", "a model that thinks takes 1 alone")
        else:
            out["temperature"] = temperature
    if prompt.top_p is not None:
        out["top_p"] = prompt.top_p
    if prompt.top_k is not None:
        if thinks:
            losses.add("top_k", "a model that thinks does not take it")
        else:
            out["top_k"] = prompt.top_k
    return out


def _stops(prompt: Prompt, losses: Losses) -> dict[str, Any]:
    stops = [stop for stop in prompt.stop if stop.strip()]
    if len(stops) < len(prompt.stop):
        losses.add("stop", "it refuses stops of blanks alone")
    return {"stop_sequences": stops} if stops else {}


# --- tools ------------------------------------------------------------------------------------------------------------


def _tools(prompt: Prompt, losses: Losses) -> dict[str, Any]:
    written = [tool if isinstance(tool, Raw) else _tool(tool) for tool in offered(prompt, DIALECT, losses)]
    if not written:
        return {}
    choice = _choice(prompt.tool_choice, prompt.parallel_tools)
    return {"tools": written} | ({"tool_choice": choice} if choice else {})


def _tool(tool: Tool) -> dict[str, Any]:
    out: dict[str, Any] = {"name": tool.name}
    if tool.description:
        out["description"] = tool.description
    out["input_schema"] = Raw(tool.schema) if tool.schema else _EMPTY_SCHEMA
    if tool.strict is not None:
        out["strict"] = tool.strict
    return out | _marked(tool.cache)


def _choice(choice: Choice | None, parallel: bool | None) -> dict[str, Any]:
    mode = choice.mode if choice is not None else "auto"
    out: dict[str, Any] = {"type": _MODES[mode]}
    if choice is not None and choice.name:
        out["name"] = choice.name
    if parallel is False and mode != "none":
        out["disable_parallel_tool_use"] = True
    return {} if choice is None and len(out) == 1 else out


def _marked(cache: Cache) -> dict[str, Any]:
    if not cache:
        return {}
    return {"cache_control": {"type": "ephemeral"} | ({"ttl": "1h"} if cache == "1h" else {})}


# --- messages ---------------------------------------------------------------------------------------------------------


def _system(texts: list[Text]) -> Any:
    if len(texts) == 1 and not texts[0].cache:
        return texts[0].text
    return [{"type": "text", "text": text.text} | _marked(text.cache) for text in texts]


def _messages(turns: list[Turn], losses: Losses) -> list[dict[str, Any]]:
    """Turns of one side that follow each other are one message, results of tools first in it."""
    messages: list[dict[str, Any]] = []
    last = len(turns) - 1
    for place, turn in enumerate(turns):
        blocks = [block for part in turn.parts if (block := _block(part, losses)) is not None]
        if place == last and turn.role == "assistant" and blocks and isinstance(blocks[-1], dict):
            _trim(blocks)
        if not blocks:
            continue  # it refuses an empty message
        if messages and messages[-1]["role"] == turn.role:
            messages[-1]["content"] += blocks
        else:
            messages.append({"role": turn.role, "content": blocks})
    for message in messages:
        if message["role"] == "user":
            message["content"].sort(key=lambda block: not (isinstance(block, dict) and block["type"] == "tool_result"))
        content = message["content"]
        if len(content) == 1 and isinstance(content[0], dict) and content[0].keys() == {"type", "text"}:
            message["content"] = content[0]["text"]
    return messages


def _trim(blocks: list[Any]) -> None:
    """An answer that is begun for the model must not end in blanks."""
    if blocks[-1].get("type") == "text":
        blocks[-1]["text"] = blocks[-1]["text"].rstrip()


def _block(part: Part, losses: Losses) -> Any:
    if isinstance(part, Text | Refusal):
        cache = part.cache if isinstance(part, Text) else ""
        return {"type": "text", "text": part.text} | _marked(cache) if part.text.strip() else None
    if isinstance(part, ToolCall):
        return {"type": "tool_use", "id": _id(part.id), "name": part.name, "input": as_object(part)} | _marked(
            part.cache
        )
    if isinstance(part, ToolResult):
        return _result(part, losses)
    if isinstance(part, Thinking):
        return _thinking(part)
    if isinstance(part, Image) and (part.url or part.data):
        return {"type": "image", "source": _source(part.url, part.data, part.mime or "image/png")} | _marked(part.cache)
    if isinstance(part, File) and (source := _document(part, losses)) is not None:
        return (
            {"type": "document", "source": source} | ({"title": part.name} if part.name else {}) | _marked(part.cache)
        )
    if isinstance(part, Foreign) and part.dialect == DIALECT:
        return Raw(part.raw)
    name = part.kind if isinstance(part, Foreign) else type(part).__name__.lower()
    losses.add(f"messages: {name}", "it reads PDF and plain text alone" if isinstance(part, File) else "")
    return None


def _id(id: str) -> str:
    return fitting(id, _ID, "toolu_")


def _result(part: ToolResult, losses: Losses) -> dict[str, Any]:
    out: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(part.id)}
    content = [block for inner in part.parts if (block := _block(inner, losses)) is not None]
    if content:
        only = content[0] if len(content) == 1 and isinstance(content[0], dict) else {}
        out["content"] = only["text"] if only.keys() == {"type", "text"} else content
    if part.is_error:
        out["is_error"] = True
    return out | _marked(part.cache)


def _thinking(part: Thinking) -> dict[str, Any] | None:
    """Only what a model of Anthropic's thought, and with its signature, is taken back; the rest was never said."""
    if part.maker != DIALECT or not part.signature:
        return None
    if part.sealed:
        return {"type": "redacted_thinking", "data": part.signature}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _source(url: str, data: str, mime: str) -> dict[str, str]:
    return {"type": "url", "url": url} if url else {"type": "base64", "media_type": mime, "data": data}


def _document(part: File, losses: Losses) -> dict[str, str] | None:
    if part.id and not part.data:
        return None if losses.foreign else {"type": "file", "file_id": part.id}
    if part.mime.startswith("text/") or part.mime in ("application/json", "application/xml"):
        return {"type": "text", "media_type": "text/plain", "data": text_of(part.data)}
    if part.url or part.mime in ("", "application/pdf"):
        return _source(part.url, part.data, "application/pdf")
    return None
