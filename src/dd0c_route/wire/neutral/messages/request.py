"""A request of Anthropic's Messages → the neutral form.

Source: https://docs.anthropic.com/en/api/messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Raw

from dd0c_route.errors import BadRequest
from dd0c_route.wire.neutral.form import (
    Cache,
    Choice,
    File,
    Foreign,
    Image,
    Loss,
    Part,
    Prompt,
    Reasoning,
    Shape,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from dd0c_route.wire.neutral.media import of_text
from dd0c_route.wire.neutral.reading import Fields, decoded

DIALECT = "messages"
BORROWED = "dd0c-"  # begins the signature of a thought that another dialect's model had
_ATTRIBUTION = "x-anthropic-billing-header:"  # Claude Code's first system block: a word to Anthropic alone
_MODES: dict[str, Literal["none", "auto", "required", "named"]] = {
    "none": "none",
    "auto": "auto",
    "any": "required",
    "tool": "named",
}


def read(fields: Mapping[str, Raw]) -> Prompt:
    """A body's undecoded fields as a prompt. Raises `BadRequest` where they are no such request."""
    unread: list[Loss] = []
    top = Fields(fields, "", unread)
    choice, parallel = _choice(top)
    shape, effort = _output(top)
    metadata = top.take("metadata", dict[str, Any]) or {}
    user = metadata.get("user_id")
    return Prompt(
        dialect=DIALECT,
        model=top.text("model"),
        system=_system(top),
        turns=tuple(_turns(top)),
        tools=tuple(_tool(one) for one in top.each("tools")),
        tool_choice=choice,
        parallel_tools=parallel,
        temperature=top.take("temperature", float),
        top_p=top.take("top_p", float),
        top_k=top.take("top_k", int),
        stop=tuple(top.take("stop_sequences", list[str]) or ()),
        max_output=top.take("max_tokens", int),
        shape=shape,
        reasoning=_reasoning(top, effort),
        stream=bool(top.take("stream", bool)),
        wants_usage=True,
        user=user if isinstance(user, str) else "",
        extras=top.rest(),
        unread=tuple(unread),
    )


def _system(top: Fields) -> tuple[Text, ...]:
    found = []
    for part in _content(top, "system"):
        if not isinstance(part, Text):
            top.lose("system")
        elif not part.text.startswith(_ATTRIBUTION):
            found.append(part)
    return tuple(found)


def _output(top: Fields) -> tuple[Shape | None, str]:
    """The form of answer, and how hard the model is to try."""
    config = top.inner("output_config")
    form = (config.inner("format") if config is not None else None) or top.inner("output_format")
    effort = config.text("effort") if config is not None else ""
    if config is not None:
        config.done()
    if form is None:
        return None, effort
    if (kind := form.text("type")) != "json_schema":
        raise BadRequest(f"`output_config.format.type` must be json_schema, not '{kind[:64]}'")
    found = Shape(form.raw("schema"), form.text("name"))
    form.done()
    return found, effort


def _reasoning(top: Fields, effort: str) -> Reasoning | None:
    thinking = top.inner("thinking")
    if thinking is None:
        return Reasoning(effort=effort) if effort else None
    kind = thinking.text("type")
    budget, display = thinking.take("budget_tokens", int), thinking.text("display")
    thinking.done()
    if kind == "disabled":
        return Reasoning(effort="none")
    shown = None if not display else display != "omitted"
    return Reasoning(effort, budget if kind == "enabled" else None, kind == "adaptive", shown)


def _choice(top: Fields) -> tuple[Choice | None, bool | None]:
    choice = top.inner("tool_choice")
    if choice is None:
        return None, None
    mode, name = _MODES.get(choice.text("type")), choice.text("name")
    if mode is None:
        raise BadRequest("`tool_choice.type` must be auto, any, tool or none")
    alone = choice.take("disable_parallel_tool_use", bool)
    choice.done()
    return Choice(mode, name), None if alone is None else not alone


