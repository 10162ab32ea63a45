"""What the router needs to know of a request: a few top-level fields, and never the messages."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw, Struct

from dd0c_route.errors import BadRequest
from dd0c_route.wire.loose import UNREADABLE

_NEED_MODEL = {
    "openai.chat",
    "openai.completions",
    "openai.embeddings",
    "anthropic.messages",
    "anthropic.count_tokens",
}  # elsewhere it stands in the path, or a stored prompt brings it


class Ours(Struct, frozen=True, forbid_unknown_fields=True):
    """The `dd0c` object of an OpenAI body: the same as the `x-dd0c-*` headers."""

    route: Literal["on", "off"] = "on"
    tags: dict[str, str] = {}
    session: str | None = None
    policy: str | None = None
    cost: bool = False
    drop: bool = False


class Essentials(Struct, frozen=True):
    """What was read.

    Attributes:
        model: The model asked for; empty where the body names none.
        ours: The `dd0c` object, or None.
    """

    model: str
    stream: bool
    ours: Ours | None


_TEXT = msgspec.json.Decoder(str)
_OURS = msgspec.json.Decoder(Ours)


def essentials(api: str, fields: dict[str, Raw]) -> Essentials:
    """Read the fields of a body that `body.split` returned.

    Raises:
        BadRequest: `model` or `dd0c` is not what it must be. Anything else is the provider's to judge.
    """
    return Essentials(
        model=_model(api, fields),
        stream="stream" in fields and bytes(fields["stream"]).strip() == b"true",
        ours=_ours(fields["dd0c"]) if "dd0c" in fields and api.startswith("openai.") else None,
    )


def _model(api: str, fields: dict[str, Raw]) -> str:
    raw = fields.get("model")
    if raw is None:
        if api in _NEED_MODEL:
            raise BadRequest('`model` is missing: name one, as in "model": "gpt-4o"')
        return ""
    try:
        model = _TEXT.decode(raw)
    except UNREADABLE:
        raise BadRequest("`model` must be a string") from None
    if not model and api in _NEED_MODEL:
        raise BadRequest('`model` is empty: name one, as in "model": "gpt-4o"')
    return model


def _ours(raw: Raw) -> Ours:
    try:
        return _OURS.decode(raw)
    except msgspec.ValidationError as error:
        raise BadRequest(f"`dd0c` cannot be used: {error} (known: route, tags, session, policy, cost, drop)") from None
    except UNREADABLE:
        raise BadRequest("`dd0c` is not valid JSON") from None
