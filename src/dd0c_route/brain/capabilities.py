"""What a model can do, as far as that is known, and what of a request it lacks. Unknown is: cannot."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from datetime import date
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from dd0c_route.brain.request import Asked
from dd0c_route.config import ModelRow

LEAST_CONTEXT = 4096  # tokens: every chat model in use has so much
LEAST_OUTPUT = 2048

_WORDS = {
    "parallel_tools": "parallel tool calls",
    "schema": "answers by a schema",
    "json": "JSON answers",
    "n": "several answers",
    "images": "answers with images",
    "vectors": "the vectors of this model",
    "completions": "completions without a chat",
    "server_tools": "the provider's own tools",
    "state": "what the provider keeps of the conversation",
}


class Capability(Struct, frozen=True):
    """What a model can do beyond text.

    Attributes:
        context: Tokens of prompt and answer together.
        output: Tokens of an answer.
    """

    can: frozenset[str] = frozenset()
    context: int = LEAST_CONTEXT
    output: int = LEAST_OUTPUT


UNKNOWN = Capability()


class _Family(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `capabilities.toml`, which says what the fields mean."""

    match: str
    can: tuple[str, ...]
    context: int
    output: int
    source: str
    read: date


def capability(provider: str, model: str, own: Sequence[ModelRow], context: int | None) -> Capability:
    """What *model* can do: by the operator's *own* rows, else by what its family is known for.

    Args:
        context: Its context window where the catalogue of prices knows it.
    """
    name = model.lower()
    for row in own:
        if row.provider in (None, provider) and fnmatchcase(name, row.model.lower()):
            return Capability(frozenset(row.can), row.context or context or LEAST_CONTEXT, row.output or LEAST_OUTPUT)
    family = _family(name.rpartition("/")[2].partition(":")[0])
    if family is None:
        return Capability(context=context or LEAST_CONTEXT)
    return Capability(frozenset(family.can), context or family.context, family.output)


def lacks(able: Capability, asked: Asked, uses: frozenset[str], prompt_tokens: int) -> str | None:
    """What the request needs and the model lacks, in a few words; None where nothing.

    Args:
        uses: All that the request and its conversation use.
        prompt_tokens: The highest count to expect.
    """
    missing = sorted(uses - able.can - {"json"} if "schema" in able.can else uses - able.can)
    if missing:
        return f"lacks {', '.join(_WORDS.get(name, name) for name in missing)}"
    if asked.max_output is not None and asked.max_output > able.output:
        return f"answers have at most {able.output} tokens"
    room = prompt_tokens + (asked.max_output or 0)
    return f"its context of {able.context} tokens is too short" if room > able.context else None


@lru_cache(maxsize=1024)  # names come from clients
def _family(name: str) -> _Family | None:
    return next((family for pattern, family in _families() if pattern.fullmatch(name)), None)


@cache
def _families() -> tuple[tuple[re.Pattern[str], _Family], ...]:
    table = tomllib.loads(files(__package__).joinpath("capabilities.toml").read_text("utf-8"))
    families = msgspec.convert(tuple(table["families"]), tuple[_Family, ...])
    return tuple((re.compile(family.match), family) for family in families)
