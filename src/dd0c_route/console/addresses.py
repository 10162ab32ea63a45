"""An address of the control process: a route that says who may use it. One that does not say it cannot be made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dd0c_route.access import Session

Endpoint = Callable[[Request], Awaitable[Response]]
Who = Literal["anybody", "reader", "writer"]
"""`reader`: whoever may look; `writer`: likewise, and from no page but ours, with the token of the session."""

CALLER = "dd0c.caller"  # where the door puts who asks, in the scope of the request


class Caller(Struct, frozen=True):
    """Who asks.

    Attributes:
        kind: `local`: a process of ours, on the private socket. `key`: an access key. `session`: a browser that has
            logged in. `anybody`: somebody where nobody needs to log in. `nobody`: all others.
    """

    kind: Literal["local", "key", "session", "anybody", "nobody"]
    session: Session | None = None
    key_id: str | None = None

    @property
    def only_key(self) -> str | None:
        """The access key whose own calls are all that it may read the words of; None: it may read all."""
        if self.session is not None and self.session.source.startswith("key:"):
            return self.session.source[len("key:") :][:8]
        return self.key_id


def csrf_of(request: Request) -> str:
    """The token that the forms of a page bring along; empty where nobody has logged in."""
    caller: Caller = request.scope.get(CALLER, Caller("nobody"))
    return caller.session.csrf if caller.session is not None else ""


class Address(Route):
    """A route; *who* may use it has no default on purpose."""

    def __init__(self, path: str, endpoint: Endpoint, *, method: str, who: Who) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.who = who
