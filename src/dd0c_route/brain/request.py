"""What a request is, as the brain sees it: its kind, its last user turn, what it uses and what binds it to a model.

In bounded time whatever the request's length: of a long one the ends are read (`excerpt`). What cannot be seen there is
judged so that nothing unsafe follows: see `uses.bound`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from dd0c_route.brain.excerpt import UNREADABLE, Excerpt, ends, excerpt
from dd0c_route.brain.kinds import form_of, kind_of
from dd0c_route.brain.parts import answered_calls, is_result, parts_of, share_of_results
from dd0c_route.brain.uses import bound, since_the_model, uses_of
from dd0c_route.types import Call

TURN_CHARS = 1000  # kept of either end
_MESSAGES = ("messages", "contents", "input", "prompt")
_SYSTEMS = ("system", "instructions", "systemInstruction", "system_instruction")
_TOOLS = ("tools", "functions", "toolConfig")
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_LIMITS_WITHIN = (  # Google's, Amazon's, Ollama's
    ("generationConfig", "maxOutputTokens"),
    ("generation_config", "max_output_tokens"),
    ("inferenceConfig", "maxTokens"),
    ("options", "num_predict"),
)
_SMALL_BYTES = 4 << 10  # of a field that is read whole
_HASHED_BYTES = 2 << 10  # of either end of a field
_CACHE_FIELDS = ("cache_control", "cachePoint")  # Anthropic's, Amazon's
_CACHE_MARK = re.compile(rb',?\s*"cache_control"\s*:\s*\{[^}]*\},?')
_BILLING = re.compile(rb"x-anthropic-billing-header:[^\"\\]*")


class Asked(Struct, frozen=True):
    """A request, as the brain sees it.

    Attributes:
        kind: `main`, `tool_turn`, `subagent`, `title`, `summary`, `classification`, `auxiliary`, `completion`,
            `embedding`; or what the caller's headers say.
        turn: The last user turn, its first and last 1,000 characters (joined by a line break where cut). Never stored.
        turn_chars: How long it is as a whole.
        depth: How many messages there are; of a long request an estimate.
        tool_result_share: Which share of the characters of the last messages are results of tools.
        system_hash, tools_hash: 32 bits; 0 where there is none.
        prefix_hashes: Of system, tools and the conversation's opening: what a provider's cache goes by.
        uses: What a model must be capable of (`capabilities`): `tools`, `vision`, `schema`, …
        in_tool_loop: The last message brings results of tools: whoever called them must go on.
        signed_thinking: It holds thoughts that only the model that had them can read.
        max_output: The most output tokens that the caller allows; None: no limit.
        form: `json`, `word`, `choice`, `code`, `essay` or `chat`.
        cache: What the request asks of an explicit cache: empty, `5m` or `1h`.
        call_ids: Of the tool calls whose results the last message brings.
        cut: It is so long that not all of it was looked at.
    """

    kind: str
    turn: str
    turn_chars: int
    depth: int
    tool_result_share: float
    system_hash: int
    tools_hash: int
    prefix_hashes: tuple[int, ...]
    uses: frozenset[str]
    in_tool_loop: bool
    signed_thinking: bool
    max_output: int | None
    form: str
    cache: str = ""
    call_ids: tuple[str, ...] = ()
    cut: bool = False


def asked(call: Call) -> Asked:
    """Read *call*; what is not as it should be counts as absent, since the provider will judge it."""
    fields = call.fields
    found = next((fields[name] for name in _MESSAGES if name in fields), None)
    seen = excerpt(found) if found is not None else Excerpt()
    small = {name: _small(raw) for name, raw in fields.items() if name not in _MESSAGES and name not in _TOOLS}
    system = next((fields[name] for name in _SYSTEMS if name in fields), None)
    tools = next((fields[name] for name in _TOOLS if _is_given(fields.get(name, Raw(b"")))), None)
    parts = parts_of(seen)
    uses = uses_of(call.api, small, tools, seen, parts)
    loop, signed = bound(small, tools, found, seen, parts)
    turn, chars = _last_turn(seen, in_tool_loop=loop)
    limit = _limit(small)
    wording = (
        ends(system, _HASHED_BYTES) if system is not None else seen.first[0][:_HASHED_BYTES] if seen.first else b""
    )
    form = form_of(turn, uses, limit)
    opening = _opening(seen)
    hashes = (_hash(system) if system is not None else _system_in(seen), _hash(tools) if tools is not None else 0)
    return Asked(
        kind=kind_of(call, small, wording, turn, form, has_tools=tools is not None, in_tool_loop=loop),
        turn=turn,
        turn_chars=chars,
        depth=seen.total,
        tool_result_share=share_of_results(seen),
        system_hash=hashes[0],
        tools_hash=hashes[1],
        prefix_hashes=(*hashes, opening),
        uses=uses,
        in_tool_loop=loop,
        signed_thinking=signed,
        max_output=limit,
        form=form,
        cache=_cache(small, tools, system, parts),
        call_ids=answered_calls(_parts_since_the_model(seen)) if loop else (),
        cut=seen.cut,
    )


# --- parts of a request ---------------------------------------------------------------------------------------


def _is_given(raw: Raw) -> bool:
    """Whether a field holds something: `[]`, `{}` and `null` are nothing."""
    return bytes(memoryview(raw)[:5]).strip() not in (b"", b"[]", b"{}", b"null")


def _small(raw: Raw) -> Any:
    """A short field's value; None for a long one."""
    if len(memoryview(raw)) > _SMALL_BYTES:
        return None
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return None


