"""How many output tokens a provider bills for an answer that was cut: what its row says, and what cannot be known.

Pure. `billed_after_abort` is `delivered` (aborting stops the meter), `whole` (it works on, and bills the complete
answer), `nothing`, or `unknown` where nobody says. An answer that came whole needs none of this.
"""

from __future__ import annotations

import tomllib
from fnmatch import translate
from importlib import resources
from re import compile as compiled
from typing import Literal

import msgspec
from msgspec import Struct

Billed = Literal["delivered", "whole", "nothing", "unknown"]
Band = tuple[int, int]


class _Facts(Struct, frozen=True, forbid_unknown_fields=True):
    """`aborts.toml`."""

    usual_output_tokens: int
    most_output_tokens: int
    frame_tokens: int
    hidden_reasoning: tuple[str, ...]


_FACTS = msgspec.convert(
    tomllib.loads(resources.files("dd0c_route.proxy").joinpath("aborts.toml").read_text("utf-8")), _Facts
)
_hides = compiled("|".join(map(translate, _FACTS.hidden_reasoning))).match


def may_hide_reasoning(model: str) -> bool:
    """Whether *model* may produce tokens that it shows nobody."""
    return _hides(model.rsplit("/", 1)[-1].lower()) is not None


def after_abort(
    received: int, band: Band | None, billed: Billed, limit: int | None, *, stream: bool, hidden: bool
) -> tuple[int, Band | None]:
    """Output tokens that are billed for an answer that *we* cut, and within which bounds; None: that is exact.

    Args:
        received: What came, in tokens; *band* where that is estimated.
        limit: The most that the call allows, or None.
        stream: Cancelling stops only streams: of a plain JSON answer the whole is billed.
        hidden: The model may have produced more than it showed.

    Source: OpenRouter's page on stream cancellation, of the providers that stop and those that do not, and that no
    answer in one piece can be cancelled (https://openrouter.ai/docs/api-reference/streaming, read 2026-11-24).
    """
    low, high = band or (received, received)
    most = max(high, _FACTS.most_output_tokens if limit is None else limit)
    if billed == "nothing":
        return 0, None
    if billed == "unknown":
        return received, (0, most)
    if billed == "whole" or not stream:
        # A moment drawn at random lies on average in the middle of its answer: on recorded answers of 20 tokens and
        # more, cut at random, the sum of the estimates is within 4 % of the sum of what was billed.
        return min(most, 2 * received or _FACTS.usual_output_tokens), (low, most)
    return received, (low, most if hidden else min(most, high + _FACTS.frame_tokens))


def after_failure(received: int, band: Band | None) -> tuple[int, Band | None]:
    """The same for an answer that the provider cut: what came may be billed, or nothing.

    Source: no provider documents it, except Novita (failures of its own are free:
    https://novita.ai/docs/guides/llm-billing, read 2026-11-24).
    """
    return received, (0, (band or (received, received))[1])
