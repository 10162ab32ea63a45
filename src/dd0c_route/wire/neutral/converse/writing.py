"""The neutral form → a request of Bedrock's Converse.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw

from dd0c_route.wire.neutral.arguments import as_object
from dd0c_route.wire.neutral.carried import instructed, offered
from dd0c_route.wire.neutral.converse.extra import CLAUDE, NOVA, extra_for
from dd0c_route.wire.neutral.converse.media import document_format, document_name, image_format
from dd0c_route.wire.neutral.converse.request import DIALECT
from dd0c_route.wire.neutral.dialect import Aim, Written
from dd0c_route.wire.neutral.form import (
    Audio,
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

TARGET = "Bedrock's Converse"
_LIMIT = 4096  # against which a budget of thoughts is held where neither the caller nor anything known says one
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_NOTHING: dict[str, Any] = {"json": {}}  # what a tool gave that gave nothing: a blank text is refused
_EMPTY_SCHEMA = Raw(b'{"type":"object","properties":{}}')


class _Blocks:
    """Writes blocks for one request.

    Attributes:
        marks: The model takes marks of caches; others answer them with an error.
    """

    def __init__(self, losses: Losses, aim: Aim) -> None:
        self._losses = losses
        self._documents = 0
        model = aim.model.lower()
        self.marks = not losses.foreign or bool(CLAUDE.match(model) or NOVA.match(model))

    def of(self, part: Part) -> list[Any]:
        """The block for *part* and the mark behind it; nothing where it cannot be said."""
        block = self._block(part)
        return [] if block is None else [block, *self.mark(getattr(part, "cache", ""))]

    def mark(self, cache: Cache) -> list[Any]:
        if not cache or not self.marks:
            return []
        return [{"cachePoint": {"type": "default"} | ({"ttl": "1h"} if cache == "1h" else {})}]

    def _block(self, part: Part) -> Any:
        if isinstance(part, Text | Refusal):
            return {"text": part.text} if part.text.strip() else None
        if isinstance(part, ToolCall):
            return {"toolUse": {"toolUseId": _id(part.id), "name": part.name, "input": as_object(part)}}
        if isinstance(part, ToolResult):
            return self._result(part)
        if isinstance(part, Thinking):
            return _thinking(part)
        if isinstance(part, Image) and part.data and (form := image_format(part.mime or "image/png")):
            return {"image": {"format": form, "source": {"bytes": part.data}}}
        if isinstance(part, File) and part.data and (form := document_format(part.mime)):
            self._documents += 1
            name = document_name(part.name, self._documents)
            return {"document": {"format": form, "name": name, "source": {"bytes": part.data}}}
        if isinstance(part, Audio):
            return {"audio": {"format": part.format, "source": {"bytes": part.data}}}
        if isinstance(part, Foreign) and part.dialect == DIALECT:
            return Raw(part.raw)
        name = part.kind if isinstance(part, Foreign) else type(part).__name__.lower()
        known = "it takes images and files by their bytes, of kinds that it knows"
        self._losses.add(f"messages: {name}", known if isinstance(part, Image | File) else "")
        return None

    def _result(self, part: ToolResult) -> Any:
        content = [block for inner in part.parts for block in self.of(inner)]
        out: dict[str, Any] = {"toolUseId": _id(part.id), "content": content or [_NOTHING]}
        return {"toolResult": out | ({"status": "error"} if part.is_error else {})}


def write(prompt: Prompt, aim: Aim) -> Written:
    """The body for *aim*, whose name stands in the path, and what is not in it."""
    losses = Losses(prompt, DIALECT, TARGET)
    losses.unless_unset("seed", "frequency_penalty", "presence_penalty", "n", "logprobs")
    if prompt.parallel_tools is False:
        losses.add("parallel_tools", "it calls as many tools at once as it likes")
    blocks = _Blocks(losses, aim)
    system, turns = instructed(prompt)
    body: dict[str, Any] = {"messages": _messages(turns, blocks)}
    if system:
        body["system"] = [block for text in system for block in blocks.of(text)]
    extra, thinks = extra_for(prompt, aim, prompt.max_output or aim.max_output or _LIMIT, losses)
    if config := _config(prompt, aim, losses, thinks=thinks):
        body["inferenceConfig"] = config
    body |= _tools(prompt, blocks, losses)
    if prompt.shape is not None and prompt.shape.schema:
        body["outputConfig"] = {"textFormat": _format(prompt)}
    elif prompt.shape is not None:
        losses.add("shape", "it has no JSON without a schema")
    if extra:
        body["additionalModelRequestFields"] = extra
    if not losses.foreign:
        body |= {name: Raw(raw) for name, raw in prompt.extras.items()}
    return Written(msgspec.json.encode(body), losses.found())


def _config(prompt: Prompt, aim: Aim, losses: Losses, *, thinks: bool) -> dict[str, Any]:
    config: dict[str, Any] = {"maxTokens": prompt.max_output}
    if "sampling" in aim.refuses:
        losses.unless_unset("temperature", "top_p", why=f"{aim.model[:64]} refuses it")
    else:
        config["topP"] = prompt.top_p
        if prompt.temperature is not None and prompt.temperature > 1:
            losses.add("temperature", "it goes from 0 to 1")
        elif prompt.temperature is not None and thinks and prompt.temperature != 1:
            losses.add("temperature", "a model that thinks takes 1 alone")
        else:
            config["temperature"] = prompt.temperature
    if prompt.stop and "stop" in aim.refuses:
        losses.add("stop", f"{aim.model[:64]} refuses it")
    elif prompt.stop:
        config["stopSequences"] = list(prompt.stop)
    return {name: value for name, value in config.items() if value is not None}


def _format(prompt: Prompt) -> dict[str, Any]:
    shape = prompt.shape
    assert shape is not None  # noqa: S101 - asked by who calls
    inner = {"schema": shape.schema.decode("utf-8", "replace"), "name": shape.name or "answer"}
    if shape.description:
        inner["description"] = shape.description
    return {"type": "json_schema", "structure": {"jsonSchema": inner}}


# --- tools ------------------------------------------------------------------------------------------------------------


def _tools(prompt: Prompt, blocks: _Blocks, losses: Losses) -> dict[str, Any]:
    choice = prompt.tool_choice
    if choice is not None and choice.mode == "none":
        if not any(isinstance(part, ToolCall | ToolResult) for turn in prompt.turns for part in turn.parts):
            return {}  # who has no tools calls none
        losses.add("tool_choice", "it cannot forbid tools, nor leave them out where they were called before")
    written: list[Any] = []
    for tool in offered(prompt, DIALECT, losses):
        written += [tool] if isinstance(tool, Raw) else [_tool(tool), *blocks.mark(tool.cache)]
    if not written:
        return {}
    return {"toolConfig": {"tools": written} | _choice(choice)}


def _tool(tool: Tool) -> dict[str, Any]:
    out: dict[str, Any] = {"name": tool.name}
    if tool.description:
        out["description"] = tool.description
    out["inputSchema"] = {"json": Raw(tool.schema) if tool.schema else _EMPTY_SCHEMA}
    if tool.strict is not None:
        out["strict"] = tool.strict
    return {"toolSpec": out}


def _choice(choice: Choice | None) -> dict[str, Any]:
    if choice is None or choice.mode == "none":
        return {}
    if choice.mode == "named":
        return {"toolChoice": {"tool": {"name": choice.name}}}
    return {"toolChoice": {"any" if choice.mode == "required" else "auto": {}}}


# --- messages ---------------------------------------------------------------------------------------------------------


def _messages(turns: list[Turn], blocks: _Blocks) -> list[dict[str, Any]]:
    """Turns of one side that follow each other are one message, since sides must alternate."""
    messages: list[dict[str, Any]] = []
    for turn in turns:
        content = [block for part in turn.parts for block in blocks.of(part)]
        if not content:
            continue  # it refuses an empty message
        if messages and messages[-1]["role"] == turn.role:
            messages[-1]["content"] += content
        else:
            messages.append({"role": turn.role, "content": content})
    return messages


def _thinking(part: Thinking) -> dict[str, Any] | None:
    """Only what was thought here is taken back; the rest was never said."""
    if part.maker != DIALECT:
        return None
    if part.sealed:
        return {"reasoningContent": {"redactedContent": part.signature}}
    told = {"text": part.text} | ({"signature": part.signature} if part.signature else {})
    return {"reasoningContent": {"reasoningText": told}}


def _id(id: str) -> str:
    return fitting(id, _ID, "tooluse_")
