"""Translation between dialects: each is read into one neutral form and written from it."""

from __future__ import annotations

from collections.abc import Collection

from dd0c_route.wire.neutral.chat import CHAT
from dd0c_route.wire.neutral.converse import CONVERSE
from dd0c_route.wire.neutral.customs import as_functions, owns_of
from dd0c_route.wire.neutral.dialect import Aim, Dialect, Opening, StreamReader, StreamWriter, Written
from dd0c_route.wire.neutral.form import Answer, Fault, Loss, Piece, Prompt
from dd0c_route.wire.neutral.gemini import GEMINI
from dd0c_route.wire.neutral.losses import explained
from dd0c_route.wire.neutral.messages import MESSAGES
from dd0c_route.wire.neutral.responses import RESPONSES
from dd0c_route.wire.neutral.untold import untold

DIALECTS: dict[str, Dialect] = {
    "openai.chat": CHAT,
    "openai.responses": RESPONSES,
    "anthropic.messages": MESSAGES,
    "gemini.generate": GEMINI,
    "bedrock.converse": CONVERSE,
}
"""By the API's name, as `wire/api.py` gives it."""

_ASKED_BY: dict[str, tuple[str, ...]] = {
    "openai": ("openai.chat", "openai.responses"),
    "anthropic": ("anthropic.messages",),
    "gemini": ("gemini.generate",),
    "bedrock": ("bedrock.converse",),
}
"""By the dialect of a provider: the APIs that it is asked by in calls that came by another one, the usual one first."""


def api_at(api: str, spoken: str, dialect: str, lacks: Collection[str] = ()) -> str | None:
    """By which API a provider of *dialect* is asked what came by *api*, in the dialect *spoken* by its caller.

    None where nothing is translated: it is the same dialect, it is only passed through, or there is no way from one to
    the other.

    Args:
        lacks: APIs of its dialect that the provider does not have, or not for the model that is asked for.
    """
    if api not in DIALECTS or spoken == "passthrough" or (spoken == dialect and api not in lacks):
        return None
    return next((way for way in _ASKED_BY.get(dialect, ()) if way not in lacks), None)


def written(prompt: Prompt, api: str, aim: Aim) -> Written:
    """*prompt* as a request of *api*, with OpenAI's own sorts of tools as functions where it has none such."""
    return DIALECTS[api].write_request(as_functions(prompt, owns_of(prompt, api, aim)), aim)


__all__ = [
    "DIALECTS",
    "Aim",
    "Answer",
    "Dialect",
    "Fault",
    "Loss",
    "Opening",
    "Piece",
    "Prompt",
    "StreamReader",
    "StreamWriter",
    "Written",
    "api_at",
    "explained",
    "untold",
    "written",
]
