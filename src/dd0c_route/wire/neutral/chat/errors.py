"""Errors of OpenAI's chat API ↔ faults.

Source: https://platform.openai.com/docs/guides/error-codes, and what recorded errors of others look like.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.wire.loose import dict_of, str_of, value_of
from dd0c_route.wire.neutral.faults import kind_by_status, plain
from dd0c_route.wire.neutral.form import Fault, FaultKind

_KINDS: dict[str, FaultKind] = {
    "insufficient_quota": "quota",
    "context_length_exceeded": "invalid",
    "invalid_api_key": "authentication",
    "model_not_found": "not_found",
    "rate_limit_exceeded": "rate_limit",
}
_TYPES: dict[FaultKind, str] = {
    "invalid": "invalid_request_error",
    "authentication": "authentication_error",
    "permission": "permission_error",
    "billing": "insufficient_quota",
    "not_found": "invalid_request_error",
    "too_large": "invalid_request_error",
    "rate_limit": "rate_limit_error",
    "quota": "insufficient_quota",
    "overloaded": "server_error",
    "timeout": "server_error",
    "server": "server_error",
}
_CODES: dict[FaultKind, str] = {
    "authentication": "invalid_api_key",
    "billing": "insufficient_quota",
    "not_found": "model_not_found",
    "rate_limit": "rate_limit_exceeded",
    "quota": "insufficient_quota",
}


def read(status: int, body: bytes) -> Fault:
    value = value_of(body)
    return read_object(status, value[0] if isinstance(value, list) and value else value, body)


def read_object(status: int, value: Any, body: bytes = b"") -> Fault:
    """`{"error": {…}}`; others say `{"error": "…"}`, `{"message": …}` or `{"detail": …}`."""
    whole = dict_of(value)
    error = dict_of(whole.get("error")) or whole
    message = str_of(error.get("message")) or str_of(whole.get("error")) or str_of(whole.get("detail"))
    code = error.get("code")
    word = code if isinstance(code, str) else str_of(error.get("type"))
    if isinstance(code, int) and 400 <= code < 600 and status == 502:  # in a stream, the status is only told here
        status = code
    kind = _KINDS.get(word) or _KINDS.get(str_of(error.get("type"))) or kind_by_status(status)
    return Fault(status, kind, message or plain(body), word, str_of(error.get("param")))


def write(fault: Fault, call_id: str) -> bytes:
    code = fault.code or _CODES.get(fault.kind)
    error = {"message": fault.message, "type": _TYPES[fault.kind], "param": fault.param or None, "code": code}
    return msgspec.json.encode({"error": error})


def write_fault(fault: Fault, call_id: str) -> bytes:
    return b"data: " + write(fault, call_id) + b"\n\n"


def status(fault: Fault) -> int:
    """529 is Anthropic's own, for what OpenAI's clients know as 503."""
    return 503 if fault.status == 529 else fault.status
