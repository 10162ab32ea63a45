"""Translation between dialects: each is read into one neutral form and written from it."""

from dd0c_route.wire.neutral.chat import CHAT
from dd0c_route.wire.neutral.dialect import Aim, Dialect, Opening, StreamReader, StreamWriter, Written
from dd0c_route.wire.neutral.form import Answer, Fault, Loss, Piece, Prompt
from dd0c_route.wire.neutral.losses import explained
from dd0c_route.wire.neutral.messages import MESSAGES

DIALECTS: dict[str, Dialect] = {"openai.chat": CHAT, "anthropic.messages": MESSAGES}
"""By the API's name, as `wire/api.py` gives it."""

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
    "explained",
]
