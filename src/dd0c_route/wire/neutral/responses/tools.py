"""The tools that a request of the Responses API offers, and which of them the model may or must call.

Source: https://platform.openai.com/docs/api-reference/responses/create.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from dd0c_route.errors import BadRequest
from dd0c_route.wire.neutral.form import Choice, Foreign, Json, Tool
from dd0c_route.wire.neutral.reading import Fields, decoded
from dd0c_route.wire.neutral.responses.thoughts import DIALECT

_MODES: dict[str, Literal["none", "auto", "required"]] = {"none": "none", "auto": "auto", "required": "required"}


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


def distinct(tools: Iterable[Tool | Foreign]) -> tuple[Tool | Foreign, ...]:
    """*tools* without those of a name that stands twice: the last one counts."""
    found: dict[str, Tool | Foreign] = {}
    for number, tool in enumerate(tools):
        found[f"={tool.name}" if isinstance(tool, Tool) else f"{number}"] = tool
    return tuple(found.values())


def _format(tool: Fields) -> Json:
    """Of a custom tool's text, as chat says it: a grammar one level deeper."""
    given = tool.take("format", dict[str, Any])
    if not given:
        return b""
    if given.get("type") == "grammar" and "grammar" not in given:
        inner = {name: value for name, value in given.items() if name != "type"}
        given = {"type": "grammar", "grammar": inner}
    return msgspec.json.encode(given)


def choice_of(
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
        names = [one.get("name") or one.get("type") for one in allowed if isinstance(one, dict)]
        return Choice(mode), tuple(tool for tool in tools if _called(tool) in names)
    extras["tool_choice"] = raw
    return None, tools


def _called(tool: Tool | Foreign) -> str:
    return tool.name if isinstance(tool, Tool) else tool.kind
