"""What of a prompt a provider has in its cache, and so what the prompt will be billed as. Pure.

The cost of a switch needs no rule of its own: the model that answered so far finds its prompt in the cache, another one
reads it at the full price or writes it at a higher one, and both are in what a call is expected to cost.
"""

from __future__ import annotations

import tomllib
from datetime import date
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal

import msgspec
from msgspec import Struct

from dd0c_route.brain.sessions import Session, Warm
from dd0c_route.types import Target, Usage


class Terms(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `cache.toml`, which says what the fields mean."""

    provider: str
    model: str
    how: Literal["automatic", "explicit"]
    least: int
    step: int
    ttl_s: int
    hour_s: int
    source: str
    checked: date
    writes: bool = False


@lru_cache(maxsize=1024)  # names come from clients
def terms_of(provider: str, model: str) -> Terms | None:
    """The terms of *provider* (as the catalogue names it) for *model*; None where nothing is known to be cached."""
    name = model.lower()
    rows = (row for row in _rows() if fnmatchcase(provider, row.provider) and fnmatchcase(name, row.model))
    return next(rows, None)


def cached_tokens(
    prompt: int, prefix: tuple[int, ...], warm: Warm | None, terms: Terms | None, now_ns: int
) -> int:  # fmt: skip
    """How many of the *prompt*'s tokens the provider still has.

    Args:
        prefix: `Asked.prefix_hashes` of this call. Another system prompt, tool set or opening is another prompt.
        warm: What the conversation left in the cache.

    Returns:
        0 where it has expired, was of something else or is too short. A prompt shorter than the cached one was
        compacted, and only what stands before the conversation could be the same: that is taken as nothing.
    """
    if warm is None or terms is None or warm.prefix != prefix or prompt < warm.tokens < 1 << 40:
        return 0
    keep_s = terms.hour_s if warm.cache == "1h" and terms.hour_s else terms.ttl_s
    if not 0 <= now_ns - warm.at_ns < keep_s * 1_000_000_000:
        return 0
    cached = min(warm.tokens, prompt) // terms.step * terms.step
    return cached if cached >= terms.least else 0


def split(prompt: int, cached: int, wanted: str, terms: Terms | None) -> Usage:
    """The input of a call as it will be billed, without its output.

    Args:
        wanted: What the request asks of an explicit cache: empty, `5m` or `1h`.
    """
    fresh = prompt - cached
    if terms is not None and terms.writes and prompt >= terms.least:
        return Usage(cache_read=cached, cache_write_5m=fresh)
    if terms is None or terms.how == "automatic" or not wanted or prompt < terms.least:
        return Usage(input=fresh, cache_read=cached)
    if wanted == "1h" and terms.hour_s:
        return Usage(cache_read=cached, cache_write_1h=fresh)
    return Usage(cache_read=cached, cache_write_5m=fresh)


def kept_of(usage: Usage, terms: Terms | None) -> int:
    """How many tokens the provider has in its cache after a call that used *usage*."""
    if terms is None:
        return 0
    if terms.how == "automatic":
        return usage.input_total
    return usage.cache_read + usage.cache_write_5m + usage.cache_write_1h


def warm_of(session: Session | None, target: Target) -> Warm | None:
    return session.warm.get(target) if session is not None else None


@cache
def _rows() -> tuple[Terms, ...]:
    table = tomllib.loads(files(__package__).joinpath("cache.toml").read_text("utf-8"))
    return msgspec.convert(tuple(table["terms"]), tuple[Terms, ...])
