"""Everything that the control process answers, in one list of routes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dd0c_route.access import Sessions
from dd0c_route.clock import Clock
from dd0c_route.config import Server
from dd0c_route.console.addresses import Address
from dd0c_route.console.answers import json_answer, json_error
from dd0c_route.console.api import api_routes
from dd0c_route.console.pages import error_page, page_routes
from dd0c_route.console.reading import Reading
from dd0c_route.control.brain_api import brain_routes
from dd0c_route.control.counting import Publisher
from dd0c_route.control.door import Door
from dd0c_route.control.learning_api import Learning, learning_routes
from dd0c_route.control.login import login_routes, new_login
from dd0c_route.control.openapi import openapi_routes
from dd0c_route.control.teaching import TeachingPublisher
from dd0c_route.control.workers import RELOAD_S, Answer, Gauges, Workers
from dd0c_route.errors import ConfigError, RouteError
from dd0c_route.ledger.ingest import Ingest
from dd0c_route.switch import Switch
from dd0c_route.telemetry import CONTENT_TYPE, Metrics, Now

MOST_WATCHED = 500  # series of the metric of drift

# Nothing of a page comes from elsewhere or is written into it, and nobody else may frame it or post to it.
_SAFE_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_USUAL_HEADERS = ((b"cache-control", b"no-store"), (b"referrer-policy", b"no-referrer"))
"""Where an answer does not say otherwise itself."""


class _Refused(msgspec.Struct, frozen=True):
    """Why a worker did not reload."""

    faults: list[str] = []


class Control(msgspec.Struct, frozen=True):
    """What the routes act on.

    Attributes:
        load: Read and check the configuration; its version, or ConfigError.
    """

    ingest: Ingest
    metrics: Metrics
    workers: Workers
    publisher: Publisher
    taught: TeachingPublisher
    learning: Learning
    load: Callable[[], str]
    switch: Switch

    def server(self) -> Server:
        """`[server]` of the configuration in force."""
        return self.learning.configured.config.server


def build_app(control: Control, reading: Reading, clock: Clock) -> Starlette:
    """The application; every error is JSON, except below `/ui`."""
    sessions = Sessions()
    routes = addresses(control, reading, sessions, clock)
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(SafeHeaders),
            Middleware(Door, routes=routes, server=control.server, sessions=sessions, clock=clock),
        ],
        exception_handlers={HTTPException: _http_error, RouteError: _route_error, Exception: _bug},
    )
    app.router.redirect_slashes = False  # it would name the private socket as the host
    return app


def addresses(control: Control, reading: Reading, sessions: Sessions, clock: Clock) -> list[Address]:
    """All addresses, each with who may use it."""

    def attention() -> list[str]:
        return [
            *(alert.message for alert in control.taught.alerts),
            *(alert.message for alert in control.publisher.alerts),
        ]

    async def connections() -> dict[str, dict[str, int]]:
        return await control.workers.connections()

    return [
        *api_routes(reading, clock),
        *learning_routes(control.learning),
        *brain_routes(control.switch),
        *_control_routes(control),
        *openapi_routes(),
        *login_routes(new_login(control.server, sessions, clock)),
        *page_routes(reading, connections, attention, clock),
    ]


def _control_routes(control: Control) -> list[Address]:
    async def connections(request: Request) -> Response:
        return json_answer(await control.workers.connections())

    async def counting(request: Request) -> Response:
        publisher, gauges = control.publisher, await control.workers.gauges()
        return json_answer({
            "alerts": [{**msgspec.to_builtins(alert), "message": alert.message} for alert in publisher.alerts],
            "watched": publisher.watched,
            "corrections": publisher.corrections,
            "audited": control.ingest.audits,
            "skipped": sum(gauge.audits_skipped for gauge in gauges if gauge is not None),
        })  # fmt: skip

    async def reload(request: Request) -> Response:
        return await _reload(control)

    async def metrics(request: Request) -> Response:
        now = await _now(control)
        return Response(control.metrics.render(now), headers={"content-type": CONTENT_TYPE})

    return [
        Address("/api/v1/connections", connections, method="GET", who="reader"),
        Address("/api/v1/counting", counting, method="GET", who="reader"),
        Address("/api/v1/reload", reload, method="POST", who="writer"),
        Address("/metrics", metrics, method="GET", who="reader"),
    ]


async def _reload(control: Control) -> Response:
    """Check first: a faulty file reaches no worker."""
    try:
        version = await asyncio.to_thread(control.load)
    except ConfigError as error:
        return json_error(400, error.code, "the old configuration stays in force", faults=error.faults)
    answers = await control.workers.ask("POST", "/internal/reload", RELOAD_S)
    failed = [index for index, answer in enumerate(answers) if answer is None or answer.status != 200]
    if failed and all(answer is not None and answer.status == 400 for answer in answers):
        control.learning.configured.undo()  # such as a predictor that is damaged: only who loads it can tell
        faults = [fault for answer in answers[:1] if answer is not None for fault in _faults(answer)]
        return json_error(400, ConfigError.code, "the old configuration stays in force", faults=faults)
    if failed:
        names = ", ".join(map(str, failed))
        message = f"these workers did not reload: {names}; the others did. Try again, or restart"
        return json_error(502, "reload_incomplete", message, reloaded=False, version=version, workers=failed)
    return json_answer({"reloaded": True, "version": version})


def _faults(answer: Answer) -> list[str]:
    return msgspec.json.decode(answer.body, type=_Refused).faults


async def _now(control: Control) -> Now:
    connections, gauges = await asyncio.gather(control.workers.connections(), control.workers.gauges())
    answering: list[Gauges] = [gauge for gauge in gauges if gauge is not None]
    ingest = control.ingest
    return Now(
        connections=connections,
        in_flight=sum(gauge.in_flight for gauge in answering),
        client_connections=sum(gauge.client_connections for gauge in answering),
        workers=(len(answering), len(gauges) - len(answering)),
        waiting_records=sum(gauge.journal_pending for gauge in answering),
        backlog_bytes=ingest.behind_bytes,
        open_calls=ingest.open_calls,
        journal_errors=sum(gauge.journal_errors for gauge in answering) + ingest.faults.failed_looks,
        lost_records=sum(gauge.journal_lost for gauge in answering),
        damaged_bytes=ingest.faults.damaged_bytes,
        unreadable_records=ingest.faults.unreadable,
        audited=ingest.audits,
        audits_skipped=sum(gauge.audits_skipped for gauge in answering),
        bodies_dropped=sum(gauge.bodies_dropped for gauge in answering),
        alerts=len(control.publisher.alerts),
        rolled_back=len(control.taught.alerts),
        drift=[
            (one.provider, one.model, one.kind, "exact" if one.exact else "estimated", one.value)
            for one in control.publisher.watched[-MOST_WATCHED:]
            if one.value is not None
        ],
    )


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    codes = {404: "not_found", 405: "method_not_allowed"}
    path = request.url.path[:100]
    message = f"no such address: {path}" if error.status_code == 404 else f"{path}: {error.detail}"
    if request.url.path.startswith("/ui"):
        return error_page(error.status_code, message, request)
    return json_error(error.status_code, codes.get(error.status_code, "http_error"), message)


async def _route_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RouteError)  # noqa: S101 - registered for it
    if request.url.path.startswith("/ui"):
        return error_page(error.status, error.message, request)
    return json_error(error.status, error.code, error.message)


async def _bug(request: Request, error: Exception) -> Response:
    """Our own fault: the log has the rest (the server raises it again behind this answer)."""
    if request.url.path.startswith("/ui"):
        return error_page(500, "this page could not be made; the log says why", request)
    return json_error(500, "internal_error", "this answer could not be made; the log says why")


class SafeHeaders:
    """Put the security headers on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                names = {name for name, _ in headers}
                message["headers"] = [*headers, *_SAFE_HEADERS]
                message["headers"] += [pair for pair in _USUAL_HEADERS if pair[0] not in names]
            await send(message)

        await self._app(scope, receive, send_safely)
