"""What a request is, as the brain sees it: its kind, its last user turn, what it uses and what binds it to a model.

In bounded time whatever the request's length: of a long one the ends are read (`excerpt`). What cannot be seen there is
judged so that nothing unsafe follows: see `_bound`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from dd0c_route.brain.excerpt import UNREADABLE, Excerpt, excerpt
from dd0c_route.brain.kinds import form_of, kind_of
from dd0c_route.types import Call

TURN_CHARS = 1000  # kept of either end
_MESSAGES = ("messages", "contents", "input", "prompt")
_SYSTEMS = ("system", "instructions", "systemInstruction", "system_instruction")
_TOOLS = ("tools", "functions")
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_STATE = ("previous_response_id", "conversation", "cachedContent", "mcp_servers")
_SMALL_BYTES = 4 << 10  # of a field that is read whole
_HASHED_BYTES = 2 << 10  # of either end of a field
_SEALS = ("signature", "thoughtSignature", "thought_signature", "encrypted_content", "reasoning_details")
_SEALED_TYPES = ("redacted_thinking",)
_MEDIA_TYPES = {
    **dict.fromkeys(("image_url", "image", "input_image"), "vision"),
    **dict.fromkeys(("input_audio", "audio"), "audio"),
    **dict.fromkeys(("document", "file", "input_file"), "files"),
    **dict.fromkeys(("video", "video_url", "input_video"), "video"),
}
_MIME = (("image/", "vision"), ("audio/", "audio"), ("video/", "video"))
_APIS = {"embeddings": "vectors", "completions": "completions"}  # which no other model can stand in for
_MOST_PARTS = 256  # that are looked at
_RESULT_TYPES = ("tool_result", "function_call_output", "custom_tool_call_output", "computer_call_output")
_SERVER_TOOLS: tuple[bytes, ...] = (
    b'"web_search',
    b'"web_fetch',
    b'"code_interpreter',
    b'"code_execution',
    b'"file_search',
    b'"computer',
)
_SERVER_TOOLS += (b'"googleSearch', b'"google_search', b'"codeExecution', b'"urlContext', b'"url_context', b'"mcp"')
_CACHE_MARK = re.compile(rb',?\s*"cache_control"\s*:\s*\{[^}]*\},?')
_BILLING = re.compile(rb"x-anthropic-billing-header:[^\"\\]*")


class Asked(Struct, frozen=True):
    """A request, as the brain sees it.

    Attributes:
        kind: `main`, `tool_turn`, `subagent`, `title`, `summary`, `classification`, `completion`, `embedding`; or what
            the caller's headers say.
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


def asked(call: Call) -> Asked:
    """Read *call*; what is not as it should be counts as absent, since the provider will judge it."""
    fields = call.fields
    found = next((fields[name] for name in _MESSAGES if name in fields), None)
    seen = excerpt(found) if found is not None else Excerpt()
    small = {name: _small(raw) for name, raw in fields.items() if name not in _MESSAGES and name not in _TOOLS}
    system = next((fields[name] for name in _SYSTEMS if name in fields), None)
    tools = next((fields[name] for name in _TOOLS if len(memoryview(fields.get(name, Raw(b"")))) > 2), None)
    uses = _uses(call.api, small, tools, seen)
    loop, signed = _bound(small, tools, seen)
    turn, chars = _last_turn(seen, in_tool_loop=loop)
    limit = _limit(small)
    wording = _ends(system) if system is not None else seen.first[0][:_HASHED_BYTES] if seen.first else b""
    form = form_of(turn, uses, limit)
    opening = _opening(seen)
    hashes = (_hash(system) if system is not None else _system_in(seen), _hash(tools) if tools is not None else 0)
    return Asked(
        kind=kind_of(call, small, wording, turn, form, has_tools=tools is not None, in_tool_loop=loop),
        turn=turn,
        turn_chars=chars,
        depth=seen.total,
        tool_result_share=_share_of_results(seen),
        system_hash=hashes[0],
        tools_hash=hashes[1],
        prefix_hashes=(*hashes, opening),
        uses=uses,
        in_tool_loop=loop,
        signed_thinking=signed,
        max_output=limit,
        form=form,
        cache=_cache(small, tools, system, seen),
    )


# --- parts of a request ---------------------------------------------------------------------------------------


def _small(raw: Raw) -> Any:
    """A short field's value; None for a long one."""
    if len(memoryview(raw)) > _SMALL_BYTES:
        return None
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        return None


def _ends(raw: Raw) -> bytes:
    view = memoryview(raw)
    return bytes(view) if len(view) <= 2 * _HASHED_BYTES else bytes(view[:_HASHED_BYTES]) + bytes(view[-_HASHED_BYTES:])


def _hash(raw: Raw) -> int:
    return zlib.crc32(_unmarked(_ends(raw)), len(memoryview(raw)) if len(memoryview(raw)) > 2 * _HASHED_BYTES else 0)


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
    config = small.get("generationConfig")
    values = [small.get(name) for name in _LIMITS]
    values.append(config.get("maxOutputTokens") if isinstance(config, dict) else None)
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
        text for part in parts if isinstance(part, dict) and not _is_result(part)
        and isinstance(text := part.get("text"), str)
    ]  # fmt: skip


def _is_result(part: Mapping[str, Any]) -> bool:
    """Whether a message or a part of one brings what a tool gave."""
    return (
        part.get("role") in ("tool", "function")
        or part.get("type") in _RESULT_TYPES
        or "functionResponse" in part
        or "function_response" in part
    )


def _results_in(message: Mapping[str, Any]) -> int:
    """How many characters of results a message holds."""
    if _is_result(message):
        return _length(message)
    parts = message.get("content", message.get("parts"))
    if not isinstance(parts, list):
        return 0
    return sum([_length(part) for part in parts if isinstance(part, dict) and _is_result(part)])


