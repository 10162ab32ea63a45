"""Claude's frames. Constants are measured on recorded requests and on answers of `count_tokens` (2024-2026)."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

from dd0c_route.tokens.frames.reading import (
    Fields,
    Frame,
    Sum,
    Unknown,
    decode,
    dicts,
    given,
    objects,
    refuse,
    string,
    text,
)

_4_7 = re.compile(r"4[-.]7")
_4_8 = re.compile(r"claude-(?:[a-z]+-)?(?:4[-.][89]|[5-9](?:$|[-.@:]))")
# What a whole answer costs beside its text: tokens, and how far below and above was seen.
ANSWER_ENDS = ((re.compile(r"claude.*4[-.]7"), (4, 1, 1)), (_4_8, (2, 2, 1)), (re.compile("claude"), (3, 1, 1)))

_UNKNOWN = ("output_config", "output_format", "mcp_servers", "context_management", "container")
_ROLES = ("user", "assistant", "system")
_SYSTEM = (0, 0, 1)  # tokens, and how far below and above was seen
_THINKING = (29, 1, 4)
_TOOLS = (0, 8, 12)  # beside the row of the table
_FURTHER_TOOL = (4, 2, 4)
_CALL = (39, 6, 8)  # of a tool, with its result, beside the name, the arguments and the result
_LATER_CALL = (26, 6, 8)  # the same from Claude 4.8 on
_ARGUMENT = (12, 3, 3)
_PARALLEL_CALL = (22, 6, 6)  # of each further one in a turn


class _Row(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `claude_tools.toml`: tokens by what `tool_choice` asks for."""

    models: str
    auto: int
    any: int
    tool: int


def messages(fields: Fields, model: str) -> Frame:
    """Turns of one role that follow each other are one turn.

    The answer's own turn has a frame, too, unless the last turn of the request is its beginning.
    """
    refuse(fields, _UNKNOWN)
    total = Sum()
    roles: list[str] = []
    for message in objects(fields, "messages"):
        role, turn = message.get("role"), _turn(message.get("content"), model, total)
        if role not in _ROLES:
            raise Unknown
        if roles and roles[-1] == role:
            total.texts[-1] += "\n" + turn
        else:
            roles.append(role)
            total.texts.append(turn)
    if not roles or roles[0] == "assistant":
        raise Unknown
    total.tokens += _turns(roles, model)
    if given(fields, "system"):
        total.texts.append(text(decode(fields, "system"), ("text",)))
        total.add(_SYSTEM)
    if "thinking" in fields and b'"enabled"' in bytes(fields["thinking"]):
        total.add(_THINKING)
    if given(fields, "tools"):
        _add_tools(fields, model, total)
    return total.frame()


def _turns(roles: list[str], model: str) -> int:
    if _4_8.search(model):
        prime, turn = 4, 2
    else:
        prime, turn = (8 if _4_7.search(model) else 4), 3
    return prime + turn * (len(roles) - (roles[-1] == "assistant")) + ("system" in roles)


def _turn(content: Any, model: str, total: Sum) -> str:
    """The text of a turn; its tool calls and results are added to *total*."""
    if not isinstance(content, list):
        return text(content, ())
    texts = []
    calls = 0
    for block in dicts(content):
        match block.get("type"):
            case "text":
                texts.append(string(block.get("text")))
            case "tool_use":
                arguments = block.get("input")
                total.add(_LATER_CALL if _4_8.search(model) else _CALL)
                total.add(_PARALLEL_CALL, calls > 0)
                total.add(_ARGUMENT, len(arguments) if isinstance(arguments, dict) else 0)
                total.texts[:0] = [string(block.get("name")), _python_json(arguments)]
                calls += 1
            case "tool_result":
                total.texts[:0] = [text(block.get("content"), ("text",))]
            case _:
                raise Unknown
    return "".join(texts)


def _add_tools(fields: Fields, model: str, total: Sum) -> None:
    """Each tool is read as the JSON that Python writes, with spaces."""
    row = next((row for row in _rows() if re.search(row.models, model)), None)
    choice = decode(fields, "tool_choice") if given(fields, "tool_choice") else {}
    tools = objects(fields, "tools")
    if row is None or not isinstance(choice, dict) or choice.get("disable_parallel_tool_use"):
        raise Unknown
    for tool in tools:
        if tool.get("type", "custom") != "custom" or tool.get("defer_loading"):
            raise Unknown
        total.texts.append(_python_json({name: tool[name] for name in _READ if name in tool}))
    match choice.get("type", "auto"):
        case "any":
            total.tokens += row.any
        case "tool":
            total.tokens += row.tool
        case _:
            total.tokens += row.auto
    total.add(_TOOLS)
    total.add(_FURTHER_TOOL, len(tools) - 1)


_READ = ("name", "description", "input_schema")


def _python_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@cache
def _rows() -> list[_Row]:
    table = tomllib.loads(files(__package__).joinpath("claude_tools.toml").read_text("utf-8"))
    return msgspec.convert(table["tools"], list[_Row])
