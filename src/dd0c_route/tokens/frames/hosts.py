"""Chats with open-weight models behind any host, in the dialects that hosts speak: texts, and the template around them.

Only text: how hosts write tools, schemas and images into a prompt differs, and is estimated. Source: `hosts.toml`.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

from dd0c_route.tokens.frames.reading import (
    Fields,
    Frame,
    Sum,
    Unknown,
    decode,
    dicts,
    given,
    objects,
    refuse,
    string,
    text,
)

# What a whole answer costs beside its text: the token that ends it, where the host counts that.
ANSWER_ENDS = (
    (re.compile("gpt-oss"), (4, 4, 3)),
    (re.compile("deepseek(?!.*distill)"), (0, 1, 3)),
    (re.compile("llama|qwen|qwq|stral|gemma"), (1, 2, 2)),
)
_THOUGHT_END = "</think>"
_UNREAD = ("tools", "functions", "toolConfig", "response_format", "format", "audio", "plugins", "web_search_options")


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `hosts.toml`, which says what the fields mean."""

    models: str
    provider: str
    prime: int
    message: int
    assistant: int
    system: int
    below: int
    above: int
    trimmed: bool


def chat(api: str, fields: Fields, model: str, provider: str) -> Frame:
    """The frame of `openai.chat`, `ollama` or `bedrock.converse`.

    Raises:
        Unknown: No row of the table is for this model at this host, or there is more than text.
    """
    row = next((row for row in _rows() if re.search(row.models, model) and re.match(row.provider, provider)), None)
    if row is None:
        raise Unknown
    refuse(fields, _UNREAD)
    total = Sum()
    total.add((row.prime, row.below, row.above))
    if api == "bedrock.converse" and given(fields, "system"):
        total.tokens += row.system
        total.texts.append(_converse_text(decode(fields, "system")))
    for message in objects(fields, "messages"):
        if message.get("tool_calls") or message.get("images"):
            raise Unknown
        match message.get("role"):
            case "user":
                total.tokens += row.message
            case "assistant":
                total.tokens += row.assistant
            case "system" | "developer":
                total.tokens += row.system
            case _:
                raise Unknown
        content = message.get("content")
        said = _converse_text(content) if api == "bedrock.converse" else text(content, ("text",))
        if message.get("role") == "assistant":
            said = said.rpartition(_THOUGHT_END)[2]  # templates leave earlier thoughts out
        total.texts.append(said)
    if row.trimmed:
        total.texts = [part.strip() for part in total.texts]
    return total.frame()


def _converse_text(blocks: Any) -> str:
    if any(block.keys() != {"text"} for block in dicts(blocks)):
        raise Unknown
    return "".join([string(block["text"]) for block in blocks])


@cache
def _rows() -> list[Row]:
    table = tomllib.loads(files(__package__).joinpath("hosts.toml").read_text("utf-8"))
    return msgspec.convert(table["rows"], list[Row])
