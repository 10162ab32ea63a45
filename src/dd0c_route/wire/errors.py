"""The router's own errors, in the shape that the caller's SDK expects."""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.errors import RouteError

# Type names by status, as the providers document them; the default stands for every other status.
_OPENAI_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
_ANTHROPIC_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_GEMINI_STATUSES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


_CONVERSE_TYPES = {
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}
_REQUEST_ID = {"anthropic": b"request-id", "bedrock": b"x-amzn-requestid"}  # the headers that SDKs show
_BY_WORD = {
    "invalid_request_error": 400, "invalid_argument": 400, "failed_precondition": 400, "validationexception": 400,
    "invalid_prompt": 400, "authentication_error": 401, "invalid_api_key": 401, "unauthenticated": 401,
    "unrecognizedclientexception": 401, "billing_error": 402, "permission_error": 403, "permission_denied": 403,
    "accessdeniedexception": 403, "not_found_error": 404, "not_found": 404, "model_not_found": 404,
    "resourcenotfoundexception": 404, "request_too_large": 413, "rate_limit_error": 429, "rate_limit_exceeded": 429,
    "insufficient_quota": 429, "resource_exhausted": 429, "throttlingexception": 429, "overloaded_error": 529,
    "overloaded": 529, "server_is_overloaded": 503, "unavailable": 503, "serviceunavailableexception": 503,
    "timeout_error": 504, "deadline_exceeded": 504, "modeltimeoutexception": 504,
}  # fmt: skip
"""The status that an error's type would have had in its place. Source: the tables above, and OpenAI's error codes."""

_WORTH_A_RETRY = (408, 503)
RETRY_AFTER_S = 1  # of what passes: a bound that is reached, a restart


def headers_of(error: RouteError, api: str, request_id: str) -> list[tuple[bytes, bytes]]:
    """What stands beside the body: whether to try again, in the words that SDKs obey, and the id that they show.

    Source: the retry rules of openai-python 3.54 and anthropic-sdk-python 2.12, which follow `x-should-retry` and
    `retry-after` (observed 2026-11); botocore reads the kind of an error from `x-amzn-errortype`.
    """
    family = api.partition(".")[0]
    headers = [
        (b"content-type", b"application/json"),
        (_REQUEST_ID.get(family, b"x-request-id"), request_id.encode()),
        (b"x-should-retry", b"true" if error.status in _WORTH_A_RETRY else b"false"),
    ]
    if family == "bedrock":
        headers.append((b"x-amzn-errortype", _converse_type(error.status).encode()))
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if error.status == 426:
        headers.append((b"upgrade", b"HTTP/1.1"))  # RFC 9110 §15.5.22: what is spoken here
    if error.status == 503:
        headers.append((b"retry-after", b"%d" % RETRY_AFTER_S))
    return headers


def status_of(kind: str) -> int:
    """The status that belongs to an error of the type *kind*, which may be a number; 502 of one that nobody knows."""
    if kind.isdecimal() and len(kind) == 3 and 400 <= int(kind) <= 599:
        return int(kind)
    return _BY_WORD.get(kind.lower(), 502)


def render(error: RouteError, api: str, request_id: str) -> bytes:
    """The JSON body of an error answer, in the dialect of *api*; an unknown one gets OpenAI's."""
    return msgspec.json.encode(_shape(error, api, request_id))


def render_event(error: RouteError, api: str, request_id: str) -> bytes:
    """The same as one server-sent event, for a stream that is cut between two events."""
    if api.startswith("anthropic."):
        return b"event: error\ndata: " + render(error, api, request_id) + b"\n\n"
    if api == "openai.responses":
        event = {"type": "error", "code": error.code, "message": error.message, "param": None}
        return b"event: error\ndata: " + msgspec.json.encode(event) + b"\n\n"
    line_end = b"\r\n" if api.startswith("gemini.") else b"\n"
    return b"data: " + render(error, api, request_id) + line_end * 2


def _shape(error: RouteError, api: str, request_id: str) -> dict[str, Any]:
    status, message = error.status, error.message
    if api.startswith("anthropic."):
        kind = _ANTHROPIC_TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
    if api.startswith("gemini."):
        name = _GEMINI_STATUSES.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")
        return {"error": {"code": status, "message": message, "status": name}}
    if api.startswith("bedrock."):
        return {"message": message, "__type": _converse_type(status)}
    if api.startswith("cohere."):
        return {"id": request_id, "message": message}
    if api == "ollama":
        return {"error": message}
    kind = _OPENAI_TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    if error.code == "insufficient_quota":
        kind = error.code  # as OpenAI itself has it
    return {"error": {"message": message, "type": kind, "param": None, "code": error.code}}


def _converse_type(status: int) -> str:
    return _CONVERSE_TYPES.get(status, "ValidationException" if status < 500 else "InternalServerException")
