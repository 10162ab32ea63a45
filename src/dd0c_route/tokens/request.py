"""How many tokens a request will be: the text that reaches the model, and what the API puts around it.

Before the call, for routing and budgets: an estimate in bounded time whatever the request's length. Elsewhere: exact
where the frame is known (`frames`), and else an estimate around the exact count of the text.
"""

from __future__ import annotations

import json
import math
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from importlib.resources import files

import msgspec
from msgspec import Raw, Struct

from dd0c_route.tokens.frames import Frame, answer_end, frame_of
from dd0c_route.tokens.loose import decoded
from dd0c_route.tokens.models import Tokenizer, tokenizer_for
from dd0c_route.tokens.prompt import ALL_BYTES, is_simple, read, without_codes
from dd0c_route.types import Count

# What describes tools, or an answer's form.
_TOOLS = ("tools", "functions", "toolConfig")
_SCHEMAS = (
    "response_format",
    "text",
    "generationConfig",
    "generation_config",
    "format",
    "output_config",
    "outputConfig",
    "output_format",
)
# Server-side state: what it holds is part of the prompt and cannot be seen from here.
_UNSEEN = (
    *("previous_response_id", "conversation", "cachedContent", "mcp_servers", "context_management"),
    "data_sources",  # Azure's "on your data": what it finds
)
_STORED_PROMPTS = ("openai.responses", "openai.input_tokens")  # `prompt` names a template there
_SHORTENING = ("context_management",)  # the provider may leave out most of what was sent
_SERVER_TOOLS = (  # lower case
    *(b"web_search", b"websearch", b"google_search", b"googlesearch", b"file_search", b"filesearch", b"web_fetch"),
    *(b"code_execution", b"codeexecution", b"code_interpreter", b"url_context", b"urlcontext", b"mcp"),
    *(b"image_generation", b"tool_search", b"defer_loading", b"advisor_2", b"memory_2"),
)
_SCHEMA = re.compile(rb"[sS]chema")
_BLANKS = re.compile(r"\s{2,}")
_UNSEEN_STATE = (0, 0, 100_000)  # tokens: middle, low, high
_UNFRAMED = ("openai.completions", "openai.embeddings", "embeddings", "cohere.embeddings")
_OPENAI = re.compile(r"(?:^|/)(?:ft:)?(?:gpt-\d|gpt-35|chatgpt|o\d|codex|computer-use)")
_COHERE = re.compile(r"(?:^|[/.])(?:command|c4ai)")

# Bounds of what is looked at on the event loop, for 0.2 ms in all: `benchmarks/count_time.py`.
_FRAMED_BYTES = 4 << 10  # of a request whose frame is read
_READ_BYTES = 8 << 10  # of a prompt that is read whole, if it has few values
_FORM_BYTES = 256  # of the JSON of tools, and of a schema
_SEARCHED_BYTES = 2 << 10  # of these, for what the provider does with them
# How far slices may mislead beside the band of their own text, as a share. Measured: `tests/tokens/test_request.py`.
_SLICED = (0.25, 0.35)
_TOGETHER = 0.03  # where many texts of many kinds are judged as one


CountText = Callable[[str], Count]