def _length(value: Mapping[str, Any]) -> int:
    content = value.get("content", value.get("output"))
    return len(content) if isinstance(content, str) else len(msgspec.json.encode(value))


def _share_of_results(seen: Excerpt) -> float:
    results = sum([_results_in(message) for message in seen.last])
    if not results:
        return 0.0
    total = sum([len(msgspec.json.encode(message)) for message in seen.last])
    return round(min(1.0, results / max(1, total)), 3)


# --- what a model must be able to do, and what binds a request to one ---------------------------------------------


def _uses(api: str, small: Mapping[str, Any], tools: Raw | None, seen: Excerpt) -> frozenset[str]:
    uses = _media(seen)
    if (own := _APIS.get(api.rpartition(".")[2])) is not None:
        uses.add(own)
    if tools is not None:
        uses.add("tools")
        written = _ends(tools)
        if any(name in written for name in _SERVER_TOOLS):
            uses.add("server_tools")
    if small.get("parallel_tool_calls") is True:
        uses.add("parallel_tools")
    if seen.embedded and not uses & {"vision", "audio", "files", "video"}:
        uses.add("vision")  # a file of which the kind was not seen; nearly all are images
    uses |= _form_uses(small)
    if _is_on(small.get("logprobs")) or _is_on(small.get("top_logprobs")):
        uses.add("logprobs")
    if type(small.get("n")) is int and small["n"] > 1:
        uses.add("n")
    if any(_is_on(small.get(name)) for name in _STATE):
        uses.add("state")
    return frozenset(uses)


def _parts(seen: Excerpt) -> list[Mapping[str, Any]]:
    """The messages that were read, their parts, and the parts of tools' results."""
    parts: list[Mapping[str, Any]] = []
    for message in reversed(seen.last):
        parts.append(message)
        content = message.get("content", message.get("parts"))
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict):
                parts.append(part)
                inner = part.get("content")
                parts += [one for one in inner if isinstance(one, dict)] if isinstance(inner, list) else []
        if len(parts) > _MOST_PARTS:
            break
    return parts


def _media(seen: Excerpt) -> set[str]:
    uses: set[str] = set()
    for part in _parts(seen):
        kind = part.get("type")
        if isinstance(kind, str) and kind in _MEDIA_TYPES:
            uses.add(_MEDIA_TYPES[kind])
        data = part.get("inlineData") or part.get("inline_data") or part.get("fileData") or part.get("file_data")
        if isinstance(data, dict):
            mime = str(data.get("mimeType", data.get("mime_type", "")))
            uses.add(next((use for start, use in _MIME if mime.startswith(start)), "files"))
    return uses


def _form_uses(small: Mapping[str, Any]) -> set[str]:
    """Schemas, JSON and reasoning, in the words of each dialect."""
    uses: set[str] = set()
    for name in ("response_format", "text", "output_config", "output_format"):
        value = small.get(name)
        value = value.get("format", value) if isinstance(value, dict) else None
        kind = value.get("type") if isinstance(value, dict) else None
        if kind in ("json_schema", "json_object"):
            uses.add("schema" if kind == "json_schema" else "json")
    config = small.get("generationConfig")
    config = config if isinstance(config, dict) else {}
    if any(name in config for name in ("responseSchema", "responseJsonSchema", "response_schema")):
        uses.add("schema")
    elif config.get("responseMimeType") == "application/json":
        uses.add("json")
    thinking = small.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") in ("enabled", "adaptive"):
        uses.add("reasoning")
    effort = small.get("reasoning_effort") or small.get("reasoning")
    effort = effort.get("effort", "medium") if isinstance(effort, dict) else effort
    if effort not in (None, False, "none") or "thinkingConfig" in config:
        uses.add("reasoning")
    modalities = small.get("modalities")
    if isinstance(modalities, list) and "audio" in modalities:
        uses.add("audio")
    return uses


def _is_on(value: Any) -> bool:
    return value not in (None, False, 0, "", [], {})


def _bound(small: Mapping[str, Any], tools: Raw | None, seen: Excerpt) -> tuple[bool, bool]:
    """Whether it stands in a tool loop, and whether it holds sealed thoughts.

    A conversation of which not even the last message could be read is taken for a tool loop where tools are offered,
    and for one with sealed thoughts where the model is to think: most are.
    """
    if seen.last:
        loop = any(_results_in(message) > 0 or _is_result(message) for message in _since_the_model(seen.last))
    else:
        loop = seen.cut and tools is not None
    signed = any(
        part.get("type") in _SEALED_TYPES or any(_is_on(part.get(name)) for name in _SEALS) for part in _parts(seen)
    )
    if not signed and not seen.last and seen.cut and seen.total > 2:
        signed = "reasoning" in _form_uses(small)
    return loop, signed


def _since_the_model(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The messages behind the model's last one: only there can results wait for it."""
    since: list[Mapping[str, Any]] = []
    for message in reversed(messages):
        if message.get("role") in ("assistant", "model") or message.get("type") in ("function_call", "reasoning"):
            break
        since.append(message)
    return since


def _cache(small: Mapping[str, Any], tools: Raw | None, system: Raw | None, seen: Excerpt) -> str:
    marks = [part["cache_control"] for part in _parts(seen) if "cache_control" in part]
    marks += [small["cache_control"]] if "cache_control" in small else []
    ends = [_ends(raw) for raw in (tools, system) if raw is not None]
    written = [piece for piece in ends if b'"cache_control"' in piece]
    if not marks and not written:
        return ""
    hour = any(isinstance(mark, dict) and mark.get("ttl") == "1h" for mark in marks)
    return "1h" if hour or any(b'"1h"' in piece for piece in written) else "5m"
