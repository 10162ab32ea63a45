"""Requests of OpenAI's chat: which tools may be called, and what stands deep in them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from dd0c_route.errors import BadRequest
from dd0c_route.wire.neutral.chat import CHAT
from dd0c_route.wire.neutral.form import Choice, Prompt, Tool
from dd0c_route.wire.neutral.messages import MESSAGES

TOOLS = [{"type": "function", "function": {"name": name}} for name in "abc"]
ASKED = [{"role": "user", "content": "Hi"}]


def raw_of(fields: dict[str, Any]) -> dict[str, Raw]:
    return {name: Raw(msgspec.json.encode(value)) for name, value in fields.items()}


def read(**fields: Any) -> Prompt:
    return CHAT.read_request(raw_of({"model": "m", "messages": ASKED, **fields}))


def lost(prompt: Prompt) -> list[str]:
    return [loss.field for loss in prompt.unread]


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_of_the_allowed_tools_only_those_are_offered(mode: Any) -> None:
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [TOOLS[1], TOOLS[2]]}}
    prompt = read(tools=TOOLS, tool_choice=allowed)

    assert prompt.tool_choice == Choice(mode)
    assert [tool.name for tool in prompt.tools if isinstance(tool, Tool)] == ["b", "c"]
    assert lost(prompt) == []


@pytest.mark.parametrize(
    "choice",
    [{"type": "allowed_tools"}, {"type": "allowed_tools", "allowed_tools": {"mode": "x"}}, {"type": "function"}, {}],
)
def test_a_choice_that_cannot_be_understood_is_refused(choice: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        read(tools=TOOLS, tool_choice=choice)


def test_unknown_fields_deep_in_a_request_are_named() -> None:
    choice = {"type": "function", "function": {"name": "a", "odd": 1}, "odder": 2}
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "odd": 1}}

    assert lost(read(tools=TOOLS, tool_choice=choice, response_format=form)) == [
        "tool_choice.function.odd",
        "tool_choice.odder",
        "response_format.json_schema.odd",
    ]


def test_unknown_fields_deep_in_a_request_of_messages_are_named() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo=", "odd": 1}
    fields = {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "image", "source": source}]}],
        "tool_choice": {"type": "auto", "odd": 1},
        "thinking": {"type": "enabled", "budget_tokens": 2000, "odd": 1},
    }
    named = lost(MESSAGES.read_request(raw_of(fields)))

    assert sorted(named) == ["messages[0].content[0].source.odd", "thinking.odd", "tool_choice.odd"]
