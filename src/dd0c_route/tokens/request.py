"""How many tokens a request will be: the text that reaches the model, and what the API puts around it.

Before the call, for routing and budgets: an estimate in bounded time whatever the request's length. Elsewhere: exact
where the frame is known (`frames`), and else an estimate around the exact count of the text.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Raw, Struct

from dd0c_route.tokens.frames import answer_end, frame_of
from dd0c_route.tokens.models import tokenizer_for
from dd0c_route.types import Count

# The fields of all dialects that the model reads as its prompt, and those that describe tools or an answer's form.
_PROMPT = (
    *("instructions", "system", "systemInstruction", "system_instruction", "preamble"),
    *("messages", "contents", "input", "prompt", "suffix", "chat_history", "message", "documents"),
    *("inputText", "texts", "content", "generateContentRequest"),
)
_UNFRAMED = ("openai.completions", "openai.embeddings", "embeddings", "cohere.embeddings")
_MESSAGES = ("messages", "contents", "input", "chat_history")
_TOOLS = ("tools", "functions", "toolConfig")
_SCHEMAS = (
    "response_format",
    "text",
    "generationConfig",
    "generation_config",
    "format",
    "output_config",
    "output_format",
)
# Server-side state: what it holds is part of the prompt and cannot be seen from here.
_UNSEEN = ("previous_response_id", "conversation", "cachedContent", "mcp_servers", "context_management")
_SHORTENING = ("context_management",)  # the provider may leave out most of what was sent
_SERVER_TOOLS = re.compile(
    rb"web_?search|code_?(?:execution|interpreter)|google_?search|file_?search|web_?fetch|mcp|url_?context"
    rb"|tool_search|defer_loading|advisor_2|memory_2",
    re.I,
)
_SCHEMA = re.compile(rb"[sS]chema")
_UNSEEN_STATE = (0, 0, 100_000)  # tokens: middle, low, high
_FILE = (1_500, 1, 60_000)

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
_FILES = frozenset(["fileData", "file_data", "input_audio", "file", "document", "video", "file_id", "audio", "source"])
_DATA = frozenset(("arguments", "input", "args", "response", "functionResponse", "toolUse", "toolResult"))

_OPENAI = re.compile(r"(?:^|/)(?:ft:)?(?:gpt-\d|gpt-35|chatgpt|o\d|codex|computer-use)")

_QUICK_BYTES = 4 << 10  # a request of this size is counted exactly in about a millisecond
_WHOLE_BYTES = 32 << 10  # a longer field is read in slices
_ALL_BYTES = 1 << 40
_SLICES = 12
_SLICE_BYTES = 256
_JSON_ESCAPES = (("\\n", "\n"), ('\\"', '"'), ("\\t", "\t"), ("\\\\", "\\"))
_JSON_CODE = re.compile(r"\\u([0-9a-fA-F]{4})")
_JSON_FRAME = re.compile(r'"(?:role|type|text|content|parts)"\s*:\s*(?:"(?:user|assistant|model|text)")?')
_BASE64 = re.compile(rb"[A-Za-z0-9+/=_\\-]{100,}")  # embedded files; no prose has such words


CountText = Callable[[str], Count]


class Surround(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `framing.toml`, which says what the fields mean."""

    prime: int
    message: int
    hidden: tuple[int, int]
    thinking: int
    tools: int
    tools_band: tuple[int, int]
    tool_share: float
    tool_share_band: tuple[float, float]
    schema: int
    schema_share: float
    image: int
    image_band: tuple[int, int]


class _Range:
    """A sum of estimates and of their bounds."""

    def __init__(self) -> None:
        self.low = self.middle = self.high = 0.0

    def add(self, middle: float, low: float, high: float) -> None:
        self.middle += middle
        self.low += low
        self.high += high


class _Prompt:
    """What was found in the fields of a request."""

    def __init__(self, whole_bytes: int) -> None:
        self.whole_bytes = whole_bytes  # of a field, before it is judged by slices
        self.texts: list[str] = []
        self.messages = 0
        self.images = 0
        self.files = 0
        self.sealed = 0  # characters of earlier thoughts that only the provider can read, and may count
        self.ids = 0  # prompts may come as token numbers
        self.slices: list[tuple[str, float]] = []  # of long fields: some of the text, and how much more there is


