"""Errors of Anthropic's Messages ↔ faults. Source: https://docs.anthropic.com/en/api/errors."""

from __future__ import annotations

import msgspec

from dd0c_route.wire.loose import dict_of, str_of, value_of
from dd0c_route.wire.neutral.faults import kind_by_status, plain
from dd0c_route.wire.neutral.form import Fault, FaultKind

_KINDS: dict[str, FaultKind] = {
    "invalid_request_error": "invalid",
    "authentication_error": "authentication",
    "billing_error": "billing",
    "permission_error": "permission",
    "not_found_error": "not_found",
    "request_too_large": "too_large",
    "rate_limit_error": "rate_limit",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
    "api_error": "server",
}
_TYPES: dict[FaultKind, str] = {kind: name for name, kind in _KINDS.items()} | {"quota": "rate_limit_error"}
_STATUSES: dict[FaultKind, int] = {"overloaded": 529, "rate_limit": 429, "timeout": 504, "invalid": 400}


def read(status: int, body: bytes) -> Fault:
    return read_data(status, body)


def read_data(status: int, data: bytes, *, streamed: bool = False) -> Fault:
    """`{"type": "error", "error": {"type", "message"}}`; in a stream its type alone tells the status."""
    error = dict_of(dict_of(value_of(data)).get("error"))
    word = str_of(error.get("type"))
    kind = _KINDS.get(word) or kind_by_status(status)
    if streamed:
        status = _STATUSES.get(kind, 500)
    return Fault(status, kind, str_of(error.get("message")) or plain(data), word)


def write(fault: Fault, call_id: str) -> bytes:
    error = {"type": _TYPES[fault.kind], "message": fault.message}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": call_id})


def write_fault(fault: Fault, call_id: str) -> bytes:
    return b"event: error\ndata: " + write(fault, call_id) + b"\n\n"


def status(fault: Fault) -> int:
    return fault.status
