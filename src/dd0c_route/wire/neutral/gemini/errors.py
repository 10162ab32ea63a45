"""Errors of Google's APIs ↔ faults.

Source: https://ai.google.dev/gemini-api/docs/troubleshooting, and `google.rpc.Code` for the words and their statuses.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.wire.loose import dict_of, dicts_of, str_of, value_of
from dd0c_route.wire.neutral.faults import kind_by_status, plain
from dd0c_route.wire.neutral.form import Fault, FaultKind

_KINDS: dict[str, FaultKind] = {
    "INVALID_ARGUMENT": "invalid",
    "FAILED_PRECONDITION": "invalid",
    "OUT_OF_RANGE": "invalid",
    "UNAUTHENTICATED": "authentication",
    "PERMISSION_DENIED": "permission",
    "NOT_FOUND": "not_found",
    "RESOURCE_EXHAUSTED": "rate_limit",
    "DEADLINE_EXCEEDED": "timeout",
    "UNAVAILABLE": "overloaded",
    "INTERNAL": "server",
}
_WORDS: dict[FaultKind, str] = {
    "invalid": "INVALID_ARGUMENT",
    "authentication": "UNAUTHENTICATED",
    "permission": "PERMISSION_DENIED",
    "billing": "RESOURCE_EXHAUSTED",
    "not_found": "NOT_FOUND",
    "too_large": "INVALID_ARGUMENT",
    "rate_limit": "RESOURCE_EXHAUSTED",
    "quota": "RESOURCE_EXHAUSTED",
    "overloaded": "UNAVAILABLE",
    "timeout": "DEADLINE_EXCEEDED",
    "server": "INTERNAL",
}
_BAD_KEY = ("API_KEY_INVALID", "API_KEY_EXPIRED")  # reasons that come with status 400


def read(status: int, body: bytes) -> Fault:
    """`{"error": {"code", "message", "status", "details"}}`, or a list of one such for a stream as a JSON array."""
    value = value_of(body)
    return read_object(status, value[0] if isinstance(value, list) and value else value, body)


def read_object(status: int, value: Any, body: bytes = b"") -> Fault:
    error = dict_of(dict_of(value).get("error"))
    word, code = str_of(error.get("status")), error.get("code")
    if not body and isinstance(code, int) and 400 <= code < 600:  # in a stream, the status is only told here
        status = code
    kind = _KINDS.get(word) or kind_by_status(status)
    if any(detail.get("reason") in _BAD_KEY for detail in dicts_of(error.get("details"))):
        status, kind = 401, "authentication"
    return Fault(status, kind, str_of(error.get("message")) or plain(body), word)


def write(fault: Fault, call_id: str) -> bytes:
    error = {"code": status(fault), "message": fault.message, "status": _WORDS[fault.kind]}
    return msgspec.json.encode({"error": error})


def write_fault(fault: Fault, call_id: str) -> bytes:
    return b"data: " + write(fault, call_id) + b"\r\n\r\n"


def status(fault: Fault) -> int:
    """529 is Anthropic's own, for what Google's clients know as 503."""
    return 503 if fault.status == 529 else fault.status
