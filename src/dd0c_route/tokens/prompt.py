"""What of a request is its prompt: read whole as long as that is short, and judged by slices beyond."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import Raw

from dd0c_route.tokens.loose import decoded

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
_SLICES = 9
_SLICE_BYTES = 128
# Evenly, and in step with nothing that repeats: multiples of the golden ratio.
_SPREAD = sorted((0.5 + i * 0.6180339887) % 1 for i in range(_SLICES))
_JSON_ESCAPES = (("\\n", "\n"), ('\\"', '"'), ("\\t", "\t"), ("\\\\", "\\"))
_JSON_CODES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_JSON_FRAME = re.compile(
    r'"(?:role|type|text|content|parts|id|(?:tool_)?call_id|tool_use_id)"\s*:\s*'
    r'(?:"(?:user|assistant|model|text|call_[^"]*|toolu_[^"]*)")?'
)
_NUMBERS = re.compile(r"[\[\s]*\d[\d,\s\[\]]*")
_IMAGE = re.compile(r'"image_url"\s*:')
_INSIDE = re.compile(r'"(?:inlineData|inline_data|image)"')
_FILE_TEXT = re.compile(r"[A-Za-z0-9+/=_-]{200,}")
_CALL = re.compile(r'"(?:tool_calls|functionCall|toolUse|tool_use|function_call)"')
_BASE64 = re.compile(rb"[A-Za-z0-9+/=_-]{60,}")  # embedded files; no prose has such words
_TORN = re.compile(rb"^u?[0-9a-fA-F]{1,4}(?=\\u[0-9a-fA-F]{4})|\\(?:u[0-9a-fA-F]{0,3})?$")  # escapes that a slice cuts
_FILE = re.compile(rb"[A-Za-z0-9+/=_-]{48}")
_OTHER_FILE = re.compile(rb"pdf|audio|video|document|JVBERi0")
_THOUGHT = re.compile(rb"ignature\"|encrypted_content")
_PROBE_BYTES = 48
_NEAR_BYTES, _NEAR_CHUNKS = 32 << 10, 3  # so far an edge is looked for byte by byte: 8 µs
_BEFORE_BYTES = 160
_MOST_FILES = 3  # that are cut out, at 30 µs each


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
            prompt.texts.append(_FILE_TEXT.sub("", written))
        else:
            inside.append(inner)
    return inside


def _is_image(value: Any) -> bool:
    """Whether an embedded file is an image, by the type that stands beside it; one without a type is."""
    kind = value.get("mimeType") or value.get("mime_type") if isinstance(value, dict) else None
    return not isinstance(kind, str) or kind.startswith("image/")


def _read_slices(fields: list[memoryview], prompt: Prompt) -> None:
    """Judge long fields by slices of their JSON, spread evenly: which share is text, and what it says."""
    parts = _without_files(fields, prompt)
    slices = [_TORN.sub(b"", bytes(part[at : at + _SLICE_BYTES])) for part, at in _places(parts)]
    seen = b"".join([_BASE64.sub(b"", some) for some in slices]).decode("utf-8", "ignore")
    times = sum(map(len, parts)) / max(1, sum(map(len, slices)))
    if _NUMBERS.fullmatch(seen):
        prompt.ids += seen.count(",") * times
        return
    prompt.messages += seen.count('"role"') * times
    prompt.calls += len(_CALL.findall(seen)) * times
    prompt.images = prompt.images or round(len(_IMAGE.findall(seen)) * times)
    if text := _unescaped(seen):
        prompt.sample = Sample(text, times)


def _places(parts: list[memoryview]) -> list[tuple[memoryview, int]]:
    """Where the slices begin, as if *parts* were one."""
    total = sum(map(len, parts))
    if total <= _SLICES * _SLICE_BYTES:
        ats = list(range(0, total, _SLICE_BYTES))
    else:
        ats = [int(share * (total - _SLICE_BYTES)) for share in _SPREAD]
    places: list[tuple[memoryview, int]] = []
    before = 0
    for part in parts:
        while len(places) < len(ats) and ats[len(places)] - before < len(part):
            places.append((part, ats[len(places)] - before))
        before += len(part)
    return places


def _without_files(fields: list[memoryview], prompt: Prompt) -> list[memoryview]:
    """The parts of *fields* around embedded files: those that are long enough for a slice to fall into."""
    parts, cuts = list(fields), list[int]()
    for _ in range(_MOST_FILES):
        found = next(((part, at) for part, at in _places(parts) if _is_file(part, at)), None)
        if found is None:
            break
        part, at = found
        start, end = _edge(part, at, -_PROBE_BYTES), _edge(part, at, _PROBE_BYTES)
        before = part[max(0, start - _BEFORE_BYTES) : start + _PROBE_BYTES]
        if _THOUGHT.search(before):
            prompt.sealed += end - start
        elif _OTHER_FILE.search(before):
            prompt.files += 1
        else:
            prompt.images += 1
        index = next(index for index, other in enumerate(parts) if other is part)
        parts[index : index + 1] = [part[:start], part[end:]]
        cuts.append(end - start)
    left = [part for part in parts if len(part)]
    if len(cuts) == _MOST_FILES:  # more of the kind, as many as the slices that still fall into one tell
        share = sum([_is_file(part, at) for part, at in _places(left)]) / _SLICES
        prompt.images += round(share * sum(map(len, left)) * _MOST_FILES / sum(cuts))
    return left


def _is_file(part: memoryview, at: int) -> bool:
    return _FILE.fullmatch(part[at : at + _PROBE_BYTES]) is not None


def _edge(part: memoryview, at: int, step: int) -> int:
    """How far a file reaches from *at*, forwards or backwards: to its quote, or, of a long one, to a few bytes.

    By steps that double, then halve: two long files with little between them may be taken for one.
    """
    for _ in range(_NEAR_CHUNKS):
        chunk = bytes(part[at : at + _NEAR_BYTES] if step > 0 else part[max(0, at - _NEAR_BYTES) : at])
        quote = chunk.find(b'"') if step > 0 else chunk.rfind(b'"')
        if quote >= 0:
            return at + quote if step > 0 else at - len(chunk) + quote + 1
        at += len(chunk) if step > 0 else -len(chunk)
    inside, outside = at, at + step
    while 0 <= outside <= len(part) - _PROBE_BYTES and _is_file(part, outside):
        inside, step = outside, step * 2
        outside += step
    outside = min(max(outside, 0), len(part))
    while abs(outside - inside) > _PROBE_BYTES:
        middle = (inside + outside) // 2
        if _is_file(part, middle):
            inside = middle
        else:
            outside = middle
    return inside if step < 0 else min(inside + _PROBE_BYTES, len(part))


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
