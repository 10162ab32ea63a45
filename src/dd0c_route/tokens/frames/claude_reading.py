"""Requests to Claude, in whichever API they come: read into one shape, that of Anthropic's own Messages."""

from __future__ import annotations

import binascii
import json
import re
from typing import Any

import msgspec
from msgspec import Struct

from dd0c_route.tokens.frames.reading import Fields, Unknown, decode, dicts, given, objects, string, text

Block = dict[str, Any]
_ROLES = ("user", "assistant", "system")
_PLAIN = ("txt", "md", "csv", "html")  # documents that are text
_DATA_URL = re.compile(r"^data:[^,]{0,200},")
_SYSTEM_ROLES = ("system", "developer")


class Message(Struct):
    """A turn, or a part of one, with its blocks as Messages has them."""

    role: str
    blocks: list[Block]


class Request(Struct):
    """What a request to Claude holds.

    Attributes:
        system: The blocks of the system prompt.
        tools, choice, thinking: As Messages has `tools`, `tool_choice` and `thinking`.
        schema: JSON schema that the answer must have.
        settings: Fields that change the prompt in other ways, by name.
    """

    messages: list[Message]
    system: list[str] = msgspec.field(default_factory=list)
    tools: list[Block] = msgspec.field(default_factory=list)
    choice: dict[str, Any] = msgspec.field(default_factory=dict)
    thinking: dict[str, Any] = msgspec.field(default_factory=dict)
    schema: Any = None
    settings: dict[str, Any] = msgspec.field(default_factory=dict)


_SETTINGS = ("mcp_servers", "context_management", "container", "output_config")


def from_messages(fields: Fields) -> Request:
    """Anthropic's Messages and `count_tokens`, and their bodies at Bedrock and Vertex."""
    request = Request([_message(item.get("role"), item.get("content")) for item in objects(fields, "messages")])
    if given(fields, "system"):
        request.system = _texts(decode(fields, "system"))
    if given(fields, "tools"):
        request.tools = objects(fields, "tools")
    request.choice = _object(fields, "tool_choice")
    request.thinking = _object(fields, "thinking")
    request.settings = {name: decode(fields, name) for name in _SETTINGS if given(fields, name)}
    form = _object(fields, "output_format") or _of(_object(fields, "output_config"), "format")
    request.schema = form.get("schema")
    return request


def _message(role: Any, content: Any) -> Message:
    if role not in _ROLES:
        raise Unknown
    if content is None or isinstance(content, str):
        return Message(role, [{"type": "text", "text": content or ""}])
    return Message(role, dicts(content))


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [string(block.get("text")) for block in dicts(value)]


def _object(fields: Fields, name: str) -> dict[str, Any]:
    value = decode(fields, name) if given(fields, name) else {}
    if not isinstance(value, dict):
        raise Unknown
    return value


def _of(value: dict[str, Any], name: str) -> dict[str, Any]:
    inner = value.get(name)
    return inner if isinstance(inner, dict) else {}


# --- Bedrock's Converse ---------------------------------------------------------------------------------


def from_converse(fields: Fields) -> Request:
    """Source: the Amazon Bedrock API reference, "Converse"."""
    messages = [
        Message(string(item.get("role")), _converse_blocks(item.get("content"))) for item in objects(fields, "messages")
    ]
    if any(message.role not in _ROLES for message in messages):
        raise Unknown
    request = Request(messages)
    if given(fields, "system"):
        request.system = [string(block["text"]) for block in objects(fields, "system") if "text" in block]
    tools = _object(fields, "toolConfig")
    for tool in dicts(tools.get("tools") or []):
        if isinstance(spec := tool.get("toolSpec"), dict):
            request.tools.append(spec | {"input_schema": _of(spec, "inputSchema").get("json")})
        elif "cachePoint" not in tool:
            raise Unknown
    for kind, named in _of(tools, "toolChoice").items():
        request.choice = {"type": kind, **(named if isinstance(named, dict) else {})}
    more = _object(fields, "additionalModelRequestFields")
    request.thinking = _of(more, "thinking") or _of(more, "reasoning_config")
    schema = _of(_of(_of(_object(fields, "outputConfig"), "textFormat"), "structure"), "jsonSchema").get("schema")
    request.schema = msgspec.json.decode(schema) if isinstance(schema, str) else schema
    return request


def _converse_blocks(content: Any) -> list[Block]:
    return [block for item in dicts(content) for block in _converse_block(item)]


