"""What sort of request it is, as far as counts differ by it: the key that corrections are learned under. Pure.

Told from a bounded part of the body, so that it may be asked on the event loop. A request always gets the same
traits, and that is what matters: a wrong kind would only be learned under another name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

Kind = Literal["text", "tools", "tools_history", "schema", "image", "file", "audio", "server_tools", "state"]
Script = Literal["latin", "cjk", "other"]

_WHOLE_BYTES = 32 << 10  # of a field, read whole; of a longer one its beginning, its end and its length
_HEAD_BYTES = 24 << 10
_TAIL_BYTES = 8 << 10
_SAMPLE_BYTES = 1 << 10  # at each end of a prompt, to tell its script

_PROMPTS = ("messages", "contents", "input", "prompt", "chat_history", "message", "inputText", "texts")
_TOOLS = ("tools", "functions", "toolConfig")
_SCHEMAS = ("response_format", "text", "output_config", "output_format", "format", "generationConfig")
_STATE = ("previous_response_id", "conversation", "cachedContent", "context_management")
_NO_VALUE = frozenset((b"null", b"[]", b"{}", b'""'))

# As they stand in a body: a quotation mark in a text would have a backslash before it.
_SERVER_TOOLS = re.compile(
    rb'"(?:web_?search|code_?(?:execution|interpreter)|google_?search|file_?search|web_?fetch|url_?context|mcp'
    rb"|tool_search|image_generation|computer|bash_2|text_editor|memory_2|advisor_2|x_search|openrouter:)",
    re.IGNORECASE,
)
_ASKS_ABOUT = {  # calls that only ask for a count
    "anthropic.count_tokens": "anthropic.messages",
    "gemini.count_tokens": "gemini.generate",
    "openai.input_tokens": "openai.responses",
}
_PARTS: tuple[tuple[Kind, tuple[bytes, ...]], ...] = (  # the first that occurs
    ("audio", (b'"input_audio"', b'"audio/', b'"video', b'"audio"')),
    ("file", (b'"application/pdf"', b'"input_file"', b'"document"', b'"file_data"', b'"fileData"', b'"file"')),
    ("image", (b'"image_url"', b'"input_image"', b'"image/', b'"image"', b'"images"')),
    (
        "tools_history",
        (b'"tool_calls"', b'"function_call', b'"tool_use"', b'"functionCall"', b'"toolUse"', b'"tool_results"'),
    ),
)
_SCHEMA = (b'"json_schema"', b'"schema"', b'"responseSchema"', b'"response_schema"', b'"responseJsonSchema"')
_MOST_WORD = 16  # characters of a word that we do not know
_ESCAPED = re.compile(rb"\\u([0-9a-fA-F]{4})")


class Traits(Struct, frozen=True, gc=False):
    """What a count's error depends on.

    Attributes:
        api: The call, as in `types.Call.api`, since frames differ; of one that asks for a count, what it asks about.
        kind: The hardest thing in the request.
        tool_choice: `any`, `none`, `named`, or the provider's own word; empty where the model chooses, or has no tools.
        tools_hash: Of the tools and of the answer's schema as JSON, whatever the order of its fields; empty without.
        script: Which letters most of the prompt is written in.
    """

    api: str = ""
    kind: Kind = "text"
    tool_choice: str = ""
    tools_hash: str = ""
    script: Script = "latin"


def traits(api: str, fields: Mapping[str, Raw]) -> Traits:
    """The traits of a request; never raises, whatever is in the fields. Some 50 µs, however long the request is."""
    prompts = _given(fields, _PROMPTS)
    tools = [form for name, form in _given(fields, _TOOLS).items() if name != "toolConfig" or b'"tools"' in form]
    schemas = [form for form in _given(fields, _SCHEMAS).values() if any(word in form for word in _SCHEMA)]
    return Traits(
        api=_ASKS_ABOUT.get(api, api),
        kind=_kind(fields, prompts, tools, schemas),
        tool_choice=_tool_choice(fields) if tools else "",
        tools_hash=_hash(b"\0".join(tools + schemas)) if tools or schemas else "",
        script=_script(prompts),
    )


def _given(fields: Mapping[str, Raw], names: tuple[str, ...]) -> dict[str, bytes]:
    """What stands in those of the fields that say something: whole, or the ends and the length of a long one."""
    found: dict[str, bytes] = {}
    for name in names:
        if name in fields:
            view = memoryview(fields[name])
            if len(view) <= _WHOLE_BYTES:
                form = bytes(view)
            else:
                form = b"".join((view[:_HEAD_BYTES], view[-_TAIL_BYTES:], b"%d" % len(view)))
            if form not in _NO_VALUE:
                found[name] = form
    return found


def _kind(fields: Mapping[str, Raw], prompts: dict[str, bytes], tools: list[bytes], schemas: list[bytes]) -> Kind:
    if _given(fields, _STATE):
        return "state"
    if any(_SERVER_TOOLS.search(form) for form in tools):
        return "server_tools"
    for kind, words in _PARTS:
        if any(word in form for form in prompts.values() for word in words):
            return kind
    return "schema" if schemas else "tools" if tools else "text"


def _tool_choice(fields: Mapping[str, Raw]) -> str:
    for name in ("tool_choice", "toolConfig", "tool_config", "function_call"):
        if name not in fields or len(memoryview(fields[name])) > _WHOLE_BYTES:
            continue
        try:
            return _choice(msgspec.json.decode(fields[name]))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return ""
    return ""


def _choice(value: Any) -> str:
    """One word for what the dialects say in their own ways."""
    if isinstance(value, dict):
        value = value.get("functionCallingConfig", value.get("toolChoice", value))  # Gemini's, Bedrock's
    if isinstance(value, dict):
        if value.get("name") or value.get("function") or value.get("tool") or value.get("allowedFunctionNames"):
            return "named"
        value = value.get("type") or value.get("mode") or next(iter(value), "")
    word = value.lower() if isinstance(value, str) else ""
    return {"auto": "", "required": "any"}.get(word, word[:_MOST_WORD])


@lru_cache(maxsize=128)  # the same tool sets come again and again; at most 32 KiB each
def _hash(form: bytes) -> str:
    """64 bits of the forms' contents: two sets of tools of one installation do not meet."""
    parts = form.split(b"\0")
    with suppress(
        msgspec.MsgspecError, UnicodeDecodeError, RecursionError
    ):  # only its ends are here: as they were sent
        parts = [msgspec.json.encode(msgspec.json.decode(part), order="deterministic") for part in parts]
    return blake2b(b"\0".join(parts), digest_size=8).hexdigest()


def _script(prompts: dict[str, bytes]) -> Script:
    """By the first and the last characters: what lies between is mostly alike."""
    for form in prompts.values():
        sample = form[:_SAMPLE_BYTES] + form[-_SAMPLE_BYTES:] if len(form) > 2 * _SAMPLE_BYTES else form
        codes = [int(code, 16) for code in _ESCAPED.findall(sample)]
        codes += [ord(char) for char in sample.decode("utf-8", "ignore") if char > "\u024f"]
        east = sum(0x2E80 <= code <= 0x9FFF or 0xAC00 <= code <= 0xD7AF or code >= 0x20000 for code in codes)
        if len(codes) * 20 > len(sample):  # a twelfth to a twentieth of the letters, and more of the tokens
            return "cjk" if east * 2 > len(codes) else "other"
    return "latin"
