"""The items of a request's `input` → instructions and turns.

Source: https://platform.openai.com/docs/api-reference/responses/create.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Raw

from dd0c_route.errors import BadRequest
from dd0c_route.wire.loose import value_of
from dd0c_route.wire.neutral.form import (
    Audio,
    File,
    Foreign,
    Image,
    Part,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from dd0c_route.wire.neutral.media import of_url
from dd0c_route.wire.neutral.reading import Fields, decoded
from dd0c_route.wire.neutral.responses import thoughts
from dd0c_route.wire.neutral.responses.thoughts import DIALECT
from dd0c_route.wire.neutral.responses.tools import tool_of

Role = Literal["user", "assistant", "system"]
_TEXTS = ("input_text", "output_text", "text", "summary_text")
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_OF_MESSAGES = ("id", "status", "phase", "end_turn")  # without effect: names, and what the API says of its own items
_OF_CALLS = ("id", "status", "caller", "name", "namespace")
_OF_TEXTS = ("annotations", "logprobs")  # what the API says of its own texts
_FROM_CALLER = ("_output", "_response", "_tools", "_trigger", "_update")  # how kinds of items end that callers make


class _Gathered:
    """Items one behind the other: those of one answer are one turn, and so are results of tools; messages of the
    caller stay apart.
    """

    def __init__(self) -> None:
        self.tools: list[Tool | Foreign] = []
        self._groups: list[tuple[str, Role, list[Part]]] = []

    def add(self, role: Role, parts: list[Part], group: str = "") -> None:
        if group and self._groups and self._groups[-1][0] == group:
            self._groups[-1][2].extend(parts)
        else:
            self._groups.append((group, role, parts))

    def split(self) -> tuple[list[Text], list[Turn]]:
        """What instructs before the first turn, and the turns."""
        system: list[Text] = []
        turns: list[Turn] = []
        for _, role, parts in self._groups:
            texts = [part for part in parts if isinstance(part, Text)]
            if role == "system" and not turns:
                system += texts
            elif role == "system":
                turns.append(Turn("system", tuple(texts)))
            elif parts:
                turns.append(Turn(role, tuple(parts)))
        return system, turns


def conversation(top: Fields) -> tuple[list[Text], list[Turn], list[Tool | Foreign]]:
    """What `input` says: instructions at its beginning, the turns behind them, and tools that it offers on the way."""
    raw = top.raw("input")
    if raw.startswith(b'"'):
        return [], [Turn("user", (Text(decoded(raw, str, "input")),))], []
    gathered = _Gathered()
    for index, one in enumerate(decoded(raw, list[dict[str, Raw]], "input") if raw else ()):
        _item(top.below(one, f"input[{index}]"), gathered)
    return *gathered.split(), gathered.tools


def _item(item: Fields, gathered: _Gathered) -> None:
    kind = item.text("type") or ("message" if item.has("role") else "item_reference")
    if kind == "message":
        _message(item, gathered)
    elif kind in ("function_call", "custom_tool_call"):
        custom = kind == "custom_tool_call"
        arguments = item.text("input" if custom else "arguments")
        call = ToolCall(item.text("call_id"), item.text("name"), arguments, custom, namespace=item.text("namespace"))
        item.done(_OF_CALLS)
        gathered.add("assistant", [call], "answer")
    elif kind in ("function_call_output", "custom_tool_call_output"):
        gathered.add("user", [_result(item, custom=kind == "custom_tool_call_output")], "results")
    elif kind == "additional_tools":
        gathered.tools += [tool_of(one) for one in item.each("tools")]
        item.done(("id", "role"))
    elif kind == "reasoning":
        thought = thoughts.read({name: value_of(raw) for name, raw in item.rest().items()})
        gathered.add("assistant", [] if thought is None else [thought], "answer")
    else:
        given = kind.endswith(_FROM_CALLER)
        group = "results" if given else "answer"
        gathered.add("user" if given else "assistant", [Foreign(DIALECT, kind, item.whole(kind))], group)


def _message(item: Fields, gathered: _Gathered) -> None:
    said = item.text("role")
    role = _ROLES.get(said)
    if role is None:
        raise BadRequest(f"`{item.place('role')}` cannot be translated: '{said[:64]}'")
    parts = _content(item, "content")
    if role == "system" and any(not isinstance(part, Text) for part in parts):
        item.lose("content")
    item.done(_OF_MESSAGES)
    gathered.add(role, parts, "answer" if role == "assistant" else "")


def _result(item: Fields, *, custom: bool) -> ToolResult:
    found = _content(item, "output")
    parts = tuple(part for part in found if isinstance(part, Text | Image | File | Foreign))
    if len(parts) < len(found):
        item.lose("output")
    result = ToolResult(item.text("call_id"), parts, custom=custom)
    item.done(_OF_CALLS)
    return result


def _content(item: Fields, name: str) -> list[Part]:
    raw = item.raw(name)
    if not raw:
        return []
    if raw.startswith(b'"'):
        text = decoded(raw, str, item.place(name))
        return [Text(text)] if text else []
    found = decoded(raw, list[dict[str, Raw]], item.place(name))
    parts = [_part(item.below(one, f"{name}[{index}]")) for index, one in enumerate(found)]
    return [part for part in parts if not isinstance(part, Text) or part.text]


def _part(part: Fields) -> Part:
    kind = part.text("type")
    found: Part
    if kind in _TEXTS:
        found = Text(part.text("text"))
    elif kind == "refusal":
        found = Refusal(part.text("refusal"))
    elif kind == "input_image" and part.has("image_url"):
        detail = part.text("detail")
        url, data, mime = of_url(part.text("image_url"))
        found = Image(url, data, mime, "" if detail == "auto" else detail)
    elif kind == "input_file":
        _, data, mime = of_url(part.text("file_data"))
        found = File(part.text("file_url"), data, mime, part.text("filename"), part.text("file_id"))
    elif kind == "input_audio" and (audio := part.inner("input_audio")) is not None:
        found = Audio(audio.text("data"), audio.text("format"))
        audio.done()
    else:
        return Foreign(DIALECT, kind, part.whole(kind))
    part.done((*_OF_TEXTS, "prompt_cache_breakpoint", "detail", "file_id"))
    return found
