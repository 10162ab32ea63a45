"""A request body as its top-level fields: what we do not touch stays as it was, byte for byte."""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from dd0c_route.errors import BadRequest
from dd0c_route.wire.loose import UNREADABLE

_FIELDS = msgspec.json.Decoder(dict[str, Raw])
_TRUE = Raw(b"true")
_HALF_A_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")


def split(body: bytes) -> dict[str, Raw]:
    """The undecoded fields of a JSON object, in order; of a name that stands twice the last value counts.

    Raises:
        BadRequest: *body* is not one JSON object. The message names the fault and its place, never the content.
    """
    if not body.strip():
        raise BadRequest("the request has no body: send a JSON object")
    try:
        return _FIELDS.decode(body)
    except msgspec.ValidationError as error:
        raise BadRequest(f"the request body is not a JSON object: {error}") from None
    except msgspec.DecodeError as error:
        raise BadRequest(f"the request body is not valid JSON: {_fault(error, body)}") from None
    except UnicodeDecodeError as error:
        raise BadRequest(f"the request body is not valid UTF-8 (byte {error.start} of a field name)") from None
    except RecursionError:
        raise BadRequest("the request body is nested too deeply") from None


def _fault(error: msgspec.DecodeError, body: bytes) -> str:
    """What is wrong; half a pair, which a text cut inside of a character leaves, would be reported as a cut body."""
    if "truncated" in str(error) and (half := _HALF_A_PAIR.search(body)) is not None:
        return f"half of a surrogate pair (byte {half.start()}): a text was cut inside of a character"
    return str(error)


def join(fields: dict[str, Raw]) -> bytes:
    """The JSON object that *fields* are."""
    encode = msgspec.json.encode
    return b"{" + b",".join([encode(name) + b":" + bytes(value) for name, value in fields.items()]) + b"}"


def with_usage_asked(fields: dict[str, Raw]) -> dict[str, Raw] | None:
    """*fields* with `stream_options.include_usage` true, or None where there is nothing to change.

    Nothing is changed either where `stream_options` is not an object: the provider shall say so.
    """
    options: dict[str, Raw] = {}
    given = fields.get("stream_options")
    if given is not None and bytes(given).strip() != b"null":
        try:
            options = _FIELDS.decode(given)
        except UNREADABLE:
            return None
    asked = options.get("include_usage")
    if asked is not None and bytes(asked).strip() == b"true":
        return None
    return {**fields, "stream_options": Raw(join({**options, "include_usage": _TRUE}))}
