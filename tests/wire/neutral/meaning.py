"""What must survive translation, in one shape for all dialects: of a request, and of an answer.

Left out is what docs/translation.md says is said otherwise or goes without saying: thoughts of other models, the place
of instructions, which of a model's words stood before which call, marks of caches, names of schemas.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from dd0c_route.wire.neutral.form import (
    Answer,
    Audio,
    File,
    Foreign,
    Image,
    Part,
    Prompt,
    Refusal,
    StopReason,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from dd0c_route.wire.neutral.media import text_of

CLASSES: dict[StopReason, str] = {
    "stop": "ended",
    "sequence": "ended",
    "pause": "ended",
    "other": "ended",
    "length": "cut",
    "context": "cut",
    "tools": "tools",
    "filter": "withheld",
    "refusal": "withheld",
    "broken": "withheld",
}
"""Reasons that a dialect may have one word for."""


NO_ARGUMENTS = {"type": "object", "properties": {}}  # what some dialects insist on where others say nothing


def json_of(text: str | bytes) -> Any:
    """The value of a JSON text; a text that is none stands for itself."""
    try:
        return msgspec.json.decode(text or "{}") or {}  # no fields, however that was written
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {"input": text}


def said(answer: Answer) -> dict[str, Any]:
    """Of an answer: text, thoughts, calls with their arguments as JSON, why it ended, and token totals."""
    calls = [part for part in answer.parts if isinstance(part, ToolCall)]
    usage = answer.usage
    return {
        "text": "".join(part.text for part in answer.parts if isinstance(part, Text | Refusal)),
        # Several thoughts may become one, with a line between them.
        "thoughts": "".join("".join([one.text for one in answer.parts if isinstance(one, Thinking)]).split()),
        "calls": [(call.name, json_of(call.arguments)) for call in calls],
        "stop": CLASSES[answer.stop],
        "totals": None if usage is None else (usage.input_total, usage.cache_read, usage.output_total, usage.reasoning),
    }


def asked(prompt: Prompt) -> dict[str, Any]:
    """Of a request: instructions, turns, tools and settings."""
    places: dict[str, int] = {}
    tools = [tool for tool in prompt.tools if isinstance(tool, Tool)]
    instructions = [part.text for part in prompt.system]
    instructions += [part.text for turn in prompt.turns if turn.role == "system" for part in _texts(turn.parts)]
    turns: list[tuple[str, list[Part]]] = []
    for turn in prompt.turns:
        said = [part for part in turn.parts if not isinstance(part, Thinking)]
        if turn.role != "system" and said:
            if not turns or turns[-1][0] != turn.role:
                turns.append((turn.role, []))
            turns[-1][1].extend(said)
    if not turns and instructions:  # nothing else is asked
        turns.append(("user", [Text(instructions.pop())]))
    return {
        "instructions": "".join(instructions).strip(),
        "turns": [told for role, parts in turns if (told := (role, _turn(parts, places)))[1]],
        "tools": [(tool.name, tool.description, json_of(tool.schema) or NO_ARGUMENTS) for tool in tools],
        "choice": prompt.tool_choice.mode if prompt.tool_choice is not None and tools else "auto",
        "stop": prompt.stop,
        "temperature": prompt.temperature,
        "top_p": prompt.top_p,
        "most": prompt.max_output,
        "shape": None if prompt.shape is None else json_of(prompt.shape.schema),
        "stream": prompt.stream,
    }


def _turn(parts: list[Part], places: dict[str, int]) -> dict[str, Any]:
    """One side's say, without what is empty. *places* says of each call's id which call of the conversation it is."""
    texts = "".join(text for part in parts if (text := _text_in(part)).strip())
    calls = [part for part in parts if isinstance(part, ToolCall)]
    for call in calls:
        places[call.id] = len(places)
    results = [part for part in parts if isinstance(part, ToolResult)]
    given = [inner for result in results for inner in result.parts]
    told = {
        "text": texts.strip(),
        "calls": [(call.name, json_of(call.arguments)) for call in calls],
        "results": sorted((places.get(one.id, -1), _result(one)) for one in results),
        "images": sorted(part.url or part.data for part in [*parts, *given] if isinstance(part, Image)),
        "files": sorted(
            part.url or part.data for part in [*parts, *given] if isinstance(part, File) and not _is_text(part)
        ),
        "audio": [part.data for part in parts if isinstance(part, Audio)],
        "foreign": [part.kind for part in parts if isinstance(part, Foreign)],
    }
    return {name: value for name, value in told.items() if value}


def _text_in(part: Part) -> str:
    """A document of plain text is a text at its place."""
    if isinstance(part, File):
        return text_of(part.data) if _is_text(part) else ""
    return part.text if isinstance(part, Text | Refusal) else ""


def _result(result: ToolResult) -> str:
    text = "".join(part.text for part in _texts(result.parts))
    text += "".join(text_of(part.data) for part in result.parts if isinstance(part, File) and _is_text(part))
    return text.removeprefix("Error:").strip()


def _texts(parts: Iterable[Part]) -> list[Text]:
    return [part for part in parts if isinstance(part, Text)]


def _is_text(part: File) -> bool:
    return part.mime.startswith("text/")