def _converse_block(item: Block) -> list[Block]:
    for name, value in item.items():
        match name, value:
            case "text", str():
                return [{"type": "text", "text": value}]
            case "json", _:
                return [{"type": "text", "text": json.dumps(value, ensure_ascii=False)}]
            case "image", {"source": {"bytes": str() as data}}:
                return [{"type": "image", "source": {"type": "base64", "data": data}}]
            case "document", {"source": dict() as source}:
                read = {"type": "document", "source": _converse_source(source, value.get("format"))}
                return [read | {"title": value.get("name"), "citations": value.get("citations")}]
            case "searchResult", dict():
                return [value | {"type": "search_result", "content": _converse_blocks(value.get("content"))}]
            case "toolUse", dict():
                call = {"id": value.get("toolUseId"), "name": value.get("name"), "input": value.get("input")}
                return [{"type": "tool_use", **call}]
            case "toolResult", dict():
                content = _converse_blocks(value.get("content"))
                return [{"type": "tool_result", "tool_use_id": value.get("toolUseId"), "content": content}]
            case "reasoningContent", _:
                return [{"type": "thinking", "thinking": _of(_of(item, name), "reasoningText").get("text")}]
            case "cachePoint", _:
                return []
    raise Unknown


def _converse_source(source: dict[str, Any], form: Any) -> Block:
    if isinstance(plain := source.get("text"), str):
        return {"type": "text", "data": plain}
    if form in _PLAIN and isinstance(data := source.get("bytes"), str):
        try:
            return {"type": "text", "data": binascii.a2b_base64(data).decode()}
        except ValueError:
            raise Unknown from None
    return {"type": "base64", "data": source.get("bytes")}


# --- hosts that speak OpenAI's chat ---------------------------------------------------------------------


def from_chat(fields: Fields) -> Request:
    """What hosts make of OpenAI's dialect: the system's messages in front, results as blocks of the user's turn."""
    request = Request([])
    for item in objects(fields, "messages"):
        role, content = item.get("role"), item.get("content")
        if role in _SYSTEM_ROLES:
            request.system.append(text(content, ("text",)))
        elif role == "tool":
            result = {"type": "tool_result", "tool_use_id": item.get("tool_call_id"), "content": _chat_blocks(content)}
            if request.messages and request.messages[-1].role == "user":
                request.messages[-1].blocks.append(result)
            else:
                request.messages.append(Message("user", [result]))
        else:
            calls = [_chat_call(call.get("function")) | {"id": call.get("id")} for call in _listed(item, "tool_calls")]
            thoughts = [
                {"type": "thinking", "thinking": thought.get("text")} for thought in _listed(item, "reasoning_details")
            ]
            request.messages.append(Message(_message(role, []).role, [*thoughts, *_chat_blocks(content), *calls]))
    for tool in objects(fields, "tools") if given(fields, "tools") else []:
        function = tool.get("function")
        if not isinstance(function, dict):
            raise Unknown
        request.tools.append(function | {"input_schema": function.get("parameters") or {}})
    request.choice = _chat_choice(fields)
    request.thinking = _chat_thinking(fields)
    form = _object(fields, "response_format")
    request.schema = _of(form, "json_schema").get("schema")
    return request


def _listed(item: Block, name: str) -> list[Block]:
    return dicts(item.get(name) or [])


def _chat_blocks(content: Any) -> list[Block]:
    if content is None or isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return [_chat_block(part) for part in dicts(content)]


def _chat_block(part: Block) -> Block:
    match part:
        case {"type": "text", "text": str()}:
            return part
        case {"type": "image_url", "image_url": {"url": str() as url}}:
            return {"type": "image", "source": {"type": "base64", "data": url}}
        case {"type": "file", "file": {"file_data": str() as data}}:
            return {"type": "document", "source": {"type": "base64", "data": _DATA_URL.sub("", data, count=1)}}
    raise Unknown


def _chat_call(function: Any) -> Block:
    if not isinstance(function, dict):
        raise Unknown
    arguments = msgspec.json.decode(string(function.get("arguments")) or "{}")
    return {"type": "tool_use", "name": function.get("name"), "input": arguments}


def _chat_thinking(fields: Fields) -> dict[str, Any]:
    """In Anthropic's own field, or in OpenAI's and OpenRouter's."""
    if thinking := _object(fields, "thinking"):
        return thinking
    reasoning = _object(fields, "reasoning")
    effort = decode(fields, "reasoning_effort") if given(fields, "reasoning_effort") else reasoning.get("effort")
    asked = bool(reasoning) or effort is not None
    return {"type": "enabled"} if asked and effort != "none" and reasoning.get("enabled") is not False else {}


def _chat_choice(fields: Fields) -> dict[str, Any]:
    choice = decode(fields, "tool_choice") if given(fields, "tool_choice") else "auto"
    if isinstance(choice, dict):
        named = _of(choice, "function").get("name")
        return {"type": "tool", "name": named}
    parallel = not given(fields, "parallel_tool_calls") or decode(fields, "parallel_tool_calls") is not False
    kind = {"required": "any", "none": "none"}.get(choice, "auto") if isinstance(choice, str) else "auto"
    return {"type": kind} | ({} if parallel else {"disable_parallel_tool_use": True})