def count_request(api: str, fields: Mapping[str, Raw], model: str, provider: str = "") -> Count:
    """The input tokens of a request, in bounded time: exact for a short one once the vocabulary is loaded.

    Args:
        api: The call, as in `types.Call.api`.
        fields: The body's top-level fields, undecoded. What is not valid JSON inside of them counts as nothing.
        model: The model that will serve it.
        provider: Who serves it; hosts put different frames around the same model. Empty: the model's maker.

    Returns:
        The count and its band. Bands were measured on recorded requests: see `tests/tokens/test_request.py`.
    """
    count = tokenizer_for(model).count
    if sum(len(memoryview(raw)) for raw in fields.values()) <= _QUICK_BYTES:
        framed = _framed(api, fields, model, provider, count)
        if framed is not None and not framed.tokenizer.startswith("estimate"):
            return framed
    return _estimated(api, fields, model, count, _WHOLE_BYTES)


def count_request_exactly(api: str, fields: Mapping[str, Raw], model: str, provider: str = "") -> Count:
    """The same as exactly as can be: may load a vocabulary, reads everything, and blocks for as long as that takes."""
    count = tokenizer_for(model).count_exactly
    return _framed(api, fields, model, provider, count) or _estimated(api, fields, model, count, _ALL_BYTES)


def count_answer(text: str, model: str) -> Count:
    """The output tokens of a whole answer: its text, and what the provider counts for its end. Blocks like the others.

    A cut answer has no end: count its text. Reasoning that the text does not show is not in it.
    """
    count, end = tokenizer_for(model).count_exactly(text), answer_end(model.lower())
    low, high = count.band[0] + end.tokens - end.below, count.band[1] + end.tokens + end.above
    return Count(count.tokens + end.tokens, "exact" if low == high else "estimated", (low, high), count.tokenizer)


def _framed(api: str, fields: Mapping[str, Raw], model: str, provider: str, count: CountText) -> Count | None:
    """The count of a request whose frame is known."""
    frame = frame_of(api, fields, model.lower(), provider)
    if frame is None:
        return None
    counts = [count(text) for text in frame.texts if text]
    tokens = frame.tokens + sum(text.tokens for text in counts)
    low = frame.tokens + sum(text.band[0] for text in counts) - frame.below
    high = frame.tokens + sum(text.band[1] for text in counts) + frame.above
    return Count(tokens, "exact" if low == high else "estimated", (low, high), count("").tokenizer)


def _estimated(api: str, fields: Mapping[str, Raw], model: str, count: CountText, whole_bytes: int) -> Count:
    """The sum of what is in the request, each part with its band."""
    surround = _surround(api, model.lower())
    prompt = _Prompt(whole_bytes)
    for name in _PROMPT:
        if name in fields:
            _read(name, memoryview(fields[name]), prompt)

    total = _Range()
    text = count("\n".join(prompt.texts))
    total.add(text.tokens, *text.band)
    for part, times in prompt.slices:
        some = count(part)
        total.add(some.tokens * times, some.band[0] * times, some.band[1] * times)
    fixed = prompt.ids
    if prompt.texts or prompt.slices:
        fixed += surround.prime + surround.message * max(1, prompt.messages)
    total.add(fixed, fixed + surround.hidden[0], fixed + surround.hidden[1])
    total.add(*(tokens * prompt.images for tokens in (surround.image, *surround.image_band)))
    total.add(*(tokens * prompt.files for tokens in _FILE))
    total.add(0, 0, prompt.sealed / 4)
    _add_tools(fields, surround, count, total)
    if "thinking" in fields and b'"enabled"' in bytes(fields["thinking"]):
        total.add(surround.thinking, 0, surround.thinking)
    if any(name in fields for name in _UNSEEN):
        total.add(*_UNSEEN_STATE)
    low = 0 if any(name in fields for name in _SHORTENING) else max(0, int(total.low))
    return Count(round(total.middle), "estimated", (low, math.ceil(total.high)), text.tokenizer)


