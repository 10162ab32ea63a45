"""A request of Bedrock's Converse → the neutral form.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html. The model and whether it is a
stream stand in the path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, structs

from dd0c_route.errors import BadRequest
from dd0c_route.wire.neutral.converse.extra import extra_of
from dd0c_route.wire.neutral.converse.media import document_mime, given_name
from dd0c_route.wire.neutral.form import (
    Audio,
    Cache,
    Choice,
    File,
    Foreign,
    Image,
    Loss,
    Part,
    Prompt,
    Shape,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)
from dd0c_route.wire.neutral.media import of_text
from dd0c_route.wire.neutral.reading import Fields

DIALECT = "converse"


def read(fields: Mapping[str, Raw]) -> Prompt:
    """A body's undecoded fields as a prompt. Raises `BadRequest` where they are no such request."""
    unread: list[Loss] = []
    top = Fields(fields, "", unread)
    if not top.has("messages"):
        raise BadRequest("`messages` is missing")
    config = top.inner("inferenceConfig") or Fields({}, "inferenceConfig", unread)
    extra = extra_of(top.inner("additionalModelRequestFields"))
    shape, effort = _output(top)
    tools, choice = _tools(top)
    prompt = Prompt(
        dialect=DIALECT,
        system=_system(top),
        turns=tuple(_turns(top)),
        tools=tools,
        tool_choice=choice,
        temperature=config.take("temperature", float),
        top_p=config.take("topP", float),
        top_k=extra.top_k,
        stop=tuple(config.take("stopSequences", list[str]) or ()),
        max_output=config.take("maxTokens", int),
        shape=shape,
        reasoning=extra.reasoning_with(effort),
        wants_usage=True,
    )
    config.done()
    top.take("modelId", str)
    return structs.replace(prompt, extras=top.rest(), unread=tuple(unread))


def _system(top: Fields) -> tuple[Text, ...]:
    found = _blocks(top, "system")
    if any(not isinstance(part, Text) for part in found):
        top.lose("system")
    return tuple(part for part in found if isinstance(part, Text))


def _output(top: Fields) -> tuple[Shape | None, str]:
    """The form of answer, and how hard the model is to try."""
    config = top.inner("outputConfig")
    if config is None:
        return None, ""
    effort, form = config.text("effort"), config.inner("textFormat")
    config.done()
    structure = form.inner("structure") if form is not None else None
    schema = structure.inner("jsonSchema") if structure is not None else None
    if schema is None:
        return None, effort
    text = schema.text("schema")
    return Shape(text.encode("utf-8", "replace"), schema.text("name"), schema.text("description")), effort


def _tools(top: Fields) -> tuple[tuple[Tool | Foreign, ...], Choice | None]:
    config = top.inner("toolConfig")
    if config is None:
        return (), None
    found: list[Tool | Foreign] = []
    for one in config.each("tools"):
        mark = one.inner("cachePoint")
        if mark is not None:
            if found and isinstance(found[-1], Tool):
                found[-1] = structs.replace(found[-1], cache=_ttl(mark))
            continue
        spec = one.inner("toolSpec")
        if spec is None:
            found += [Foreign(DIALECT, name, _object(name, raw)) for name, raw in one.rest().items()]
            continue
        schema = spec.inner("inputSchema")
        found.append(
            Tool(
                spec.text("name"),
                spec.text("description"),
                schema.raw("json") if schema is not None else b"",
                spec.take("strict", bool),
            )
        )
        spec.done()
    return tuple(found), _choice(config)


def _choice(config: Fields) -> Choice | None:
    choice = config.inner("toolChoice")
    config.done()
    if choice is None:
        return None
    named = choice.inner("tool")
    if named is not None:
        return Choice("named", named.text("name"))
    if choice.has("any"):
        return Choice("required")
    if choice.has("auto"):
        return Choice("auto")
    raise BadRequest("`toolConfig.toolChoice` must hold auto, any or tool")


# --- messages ---------------------------------------------------------------------------------------------------------


def _turns(top: Fields) -> list[Turn]:
    turns = []
    for message in top.each("messages"):
        role = message.text("role")
        parts = _blocks(message, "content")
        message.done()
        if role == "user":
            parts.sort(key=lambda part: not isinstance(part, ToolResult))
            turns.append(Turn("user", tuple(parts)))
        elif role == "assistant":
            turns.append(Turn("assistant", tuple(parts)))
        elif role == "system":
            turns.append(Turn("system", tuple(parts)))
        else:
            raise BadRequest(f"`{message.place('role')}` must be user, assistant or system, not '{role[:64]}'")
    return turns


