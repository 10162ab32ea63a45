"""What Claude reads for the blocks of a turn: texts, tool calls and their results, documents, thoughts.

Measured on recorded requests (2024-2026). Up to 4.7 calls are counted as the XML that Claude itself writes for them.
"""

from __future__ import annotations

import json
from typing import Any

from dd0c_route.tokens.frames.claude_documents import add_document
from dd0c_route.tokens.frames.claude_images import image
from dd0c_route.tokens.frames.claude_models import FROM_4_8
from dd0c_route.tokens.frames.claude_reading import Block, Message
from dd0c_route.tokens.frames.claude_tools import tool_text
from dd0c_route.tokens.frames.reading import Sum, Unknown, dicts, string, text

_MARK = "antml:"
# Tokens around a part, and how far below and above was seen.
_RESULT = (6, 2, 2)
_SEVERAL_RESULTS, _EACH_RESULT = (11, 2, 2), (20, 1, 1)  # around several in one turn, which are named
_AFTER_RESULTS = (6, 1, 2)  # text or anything else in the same turn
_MIXED_RESULT, _MIXED_PART = (6, 1, 1), (6, 0, 1)  # around a result that is not text alone, and around each part of it
_CALL_4_8, _ARGUMENT_4_8 = (23, 2, 3), (19, 3, 3)  # with its result, beside the name, the arguments and the result
_THOUGHT = (8, 4, 9)
_REFERENCE, _ADDITION = (10, 4, 4), (43, 8, 8)  # of a tool that waited to be searched for
_SEARCH_RESULT = (0, 8, 30)
_CITATIONS = (554, 20, 1_500)  # once; those in a PDF repeat its text
_FOUND = (25, 25, 60)
_UPLOAD = (60, 60, 200)
_COMPACTION = (60, 60, 60)


class Turns:
    """The turns of a request, each added to *total* as it is read."""

    def __init__(self, model: str, tools: list[Block], total: Sum) -> None:
        self._model = model
        self._tools = {tool.get("name"): tool for tool in tools}
        self._total = total
        self._called: dict[Any, str] = {}  # the name of the tool by the id of the call
        self._cites = False

    def add(self, messages: list[Message], *, current: bool) -> None:
        """Messages of one role that follow each other are one turn; thoughts are read in the *current* ones alone."""
        texts, calls, results, others = list[str](), list[Block](), list[str](), 0
        for message in messages:
            said = ""
            for block in message.blocks:
                match block.get("type"):
                    case "text":
                        said += string(block.get("text"))
                    case "tool_use" | "server_tool_use" | "mcp_tool_use":
                        calls.append(block)
                    case "tool_result" | "mcp_tool_result":
                        results.append(self._called.get(block.get("tool_use_id"), ""))
                        self._add_result(block)
                    case "thinking" | "redacted_thinking":
                        if current and (thought := block.get("thinking")):
                            self._add(string(thought), _THOUGHT)
                    case _:
                        self._add_part(block)
                        others += 1
            if said:
                texts.append(said)
        said = "\n".join(texts)
        self._total.texts.append(said + self._calls(calls, after=said))
        if results:
            self._add_results(results)
            self._total.add(_AFTER_RESULTS, bool(texts or others))

    def _add(self, read: str, around: tuple[int, int, int]) -> None:
        self._total.texts.append(read)
        self._total.add(around)

    def _calls(self, calls: list[Block], after: str) -> str:
        """What the calls of a turn add to its text, *after* which they stand."""
        if not calls:
            return ""
        for call in calls:
            self._called[call.get("id")] = string(call.get("name"))
        if not FROM_4_8.search(self._model):
            return ("\n\n" if after else "") + calls_text(calls)
        for call in calls:
            self._add(string(call.get("name")), _CALL_4_8)
            for name, value in _arguments(call).items():
                self._total.texts.append(name)
                self._add(_written(value), _ARGUMENT_4_8)
        return ""

    def _add_results(self, names: list[str]) -> None:
        """What stands around the results of a turn."""
        if FROM_4_8.search(self._model):
            return  # counted with the calls
        if len(names) == 1:
            self._total.add(_RESULT)
            return
        self._total.add(_SEVERAL_RESULTS)
        self._total.add(_EACH_RESULT, len(names))
        self._total.texts += names

    def _add_result(self, block: Block) -> None:
        content = block.get("content")
        parts = [{"type": "text", "text": content or ""}] if isinstance(content, str | None) else dicts(content)
        texts = [string(part.get("text")) for part in parts if part.get("type") == "text"]
        self._total.texts.append("".join(texts))
        others = [part for part in parts if part.get("type") != "text"]
        if any(part.get("type") != "tool_reference" for part in others):
            self._total.add(_MIXED_RESULT)
            self._total.add(_MIXED_PART, len(parts))
        for part in others:
            self._add_part(part)

    def _add_part(self, block: Block) -> None:
        citations = block.get("citations")
        if not self._cites and isinstance(citations, dict) and citations.get("enabled") is True:
            self._total.add(_CITATIONS)
            self._cites = True
        match block:
            case {"type": "image"}:
                source = block.get("source")
                self._total.add(image(source.get("data") if isinstance(source, dict) else None, self._model))
            case {"type": "document"}:
                add_document(block, self._total)
            case {"type": "tool_reference", "tool_name": str() as name}:
                self._add_tool(name, _REFERENCE)
            case {"type": "tool_addition", "tool": {"name": str() as name}}:
                self._add_tool(name, _ADDITION)
            case {"type": "container_upload"}:
                self._total.add(_UPLOAD)
            case {"type": "search_result", "title": str() as title, "source": str() as source}:
                self._total.texts += [title, source]
                self._add(text(block.get("content"), ("text",)), _SEARCH_RESULT)
            case {"type": str() as kind} if kind.endswith("_tool_result"):
                self._add_found(block)
            case {"type": "compaction", "content": str() as summary}:
                self._add(summary, _COMPACTION)
            case _:
                raise Unknown

    def _add_tool(self, name: str, around: tuple[int, int, int]) -> None:
        """A tool that waited to be searched for."""
        if tool := self._tools.get(name):
            self._add(tool_text(tool), around)

    def _add_found(self, block: Block) -> None:
        """What a tool found that Anthropic ran in an earlier call: some of it is sealed."""
        content = block.get("content")
        texts, sealed = list[str](), 0
        rest = [content]
        while rest:
            match rest.pop():
                case {"type": "tool_reference", "tool_name": str() as name}:
                    self._add_tool(name, _REFERENCE)
                case dict() as fields:
                    if isinstance(hidden := fields.get("encrypted_content"), str):
                        sealed += len(hidden)
                    rest += [value for name, value in fields.items() if name not in ("encrypted_content", "type")]
                case list() as items:
                    rest += items
                case str() as found:
                    texts.append(found)
        self._add("\n".join(texts), _FOUND)
        self._total.add((sealed * 9 // 20, sealed // 3, sealed // 2))  # measured: 0.44 to 0.53 tokens a character


def calls_text(calls: list[Block]) -> str:
    """The XML of the calls of one turn."""
    lines = [f"<{_MARK}function_calls>"]
    for call in calls:
        lines.append(f'<{_MARK}invoke name="{string(call.get("name"))}">')
        for name, value in _arguments(call).items():
            lines.append(f'<{_MARK}parameter name="{name}">{_written(value)}</{_MARK}parameter>')
        lines.append(f"</{_MARK}invoke>")
    return "\n".join([*lines, f"</{_MARK}function_calls>"])


def _arguments(call: Block) -> dict[str, Any]:
    arguments = call.get("input")
    return arguments if isinstance(arguments, dict) else {}


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