class Surround(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `framing.toml`, which says what the fields mean."""

    prime: int
    message: int
    message_band: tuple[int, int]
    hidden: tuple[int, int]
    thinking: int
    call: int
    call_band: tuple[int, int]
    tools: int
    tools_band: tuple[int, int]
    tool_share: float
    tool_share_band: tuple[float, float]
    schema: int
    schema_share: float
    image: int
    image_band: tuple[int, int]
    file: int
    file_band: tuple[int, int]


class _Range:
    """A sum of estimates and of their bounds."""

    def __init__(self) -> None:
        self.low = self.middle = self.high = 0.0

    def add(self, middle: float, low: float, high: float, times: float = 1) -> None:
        self.middle += middle * times
        self.low += low * times
        self.high += high * times


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
    tokenizer = tokenizer_for(model)
    if is_simple(fields, _FRAMED_BYTES):
        frame = frame_of(api, fields, model.lower(), provider)
        if frame is not None:
            return _framed_quickly(frame, tokenizer)
    return _estimated(api, fields, model, tokenizer.judge, whole=False)


def count_request_exactly(api: str, fields: Mapping[str, Raw], model: str, provider: str = "") -> Count:
    """The same as exactly as can be: may load a vocabulary, reads everything, and blocks for as long as that takes."""
    count = tokenizer_for(model).count_exactly
    frame = frame_of(api, fields, model.lower(), provider)
    if frame is None:
        return _estimated(api, fields, model, count, whole=True)
    return _framed(frame, [count(text) for text in frame.texts if text], count("").tokenizer)


def count_answer(text: str, model: str, api: str = "", provider: str = "", limit: int | None = None) -> Count:
    """The output tokens of a whole answer: its text, and its end (see `ended`). Blocks like the others.

    Reasoning that the text does not show is not in it.
    """
    return ended(tokenizer_for(model).count_exactly(text), model, api, provider, limit)


def ended(count: Count, model: str, api: str = "", provider: str = "", limit: int | None = None) -> Count:
    """The count of an answer's text with its end, as a provider counts it. A cut answer has none.

    Args:
        count: Of the text alone.
        limit: The most tokens that the request allows: an answer that would be longer with its end was cut.
    """
    end = answer_end(model.lower(), api, provider)
    most = sys.maxsize if limit is None else limit
    tokens = min(count.tokens + end.tokens, max(count.tokens, most))
    low = max(0, min(count.band[0] + end.tokens - end.below, max(count.band[0], most)))
    high = min(count.band[1] + end.tokens + end.above, max(count.band[1], most))
    return Count(tokens, "exact" if low == high else "estimated", (low, high), count.tokenizer)


def _framed(frame: Frame, counts: list[Count], tokenizer: str) -> Count:
    """The count of a request whose frame is known."""
    tokens = frame.tokens + sum(text.tokens for text in counts)
    low = frame.tokens + sum(text.band[0] for text in counts) - frame.below
    high = frame.tokens + sum(text.band[1] for text in counts) + frame.above
    return Count(tokens, "exact" if low == high else "estimated", (max(0, low), high), tokenizer)


def _framed_quickly(frame: Frame, tokenizer: Tokenizer) -> Count:
    """The same in bounded time: texts that are too long together are judged together."""
    if tokenizer.is_quick(frame.texts):
        counts = [tokenizer.count(text) for text in frame.texts if text]
        return _framed(frame, counts, counts[0].tokenizer if counts else tokenizer.count("").tokenizer)
    count = tokenizer.count("\n".join([text for text in frame.texts if text]))
    more = round(_TOGETHER * count.tokens)
    low, high = count.band
    return _framed(
        frame, [Count(count.tokens, "estimated", (low - more, high + more), count.tokenizer)], count.tokenizer
    )


def _estimated(api: str, fields: Mapping[str, Raw], model: str, count: CountText, *, whole: bool) -> Count:
    """The sum of what is in the request, each part with its band."""
    surround = _surround(api, model.lower())
    prompt = read(fields, ALL_BYTES if whole else _READ_BYTES)
    total = _Range()
    text = count("\n".join(prompt.texts))
    total.add(text.tokens, *text.band)
    if prompt.sample is not None:
        some, times = count(prompt.sample.text), prompt.sample.times
        less, more = _SLICED
        total.add(some.tokens * times, some.band[0] * times * (1 - less), some.band[1] * times * (1 + more))
    total.add(prompt.ids, prompt.ids, prompt.ids)
    is_blank = not (prompt.texts or prompt.sample is not None)
    is_unseen = is_blank and not (prompt.ids or prompt.images or prompt.files)
    if is_unseen or not is_blank:
        total.add(surround.prime, surround.prime + surround.hidden[0], surround.prime + surround.hidden[1])
        total.add(surround.message, *surround.message_band, times=max(1, prompt.messages))
    total.add(surround.call, *surround.call_band, times=prompt.calls)
    total.add(surround.image, *surround.image_band, times=prompt.images)
    total.add(surround.file, *surround.file_band, times=prompt.files)
    total.add(0, 0, prompt.sealed / 4)
    _add_tools(fields, surround, count, total, whole=whole)
    if "thinking" in fields and b'"enabled"' in bytes(memoryview(fields["thinking"])[:_FORM_BYTES]):
        total.add(surround.thinking, 0, surround.thinking)
    is_stored = api in _STORED_PROMPTS and "prompt" in fields
    if is_unseen or is_stored or prompt.refers or any(name in fields for name in _UNSEEN):
        total.add(*_UNSEEN_STATE)
    low = 0 if any(name in fields for name in _SHORTENING) else max(0, int(total.low))
    high = max(low, math.ceil(total.high))
    return Count(min(max(round(total.middle), low), high), "estimated", (low, high), text.tokenizer)


def _add_tools(
    fields: Mapping[str, Raw], surround: Surround, count_text: CountText, total: _Range, *, whole: bool
) -> None:
    searched = None if whole else _SEARCHED_BYTES
    for form in _forms(fields, _TOOLS, whole=whole):
        count = _json_tokens(form, count_text, whole=whole)
        total.add(
            surround.tools + surround.tool_share * count,
            surround.tools_band[0] + surround.tool_share_band[0] * count,
            surround.tools_band[1] + surround.tool_share_band[1] * count,
        )
        written = bytes(form[:searched]).lower()
        if any(name in written for name in _SERVER_TOOLS):
            total.add(*_UNSEEN_STATE)
    for form in _forms(fields, _SCHEMAS, whole=whole):
        if _SCHEMA.search(form[:searched]):
            count = _json_tokens(form, count_text, whole=whole)
            total.add(surround.schema + surround.schema_share * count, 0, 200 + 2 * count)


def _forms(fields: Mapping[str, Raw], names: Iterable[str], *, whole: bool) -> list[memoryview]:
    """The fields that are there; where time is bounded the first, and no dialect has more."""
    found = [raw for name in names if name in fields and len(raw := memoryview(fields[name])) > len(b"null")]
    return found if whole else found[:1]


def _json_tokens(raw: memoryview, count_text: CountText, *, whole: bool) -> float:
    """The tokens of a field's JSON, without the blanks and escapes that its client may have written it with.

    Of a long one, judged by its beginning and its middle.
    """
    if whole:
        try:
            written = json.dumps(decoded(raw), ensure_ascii=False, separators=(",", ":"))
        except ValueError:
            written = bytes(raw).decode("utf-8", "replace")
        return count_text(written).tokens
    half, middle = _FORM_BYTES // 2, len(raw) // 2
    some = bytes(raw) if len(raw) <= _FORM_BYTES else bytes(raw[:half]) + bytes(raw[middle : middle + half])
    text = without_codes(_BLANKS.sub(" ", some.decode("utf-8", "replace")))
    return count_text(text).tokens * len(raw) / len(some)


@lru_cache(maxsize=1024)  # names come from clients
def _surround(api: str, model: str) -> Surround:
    rows = _surrounds()
    if api in _UNFRAMED:
        return rows["none"]
    if "claude" in model:
        return rows["anthropic" if api.startswith("anthropic.") else "claude_elsewhere"]
    if "gemini" in model:
        return rows["gemini"]
    if "gpt-4o-mini" in model:
        return rows["gpt-4o-mini"]
    if _OPENAI.search(model):
        return rows["responses" if api in ("openai.responses", "openai.input_tokens") else "openai"]
    return rows["cohere" if api == "cohere.chat" or _COHERE.search(model) else "other"]


@cache
def _surrounds() -> dict[str, Surround]:
    table = tomllib.loads(files(__package__).joinpath("framing.toml").read_text("utf-8"))
    return msgspec.convert(table, dict[str, Surround])
