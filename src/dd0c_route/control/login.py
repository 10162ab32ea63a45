"""`/ui/login` and `/ui/logout`: an access key or the operator's password for a session."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dd0c_route.access import KeyRing, Sessions, Throttle, is_password
from dd0c_route.clock import Clock
from dd0c_route.config import Server
from dd0c_route.config.addresses import customer, literal
from dd0c_route.console.addresses import CALLER, Address
from dd0c_route.console.pages import login_page
from dd0c_route.control import door
from dd0c_route.redact.log import log
from dd0c_route.types import Secret

TRIES = 5  # a minute, from one address
PASSWORD_TRIES = 60  # a minute, from all addresses together: so many are stretched
WINDOW_S = 60.0
_TARGET = re.compile(r"/ui(?:/[\w~-][\w.~-]*)*(?:\?[\w=&%.~-]*)?", re.ASCII)
"""A page of ours: no scheme, no host, no way to give one (`//`, `\\`), no step up."""
_SECRET_CHARS = 512


class Login(Struct, frozen=True):
    """What the addresses act on.

    Attributes:
        one_at_a_time: Stretching takes 32 MiB and a processor.
    """

    server: Callable[[], Server]
    sessions: Sessions
    clock: Clock
    tries: Throttle
    password_tries: Throttle
    one_at_a_time: asyncio.Lock


def new_login(server: Callable[[], Server], sessions: Sessions, clock: Clock) -> Login:
    tries, password_tries = Throttle(TRIES, WINDOW_S), Throttle(PASSWORD_TRIES, WINDOW_S)
    return Login(server, sessions, clock, tries, password_tries, asyncio.Lock())


def login_routes(login: Login) -> list[Address]:
    """The addresses."""

    async def form(request: Request) -> Response:
        if request.scope[CALLER].kind == "nobody":
            return login_page(200, target="/ui")
        return RedirectResponse("/ui", 303)

    async def enter(request: Request) -> Response:
        fields = door.form_of(await request.body())
        target = target_of(fields.get("next", ""))
        who, now_s = _network_of(door.peer_of(request)), door.now_s(login.clock)
        if wait_s := login.tries.take(who, now_s):
            return _too_often(wait_s, target)
        source = await _source(login, fields.get("secret", "").strip()[:_SECRET_CHARS], now_s)
        if source is None:
            log("login_refused", "warning", source=who)
            return login_page(
                401, target=target, message="That is neither an access key of this router nor its password."
            )
        login.tries.forget(who)
        login.sessions.close(door.token_of(request))
        token = login.sessions.open(source, now_s)
        return _with_cookie(RedirectResponse(target, 303), request, token)

    async def leave(request: Request) -> Response:
        login.sessions.close(door.token_of(request))
        return _with_cookie(RedirectResponse("/ui", 303), request, "")

    return [
        Address("/ui/login", form, method="GET", who="anybody"),
        Address("/ui/login", enter, method="POST", who="anybody"),
        Address("/ui/logout", leave, method="POST", who="writer"),
    ]


def target_of(text: str) -> str:
    """Where to go after the login: the page that was asked for, if it is one of ours."""
    return text if len(text) <= 500 and _TARGET.fullmatch(text) and ".." not in text else "/ui"


async def _source(login: Login, given: str, now_s: float) -> str | None:
    """What *given* opens a session with; None where it is neither a key nor the password that is in force."""
    server = login.server()
    if not given or not given.isprintable():
        return None
    key = KeyRing(server.access_keys).check(Secret(given))
    if key is not None:
        return f"key:{key.digest.hex()}"
    if server.admin_password is None or login.password_tries.take("", now_s):
        return None
    async with login.one_at_a_time:
        right = await asyncio.to_thread(is_password, Secret(given), server.admin_password)
    return server.admin_password if right else None


def _too_often(wait_s: float, target: str) -> Response:
    seconds = math.ceil(wait_s)
    page = login_page(429, target=target, message=f"Too many tries from this address. The next one in {seconds} s.")
    page.headers["retry-after"] = str(seconds)
    return page


def _with_cookie(answer: Response, request: Request, token: str) -> Response:
    """*answer* with the session's cookie, or without one any more."""
    secure = door.is_secure(request)
    answer.set_cookie(
        door.SECURE_COOKIE if secure else door.COOKIE, token, max_age=None if token else 0, path="/", secure=secure,
        httponly=True, samesite="strict",
    )  # fmt: skip
    return answer


def _network_of(peer: str) -> str:
    """*peer*'s, as `customer` tells; the text itself where it is no address."""
    address = literal(peer)
    return peer if address is None else customer(address)
