"""What of a request is its prompt: read whole as long as that is short, and judged by slices beyond."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import Raw

from dd0c_route.tokens.loose import decoded
from dd0c_route.tokens.slices import FILE_TEXT, slices_of

# The fields of all dialects that the model reads as its prompt.
PROMPT = (
    *("instructions", "system", "systemInstruction", "system_instruction", "preamble"),
    *("messages", "contents", "input", "prompt", "suffix", "chat_history", "message", "documents"),
    *("inputText", "texts", "inputs", "content", "generateContentRequest"),
)
_MESSAGES = ("messages", "contents", "input", "chat_history")

# Inside of a message: names that the model does not read, and values that are no text.
_SILENT = frozenset(
    (
        *("type", "id", "tool_call_id", "tool_use_id", "toolUseId", "call_id", "cache_control", "status", "role"),
        *("summary", "thinking", "reasoning", "reasoning_content", "reasoningContent"),
        *("mime_type", "mimeType", "media_type"),
    )
)
_SEALED = frozenset(["signature", "thoughtSignature", "thought_signature", "encrypted_content"])
_IMAGES = frozenset(["image_url", "image", "images", "inlineData", "inline_data"])
_FILES = frozenset(
    [
        *("fileData", "file_data", "input_audio", "file", "document", "video", "video_url", "file_id", "file_url"),
        *("audio", "source"),
    ]
)
_DATA = frozenset(("arguments", "input", "args", "response", "functionResponse", "toolUse", "toolResult"))
_CALLS = frozenset(("tool_calls", "function_call", "functionCall", "toolUse"))
_CALL_TYPES = ("tool_use", "function_call")  # compared, not hashed: a type may be anything

ALL_BYTES = 1 << 40
_MOST_FIELDS = 64
_MOST_VALUES = 192  # of a field that is read whole in bounded time; one with more of them is judged by slices too
_JSON_ESCAPES = (("\\n", "\n"), ('\\"', '"'), ("\\t", "\t"), ("\\\\", "\\"))
_JSON_CODES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_JSON_FRAME = re.compile(
    r'"(?:role|type|text|content|parts|id|(?:tool_)?call_id|tool_use_id)"\s*:\s*'
    r'(?:"(?:user|assistant|model|text|call_[^"]*|toolu_[^"]*)")?'
)
_NUMBERS = re.compile(r"[\[\s]*\d[\d,\s\[\]]*")
_IMAGE = re.compile(r'"image_url"\s*:')
_INSIDE = re.compile(r'"(?:inlineData|inline_data|image)"')
_CALL = re.compile(r'"(?:tool_calls|functionCall|toolUse|tool_use|function_call)"')


class Sample(NamedTuple):
    """Some of the prompt's text, and how many times as much there is."""

    text: str
    times: float


class Prompt:
    """What was found in the fields of a request.

    Attributes:
        sealed: Characters of earlier thoughts that only the provider can read, and may count.
        ids: Prompts may come as token numbers.
        refers: A message is only named, and kept by the provider.
        sample: Of what was too long to be read.
    """

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.messages = 0.0
        self.images = 0
        self.files = 0
        self.calls = 0.0
        self.sealed = 0
        self.ids = 0.0
        self.refers = False
        self.sample: Sample | None = None


def is_simple(fields: Mapping[str, Raw], most_bytes: int) -> bool:
    """Whether all *fields* are so short, and of so few values, that reading them takes no time worth mentioning."""
    if len(fields) > _MOST_FIELDS or sum([len(memoryview(raw)) for raw in fields.values()]) > most_bytes:
        return False
    return sum(map(_values, fields.values())) <= _MOST_VALUES


def _values(raw: Raw | memoryview) -> int:
    """About how many values of others there are; commas within texts are few."""
    written = bytes(raw)
    return written.count(b"[") + written.count(b"{") + written.count(b",") // 8


