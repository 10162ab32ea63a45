"""How Bedrock's runtime fails; what it answers comes from recordings alone.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors.
"""

from __future__ import annotations

from msgspec.json import encode

from dd0c_route.upstream.simulator.eventstream import frame

_ERROR_TYPES = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}


def failure(status: int, message: str) -> bytes:
    """The body of an error answer."""
    kind = _ERROR_TYPES.get(status, "ValidationException" if status < 500 else "InternalServerException")
    return encode({"message": message, "__type": kind})


def broken() -> bytes:
    """What a stream carries when the provider fails midway: its last message."""
    payload = encode({"message": "simulated failure in mid-stream"})
    return frame("serviceUnavailableException", payload, exception=True)
