"""The pages below `/ui`: made on the server, no script, nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dd0c_route import __version__
from dd0c_route.clock import Clock
from dd0c_route.console.addresses import Address, csrf_of
from dd0c_route.console.reading import Reading
from dd0c_route.console.words import clock_time, count, dollars, milliseconds
from dd0c_route.ledger.money import NOTABLE, provider_difference
from dd0c_route.ledger.store import Filter, id_at
from dd0c_route.redact import redact_sensitive
from dd0c_route.types import Entry

ROWS = 50  # of a page: two screens
MONTH_S = 30 * 86_400  # so far back, calls without a price need attention

_HERE = Path(__file__).parent
_HOST = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?", re.ASCII)
_STATIC = {
    "console.css": ("text/css; charset=utf-8", (_HERE / "static" / "console.css").read_bytes()),
    "icon.svg": ("image/svg+xml", (_HERE / "static" / "icon.svg").read_bytes()),
}

_environment = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals["version"] = __version__
_environment.filters |= {"dollars": dollars, "count": count, "ms": milliseconds, "clock_time": clock_time}

Connections = Callable[[], Awaitable[dict[str, dict[str, int]]]]


def page_routes(
    reading: Reading, connections: Connections, attention: Callable[[], list[str]], clock: Clock
) -> list[Address]:
    """The pages; *connections* asks for the live upstream connections by provider, *attention* for what is wrong."""

    async def overview(request: Request) -> Response:
        page = await reading.entries(Filter(limit=ROWS, before=request.query_params.get("before")))
        entries = page.entries
        return _page(
            "overview.html",
            csrf=csrf_of(request),
            entries=entries,
            older=page.next,
            newest="before" not in request.query_params,
            total=sum(entry.cost_picodollars or 0 for entry in entries),
            unpriced=sum(entry.unpriced for entry in entries),
            failed=sum(entry.end_state != "complete" for entry in entries),
            connections=await connections(),
            attention=[
                *attention(),
                *(f"{one.problem}: {one.fix}" for one in await reading.unpriced(_month_ago(clock))),
            ],
            host=_host(request),
        )

    async def one_request(request: Request) -> Response:
        entry_id = request.path_params["entry_id"]
        entry = await reading.entry(entry_id)
        if entry is None:
            return error_page(404, f"no request {entry_id[:64]} in the ledger", request)
        return _page(
            "request.html",
            csrf=csrf_of(request),
            entry=entry,
            decision=entry.decision or {},
            tokens=_tokens(entry),
            parts=_parts(entry),
            off=_difference(entry),
            whole=_json(entry),
        )

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            return error_page(404, f"no such file: {name[:64]}", request)
        kind, content = _STATIC[name]
        return Response(content, headers={"content-type": kind, "cache-control": "max-age=86400"})

    async def slash(request: Request) -> Response:
        return RedirectResponse("/ui", 308)

    return [
        Address("/ui", overview, method="GET", who="reader"),
        Address("/ui/", slash, method="GET", who="reader"),
        Address("/ui/requests/{entry_id}", one_request, method="GET", who="reader"),
        Address("/ui/static/{name}", static, method="GET", who="anybody"),
    ]


def error_page(status: int, message: str, request: Request) -> Response:
    return _page("error.html", status, csrf=csrf_of(request), code=status, message=message)


def login_page(status: int, *, target: str, message: str = "") -> Response:
    """The page to log in at; *target* is the page of ours to go on to, or whatever else was asked for."""
    if redact_sensitive(target) != target:  # a key in the address opens nothing, and is not repeated
        target = "/ui"
    return _page("login.html", status, form=True, csrf="", target=target, message=message)


def _page(template: str, status: int = 200, /, *, form: bool = False, csrf: str, **values: Any) -> Response:
    """A page; where it holds a form, browsers may tell us (and nobody else) that it was sent from here."""
    text = _environment.get_template(template).render(csrf=csrf, **values)
    # Under `no-referrer` they would say `Origin: null` (Fetch §3.2), as any page of somebody else can.
    return HTMLResponse(text, status, {"referrer-policy": "same-origin"} if form or csrf else None)


def _host(request: Request) -> str:
    """The address that the reader's browser used, for a command to copy; whatever it sent, only an address."""
    host = request.headers.get("x-forwarded-host", "")
    return host if _HOST.fullmatch(host) else "127.0.0.1:4747"


def _tokens(entry: Entry) -> list[tuple[str, int]]:
    """The classes of tokens that occur, in the order of the bill."""
    usage = msgspec.structs.asdict(entry.usage)
    return [(name.replace("_", " "), tokens) for name, tokens in usage.items() if tokens]


def _parts(entry: Entry) -> list[tuple[str, int]]:
    """Media and server tools that occur: parts of the tokens, and what is billed beside them."""
    found = [one for one in (entry.usage_media, entry.server_tools) if one is not None]
    counts = {name: count for one in found for name, count in msgspec.structs.asdict(one).items() if count}
    return [(name.replace("_", " "), count) for name, count in counts.items()]


def _difference(entry: Entry) -> float | None:
    """By which share the provider's own charge differs, where that is worth a look."""
    off = provider_difference(entry)
    return off if off is not None and abs(off) > NOTABLE else None


def _month_ago(clock: Clock) -> str:
    return id_at(max(0, clock.wall_ns() - MONTH_S * 1_000_000_000))


def _json(entry: Entry) -> str:
    return msgspec.json.format(msgspec.json.encode(entry), indent=2).decode()
