"""A request of Google's generateContent → the neutral form.

Source: https://ai.google.dev/api/generate-content, and https://cloud.google.com/vertex-ai/generative-ai/docs for what
Vertex AI adds. The model and whether it is a stream stand in the path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Raw

from dd0c_route.errors import BadRequest
from dd0c_route.wire.loose import dict_of, value_of
from dd0c_route.wire.neutral.form import (
    Choice,
    Foreign,
    Json,
    Loss,
    Part,
    Prompt,
    Reasoning,
    Shape,
    Text,
    Tool,
    ToolResult,
    Turn,
)
from dd0c_route.wire.neutral.gemini.fields import GoogleFields
from dd0c_route.wire.neutral.gemini.parts import Calls, part_of
from dd0c_route.wire.neutral.gemini.schema import of_google

DIALECT = "gemini"
_MODES: dict[str, Literal["none", "auto", "required"]] = {
    "MODE_UNSPECIFIED": "auto",
    "AUTO": "auto",
    "VALIDATED": "auto",
    "ANY": "required",
    "NONE": "none",
}
_LET_THROUGH = ("BLOCK_NONE", "OFF", "BLOCK_ONLY_HIGH", "HARM_BLOCK_THRESHOLD_UNSPECIFIED")
"""Thresholds of filters that nobody else has: what asks for little of them is answered elsewhere all the same."""


def read(fields: Mapping[str, Raw]) -> Prompt:
    """A body's undecoded fields as a prompt. Raises `BadRequest` where they are no such request."""
    unread: list[Loss] = []
    top = GoogleFields(fields, "", unread)
    choice, allowed = _choice(top)
    system = _system(top)
    turns = _turns(top)
    tools = tuple(tool for tool in _tools(top) if not allowed or (isinstance(tool, Tool) and tool.name in allowed))
    config = top.inner("generationConfig") or GoogleFields({}, "generationConfig", unread)
    top_k = config.take("topK", float)
    shape = _shape(config)
    _only_text(config)
    prompt = Prompt(
        dialect=DIALECT,
        system=system,
        turns=turns,
        tools=tools,
        tool_choice=choice,
        temperature=config.take("temperature", float),
        top_p=config.take("topP", float),
        top_k=None if top_k is None else int(top_k),
        stop=tuple(config.take("stopSequences", list[str]) or ()),
        seed=config.take("seed", int),
        frequency_penalty=config.take("frequencyPenalty", float) or None,
        presence_penalty=config.take("presencePenalty", float) or None,
        max_output=config.take("maxOutputTokens", int),
        shape=shape,
        reasoning=_reasoning(config),
        wants_usage=True,
    )
    config.done()
    top.take("model", str)
    extras = {**_safety(top), **top.rest()}
    return msgspec.structs.replace(prompt, extras=extras, unread=tuple(unread))


def _system(top: GoogleFields) -> tuple[Text, ...]:
    content = top.inner("systemInstruction")
    if content is None:
        return ()
    found = [part_of(part, Calls()) for part in content.each("parts")]
    if any(part is not None and not isinstance(part, Text) for part in found):
        top.lose("systemInstruction")
    return tuple(part for part in found if isinstance(part, Text))


def _turns(top: GoogleFields) -> tuple[Turn, ...]:
    if not top.has("contents"):
        raise BadRequest("`contents` is missing")
    turns: list[Turn] = []
    calls = Calls()
    for content in top.each("contents"):
        role = content.text("role") or "user"
        if role not in ("user", "model", "function"):
            raise BadRequest(f"`{content.place('role')}` must be user or model, not '{role[:64]}'")
        found = [part_of(part, calls) for part in content.each("parts")]
        parts: list[Part] = [part for part in found if part is not None]
        if role != "model":
            parts.sort(key=lambda part: not isinstance(part, ToolResult))
        content.done()
        turns.append(Turn("assistant" if role == "model" else "user", tuple(parts)))
    return tuple(turns)


