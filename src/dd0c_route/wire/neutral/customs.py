"""OpenAI's own sorts of tools, for those who know only functions with JSON arguments: as such functions, and back.

Tools that take free text become functions of one text: coding agents have such a one for patches. A grammar for it is
told in words, and is no longer enforced. The tools of a namespace become functions with its name before theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from msgspec import structs

from dd0c_route.wire.loose import dict_of, fields_of, str_of, value_of
from dd0c_route.wire.neutral.dialect import Aim
from dd0c_route.wire.neutral.form import (
    Answer,
    CallBegin,
    CallDelta,
    CallEnd,
    Done,
    Foreign,
    Loss,
    Part,
    Piece,
    Prompt,
    Stop,
    Tool,
    ToolCall,
    ToolResult,
)
from dd0c_route.wire.neutral.ids import fitting
from dd0c_route.wire.neutral.reading import Fields
from dd0c_route.wire.neutral.responses.tools import tool_of

_HAVE_THEM = ("openai", "azure")  # of those who speak OpenAI's APIs
_APIS = ("openai.chat", "openai.responses")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what everybody takes
_BEFORE = re.compile(r'\s*\{\s*"[^"\\]*"\s*:\s*"')  # some models call it by a name of their own
# Characters of a JSON text and escapes of them that are whole; a surrogate only with its other half.
_WHOLE = re.compile(
    r'(?:[^"\\]|\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}'
    r"|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))+"
)

_REST = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)  # up to the text's end


class Own(NamedTuple):
    """What OpenAI calls a tool that went as a function."""

    name: str
    namespace: str
    custom: bool


def owns_of(prompt: Prompt, api: str, aim: Aim) -> dict[str, Own]:
    """By the names of their functions, the tools of *prompt* that *aim*, asked by *api*, does not take as they are."""
    if api in _APIS and aim.provider in _HAVE_THEM:
        return {}
    found: dict[str, Own] = {}
    for tool in prompt.tools:
        if isinstance(tool, Tool) and tool.custom:
            found[tool.name] = Own(tool.name, "", True)
        elif isinstance(tool, Foreign):
            found |= {_flat(space, one.name): Own(one.name, space, one.custom) for space, one in _within(tool)}
    return found


def as_functions(prompt: Prompt, owns: Mapping[str, Own]) -> Prompt:
    """*prompt* with the tools that *owns* tells of as functions, and so their calls and results until now."""
    if not owns:
        return prompt
    tools: list[Tool | Foreign] = []
    for tool in prompt.tools:
        if isinstance(tool, Foreign) and (inner := _within(tool)):
            tools += [_function(structs.replace(one, name=_flat(space, one.name))) for space, one in inner]
        else:
            tools.append(_function(tool) if isinstance(tool, Tool) else tool)
    turns = tuple(structs.replace(turn, parts=tuple(map(_plain, turn.parts))) for turn in prompt.turns)
    return structs.replace(prompt, tools=tuple(tools), turns=turns)


def _within(space: Foreign) -> list[tuple[str, Tool]]:
    """The tools of a namespace, with its name; the first of them tells what it is for."""
    if (space.dialect, space.kind) != ("responses", "namespace"):
        return []
    fields = fields_of(space.raw) or {}
    name, about = str_of(value_of(fields.get("name", b""))), str_of(value_of(fields.get("description", b"")))
    unread: list[Loss] = []  # a tool of another kind in it has no function to be
    tools = [tool_of(one) for one in Fields(fields, "", unread).each("tools")]
    found = [(name, tool) for tool in tools if isinstance(tool, Tool)]
    if found and about:
        first = found[0][1]
        found[0] = name, structs.replace(first, description=f"{first.description}\n\n{about}".strip())
    return found


def _flat(space: str, name: str) -> str:
    return fitting(f"{space}__{name}", _NAME, "tool_")


def _function(tool: Tool) -> Tool:
    if not tool.custom:
        return tool
    form = dict_of(value_of(tool.schema)) if tool.schema else {}
    grammar = dict_of(form.get("grammar"))
    text = {"type": "string", "description": "The text that the tool takes, and nothing else."}
    told = tool.description
    if definition := str_of(grammar.get("definition")):
        told += f"\n\nThe text must follow this grammar ({str_of(grammar.get('syntax')) or 'lark'}):\n{definition}"
    schema = {"type": "object", "properties": {"input": text}, "required": ["input"], "additionalProperties": False}
    return structs.replace(tool, description=told.strip(), schema=msgspec.json.encode(schema), custom=False)


def _plain(part: Part) -> Part:
    if isinstance(part, ToolCall) and part.namespace:
        part = structs.replace(part, name=_flat(part.namespace, part.name), namespace="")
    if isinstance(part, ToolCall) and part.custom:
        return structs.replace(part, custom=False, arguments=msgspec.json.encode({"input": part.arguments}).decode())
    return structs.replace(part, custom=False) if isinstance(part, ToolResult) and part.custom else part


# --- and back ---------------------------------------------------------------------------------------------------------


class Restored:
    """An answer in which calls of the tools that *owns* tells of are what they are at OpenAI."""

    def __init__(self, owns: Mapping[str, Own]) -> None:
        self._owns = owns
        self._texts: dict[int, _Text] = {}  # open calls

    def answer(self, answer: Answer) -> Answer:
        return structs.replace(answer, parts=tuple(map(self._part, answer.parts))) if self._owns else answer

    def _part(self, part: Part) -> Part:
        own = self._owns.get(part.name) if isinstance(part, ToolCall) else None
        if own is None or not isinstance(part, ToolCall):
            return part
        text = _Text()
        arguments = text.feed(part.arguments) + text.end() if own.custom else part.arguments
        return structs.replace(part, name=own.name, namespace=own.namespace, custom=own.custom, arguments=arguments)

    def pieces(self, pieces: list[Piece]) -> list[Piece]:
        """The same piece by piece. Who does not say that a call has ended, ends all of them with the answer."""
        if not self._owns:
            return pieces
        out: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, CallBegin) and (own := self._owns.get(piece.name)) is not None:
                if own.custom:
                    self._texts[piece.index] = _Text()
                out.append(structs.replace(piece, name=own.name, namespace=own.namespace, custom=own.custom))
            elif isinstance(piece, CallDelta) and piece.index in self._texts:
                if text := self._texts[piece.index].feed(piece.arguments):
                    out.append(CallDelta(piece.index, text))
            else:
                if isinstance(piece, CallEnd):
                    self._end(piece.index, out)
                elif isinstance(piece, Stop | Done):
                    for index in list(self._texts):
                        self._end(index, out)
                out.append(piece)
        return out

    def _end(self, index: int, out: list[Piece]) -> None:
        text = self._texts.pop(index, None)
        if text is not None and (rest := text.end()):
            out.append(CallDelta(index, rest))


class _Text:
    """The text in `{"input": "…"}`, as its JSON comes in; whatever else comes in is that text itself."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False

    def feed(self, piece: str) -> str:
        self._held += piece
        if not self._inside:
            found = _BEFORE.match(self._held)
            if found is None:
                return ""
            self._inside, self._held = True, self._held[found.end() :]
        whole = _WHOLE.match(self._held)
        if whole is None:
            return ""
        self._held = self._held[whole.end() :]
        return _decoded(whole[0])

    def end(self) -> str:
        """What was held back: nothing, where the JSON was as it should be."""
        if self._inside:
            rest = _REST.match(self._held)
            return str_of(value_of(b'"%b"' % rest[0].encode("utf-8", "replace"))) if rest is not None else ""
        return self._held


def _decoded(text: str) -> str:
    return str(json.loads(f'"{text}"', strict=False))
