"""Errors of OpenAI's Responses API ↔ faults: those of chat, and two events of a stream.

Source: https://platform.openai.com/docs/api-reference/responses-streaming.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dd0c_route.wire.loose import dict_of, str_of
from dd0c_route.wire.neutral.chat.errors import read_object, write
from dd0c_route.wire.neutral.form import Fault, FaultKind

_CODES: dict[FaultKind, str] = {
    "rate_limit": "rate_limit_exceeded",
    "quota": "insufficient_quota",
    "billing": "insufficient_quota",
    "invalid": "invalid_prompt",
}  # all others are the server's


def read_event(event: dict[str, Any]) -> Fault:
    """`{"type": "error", …}`, its fields beside its type or one level deeper, or a response that failed."""
    inner = dict_of(event.get("response")) or event
    error = dict_of(inner.get("error")) or {name: event.get(name) for name in ("code", "message", "param")}
    fault = read_object(502, {"error": error})
    return fault if error.get("message") else Fault(502, fault.kind, "the provider failed", str_of(error.get("code")))


def code_of(fault: Fault) -> str:
    """In the few words that a response's error has."""
    return fault.code or _CODES.get(fault.kind, "server_error")


def event(fault: Fault, number: int) -> bytes:
    """SDKs raise where there is an `error` in it; others read the fields beside the type."""
    inner = dict_of(dict_of(msgspec.json.decode(write(fault, ""))).get("error"))
    flat = {"code": code_of(fault), "message": fault.message, "param": fault.param or None}
    body = {"type": "error", "sequence_number": number, **flat, "error": inner | {"code": code_of(fault)}}
    return b"event: error\ndata: " + msgspec.json.encode(body) + b"\n\n"


def write_fault(fault: Fault, call_id: str) -> bytes:
    return event(fault, 0)
