"""What a request says of the form of its answer: the schema it has to fit, the tools it may call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

MAX_BYTES = 1 << 20  # of the fields that are read; of a request with more nothing is expected
_NAMES = {
    "openai.chat": ("response_format", "tools", "tool_choice", "max_tokens", "max_completion_tokens"),
    "openai.responses": ("text", "tools", "tool_choice", "max_output_tokens"),
    "anthropic.messages": ("output_config", "output_format", "tools", "tool_choice", "max_tokens"),
    "gemini.generate": ("generationConfig", "tools", "toolConfig"),
}
_DECODER = msgspec.json.Decoder()


class Expected(Struct, frozen=True):
    """The form that an answer must have.

    Attributes:
        json: The text has to be JSON.
        schema: The JSON Schema it has to fit, or None.
        tools: The JSON Schema of each tool's arguments, by name; empty where none is known.
        must_call: The answer has to be a call of a tool.
        output_limit: The most output tokens that the caller allows, or None.
    """

    json: bool = False
    schema: Any = None
    tools: dict[str, Any] = {}
    must_call: bool = False
    output_limit: int | None = None


ANYTHING = Expected()


def expected(api: str, fields: Mapping[str, Raw]) -> Expected | None:
    """What is expected of an answer to the request *fields*; None where its API is none whose answers are read.

    A field that cannot be read is one that says nothing.
    """
    names = _NAMES.get(api)
    if names is None:
        return None
    raw = {name: fields[name] for name in names if name in fields}
    if sum(len(bytes(value)) for value in raw.values()) > MAX_BYTES:
        return ANYTHING
    return _READERS[api]({name: _value(value) for name, value in raw.items()})


def _chat(given: dict[str, Any]) -> Expected:
    form = _table(given.get("response_format"))
    functions = [_table(_table(tool).get("function")) for tool in _list(given.get("tools"))]
    kind = form.get("type")
    return Expected(
        json=kind in ("json_object", "json_schema"),
        schema=_table(form.get("json_schema")).get("schema") if kind == "json_schema" else None,
        tools=_named(functions, "parameters"),
        must_call=given.get("tool_choice") == "required" or isinstance(given.get("tool_choice"), dict),
        output_limit=_whole(given.get("max_completion_tokens", given.get("max_tokens"))),
    )


def _responses(given: dict[str, Any]) -> Expected:
    form = _table(_table(given.get("text")).get("format"))
    functions = [_table(tool) for tool in _list(given.get("tools")) if _table(tool).get("type") == "function"]
    only_functions = len(functions) == len(_list(given.get("tools")))
    kind = form.get("type")
    return Expected(
        json=kind in ("json_object", "json_schema"),
        schema=form.get("schema") if kind == "json_schema" else None,
        tools=_named(functions, "parameters") if only_functions else {},
        must_call=given.get("tool_choice") == "required",
        output_limit=_whole(given.get("max_output_tokens")),
    )


def _messages(given: dict[str, Any]) -> Expected:
    form = _table(_table(given.get("output_config")).get("format")) or _table(given.get("output_format"))
    tools = [_table(tool) for tool in _list(given.get("tools"))]
    only_functions = all("input_schema" in tool for tool in tools)
    return Expected(
        json=form.get("type") == "json_schema",
        schema=form.get("schema"),
        tools=_named(tools, "input_schema") if only_functions else {},
        must_call=_table(given.get("tool_choice")).get("type") in ("any", "tool"),
        output_limit=_whole(given.get("max_tokens")),
    )


def _generate(given: dict[str, Any]) -> Expected:
    config = _table(given.get("generationConfig"))
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    declared = [one for tool in _list(given.get("tools")) for one in _list(_table(tool).get("functionDeclarations"))]
    functions = [_table(one) for one in declared]
    calling = _table(_table(given.get("toolConfig")).get("functionCallingConfig"))
    return Expected(
        json=config.get("responseMimeType") == "application/json",
        schema=schema if config.get("responseMimeType") == "application/json" else None,
        tools={
            **_named(functions, "parameters"),
            **_named([one for one in functions if "parametersJsonSchema" in one], "parametersJsonSchema"),
        },
        must_call=calling.get("mode") == "ANY",
        output_limit=_whole(config.get("maxOutputTokens")),
    )


_READERS = {
    "openai.chat": _chat,
    "openai.responses": _responses,
    "anthropic.messages": _messages,
    "gemini.generate": _generate,
}


def _named(functions: list[dict[str, Any]], schema: str) -> dict[str, Any]:
    return {one["name"]: one.get(schema) for one in functions if isinstance(one.get("name"), str)}


def _value(raw: Raw) -> Any:
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
