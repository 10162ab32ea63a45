"""Tools that take free text, for those who know only tools with JSON arguments: as functions of one text, and back.

Coding agents have such a tool for patches. A grammar for its text is told in words, and is no longer enforced.
"""

from __future__ import annotations

import json
import re
from collections.abc import Set

import msgspec
from msgspec import structs

from dd0c_route.wire.loose import dict_of, str_of, value_of
from dd0c_route.wire.neutral.dialect import Aim
from dd0c_route.wire.neutral.form import (
    Answer,
    CallBegin,
    CallDelta,
    CallEnd,
    Done,
    Part,
    Piece,
    Prompt,
    Stop,
    Tool,
    ToolCall,
    ToolResult,
)

_HAVE_THEM = ("openai", "azure")  # of those who speak OpenAI's APIs
_APIS = ("openai.chat", "openai.responses")
_BEFORE = re.compile(r'\s*\{\s*"[^"\\]*"\s*:\s*"')  # some models call it by a name of their own
# Characters of a JSON text and escapes of them that are whole; a surrogate only with its other half.
_WHOLE = re.compile(
    r'(?:[^"\\]|\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}'
    r"|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))+"
)

_REST = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)  # up to the text's end


def customs_of(prompt: Prompt, api: str, aim: Aim) -> frozenset[str]:
    """The names of those tools of *prompt* that take free text and that *aim*, asked by *api*, cannot be given."""
    if api in _APIS and aim.provider in _HAVE_THEM:
        return frozenset()
    return frozenset(tool.name for tool in prompt.tools if isinstance(tool, Tool) and tool.custom)


def as_functions(prompt: Prompt, names: Set[str]) -> Prompt:
    """*prompt* with the tools of these *names* as functions, and so their calls and results until now."""
    if not names:
        return prompt
    return structs.replace(
        prompt,
        tools=tuple(_function(one) if isinstance(one, Tool) and one.name in names else one for one in prompt.tools),
        turns=tuple(structs.replace(turn, parts=tuple(map(_plain, turn.parts))) for turn in prompt.turns),
    )


def _function(tool: Tool) -> Tool:
    form = dict_of(value_of(tool.schema)) if tool.schema else {}
    grammar = dict_of(form.get("grammar"))
    text = {"type": "string", "description": "The text that the tool takes, and nothing else."}
    told = tool.description
    if definition := str_of(grammar.get("definition")):
        told += f"\n\nThe text must follow this grammar ({str_of(grammar.get('syntax')) or 'lark'}):\n{definition}"
    schema = {"type": "object", "properties": {"input": text}, "required": ["input"], "additionalProperties": False}
    return structs.replace(tool, description=told.strip(), schema=msgspec.json.encode(schema), custom=False)


def _plain(part: Part) -> Part:
    if isinstance(part, ToolCall) and part.custom:
        return structs.replace(part, custom=False, arguments=msgspec.json.encode({"input": part.arguments}).decode())
    return structs.replace(part, custom=False) if isinstance(part, ToolResult) and part.custom else part


# --- and back ---------------------------------------------------------------------------------------------------------


class Restored:
    """An answer in which calls of the tools of these *names* have free text again."""

    def __init__(self, names: Set[str]) -> None:
        self._names = names
        self._texts: dict[int, _Text] = {}  # open calls

    def answer(self, answer: Answer) -> Answer:
        return (
            structs.replace(answer, parts=tuple(self._part(part) for part in answer.parts)) if self._names else answer
        )

    def _part(self, part: Part) -> Part:
        if not isinstance(part, ToolCall) or part.name not in self._names:
            return part
        text = _Text()
        return structs.replace(part, custom=True, arguments=text.feed(part.arguments) + text.end())

    def pieces(self, pieces: list[Piece]) -> list[Piece]:
        """The same piece by piece. Who does not say that a call has ended, ends all of them with the answer."""
        if not self._names:
            return pieces
        out: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, CallBegin) and piece.name in self._names:
                self._texts[piece.index] = _Text()
                out.append(structs.replace(piece, custom=True))
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
