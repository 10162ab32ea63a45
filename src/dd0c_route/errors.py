"""Every error that a client or an operator can see, and who must act on it.

A message names the thing, the value and the fix; it holds no secret and no prompt. `side` says whose
fault it is (client, router, upstream), `retryable` whether the next target may be tried while no byte
has gone to the client, `end_state` how the ledger calls the ending.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from dd0c_route.types import EndState

Side = Literal["client", "router", "upstream"]


class RouteError(Exception):
    """The base of all. *message* is for the reader of the answer."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    side: ClassVar[Side] = "router"
    retryable: ClassVar[bool] = False
    end_state: ClassVar[EndState] = "internal"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


# --- the client must act ---------------------------------------------------------------------------


class BadRequest(RouteError):
    """The request cannot be read."""

    status, code, side, end_state = 400, "invalid_request", "client", "denied"


class SecretInPrompt(BadRequest):
    """The prompt holds what looks like a secret, and the operator wants such calls refused."""

    code = "secret_in_prompt"


class BadKey(RouteError):
    """No valid access key."""

    status, code, side, end_state = 401, "invalid_api_key", "client", "denied"


class NotAllowed(RouteError):
    """The caller may use the router, but not for this."""

    status, code, side, end_state = 403, "not_allowed", "client", "denied"


class NotFound(RouteError):
    """No such address, provider or model here."""

    status, code, side, end_state = 404, "not_found", "client", "denied"


class MethodNotAllowed(RouteError):
    """The address exists, the method does not."""

    status, code, side, end_state = 405, "method_not_allowed", "client", "denied"


class SlowRequest(RouteError):
    """The request did not arrive in time."""

    status, code, side, end_state = 408, "request_timeout", "client", "denied"


class BodyTooLarge(RouteError):
    """The request is longer than `[limits] body_bytes`."""

    status, code, side, end_state = 413, "request_too_large", "client", "denied"


class NoWebSocket(RouteError):
    """The request wishes for a WebSocket; clients that get this answer fall back to plain HTTP."""

    status, code, side, end_state = 426, "websocket_not_spoken", "client", "denied"


class BudgetSpent(RouteError):
    """What the caller may spend is spent; trying again does not help."""

    status, code, side, end_state = 429, "insufficient_quota", "client", "denied"


class HeadTooLarge(RouteError):
    """The request's head is longer than `[limits]` allow."""

    status, code, side, end_state = 431, "headers_too_large", "client", "denied"


class ClientGone(RouteError):
    """The client hung up; nobody reads the answer to this one."""

    status, code, side, end_state = 499, "client_gone", "client", "client_gone"


# --- the operator must act -------------------------------------------------------------------------


class ConfigError(RouteError):
    """A configuration that cannot be used; *faults* name path, value and fix, one line each."""

    code = "invalid_config"

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class BadLabels(RouteError):
    """Labels that a predictor cannot be fitted to; *faults* name the line and what is wrong with it."""

    code = "invalid_labels"

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class BadBrain(RouteError):
    """A file that is no predictor, was damaged, or was made by another version."""

    code = "invalid_brain"


class Overloaded(RouteError):
    """A bound of the router is reached: connections, waiting calls."""

    status, code = 503, "router_overloaded"


class ShuttingDown(RouteError):
    """The router is stopping and takes no more calls."""

    status, code, end_state = 503, "shutting_down", "shut_down"


class JournalError(RouteError):
    """The journal cannot be written, so a call could not be accounted for."""

    status, code = 503, "ledger_unavailable"


class StoreUnavailable(RouteError):
    """The store of the ledger cannot be reached or used; entries wait in the journals meanwhile."""

    status, code = 503, "ledger_unavailable"


class StoreUnsynced(StoreUnavailable):
    """The disk reported that it did not keep what was written (fsync)."""


class StoreDeleted(RouteError):
    """Somebody deleted or replaced the store's file while it was in use: what is written now would be gone with it."""

    status, code = 503, "ledger_unavailable"


class PriceMissing(RouteError):
    """A class of tokens without a rate: the call is `unpriced`, never free."""

    code = "unpriced"


# --- the provider failed ---------------------------------------------------------------------------


class UpstreamError(RouteError):
    """The provider could not be reached, or did not answer as it should.

    Attributes:
        sent: Whether the provider may have seen the request.
    """

    status, code, side = 502, "upstream_error", "upstream"
    end_state: ClassVar[EndState] = "upstream_failed"

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class UpstreamUnreachable(UpstreamError):
    """No connection: refused, unresolvable, TLS not trusted. Nothing was sent."""

    code, retryable = "upstream_unreachable", True

    def __init__(self, message: str) -> None:
        super().__init__(message, sent=False)


class UpstreamBusy(UpstreamError):
    """All connections to the provider are taken, and none came free in time. Nothing was sent."""

    status, code, retryable = 503, "upstream_pool_full", True

    def __init__(self, message: str) -> None:
        super().__init__(message, sent=False)


class UpstreamStale(UpstreamError):
    """A kept-alive connection was already closed when the request went out; no byte came back."""

    code, retryable = "upstream_stale_connection", True


class UpstreamCut(UpstreamError):
    """The connection ended before the answer did."""

    code = "upstream_cut"


class UpstreamInvalid(UpstreamError):
    """What came back is not HTTP, or breaks a bound."""

    code = "upstream_invalid"


class UpstreamRedirected(UpstreamError):
    """It answered with a redirect, which is never followed: a call and its key go where the configuration says."""

    code, retryable = "upstream_redirect", True  # by another target; the same one would say the same


class UpstreamTimeout(UpstreamError):
    """The provider sent nothing before the deadline."""

    status, code, end_state = 504, "upstream_timeout", "timed_out"


class UpstreamConnectTimeout(UpstreamTimeout):
    """No connection before the deadline. Nothing was sent."""

    code, retryable = "upstream_connect_timeout", True

    def __init__(self, message: str) -> None:
        super().__init__(message, sent=False)
