"""A request of OpenAI's Responses API → the neutral form.

Source: https://platform.openai.com/docs/api-reference/responses/create.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Raw

from dd0c_route.errors import BadRequest
from dd0c_route.wire.neutral.form import (
    Choice,
    Foreign,
    Json,
    Loss,
    Prompt,
    Reasoning,
    Shape,
    Text,
    Tool,
)
from dd0c_route.wire.neutral.reading import Fields, decoded
from dd0c_route.wire.neutral.responses.items import conversation
from dd0c_route.wire.neutral.responses.thoughts import DIALECT

_STATE = ("previous_response_id", "conversation", "prompt")  # what the provider keeps may be all that is asked
_LOGPROBS = "message.output_text.logprobs"  # the one thing to `include` that others have, and the form has not
_MODES: dict[str, Literal["none", "auto", "required"]] = {"none": "none", "auto": "auto", "required": "required"}


def read(fields: Mapping[str, Raw]) -> Prompt:
    """A body's undecoded fields as a prompt. Raises `BadRequest` where they are no such request."""
    unread: list[Loss] = []
    extras: dict[str, Json] = {}  # fields within fields under both names: `text.verbosity`
    top = Fields(fields, "", unread)
    if not top.has("input") and not any(top.has(name) for name in _STATE):
        raise BadRequest("`input` is missing")
    instructions = top.text("instructions")
    system, turns = conversation(top)
    tools = tuple(tool_of(one) for one in top.each("tools"))
    choice, tools = _choice(top, tools, extras)
    if (included := top.raw("include")) and _LOGPROBS in decoded(included, list[str], "include"):
        top.lose(_LOGPROBS)
    return Prompt(
        dialect=DIALECT,
        model=top.text("model"),
        system=((Text(instructions),) if instructions else ()) + tuple(system),
        turns=tuple(turns),
        tools=tools,
        tool_choice=choice,
        parallel_tools=top.take("parallel_tool_calls", bool),
        temperature=top.take("temperature", float),
        top_p=top.take("top_p", float),
        max_output=top.take("max_output_tokens", int),
        shape=_shape(top, extras),
        reasoning=_reasoning(top, extras),
        stream=bool(top.take("stream", bool)),
        wants_usage=True,
        user=top.text("user"),
        extras=extras | ({"include": included} if included else {}) | top.rest(),
        unread=tuple(unread),
    )


def _shape(top: Fields, extras: dict[str, Json]) -> Shape | None:
    text = top.inner("text")
    if text is None:
        return None
    form = text.inner("format")
    extras |= {f"text.{name}": raw for name, raw in text.rest().items()}
    kind = form.text("type") if form is not None else "text"
    if form is None or kind == "text":
        return None
    if kind == "json_object":
        return Shape()
    if kind != "json_schema":
        raise BadRequest(f"`text.format.type` must be text, json_object or json_schema, not '{kind[:64]}'")
    return Shape(form.raw("schema"), form.text("name"), form.text("description"), form.take("strict", bool))


def _reasoning(top: Fields, extras: dict[str, Json]) -> Reasoning | None:
    asked = top.inner("reasoning")
    if asked is None:
        return None
    effort = asked.text("effort")
    summary = asked.text("summary") or asked.text("generate_summary")  # its older name
    extras |= {f"reasoning.{name}": raw for name, raw in asked.rest().items()}
    return Reasoning(effort, shown=True if summary else None) if effort or summary else None


# --- tools ------------------------------------------------------------------------------------------------------------


def tool_of(tool: Fields) -> Tool | Foreign:
    """One of the tools that a request offers; those in a namespace, and whatever else only this API has, as it came."""
    kind = tool.text("type") or "function"
    if kind not in ("function", "custom"):
        return Foreign(DIALECT, kind, tool.whole(kind))
    found = Tool(
        name=tool.text("name"),
        description=tool.text("description"),
        schema=tool.raw("parameters") if kind == "function" else _format(tool),
        strict=tool.take("strict", bool) or None,  # an API that is strict by itself is told so where it need not be
        custom=kind == "custom",
    )
    tool.done(("defer_loading",))  # when it is shown to the model
    return found


def _format(tool: Fields) -> Json:
    """Of a custom tool's text, as chat says it: a grammar one level deeper."""
    given = tool.take("format", dict[str, Any])
    if not given:
        return b""
    if given.get("type") == "grammar" and "grammar" not in given:
        inner = {name: value for name, value in given.items() if name != "type"}
        given = {"type": "grammar", "grammar": inner}
    return msgspec.json.encode(given)


def _choice(
    top: Fields, tools: tuple[Tool | Foreign, ...], extras: dict[str, Json]
) -> tuple[Choice | None, tuple[Tool | Foreign, ...]]:
    """What may be called; where only some of the tools may, the others are none.

    What only the API itself has (its own tools by their kind) stays as it is.
    """
    raw = top.raw("tool_choice")
    if not raw:
        return None, tools
    if raw.startswith(b'"'):
        mode = _MODES.get(decoded(raw, str, "tool_choice"))
        if mode is None:
            raise BadRequest("`tool_choice` must be none, auto, required, or name a tool")
        return Choice(mode), tools
    found = decoded(raw, dict[str, Any], "tool_choice")
    name, allowed = found.get("name"), found.get("tools")
    if found.get("type") in ("function", "custom") and isinstance(name, str):
        return Choice("named", name), tools
    mode = _MODES.get(str(found.get("mode")))
    if mode is not None and isinstance(allowed, list):
        names = {one.get("name") or one.get("type") for one in allowed if isinstance(one, dict)}
        return Choice(mode), tuple(tool for tool in tools if _called(tool) in names)
    extras["tool_choice"] = raw
    return None, tools


def _called(tool: Tool | Foreign) -> str:
    return tool.name if isinstance(tool, Tool) else tool.kind