# --- tools ------------------------------------------------------------------------------------------------------------


def _tools(top: GoogleFields) -> list[Tool | Foreign]:
    """Its functions, and behind them the tools that only Google has."""
    found: list[Tool | Foreign] = []
    for tool in top.each("tools"):
        found += [_function(function) for function in tool.each("functionDeclarations")]
        found += [Foreign(DIALECT, name, msgspec.json.encode({name: Raw(raw)})) for name, raw in tool.rest().items()]
    return found


def _function(function: GoogleFields) -> Tool:
    """What it returns is told in its description, where the model reads it too."""
    description = function.text("description")
    schema = function.raw("parametersJsonSchema") or of_google(function.raw("parameters"))
    returns = function.raw("responseJsonSchema") or of_google(function.raw("response"))
    if returns:
        description = f"{description}\n\nIt returns JSON of this schema: {returns.decode('utf-8', 'replace')}".lstrip()
    found = Tool(function.text("name"), description, schema)
    function.done(("behavior", "responseJsonSchema", "response"))
    return found


def _choice(top: GoogleFields) -> tuple[Choice | None, tuple[str, ...]]:
    """Which tools must be called; and the only ones that may be, where that is said of several."""
    config = top.inner("toolConfig")
    if config is None:
        return None, ()
    calling = config.inner("functionCallingConfig")
    config.done(("includeServerSideToolInvocations",))  # goes with tools of Google's, which are lost by name
    if calling is None:
        return None, ()
    word = calling.text("mode").upper() or "AUTO"
    mode = _MODES.get(word)
    if mode is None:
        raise BadRequest("`toolConfig.functionCallingConfig.mode` must be AUTO, ANY, VALIDATED or NONE")
    if word == "VALIDATED":
        calling.lose("mode: VALIDATED")
    allowed = tuple(calling.take("allowedFunctionNames", list[str]) or ())
    calling.done(("streamFunctionCallArguments",))
    if mode == "required" and len(allowed) == 1:
        return Choice("named", allowed[0]), ()
    return Choice(mode), allowed if mode != "none" else ()


# --- settings ---------------------------------------------------------------------------------------------------------


def _shape(config: GoogleFields) -> Shape | None:
    kind = config.text("responseMimeType")
    schema = config.raw("responseJsonSchema") or of_google(config.raw("responseSchema"))
    if kind not in ("", "text/plain", "application/json"):
        config.lose("responseMimeType")
    return Shape(schema) if kind == "application/json" else None


def _reasoning(config: GoogleFields) -> Reasoning | None:
    thinking = config.inner("thinkingConfig")
    if thinking is None:
        return None
    level, budget = thinking.text("thinkingLevel").lower(), thinking.take("thinkingBudget", int)
    shown = thinking.take("includeThoughts", bool)
    thinking.done()
    if level == "thinking_level_unspecified":
        level = ""
    if budget == 0:
        return Reasoning(effort="none")
    if budget is not None and budget < 0:
        return Reasoning(adaptive=True, shown=shown)
    return Reasoning(level, budget, shown=shown) if level or budget or shown is not None else None


def _only_text(config: GoogleFields) -> None:
    """Other kinds of answers, or several of them, have no place in the form."""
    if any(kind.upper() != "TEXT" for kind in config.take("responseModalities", list[str]) or ()):
        config.lose("responseModalities")
    if (config.take("candidateCount", int) or 1) != 1:
        config.lose("candidateCount")
    if config.take("responseLogprobs", bool):
        config.lose("responseLogprobs")
    config.take("logprobs", int)  # how many of them


def _safety(top: GoogleFields) -> dict[str, Json]:
    raw = top.raw("safetySettings")
    asked = value_of(raw) if raw else []
    thresholds = [dict_of(one).get("threshold") for one in asked] if isinstance(asked, list) else [raw]
    return {} if all(one in _LET_THROUGH for one in thresholds) else {"safetySettings": raw}
