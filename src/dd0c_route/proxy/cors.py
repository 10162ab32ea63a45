"""Web pages that the operator lists may make calls and read the answers (Fetch §3.3, CORS); not the console's."""

from __future__ import annotations

from collections.abc import Container

from dd0c_route.proxy.headers import Headers

_READABLE = (
    b"x-dd0c-request-id, x-dd0c-model, x-dd0c-requested-model, x-dd0c-decision, x-dd0c-overhead-ms, x-dd0c-cost-usd, "
    b"x-dd0c-provider, retry-after, x-request-id, request-id"
)
_SECONDS = b"600"  # how long a browser may remember the answer to a preflight


def is_preflight(method: str, headers: Headers) -> bool:
    """Whether a browser asks what a page may do, before it does it."""
    return method == "OPTIONS" and any(name == b"access-control-request-method" for name, _ in headers)


def cors_headers(headers: Headers, origins: Container[str], *, preflight: bool = False) -> Headers:
    """What an answer says to the page that asked with *headers*; to one that is not among *origins*, nothing."""
    origin = next((value for name, value in headers if name == b"origin"), b"")
    if origin.decode("latin-1") not in origins:
        return [(b"vary", b"Origin")]
    said = [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
    if not preflight:
        return [*said, (b"access-control-expose-headers", _READABLE)]
    wanted = next((value for name, value in headers if name == b"access-control-request-headers"), b"*")
    said += [(b"access-control-allow-methods", b"GET, POST, PUT, PATCH, DELETE")]
    said += [(b"access-control-allow-headers", wanted), (b"access-control-max-age", _SECONDS)]
    if (b"access-control-request-private-network", b"true") in headers:  # from a page on the internet, to this machine
        said.append((b"access-control-allow-private-network", b"true"))
    return said
