"""What the router needs to know of a request: a few top-level fields, and never the messages."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw, Struct

from dd0c_route.errors import BadRequest
from dd0c_route.wire.loose import UNREADABLE, count_of, dict_of, value_of

_NEED_MODEL = {
    "openai.chat",
    "openai.completions",
    "openai.embeddings",
    "anthropic.messages",
    "anthropic.count_tokens",
}  # elsewhere it stands in the path, or a stored prompt brings it
_MAX_OUTPUT = {
    "openai.chat": ("max_completion_tokens", "max_tokens"),
    "openai.responses": ("max_output_tokens",),
    "gemini.generate": ("generationConfig.maxOutputTokens",),
    "bedrock.converse": ("inferenceConfig.maxTokens",),
    "ollama": ("options.num_predict",),
}


class Ours(Struct, frozen=True, forbid_unknown_fields=True):
    """The `dd0c` object of an OpenAI body: the same as the `x-dd0c-*` headers."""

    route: Literal["on", "off"] = "on"
    tags: dict[str, str] = {}
    session: str | None = None
    policy: str | None = None
    cost: bool = False


class Facts(Struct, frozen=True):
    """What was read.

    Attributes:
        model: The model asked for; empty where the body names none.
        max_output: The most tokens that the answer may have, or None where the request does not say.
        ours: The `dd0c` object; all defaults where there is none.
    """

    model: str
    stream: bool
    max_output: int | None
    ours: Ours


_TEXT = msgspec.json.Decoder(str)
_OURS = msgspec.json.Decoder(Ours)
_NOTHING = Ours()


def facts(api: str, fields: dict[str, Raw]) -> Facts:
    """Read the fields of a body that `body.split` returned.

    Raises:
        BadRequest: `model` or `dd0c` is not what it must be. Anything else is the provider's to judge.
    """
    return Facts(
        model=_model(api, fields),
        stream="stream" in fields and bytes(fields["stream"]).strip() == b"true",
        max_output=_max_output(api, fields),
        ours=_ours(fields["dd0c"]) if "dd0c" in fields and api.startswith("openai.") else _NOTHING,
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


def _max_output(api: str, fields: dict[str, Raw]) -> int | None:
    for path in _MAX_OUTPUT.get(api, ("max_tokens",)):
        name, _, inner = path.partition(".")
        if name in fields:
            value = value_of(fields[name])
            bound = count_of(dict_of(value), inner) if inner else count_of({name: value}, name)
            if bound:
                return bound
    return None


def _ours(raw: Raw) -> Ours:
    try:
        return _OURS.decode(raw)
    except msgspec.ValidationError as error:
        raise BadRequest(f"`dd0c` cannot be used: {error} (known: route, tags, session, policy, cost)") from None
    except UNREADABLE:
        raise BadRequest("`dd0c` is not valid JSON") from None
