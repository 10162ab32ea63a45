"""Errors of Bedrock's runtime ↔ faults; in a stream they are exceptions among the events.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors.
"""

from __future__ import annotations

import msgspec

from dd0c_route.wire.eventstream import frame_of
from dd0c_route.wire.loose import dict_of, str_of, value_of
from dd0c_route.wire.neutral.faults import kind_by_status, plain
from dd0c_route.wire.neutral.form import Fault, FaultKind

_KINDS: dict[str, tuple[FaultKind, int]] = {
    "ValidationException": ("invalid", 400),
    "UnrecognizedClientException": ("authentication", 403),
    "InvalidSignatureException": ("authentication", 403),
    "MissingAuthenticationTokenException": ("authentication", 403),
    "ExpiredTokenException": ("authentication", 403),
    "AccessDeniedException": ("permission", 403),
    "ResourceNotFoundException": ("not_found", 404),
    "ModelTimeoutException": ("timeout", 408),
    "ThrottlingException": ("rate_limit", 429),
    "ServiceQuotaExceededException": ("quota", 400),
    "ModelNotReadyException": ("overloaded", 429),
    "ServiceUnavailableException": ("overloaded", 503),
    "ModelErrorException": ("server", 424),
    "ModelStreamErrorException": ("server", 424),
    "InternalServerException": ("server", 500),
}
_NAMES: dict[FaultKind, str] = {
    "invalid": "ValidationException",
    "authentication": "UnrecognizedClientException",
    "permission": "AccessDeniedException",
    "billing": "ServiceQuotaExceededException",
    "not_found": "ResourceNotFoundException",
    "too_large": "ValidationException",
    "rate_limit": "ThrottlingException",
    "quota": "ServiceQuotaExceededException",
    "overloaded": "ServiceUnavailableException",
    "timeout": "ModelTimeoutException",
    "server": "InternalServerException",
}
_EVENTS: dict[FaultKind, bytes] = {
    "invalid": b"validationException",
    "rate_limit": b"throttlingException",
    "quota": b"throttlingException",
    "overloaded": b"serviceUnavailableException",
    "timeout": b"modelStreamErrorException",
}
"""The only ones that a stream may hold; any other is `internalServerException`."""


def read(status: int, body: bytes) -> Fault:
    """`{"message": "…"}`, with `__type` where it is not in a header alone: then the status tells."""
    whole = dict_of(value_of(body))
    name = str_of(whole.get("__type")).rpartition("#")[2]
    kind = _KINDS[name][0] if name in _KINDS else kind_by_status(status)
    message = str_of(whole.get("message")) or str_of(whole.get("Message"))
    return Fault(status, kind, message or plain(body), name)


def read_exception(name: bytes, payload: bytes) -> Fault:
    """One that came in a stream."""
    word = name.decode("utf-8", "replace")[:100]
    kind, status = _KINDS.get(word[:1].upper() + word[1:], ("server", 500))
    return Fault(status, kind, str_of(dict_of(value_of(payload)).get("message")) or plain(payload), word)


def write(fault: Fault, call_id: str) -> bytes:
    return msgspec.json.encode({"message": fault.message, "__type": _NAMES[fault.kind]})


def write_fault(fault: Fault, call_id: str) -> bytes:
    name = _EVENTS.get(fault.kind, b"internalServerException")
    return frame_of(name, msgspec.json.encode({"message": fault.message}), fault=True)


def status(fault: Fault) -> int:
    """529 is Anthropic's own; a key that is refused is 403 here."""
    return {401: 403, 402: 400, 529: 503}.get(fault.status, fault.status)
