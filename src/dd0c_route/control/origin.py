"""Whose page a browser sends a request from: only ours may change anything."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from dd0c_route.errors import NotAllowed


def refuse_foreign(request: Request, what: str) -> None:
    """
    Raises:
        NotAllowed: The request comes from a page of somebody else, who may not *what*.
    """
    if (foreign := _foreign_origin(request)) is not None:
        raise NotAllowed(f"{foreign} may not {what}: use the console's own address")


def _foreign_origin(request: Request) -> str | None:
    """The page of somebody else that a browser sends this request from; None where it is ours or no browser's."""
    # The worker in front of us puts the host that the client asked for into x-forwarded-host.
    own = request.headers.get("x-forwarded-host") or request.headers.get("host", "")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != own:
        return f"a page of {origin[:100]}"
    if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        return "a page of another site"
    return None