def _tool(tool: Fields) -> Tool | Foreign:
    kind = tool.take("type", str) or "custom"
    if kind != "custom":
        return Foreign(DIALECT, kind, _whole(kind, tool))
    found = Tool(
        name=tool.text("name"),
        description=tool.text("description"),
        schema=tool.raw("input_schema"),
        strict=tool.take("strict", bool),
        cache=_cache(tool),
    )
    tool.done(("eager_input_streaming", "defer_loading"))  # where tools are not searched, all of them are there
    return found


# --- messages ---------------------------------------------------------------------------------------------------------


def _turns(top: Fields) -> list[Turn]:
    if not top.has("messages"):
        raise BadRequest("`messages` is missing")
    turns = []
    for message in top.each("messages"):
        role = message.text("role")
        if role != "user" and role != "assistant" and role != "system":
            raise BadRequest(f"`{message.place('role')}` must be user, assistant or system, not '{role[:64]}'")
        parts = _content(message, "content")
        if role == "user":
            parts.sort(key=lambda part: not isinstance(part, ToolResult))
        message.done()
        turns.append(Turn("user" if role == "user" else "assistant" if role == "assistant" else "system", tuple(parts)))
    return turns


def _content(message: Fields, name: str) -> list[Part]:
    raw = message.raw(name)
    if not raw:
        return []
    if raw.startswith(b'"'):
        text = decoded(raw, str, message.place(name))
        return [Text(text)] if text else []
    found = decoded(raw, list[dict[str, Raw]], message.place(name))
    return [_part(message.below(one, f"{name}[{index}]")) for index, one in enumerate(found)]


def _part(block: Fields) -> Part:
    kind = block.text("type")
    found: Part | None = None
    if kind == "text":
        found = Text(block.text("text"), _cache(block))
    elif kind == "tool_use":
        found = ToolCall(
            block.text("id"), block.text("name"), block.raw("input").decode("utf-8", "replace"), cache=_cache(block)
        )
    elif kind == "tool_result":
        found = _result(block)
    elif kind == "thinking":
        found = _thinking(block.text("thinking"), block.text("signature"))
    elif kind == "redacted_thinking":
        found = Thinking("", block.text("data"), DIALECT, sealed=True)
    elif kind in ("image", "document") and (source := block.inner("source")) is not None:
        found = _image(source, block) if kind == "image" else _document(source, block)
        source.done(("media_type",))
    if found is None:
        return Foreign(DIALECT, kind, _whole(kind, block))
    block.done(("citations", "caller") if kind in ("text", "tool_use", "tool_result") else ())
    return found


def _thinking(text: str, signature: str) -> Thinking:
    """A thought of another dialect's model came to the caller under our own signature, which names that dialect."""
    if signature.startswith(BORROWED):
        return Thinking(text, maker=signature.removeprefix(BORROWED))
    return Thinking(text, signature, DIALECT)


def _result(block: Fields) -> ToolResult:
    found = _content(block, "content")
    parts = tuple(part for part in found if isinstance(part, Text | Image | File | Foreign))
    failed = block.take("is_error", bool) or False
    return ToolResult(block.text("tool_use_id"), parts, failed, cache=_cache(block))


def _image(source: Fields, block: Fields) -> Image | None:
    kind = source.text("type")
    if kind == "url":
        return Image(source.text("url"), cache=_cache(block))
    if kind == "base64":
        return Image("", source.text("data"), source.text("media_type"), cache=_cache(block))
    block.lose("source")
    return None


def _document(source: Fields, block: Fields) -> File | None:
    kind, name = source.text("type"), block.text("title")
    if kind == "url":
        return File(source.text("url"), name=name, cache=_cache(block))
    if kind == "base64":
        return File("", source.text("data"), source.text("media_type"), name, cache=_cache(block))
    if kind == "text":
        return File("", of_text(source.text("data")), "text/plain", name, cache=_cache(block))
    if kind == "file":
        return File(name=name, id=source.text("file_id"), cache=_cache(block))
    block.lose("source")
    return None


def _cache(fields: Fields) -> Cache:
    mark = fields.take("cache_control", dict[str, Any])
    if mark is None:
        return ""
    return "1h" if mark.get("ttl") == "1h" else "5m"


def _whole(kind: str, fields: Fields) -> bytes:
    return msgspec.json.encode({"type": kind, **{name: Raw(raw) for name, raw in fields.rest().items()}})
