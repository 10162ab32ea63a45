"""Claude's frames, in whichever API a request comes. Constants are measured on recorded requests and on answers of
`count_tokens` (2024-2026)."""

from __future__ import annotations

import json
from itertools import groupby

from dd0c_route.tokens.frames.claude_blocks import Turns
from dd0c_route.tokens.frames.claude_models import (
    FROM_4_5,
    FROM_4_6,
    FROM_4_8,
    KEEPS_THOUGHTS,
    ONLY_3_7,
    ONLY_4_7,
    UP_TO_2,
)
from dd0c_route.tokens.frames.claude_reading import Message, Request, from_chat, from_converse, from_messages
from dd0c_route.tokens.frames.claude_tools import add_tools, without_bounds
from dd0c_route.tokens.frames.reading import Fields, Frame, Sum, Unknown

_SYSTEM, _SYSTEM_SINCE_4_6 = (0, 0, 1), (1, 1, 0)  # tokens, and how far below and above was seen
_THINKING, _THINKING_3_7 = (29, 1, 4), (28, 0, 1)
_UNASKED = (12, 1, 1)  # where the assistant begins: the host puts a user's turn in front
_TASK_BUDGET = (35, 4, 4)
_BOUNDS = 15  # what `without_bounds` leaves out, where it is read after all
_MCP_SERVER = (2_500, 2_500, 60_000)  # its tools, and what they find within the call
_SCHEMA = (81, 2, 5)
_SCHEMA_BEFORE_4_5 = (292, 600, 1_500)  # hosts make a tool of it, and repeat it in the prompt, or leave it out

_CALLS = ("tool_use", "server_tool_use")
_MAKERS = ("", "anthropic", "bedrock", "vertex")  # who runs it; others translate
_READERS = {
    "anthropic.messages": from_messages,
    "anthropic.count_tokens": from_messages,
    "bedrock.invoke": from_messages,
    "bedrock.converse": from_converse,
    "openai.chat": from_chat,
}


def frame(api: str, fields: Fields, model: str) -> Frame:
    """The frame of a request to Claude; raises `Unknown` where there is none."""
    if api not in _READERS or UP_TO_2.search(model):
        raise Unknown
    request = _READERS[api](fields)
    if not request.messages or "context_management" in request.settings:
        raise Unknown
    total = Sum()
    turns = [(role, list(messages)) for role, messages in groupby(request.messages, key=lambda message: message.role)]
    asked = max((place for place, (_, messages) in enumerate(turns) if _asks(messages)), default=0)
    reader = Turns(model, request.tools, total)
    for place, (_, messages) in enumerate(turns):
        reader.add(messages, current=place > asked or KEEPS_THOUGHTS.search(model) is not None)
    roles = [role for role, _ in turns]
    total.tokens += _turns(roles, model)
    total.add(_UNASKED, roles[0] == "assistant")
    if system := "".join(request.system).rstrip("\n"):
        total.texts.append(system)
    if system or "system" in roles:
        total.add(_SYSTEM_SINCE_4_6 if FROM_4_6.search(model) else _SYSTEM)
    _add_switches(request, model, total)
    if request.tools:
        tools = request.tools
        if api == "bedrock.invoke" and FROM_4_5.search(model):
            tools = [without_bounds(tool) for tool in tools]
            total.above += _BOUNDS * sum(map(dict.__ne__, tools, request.tools))
        add_tools(tools, request.choice, model, total, ran=_ran(request.messages))
    return total.frame()


def answer_end(model: str, provider: str) -> tuple[int, int, int]:
    """What a whole answer costs beside its text: tokens, and how far below and above was seen."""
    if FROM_4_8.search(model):
        return 2, 2, 1
    tokens = 4 if ONLY_4_7.search(model) else 3
    return tokens, 1, 1 if provider in _MAKERS else 4


def _add_switches(request: Request, model: str, total: Sum) -> None:
    """What fields beside the messages add."""
    if request.thinking.get("type") == "enabled" or model.endswith(":thinking"):
        total.add(_THINKING_3_7 if ONLY_3_7.search(model) else _THINKING)
    if request.schema is not None and FROM_4_5.search(model):
        total.texts.append(json.dumps(request.schema, ensure_ascii=False, indent=2))
        total.add(_SCHEMA)
    elif request.schema is not None:
        total.texts += [json.dumps(request.schema, ensure_ascii=False)] * 2
        total.add(_SCHEMA_BEFORE_4_5)
    if isinstance(config := request.settings.get("output_config"), dict) and "task_budget" in config:
        total.add(_TASK_BUDGET)
    if isinstance(servers := request.settings.get("mcp_servers"), list):
        total.add(_MCP_SERVER, len(servers))


def _asks(messages: list[Message]) -> bool:
    """Whether the user says something, rather than hand in results."""
    blocks = [block for message in messages for block in message.blocks if message.role == "user"]
    return any(block.get("type") != "tool_result" for block in blocks)


def _ran(messages: list[Message]) -> bool:
    """Whether tools have been called before."""
    return any(block.get("type") in _CALLS for message in messages for block in message.blocks)


def _turns(roles: list[str], model: str) -> int:
    """The answer's own turn has a frame, too, unless the last turn of the request is its beginning."""
    if FROM_4_8.search(model):
        prime, turn = 4, 2
    else:
        prime, turn = (8 if ONLY_4_7.search(model) else 4), 3
    return prime + turn * (len(roles) - (roles[-1] == "assistant"))
