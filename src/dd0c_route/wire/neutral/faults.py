"""What all dialects' errors have in common."""

from __future__ import annotations

from dd0c_route.wire.neutral.form import FaultKind

_BY_STATUS: dict[int, FaultKind] = {
    401: "authentication",
    402: "billing",
    403: "permission",
    404: "not_found",
    408: "timeout",
    413: "too_large",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
_SHOWN_CHARS = 500


def kind_by_status(status: int) -> FaultKind:
    """What HTTP's status alone tells (RFC 9110 §15; 529 is Anthropic's)."""
    return _BY_STATUS.get(status, "invalid" if status < 500 else "server")


def plain(body: bytes) -> str:
    """What an error says that is not in its dialect's form: a page of a proxy in between, or nothing."""
    text = body[: 4 * _SHOWN_CHARS].decode("utf-8", "replace").strip()
    return text[:_SHOWN_CHARS] or "the provider gave no reason"
