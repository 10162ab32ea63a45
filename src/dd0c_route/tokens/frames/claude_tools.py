"""How Claude reads tools: a system prompt of the host's own, and the JSON of each tool."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

from dd0c_route.tokens.frames.claude_models import FROM_4_7, FROM_4_8
from dd0c_route.tokens.frames.claude_reading import Block
from dd0c_route.tokens.frames.reading import Sum, Unknown, string

_READ = ("name", "description", "input_schema")
_TOOL, _TOOL_FROM_4_7 = (-1, 1, 1), (2, 2, 2)  # beside the JSON in its tags
_EXAMPLES = (10, 10, 60)  # beside the JSON of `input_examples`: not seen yet
_DEFERRED_4_8 = (91, 4, 4)  # where tools wait to be searched for


class _Served(Struct, frozen=True, forbid_unknown_fields=True):
    """A row for tools that Anthropic defines.

    Attributes:
        tokens: Of the description, and how far below and above to expect.
        found: What running it adds within the call: tokens to expect, and how far above.
    """

    types: str
    tokens: tuple[int, int, int]
    models: str = ""
    found: tuple[int, int] = (0, 0)


class _Row(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `claude_tools.toml`: tokens by what `tool_choice` asks for."""

    models: str
    auto: int
    any: int
    tool: int
    alone: int = 0
    band: tuple[int, int] = (6, 6)


def add_tools(tools: list[Block], choice: dict[str, Any], model: str, total: Sum, *, ran: bool) -> None:
    """*ran*: tools have been called in this conversation before; then Anthropic's own are mostly not needed again."""
    row = next((row for row in _table().tools if re.search(row.models, model)), None)
    if row is None:
        raise Unknown
    served = [string(kind) for tool in tools if (kind := tool.get("type")) not in ("custom", None)]
    read = [tool for tool in tools if tool.get("type") in ("custom", None) and not tool.get("defer_loading")]
    for tool in read:
        total.texts.append(tool_text(tool))
        total.add(_TOOL_FROM_4_7 if FROM_4_7.search(model) else _TOOL)
        if examples := tool.get("input_examples"):
            total.texts.append(json.dumps(examples, ensure_ascii=False))
            total.add(_EXAMPLES)
    for kind in served:
        _add_served(kind, model, total, runs=not ran and not (read and kind.startswith("tool_search")))
    if FROM_4_8.search(model) and len(read) + len(served) < len(tools):
        total.add(_DEFERRED_4_8)
    below, above = row.band
    match choice.get("type", "auto"):
        case "any":
            total.add((row.any, below, above))
        case "tool":
            total.texts.append(string(choice.get("name")))
            total.add((row.tool, below, above))
        case _:
            total.add((row.auto, below, above))
    if choice.get("disable_parallel_tool_use"):
        total.tokens -= row.alone
        total.below += 0 if row.alone else row.auto // 2  # not seen


def tool_text(tool: Block) -> str:
    """JSON as Python writes it, with spaces; an empty description is left out."""
    read = {name: tool[name] for name in _READ if tool.get(name) not in (None, "")}
    return f"<function>{json.dumps(read, ensure_ascii=False)}</function>"


def without_bounds(tool: Block) -> Block:
    """The tool as Bedrock's `invoke` hands it on: of the schema itself, not of those inside, two fields are missing."""
    if not isinstance(schema := tool.get("input_schema"), dict):
        return tool
    kept = {name: value for name, value in schema.items() if name not in ("required", "additionalProperties")}
    return tool | {"input_schema": kept}


def _add_served(kind: str, model: str, total: Sum, *, runs: bool) -> None:
    row = next((row for row in _table().served if re.search(row.types, kind) and re.search(row.models, model)), None)
    if row is None:
        raise Unknown
    total.add(row.tokens)
    tokens, above = row.found
    total.add((tokens, tokens, above) if runs else (0, 0, tokens + above))


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    tools: list[_Row]
    served: list[_Served]


@cache
def _table() -> _Table:
    table = tomllib.loads(files(__package__).joinpath("claude_tools.toml").read_text("utf-8"))
    return msgspec.convert(table, _Table)