def read(fields: Mapping[str, Raw], most_bytes: int) -> Prompt:
    """Find the prompt; fields that together are longer than *most_bytes* are judged by slices."""
    prompt = Prompt()
    bounded = most_bytes < ALL_BYTES
    long = []
    for name in PROMPT:
        if name not in fields:
            continue
        raw = memoryview(fields[name])
        most_bytes -= len(raw)
        if most_bytes < 0 or (bounded and _values(raw) > _MOST_VALUES):
            long.append(raw)
        else:
            _read(name, raw, prompt)
    if long:
        _read_slices(long, prompt)
    return prompt


def _read(name: str, raw: memoryview, prompt: Prompt) -> None:
    try:
        value = decoded(raw)
    except ValueError:
        return  # the provider will not read it either
    if name in _MESSAGES and isinstance(value, list):
        prompt.messages += len(value)
    rest = [value]  # no recursion: the depth is the client's choice
    while rest:
        match rest.pop():
            case str() as text:
                prompt.texts.append(text)
            case bool() | None:
                pass
            case int():
                prompt.ids += 1
            case list() as items:
                rest.extend(reversed(items))
            case dict() as fields:
                if fields.get("thought") is not True:
                    rest.extend(_read_of(fields, prompt))


def _read_of(fields: dict[str, Any], prompt: Prompt) -> list[Any]:
    """The values of an object that have to be looked into; the others are noted."""
    inside = []
    prompt.calls += fields.get("type") in _CALL_TYPES
    prompt.refers = prompt.refers or fields.get("type") == "item_reference"
    for name, inner in fields.items():
        prompt.calls += (name in _CALLS) * (len(inner) if isinstance(inner, list) else 1)
        if name in _SILENT:
            continue
        if name in _SEALED:
            prompt.sealed += len(inner) if isinstance(inner, str) else 0
        elif inner and (name in _IMAGES or (name == "source" and fields.get("type") == "image")):
            if _is_image(inner):
                prompt.images += 1
            else:
                prompt.files += 1
        elif inner and name in _FILES:
            prompt.files += 1
        elif name in _DATA and not isinstance(inner, str):
            written = json.dumps(inner, ensure_ascii=False, separators=(",", ":"))
            prompt.images += len(_INSIDE.findall(written))
            prompt.texts.append(FILE_TEXT.sub(r"\1", written))
        else:
            inside.append(inner)
    return inside


def _is_image(value: Any) -> bool:
    """Whether an embedded file is an image, by the type that stands beside it; one without a type is."""
    kind = value.get("mimeType") or value.get("mime_type") if isinstance(value, dict) else None
    return not isinstance(kind, str) or kind.startswith("image/")


def _read_slices(fields: list[memoryview], prompt: Prompt) -> None:
    """Judge long fields by slices of their JSON: which share is text, and what it says."""
    found = slices_of(fields)
    prompt.images += found.images
    prompt.files += found.files
    prompt.sealed += found.sealed
    seen, times = found.json, found.times
    if _NUMBERS.fullmatch(seen) and all(_NUMBERS.match(bytes(raw[:16]).decode("latin-1")) for raw in fields):
        prompt.ids += seen.count(",") * times
        return
    prompt.messages += seen.count('"role"') * times
    prompt.calls += len(_CALL.findall(seen)) * times
    prompt.images = prompt.images or round(len(_IMAGE.findall(seen)) * times)
    if text := _unescaped(seen):
        prompt.sample = Sample(text, times)


def _unescaped(slices: str) -> str:
    """Nearly the text that JSON stands for, without the frame of a message."""
    text = _JSON_FRAME.sub("", slices)
    quoted = text.replace('\\"', '"').replace('"', '\\"')
    try:
        text = json.loads(f'"{quoted}"', strict=False)
    except ValueError:  # a backslash of its own before a quote: then one by one
        for escape, char in _JSON_ESCAPES:
            text = text.replace(escape, char)
        text = without_codes(text)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def without_codes(text: str) -> str:
    """*text* with the characters that JSON's `\\u` stands for."""
    return _JSON_CODES.sub(_characters, text) if "\\u" in text else text


def _characters(codes: re.Match[str]) -> str:
    return bytes.fromhex(codes[0].replace("\\u", "")).decode("utf-16-be", "ignore")
