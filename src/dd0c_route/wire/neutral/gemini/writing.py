"""The neutral form → a request of Google's generateContent.

Source: https://ai.google.dev/api/generate-content; https://ai.google.dev/gemini-api/docs/thought-signatures and
/docs/thinking for what generations of models take.
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
    Audio,
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
from dd0c_route.wire.neutral.gemini.parts import DIALECT
from dd0c_route.wire.neutral.gemini.thinking import thinking_of
from dd0c_route.wire.neutral.losses import Losses

TARGET = "Gemini's API"
OLDER = re.compile(r".*gemini-[12]\b.*")  # models that need no signatures, and know less of results and schemas
UNSIGNED = "skip_thought_signature_validator"  # Google's own word for calls that another model made
_MOST_STOPS = 5
_MODES = {"none": "NONE", "auto": "AUTO", "required": "ANY", "named": "ANY"}
_SAMPLING = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
}


def write(prompt: Prompt, aim: Aim) -> Written:
    """The body for *aim*, whose name stands in the path, and what is not in it."""
    losses = Losses(prompt, DIALECT, TARGET)
    losses.unless_unset("n", "logprobs", why="several answers or their odds are not translated")
    if prompt.parallel_tools is False:
        losses.add("parallel_tools", "it calls as many tools at once as it likes")
    system, turns = instructed(prompt, bool)
    body: dict[str, Any] = {"contents": _contents(turns, prompt, aim, losses)}
    if system:
        body["systemInstruction"] = {"parts": [{"text": text.text} for text in system]}
    body |= _tools(prompt, losses)
    config = _config(prompt, aim, losses)
    if config:
        body["generationConfig"] = config
    if not losses.foreign:
        body |= {name: Raw(raw) for name, raw in prompt.extras.items()}
    return Written(msgspec.json.encode(body), losses.found())


def _config(prompt: Prompt, aim: Aim, losses: Losses) -> dict[str, Any]:
    config: dict[str, Any] = {"maxOutputTokens": prompt.max_output, "seed": prompt.seed}
    if "sampling" in aim.refuses:
        losses.unless_unset(*_SAMPLING, why=f"{aim.model[:64]} refuses it")
    else:
        config |= {word: getattr(prompt, name) for name, word in _SAMPLING.items()}
    if len(prompt.stop) > _MOST_STOPS:
        losses.add("stop", f"it takes {_MOST_STOPS} stops at most")
    elif prompt.stop:
        config["stopSequences"] = list(prompt.stop)
    if prompt.shape is not None:
        if prompt.tools and OLDER.match(aim.model):
            losses.add("shape", f"{aim.model[:64]} does not take it together with tools")
        else:
            config["responseMimeType"] = "application/json"
            config["responseJsonSchema"] = Raw(prompt.shape.schema) if prompt.shape.schema else None
    config["thinkingConfig"] = thinking_of(prompt, aim, losses) or None
    return {name: value for name, value in config.items() if value is not None}


# --- tools ------------------------------------------------------------------------------------------------------------


def _tools(prompt: Prompt, losses: Losses) -> dict[str, Any]:
    given = list(offered(prompt, DIALECT, losses))
    functions = [_function(tool) for tool in given if isinstance(tool, Tool)]
    written: list[Any] = [tool for tool in given if isinstance(tool, Raw)]
    if functions:
        written.insert(0, {"functionDeclarations": functions})
    if not written:
        return {}
    return {"tools": written} | (_choice(prompt.tool_choice) if prompt.tool_choice is not None else {})


def _function(tool: Tool) -> dict[str, Any]:
    out: dict[str, Any] = {"name": tool.name}
    if tool.description:
        out["description"] = tool.description
    if tool.schema:
        out["parametersJsonSchema"] = Raw(tool.schema)
    return out


def _choice(choice: Choice) -> dict[str, Any]:
    calling: dict[str, Any] = {"mode": _MODES[choice.mode]}
    if choice.mode == "named":
        calling["allowedFunctionNames"] = [choice.name]
    return {"toolConfig": {"functionCallingConfig": calling}}


# --- contents ---------------------------------------------------------------------------------------------------------


def _contents(turns: list[Turn], prompt: Prompt, aim: Aim, losses: Losses) -> list[dict[str, Any]]:
    """Turns of one side that follow each other are one: all results must stand in the content behind their calls."""
    names = {part.id: part.name for turn in prompt.turns for part in turn.parts if isinstance(part, ToolCall)}
    contents: list[dict[str, Any]] = []
    for turn in turns:
        role = "model" if turn.role == "assistant" else "user"
        parts: list[Any] = []
        for part in turn.parts:
            if isinstance(part, ToolResult):
                parts += _result(part, names, aim, losses)
            elif (written := _part(part, losses)) is not None:
                parts.append(written)
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        elif parts:
            contents.append({"role": role, "parts": parts})
    for content in contents:
        content["parts"].sort(key=lambda part: not (isinstance(part, dict) and "functionResponse" in part))
        if content["role"] == "model" and not OLDER.match(aim.model):
            _sign(content["parts"])
    return contents


def _sign(parts: list[Any]) -> None:
    """Since Gemini 3 the first call of a step must be signed, or it must be said that there is no signature."""
    first = next((part for part in parts if isinstance(part, dict) and "functionCall" in part), None)
    if first is not None:
        first.setdefault("thoughtSignature", UNSIGNED)


def _part(part: Part, losses: Losses) -> Any:
    if isinstance(part, Text | Refusal):
        return {"text": part.text} if part.text else None
    if isinstance(part, ToolCall):
        call: dict[str, Any] = {"id": part.id, "name": part.name, "args": as_object(part)}
        return {"functionCall": call} | ({"thoughtSignature": part.signature} if part.signature else {})
    if isinstance(part, Thinking):  # of others: bound to who thought it, and no part of what was said
        if part.maker != DIALECT or not part.text:
            return None
        return {"text": part.text, "thought": True} | ({"thoughtSignature": part.signature} if part.signature else {})
    if isinstance(part, Audio):
        return {"inlineData": {"mimeType": f"audio/{part.format}", "data": part.data}}
    if isinstance(part, Image | File):
        return _media(part, losses)
    if isinstance(part, Foreign) and part.dialect == DIALECT:
        return Raw(part.raw)
    losses.add(f"contents: {part.kind if isinstance(part, Foreign) else type(part).__name__.lower()}")
    return None


def _media(part: Image | File, losses: Losses) -> dict[str, Any] | None:
    mime = part.mime or ("image/png" if isinstance(part, Image) else "application/pdf")
    if part.data:
        return {"inlineData": {"mimeType": mime, "data": part.data}}
    if part.url:
        return {"fileData": {"mimeType": _type_of(part.url) or mime, "fileUri": part.url}}
    if isinstance(part, File) and part.id and not losses.foreign:
        return {"fileData": {"mimeType": mime, "fileUri": part.id}}
    losses.add("contents: file", "only the provider that keeps the file can read it")
    return None


_TYPES = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
    "heic": "image/heic", "heif": "image/heif", "pdf": "application/pdf", "txt": "text/plain", "html": "text/html",
    "csv": "text/csv", "md": "text/markdown",
}  # fmt: skip


def _type_of(url: str) -> str:
    """By the end of its path: the type must be said, and other dialects do not."""
    path = url.partition("?")[0].partition("#")[0]
    return _TYPES.get(path.rpartition(".")[2].lower(), "")


def _result(part: ToolResult, names: dict[str, str], aim: Aim, losses: Losses) -> list[Any]:
    """What a tool gave. Images go in it where the model takes them there, else behind it."""
    text = "".join([inner.text for inner in part.parts if isinstance(inner, Text)])
    media = [
        written for inner in part.parts if not isinstance(inner, Text) and (written := _part(inner, losses)) is not None
    ]
    response: dict[str, Any] = {
        "id": part.id,
        "name": part.name or names.get(part.id) or "unknown",
        "response": {"error" if part.is_error else "output": text},
    }
    if media and not OLDER.match(aim.model):
        response["parts"], media = media, []
    return [{"functionResponse": response}, *media]
