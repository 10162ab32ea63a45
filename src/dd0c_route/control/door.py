"""Who comes in at the control process, and what they may do there. What is not allowed expressly is refused.

A worker stands before us on the one port. It knows access keys, and says in headers of its own, which it lets nobody
else write, who asks and from where. Sessions, the login, and the rules for browsers are here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dd0c_route.access import Pages, Session, Sessions, is_csrf
from dd0c_route.clock import Clock
from dd0c_route.config import Server
from dd0c_route.config.addresses import literal, unmapped
from dd0c_route.config.checks import is_loopback
from dd0c_route.console.addresses import CALLER, Address, Caller, Who
from dd0c_route.console.answers import json_error
from dd0c_route.console.pages import error_page, login_page

COOKIE = "dd0c_session"
SECURE_COOKIE = "__Host-dd0c_session"
"""Over TLS: with this prefix browsers take it from nobody but this host (RFC 6265bis §4.1.3)."""
BODY_BYTES = 64 << 10  # no address takes more
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_FORM = "application/x-www-form-urlencoded"


class Door:
    """ASGI middleware: every request passes here first."""

    def __init__(
        self, app: ASGIApp, routes: Sequence[BaseRoute], server: Callable[[], Server], sessions: Sessions, clock: Clock
    ) -> None:
        if silent := [route for route in routes if not isinstance(route, Address)]:
            raise TypeError(f"these routes do not say who may use them: {silent}")
        self._app = app
        self._routes = routes
        self._server = server
        self._sessions = sessions
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # nothing else is spoken here
        request = Request(scope, receive)
        server = self._server()
        caller = self._caller(request, server)
        scope[CALLER] = caller
        who = _rule(self._routes, scope)
        refused = _too_large(request) or _refused(request, who, caller, Pages.of(server))
        if refused is None and caller.kind == "session" and who == "writer":
            body = await _form_body(request)
            if not is_csrf(_csrf_of(request, body), caller.session or _NO_SESSION):
                refused = _error(request, 403, "not_allowed", "the token of the session is missing: reload the page")
            receive = _again(body, receive) if body is not None else receive
        await (refused or self._app)(scope, receive, send)

    def _caller(self, request: Request, server: Server) -> Caller:
        said = request.headers.get("x-dd0c-caller")
        if said == "local":
            return Caller("local")
        if said is not None and said.startswith("key="):
            return Caller("key", key_id=said.removeprefix("key="))
        token = token_of(request)
        if token and (session := self._sessions.find(token, sources_of(server), now_s(self._clock))) is not None:
            return Caller("session", session)
        return Caller("anybody" if said == "anybody" and is_open(server, peer_of(request)) else "nobody")


_NO_SESSION = Session("", "", 0.0, 0.0)


def is_open(server: Server, peer: str) -> bool:
    """Whether *peer*, an address, may do all without a login: there is none, and it is of this machine (or trusted)."""
    if server.access_keys or server.admin_password is not None:
        return False
    return server.trust_network or is_loopback(server.host) or _is_of_this_machine(peer)


def sources_of(server: Server) -> frozenset[str]:
    """What sessions can have been opened with: the keys and the password that are in force."""
    keys = {f"key:{key.digest.hex()}" for key in server.access_keys}
    return frozenset(keys if server.admin_password is None else keys | {server.admin_password})


def peer_of(request: Request) -> str:
    """The address that the request came from, as the worker saw it."""
    return request.headers.get("x-dd0c-peer", "")


def is_secure(request: Request) -> bool:
    """Whether the browser came over TLS, which ends in a server in front of us."""
    return request.headers.get("x-forwarded-proto", "").strip().lower() == "https"


def host_of(request: Request) -> str:
    """The name that the client asked for; the worker in front of us passes it on."""
    return request.headers.get("x-forwarded-host", "")


def token_of(request: Request) -> str:
    """The session's token in the cookie, or nothing."""
    name = SECURE_COOKIE if is_secure(request) else COOKIE
    try:
        cookie = SimpleCookie(request.headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return cookie.value if cookie is not None else ""


def now_s(clock: Clock) -> float:
    return clock.ticks_ns() / 1e9


def _is_of_this_machine(peer: str) -> bool:
    address = literal(peer)
    return address is not None and unmapped(address).is_loopback


def _rule(routes: Sequence[BaseRoute], scope: Scope) -> Who:
    """Who may use the address; what is no address is nothing to look at for those who may not look."""
    for route in routes:
        if isinstance(route, Address) and route.matches(scope)[0] is not Match.NONE and _takes(route, scope["method"]):
            return route.who
    return "reader" if scope["method"] in _SAFE else "writer"


def _takes(route: Address, method: str) -> bool:
    return method in (route.methods or ())


def _refused(request: Request, who: Who, caller: Caller, pages: Pages) -> Response | None:
    """The refusal of *request*, or None: who is behind it, and which page."""
    if caller.kind in ("local", "key"):
        return None  # what shows a key is no page that a browser was lured to
    if (fault := _page_fault(request, who, pages)) is not None:
        return _error(request, 403, "not_allowed", fault)
    if who == "anybody" or caller.kind != "nobody":
        return None
    if request.url.path.startswith("/ui"):
        return login_page(
            401, target=f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        )
    message = "log in at /ui, or send one of [server] access_keys as 'Authorization: Bearer …'"
    return json_error(401, "invalid_api_key", message)


def _page_fault(request: Request, who: Who, pages: Pages) -> str | None:
    """Why a browser may not send this from where it does."""
    host, origin, site = host_of(request), request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if not pages.know(host):
        return f"{host[:100]!r} is not known as a name of this router: add it to [server] public_hosts"
    if request.method in _SAFE and who != "writer":
        follows_a_link = (
            request.headers.get("sec-fetch-mode") == "navigate" and request.headers.get("sec-fetch-dest") == "document"
        )
        foreign = site not in (None, "same-origin", "none") and not follows_a_link
    elif origin is not None:
        foreign = not pages.is_own(origin, host)
    else:
        foreign = site not in (None, "same-origin", "none")
    if foreign:
        return f"a page of {(origin or 'another site')[:100]!r} may not do this: use the console's own address"
    return None


def _too_large(request: Request) -> Response | None:
    """The worker has the whole body, and says how long it is."""
    if int(request.headers.get("content-length") or 0) > BODY_BYTES:
        return _error(request, 413, "request_too_large", f"the body is over {BODY_BYTES} bytes")
    return None


async def _form_body(request: Request) -> bytes | None:
    """The body of a page's form, which holds the token; other bodies stay unread."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return None
    return await request.body()


def form_of(body: bytes) -> dict[str, str]:
    """The fields of a form; the first of those that stand there twice."""
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in fields.items()}


def _csrf_of(request: Request, body: bytes | None) -> str:
    return request.headers.get("x-csrf-token") or (form_of(body).get("csrf", "") if body else "")


def _again(body: bytes, receive: Receive) -> Receive:
    """*receive*, with a body that was already read in front."""
    waiting = [body]

    async def receive_again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return receive_again


def _error(request: Request, status: int, code: str, message: str) -> Response:
    if request.url.path.startswith("/ui"):
        return error_page(status, message, request)
    return json_error(status, code, message)
