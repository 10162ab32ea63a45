"""Translation between dialects: each is read into one neutral form and written from it."""

from dd0c_route.wire.neutral.chat import CHAT
from dd0c_route.wire.neutral.dialect import Aim, Dialect, Opening, StreamReader, StreamWriter, Written
from dd0c_route.wire.neutral.form import Answer, Fault, Loss, Piece, Prompt
from dd0c_route.wire.neutral.losses import explained
from dd0c_route.wire.neutral.messages import MESSAGES
from dd0c_route.wire.neutral.responses import RESPONSES

DIALECTS: dict[str, Dialect] = {
    "openai.chat": CHAT,
    "openai.responses": RESPONSES,
    "anthropic.messages": MESSAGES,
}
"""By the API's name, as `wire/api.py` gives it."""

_ASKED_BY = {"openai": "openai.chat", "anthropic": "anthropic.messages"}
"""By the dialect of a provider: the API that it is asked by in a call that came by another one."""


def api_at(api: str, spoken: str, dialect: str) -> str | None:
    """By which API a provider of *dialect* is asked what came by *api*, in the dialect *spoken* by its caller.

    None where nothing is translated: it is the same dialect, it is only passed through, or there is no way from one to
    the other.
    """
    return _ASKED_BY.get(dialect) if spoken not in (dialect, "passthrough") and api in DIALECTS else None


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
]