def _add_tools(fields: Mapping[str, Raw], surround: Surround, count_text: CountText, total: _Range) -> None:
    for form in _forms(fields, _TOOLS):
        count = _json_tokens(form, count_text)
        total.add(
            surround.tools + surround.tool_share * count,
            surround.tools_band[0] + surround.tool_share_band[0] * count,
            surround.tools_band[1] + surround.tool_share_band[1] * count,
        )
        if _SERVER_TOOLS.search(form[:_WHOLE_BYTES]):
            total.add(*_UNSEEN_STATE)
    for form in _forms(fields, _SCHEMAS):
        if _SCHEMA.search(form[:_WHOLE_BYTES]):
            count = _json_tokens(form, count_text)
            total.add(surround.schema + surround.schema_share * count, 0, 200 + 2 * count)


def _forms(fields: Mapping[str, Raw], names: Iterable[str]) -> list[memoryview]:
    return [raw for name in names if name in fields and len(raw := memoryview(fields[name])) > len(b"null")]


def _json_tokens(raw: memoryview, count_text: CountText) -> float:
    """The tokens of a field's JSON as it stands; of a long one, judged by its beginning."""
    start = bytes(raw[:_WHOLE_BYTES])
    return count_text(start.decode("utf-8", "replace")).tokens * len(raw) / len(start)


def _read(name: str, raw: memoryview, prompt: _Prompt) -> None:
    if len(raw) > prompt.whole_bytes:
        _read_slices(raw, prompt)
        return
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return
    if name in _MESSAGES and isinstance(value, list):
        prompt.messages += len(value)
    _walk(value, prompt)


def _walk(value: Any, prompt: _Prompt) -> None:
    """Collect the texts of *value* without recursion: its depth is the client's choice."""
    rest = [value]
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
                if fields.get("thought") is True:
                    continue
                for name, inner in fields.items():
                    if name in _SILENT:
                        continue
                    if name in _SEALED:
                        prompt.sealed += len(inner) if isinstance(inner, str) else 0
                    elif inner and (name in _IMAGES or (name == "source" and fields.get("type") == "image")):
                        prompt.images += 1
                    elif inner and name in _FILES:
                        prompt.files += 1
                    elif name in _DATA and not isinstance(inner, str):
                        prompt.texts.append(msgspec.json.encode(inner).decode())
                    else:
                        rest.append(inner)


def _read_slices(raw: memoryview, prompt: _Prompt) -> None:
    """Judge a long field by slices of its JSON: which share is text, and what it says."""
    step = (len(raw) - _SLICE_BYTES) // (_SLICES - 1)
    slices = [bytes(raw[i * step : i * step + _SLICE_BYTES]) for i in range(_SLICES)]
    texts = [_BASE64.sub(b"", part) for part in slices]
    if texts != slices:
        prompt.images += 1
    seen = _unescaped(b"".join(texts).decode("utf-8", "ignore"))
    prompt.slices.append((seen, len(raw) / (_SLICES * _SLICE_BYTES)))


def _unescaped(slices: str) -> str:
    """Nearly the text that JSON stands for: whole escapes only, and without the frame of a message."""
    text = _JSON_FRAME.sub("", slices)
    for escape, char in _JSON_ESCAPES:
        text = text.replace(escape, char)
    return _JSON_CODE.sub(lambda code: chr(int(code[1], 16)), text) if "\\u" in text else text


def _surround(api: str, model: str) -> Surround:
    rows = _surrounds()
    if api in _UNFRAMED:
        return rows["none"]
    if "claude" in model:
        return rows["anthropic"]
    if "gemini" in model:
        return rows["gemini"]
    if not _OPENAI.search(model):
        return rows["other"]
    return rows["responses" if api == "openai.responses" else "openai"]


@cache
def _surrounds() -> dict[str, Surround]:
    table = tomllib.loads(files(__package__).joinpath("framing.toml").read_text("utf-8"))
    return msgspec.convert(table, dict[str, Surround])