def _hash(raw: Raw) -> int:
    size = len(memoryview(raw))
    return zlib.crc32(_unmarked(ends(raw, _HASHED_BYTES)), size if size > 2 * _HASHED_BYTES else 0)


def _unmarked(data: bytes) -> bytes:
    """Without what moves through a conversation or changes at each call, and is no part of what a cache holds."""
    if b"cache_control" in data:
        data = _CACHE_MARK.sub(b"", data)
    return _BILLING.sub(b"", data) if b"billing-header" in data else data


def _system_in(seen: Excerpt) -> int:
    """The hash of a first message that only instructs."""
    if seen.first and (b'"system"' in seen.first[0][:200] or b'"developer"' in seen.first[0][:200]):
        return zlib.crc32(_unmarked(seen.first[0][:_HASHED_BYTES]))
    return 0


def _opening(seen: Excerpt) -> int:
    first = seen.first[1:2] if _system_in(seen) and len(seen.first) > 1 else seen.first[:1]
    return zlib.crc32(_unmarked(first[0][:_HASHED_BYTES])) if first else 0


def _limit(small: Mapping[str, Any]) -> int | None:
    values = [small.get(name) for name in _LIMITS]
    for place, name in _LIMITS_WITHIN:
        config = small.get(place)
        values.append(config.get(name) if isinstance(config, dict) else None)
    return next((value for value in values if type(value) is int and 0 < value < 1 << 31), None)


# --- messages ---------------------------------------------------------------------------------------------------


def _last_turn(seen: Excerpt, *, in_tool_loop: bool) -> tuple[str, int]:
    """The text of the last message of the user's own, cut, and its length."""
    for message in reversed(seen.last):
        if message.get("role", "user" if message.get("type") in (None, "message") else "") != "user":
            continue
        text = "\n".join(_texts(message.get("content", message.get("parts"))))
        if text:
            return _cut(text), len(text)
    if (seen.last or in_tool_loop) and seen.first:  # a long loop: what was asked for at first is still the task
        text = "\n".join(_texts(_content_of(seen.first[-1])))
        return _cut(text), len(text)
    if not seen.cut:
        return "", 0
    # Even the last message is longer than what was read: its end, behind the beginning of the first one.
    end = max((part for part in _pieces(seen.tail[-_HASHED_BYTES:]) if not _is_embedded(part)), key=len, default="")
    begin = max((part for part in _pieces(seen.head[:_HASHED_BYTES]) if not _is_embedded(part)), key=len, default="")
    return f"{begin[:TURN_CHARS]}\n{end[-TURN_CHARS:]}", len(seen.head) + len(seen.tail)


def _parts_since_the_model(seen: Excerpt) -> Iterator[Mapping[str, Any]]:
    for message in since_the_model(seen.last):
        yield message
        parts = message.get("content", message.get("parts"))
        yield from [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else ()


def _content_of(message: bytes) -> Any:
    try:
        value = msgspec.json.decode(message)
    except UNREADABLE:
        return None
    return value.get("content", value.get("parts")) if isinstance(value, dict) else None


def _pieces(data: bytes) -> list[str]:
    """The texts of a piece of JSON, unescaped as far as that is simple."""
    text = data.decode("utf-8", "ignore").replace("\\\\", "\x00").replace('\\"', "\x01")
    return [
        part.replace("\\n", "\n").replace("\\t", "\t").replace("\x01", '"').replace("\x00", "\\")
        for part in text.split('"')
    ]


def _is_embedded(part: str) -> bool:
    return len(part) > 200 and " " not in part[:200]


def _cut(text: str) -> str:
    return text if len(text) <= 2 * TURN_CHARS else f"{text[:TURN_CHARS]}\n{text[-TURN_CHARS:]}"


def _texts(content: Any) -> list[str]:
    """The user's own words: not the results of tools, not thoughts."""
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    return [
        text for part in parts if isinstance(part, dict) and not is_result(part)
        and isinstance(text := part.get("text"), str)
    ]  # fmt: skip


def _cache(small: Mapping[str, Any], tools: Raw | None, system: Raw | None, parts: Sequence[Mapping[str, Any]]) -> str:
    marks = [part[name] for part in parts for name in _CACHE_FIELDS if name in part]
    marks += [small["cache_control"]] if "cache_control" in small else []
    written = [ends(raw, _HASHED_BYTES) for raw in (tools, system) if raw is not None]
    written = [piece for piece in written if b'"cache_control"' in piece or b'"cachePoint"' in piece]
    if not marks and not written:
        return ""
    hour = any(isinstance(mark, dict) and mark.get("ttl") == "1h" for mark in marks)
    return "1h" if hour or any(b'"1h"' in piece for piece in written) else "5m"
