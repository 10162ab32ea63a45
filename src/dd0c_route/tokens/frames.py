"""Requests whose tokens are known to the token: which texts the model reads, and what an API puts around them.

Only what is known is read here: a request with anything else in it (tools, images, schemas, state on the provider's
side) has no frame, and is estimated. The constants hold on recorded requests with reported usage (2024-2026); the tests
say how often.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

Fields = Mapping[str, Raw]


class Frame(Struct, frozen=True):
    """What a request comes to: each text is encoded apart.

    Attributes:
        tokens: Those beside the texts.
        below, above: By how much the provider's count may differ, where it is not consistent itself.
    """

    texts: tuple[str, ...]
    tokens: int = 0
    below: int = 0
    above: int = 0


class _Unknown(Exception):
    """The request holds something whose tokens are not known to the token."""


def frame_of(api: str, fields: Fields, model: str) -> Frame | None:
    """The frame of a request to *model* (lower case), or None where it is not known."""
    try:
        if "claude" in model:
            return _claude(fields, model) if api == "anthropic.messages" else None
        match api:
            case "openai.completions" | "openai.embeddings" | "embeddings":
                return Frame(tuple(_strings(fields)))
            case "openai.chat" if _OPENAI.search(model):
                return _openai_chat(fields, model)
            case "openai.responses" if _OPENAI.search(model):
                return _openai_responses(fields, model)
    except (_Unknown, msgspec.DecodeError, RecursionError):
        pass
    return None


# --- OpenAI -------------------------------------------------------------------------------------------

_OPENAI = re.compile(r"(?:^|/)(?:ft:)?(?:gpt-(?!oss)|chatgpt-|o[1-9](?:$|[-:]))")
_REASONS = re.compile(r"(?:^|/)(?:ft:)?(?:gpt-(?:[5-9]|\d\d)|o[1-9](?:$|[-:]))")
_GPT_5 = re.compile(r"(?:^|/)(?:ft:)?gpt-(?:[5-9]|\d\d)")
_CHAT_UNKNOWN = ("tools", "functions", "audio", "prediction", "web_search_options")
_GPT_4O = re.compile(r"gpt-4o(?:$|-20)")
_GPT_4O_HIDDEN = 18  # in a third of the recorded requests to this model: a default system message of the host
_RESPONSES_UNKNOWN = ("tools", "previous_response_id", "conversation", "prompt", "context_management")


def _openai_chat(fields: Fields, model: str) -> Frame:
    """Source: measured; the messages' frame is also OpenAI's cookbook, "How to count tokens with tiktoken"."""
    _refuse(fields, _CHAT_UNKNOWN)
    if "response_format" in fields and b"json_schema" in bytes(fields["response_format"]):
        raise _Unknown
    texts: list[str] = []
    tokens = _openai_prime(model)
    for message in _objects(fields, "messages"):
        if message.keys() - {"role", "content", "name", "refusal", "annotations"} or message.get("refusal"):
            raise _Unknown
        role = message.get("role")
        tokens += _openai_message(role, model)
        texts.append(_text(message.get("content"), ("text",)))
        if name := message.get("name"):
            tokens += 1
            texts.append("" if name == role else _string(name))
    return Frame(tuple(texts), tokens)


def _openai_responses(fields: Fields, model: str) -> Frame:
    """The same numbers as chat: `instructions` are a system message."""
    _refuse(fields, _RESPONSES_UNKNOWN)
    if "text" in fields and b"json_schema" in bytes(fields["text"]):
        raise _Unknown
    if "reasoning" in fields and b'"mode"' in bytes(fields["reasoning"]):
        raise _Unknown
    texts: list[str] = []
    tokens = _openai_prime(model)
    if _given(fields, "instructions"):
        tokens += _openai_message("system", model)
        texts.append(_string(_decode(fields, "instructions")))
    value = _decode(fields, "input")
    items = [{"role": "user", "content": value}] if isinstance(value, str) else value
    for item in _dicts(items):
        if item.get("type", "message") != "message" or item.keys() - {"type", "role", "content", "id", "status"}:
            raise _Unknown
        tokens += _openai_message(item.get("role"), model)
        texts.append(_text(item.get("content"), ("input_text", "output_text")))
    return Frame(tuple(texts), tokens, above=_GPT_4O_HIDDEN if _GPT_4O.search(model) else 0)


def _openai_prime(model: str) -> int:
    return 2 if _REASONS.search(model) else 3


def _openai_message(role: Any, model: str) -> int:
    if role not in ("system", "developer", "user", "assistant"):
        raise _Unknown
    return 4 + 2 * (role == "assistant" and _GPT_5.search(model) is not None)


# --- Claude -------------------------------------------------------------------------------------------

_CLAUDE_4_7 = re.compile(r"4[-.]7")
_CLAUDE_4_8 = re.compile(r"claude-(?:[a-z]+-)?(?:4[-.][89]|[5-9](?:$|[-.@:]))")
_CLAUDE_UNKNOWN = ("tools", "output_config", "output_format", "mcp_servers", "context_management", "container")
_CLAUDE_THINKING = (29, 1, 4)  # tokens where extended thinking is switched on; 28 and 33 were seen, too
_CLAUDE_ROLES = ("user", "assistant", "system")


def _claude(fields: Fields, model: str) -> Frame:
    """Source: measured on recorded requests and on answers of `count_tokens`.

    Turns of one role that follow each other are one turn. The answer's own turn has a frame, too, unless the last turn
    of the request is its beginning.
    """
    _refuse(fields, _CLAUDE_UNKNOWN)
    if _CLAUDE_4_8.search(model):
        prime, turn = 4, 2
    else:
        prime, turn = (8 if _CLAUDE_4_7.search(model) else 4), 3
    texts: list[str] = []
    roles: list[str] = []
    for message in _objects(fields, "messages"):
        role, text = message.get("role"), _text(message.get("content"), ("text",))
        if role not in _CLAUDE_ROLES:
            raise _Unknown
        if roles and roles[-1] == role:
            texts[-1] += "\n" + text
        else:
            roles.append(role)
            texts.append(text)
    if not roles or roles[0] == "assistant":
        raise _Unknown
    tokens = prime + turn * (len(roles) - (roles[-1] == "assistant")) + ("system" in roles)
    below = above = 0
    if _given(fields, "system"):
        texts.append(_text(_decode(fields, "system"), ("text",)))
        above = 1
    if "thinking" in fields and b'"enabled"' in bytes(fields["thinking"]):
        thinking, below, more = _CLAUDE_THINKING
        tokens, above = tokens + thinking, above + more
    return Frame(tuple(texts), tokens, below, above)


# --- answers ------------------------------------------------------------------------------------------

# What a provider adds to the text of a whole answer: tokens, and how far below and above was seen. Claude counts the
# end of its turn; gpt-5 the channels that it answers in, beside the reasoning, which it reports.
_ANSWER_ENDS = (
    (re.compile(r"claude.*4[-.]7"), (4, 1, 1)),
    (_CLAUDE_4_8, (2, 2, 1)),
    (re.compile("claude"), (3, 1, 1)),
    (_GPT_5, (9, 6, 3)),
    (_REASONS, (0, 3, 21)),
    (_OPENAI, (0, 0, 1)),
)


def answer_end(model: str) -> Frame:
    """What a whole answer of *model* (lower case) costs beside its text."""
    for models, (tokens, below, above) in _ANSWER_ENDS:
        if models.search(model):
            return Frame((), tokens, below, above)
    return Frame(())


# --- what all have -------------------------------------------------------------------------------------


def _strings(fields: Fields) -> Iterable[str]:
    value = _decode(fields, "prompt" if "prompt" in fields else "input")
    return [_string(value)] if not isinstance(value, list) else [_string(item) for item in value]


def _text(content: Any, kinds: tuple[str, ...]) -> str:
    """A message's content: a text, or parts that the API joins."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = _dicts(content)
    if any(part.get("type") not in kinds for part in parts):
        raise _Unknown
    return "".join([_string(part.get("text")) for part in parts])


def _objects(fields: Fields, name: str) -> list[dict[str, Any]]:
    return _dicts(_decode(fields, name))


def _dicts(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _Unknown
    return value


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise _Unknown
    return value


def _decode(fields: Fields, name: str) -> Any:
    if name not in fields:
        raise _Unknown
    return msgspec.json.decode(fields[name])


def _refuse(fields: Fields, names: Iterable[str]) -> None:
    if any(_given(fields, name) for name in names):
        raise _Unknown


def _given(fields: Fields, name: str) -> bool:
    return name in fields and bytes(fields[name]) not in (b"null", b"[]", b'""')
