"""How the control process says things in JSON, errors included."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

_encoder = msgspec.json.Encoder()


def json_answer(value: object, status: int = 200) -> Response:
    return Response(_encoder.encode(value), status, media_type="application/json")


def json_error(status: int, code: str, message: str, **more: object) -> Response:
    """`{"error": {"code", "message"}, …}`; *message* names the thing, the value and the fix."""
    return json_answer({"error": {"code": code, "message": message}, **more}, status)