def _blocks(holder: Fields, name: str) -> list[Part]:
    """The parts of a list of blocks; a mark of a cache belongs to the part before it."""
    parts: list[Part] = []
    for block in holder.each(name):
        mark = block.inner("cachePoint")
        if mark is None:
            parts += _parts(block)
        elif parts and isinstance(parts[-1], Text | Image | File | ToolCall | ToolResult):
            parts[-1] = structs.replace(parts[-1], cache=_ttl(mark))
    return parts


def _ttl(mark: Fields) -> Cache:
    return "1h" if mark.text("ttl") == "1h" else "5m"


def _parts(block: Fields) -> list[Part]:
    """What one block says; all but citations are one part at most."""
    found: Part | None = None
    if block.has("text"):
        text = block.text("text")
        return [Text(text)] if text else []
    if (call := block.inner("toolUse")) is not None:
        if call.text("type") == "server_tool_use":
            call.lose("type")
        found = ToolCall(call.text("toolUseId"), call.text("name"), call.raw("input").decode("utf-8", "replace"))
        call.done()
    elif (result := block.inner("toolResult")) is not None:
        found = _result(result)
    elif (thought := block.inner("reasoningContent")) is not None:
        found = _thinking(thought)
    elif (image := block.inner("image")) is not None:
        found = _image(image)
    elif (document := block.inner("document")) is not None:
        found = _document(document)
    elif (guarded := block.inner("guardContent")) is not None:
        found = _guarded(guarded)
    elif (cited := block.inner("citationsContent")) is not None:
        return [Text(text) for one in cited.each("content") if (text := one.text("text"))]
    elif (sound := block.inner("audio")) is not None:
        found = _sound(sound)
    else:
        return [Foreign(DIALECT, name, _object(name, raw)) for name, raw in block.rest().items()]
    return [found]


def _result(result: Fields) -> ToolResult:
    parts: list[Text | Image | File | Foreign] = []
    for block in result.each("content"):
        if block.has("json"):
            if (value := block.raw("json")) != b"{}":
                parts.append(Text(value.decode("utf-8", "replace")))
            continue
        for part in _parts(block):
            if isinstance(part, Text | Image | File | Foreign):
                parts.append(part)
            else:
                result.lose("content")
    failed = result.text("status") == "error"
    result.take("type", str)
    id = result.text("toolUseId")
    result.done()
    return ToolResult(id, tuple(parts), failed)


def _thinking(thought: Fields) -> Thinking:
    told = thought.inner("reasoningText")
    if told is None:
        return Thinking("", thought.text("redactedContent"), DIALECT, sealed=True)
    return Thinking(told.text("text"), told.text("signature"), DIALECT)


def _image(image: Fields) -> Part:
    form, source = image.text("format"), image.inner("source")
    data = source.text("bytes") if source is not None else ""
    if not data:
        return Foreign(DIALECT, "image", _object("image", _whole({"format": form}, source, image)))
    image.done()
    return Image("", data, f"image/{form}")


def _document(document: Fields) -> Part:
    form, name, source = document.text("format"), document.text("name"), document.inner("source")
    data = source.text("bytes") if source is not None else ""
    if not data and source is not None and source.has("text"):
        data, form = of_text(source.text("text")), form or "txt"
    if not data:
        return Foreign(
            DIALECT, "document", _object("document", _whole({"format": form, "name": name}, source, document))
        )
    document.done()
    return File("", data, document_mime(form), given_name(name))


def _sound(sound: Fields) -> Part:
    form, source = sound.text("format"), sound.inner("source")
    data = source.text("bytes") if source is not None else ""
    if not data:
        return Foreign(DIALECT, "audio", _object("audio", _whole({"format": form}, source, sound)))
    sound.done()
    return Audio(data, form)


def _guarded(guarded: Fields) -> Part:
    """What a guardrail is to look at; the guardrail itself is lost by its own name."""
    text = guarded.inner("text")
    if text is None:
        return Foreign(DIALECT, "guardContent", _object("guardContent", _whole({}, None, guarded)))
    return Text(text.text("text"))


def _whole(known: dict[str, Any], source: Fields | None, holder: Fields) -> bytes:
    rest = {name: Raw(raw) for name, raw in holder.rest().items()}
    inner = {name: Raw(raw) for name, raw in source.rest().items()} if source is not None else {}
    return msgspec.json.encode({**known, **rest, **({"source": inner} if inner else {})})


def _object(name: str, raw: bytes) -> bytes:
    return msgspec.json.encode({name: Raw(raw)})
