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
    "stop": "stop sequences",
    "max_tokens": "`max_tokens`",
    "thinking_budget": "a budget for thinking",
    "thinking_adaptive": "adaptive thinking",
    "thinking_off": "answers without thinking",
    "effort": "a level of effort",
    "vectors": "the vectors of this model",
    "completions": "completions without a chat",
    "server_tools": "the provider's own tools",
    "state": "what the provider keeps of the conversation",
}


ASKED = frozenset(("sampling", "stop", "max_tokens", "effort", "thinking_budget", "thinking_adaptive", "thinking_off"))
"""Of what a request uses, what every model is taken to accept that is not known to refuse it."""

# `us.anthropic.claude-sonnet-4-5-20250929-v1:0` at Amazon, `accounts/fireworks/models/llama-v3p1-8b-instruct` and
# `fw-glm-5.2` of Fireworks, `claude-opus-4-5@20251101` at Google, `openai_o3-mini` in benchmarks.
_REGION = re.compile(r"^(?:(?:us-gov|us|eu|apac|global|regional|au|jp|ca)\.)?(?:[a-z][a-z0-9]{1,12}\.)(?=[a-z])")
_MAKER = re.compile(r"^(?:fw-|databricks-|(?:openai|anthropic|google|deepseek|qwen|meta-llama|mistralai|x-ai)_)")
_POINT = re.compile(r"(?<=\d)p(?=\d)")


class Capability(Struct, frozen=True):
    """What a model can do beyond text.

    Attributes:
        context: Tokens of prompt and answer together.
        prompt: The most tokens of a prompt, where that is less.
        output: Tokens of an answer.
    """

    can: frozenset[str] = frozenset()
    context: int = LEAST_CONTEXT
    output: int = LEAST_OUTPUT
    prompt: int | None = None
    refuses: frozenset[str] = frozenset()


UNKNOWN = Capability()


class _Family(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `capabilities.toml`, which says what the fields mean."""

    match: str
    can: tuple[str, ...]
    context: int
    output: int
    source: str
    checked: date
    prompt: int | None = None
    refuses: tuple[str, ...] = ()


def capability(provider: str, model: str, own: Sequence[ModelRow], context: int | None) -> Capability:
    """What *model* can do: by the operator's *own* rows, else by what its family is known for.

    Args:
        context: Its context window where the catalogue of prices knows it.
    """
    name = model.lower()
    for row in own:
        if row.provider in (None, provider) and fnmatchcase(name, row.model.lower()):
            return Capability(frozenset(row.can), row.context or context or LEAST_CONTEXT, row.output or LEAST_OUTPUT)
    family = _family(plain(name))
    if family is None:
        return Capability(context=context or LEAST_CONTEXT)
    return Capability(
        frozenset(family.can), context or family.context, family.output, family.prompt, frozenset(family.refuses)
    )


def lacks(able: Capability, asked: Asked, uses: frozenset[str], prompt_tokens: int) -> str | None:
    """What the request needs and the model lacks, in a few words; None where nothing.

    Args:
        uses: All that the request and its conversation use.
        prompt_tokens: The highest count to expect.
    """
    missing = sorted(uses - able.can - ASKED)
    if "schema" in able.can:  # who can follow a schema can write JSON
        missing = [name for name in missing if name != "json"]
    if missing:
        return f"lacks {', '.join(_WORDS.get(name, name) for name in missing)}"
    if refused := sorted([_WORDS.get(name, name) for name in uses & able.refuses]):
        return f"does not take {', '.join(refused)}"
    if asked.max_output is not None and asked.max_output > able.output:
        return f"answers have at most {able.output} tokens"
    if able.prompt is not None and prompt_tokens > able.prompt:
        return f"prompts have at most {able.prompt} tokens"
    room = prompt_tokens + (asked.max_output or 0)
    return f"its context of {able.context} tokens is too short" if room > able.context else None


def plain(name: str) -> str:
    """A model's *name*, in lower case, without those who host it."""
    bare, _, version = name.removeprefix("ft:").rpartition("/")[2].partition(":")[0].partition("@")
    dated = f"{bare}-{version}" if version[:1].isdigit() else bare
    short = _POINT.sub(".", _MAKER.sub("", _REGION.sub("", dated)))
    return f"ft:{short}" if name.startswith("ft:") else short


@lru_cache(maxsize=1024)  # names come from clients
def _family(name: str) -> _Family | None:
    return next((family for pattern, family in _families() if pattern.fullmatch(name)), None)


@cache
def _families() -> tuple[tuple[re.Pattern[str], _Family], ...]:
    table = tomllib.loads(files(__package__).joinpath("capabilities.toml").read_text("utf-8"))
    families = msgspec.convert(tuple(table["families"]), tuple[_Family, ...])
    return tuple((re.compile(family.match), family) for family in families)
