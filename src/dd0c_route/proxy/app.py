"""The worker's application: what each address means, who may use it, and which calls are running."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from dd0c_route.access import PAGE_HEADERS
from dd0c_route.clock import new_id
from dd0c_route.errors import BadKey, ClientGone, ConfigError, NotFound, Overloaded, RouteError, ShuttingDown
from dd0c_route.proxy.admit import admit, refuse_page
from dd0c_route.proxy.audit import Auditor
from dd0c_route.proxy.behind import hand_over
from dd0c_route.proxy.bill import Bill
from dd0c_route.proxy.bodies import BodyWriter
from dd0c_route.proxy.call import ADDRESSES, Address, address_of, speaks
from dd0c_route.proxy.client import Client, Link
from dd0c_route.proxy.cors import cors_headers, is_preflight
from dd0c_route.proxy.counts import Counts
from dd0c_route.proxy.crowd import Crowd, Uploads
from dd0c_route.proxy.delivery import Deliveries
from dd0c_route.proxy.exchange import exchange
from dd0c_route.proxy.headers import credential_of
from dd0c_route.proxy.models import Lists
from dd0c_route.proxy.refusal import refuse
from dd0c_route.proxy.room import REFUSED_AT_ONCE, most_clients
from dd0c_route.proxy.server import Connection, Inbound
from dd0c_route.proxy.shadow import Over, Shadows
from dd0c_route.redact import registered
from dd0c_route.redact.log import log
from dd0c_route.runtime import Runtime
from dd0c_route.upstream import Pool
from dd0c_route.wire.api import family_of

_CONTROL = ("/ui", "/api/", "/metrics")  # answered by the control process
_PREFLIGHT = "preflight"  # no path: a browser's question what a page may do
_OPEN = ("/healthz", "/readyz", "/", "/api/hello")  # answered here, to anybody; the last two are clients' probes
_ANYBODY = (*_OPEN, _PREFLIGHT)

_name = itemgetter(0)


class Place(msgspec.Struct, frozen=True):
    """What a request's head says: a metered call's address, or a path of our own."""

    path: str
    address: Address | None
    query: str
    key_id: str | None


_USUAL = {path.encode(): Place(path, address, "", None) for path, address in ADDRESSES.items()}  # nearly every request


class App:
    """Serves requests with the runtime that is in force when each one begins."""

    def __init__(self, runtime: Runtime, control: Pool, loop: asyncio.AbstractEventLoop,
                 reload: Callable[[], Awaitable[str]], bodies: Path) -> None:  # fmt: skip
        self.runtime = runtime
        self.limits = runtime.config.limits
        self._most_clients = most_clients(self.limits.connections)
        self.loop = loop
        self.draining = False
        self._control = control
        self._reload = reload
        self._deliveries = Deliveries(runtime.sweeper, runtime.journal, loop, runtime.known.correct)
        self.auditor = Auditor(runtime.journal, loop)
        self._counts = Counts(runtime.known.correct)
        self._lists = Lists(loop)
        self._shadows = Shadows(loop)
        self._bodies = BodyWriter(bodies)
        self._connections: set[Connection] = set()
        self._crowd = Crowd()
        self.uploads = Uploads()
        self._calls: dict[asyncio.Task[None], tuple[Inbound, Client, Bill | None]] = {}

    def swap(self, runtime: Runtime) -> None:
        """Serve what begins from now on with *runtime*."""
        self.runtime = runtime
        self.limits = runtime.config.limits
        self._most_clients = most_clients(self.limits.connections)

    # --- connections ------------------------------------------------------------------------------------

    def joined(self, connection: Connection) -> bool:
        self._connections.add(connection)
        self.runtime.sweeper.watch(connection)
        address = connection.address
        is_one_too_many = address is not None and self._crowd.join(address) > self.limits.connections_per_address
        if connection.internal:  # however many clients there are, the control process is heard
            return True
        return len(self._connections) <= self._most_clients and not is_one_too_many

    @property
    def crowded(self) -> bool:
        """There are more than a few to be refused: they get their answer, and no time to be heard out."""
        return len(self._connections) > self._most_clients + REFUSED_AT_ONCE

    def left(self, connection: Connection, link: Link) -> None:
        link.lost = True
        self._connections.discard(connection)
        if connection.address is not None:
            self._crowd.leave(connection.address)
        self.runtime.sweeper.forget(connection)
        self._deliveries.lost(link)

    # --- requests ---------------------------------------------------------------------------------------

    def head(self, request: Inbound, *, internal: bool) -> bool:
        clock = self.runtime.clock
        request.at_ns = clock.wall_ns()
        request.started_ns = clock.ticks_ns()
        request.id = new_id("dd_", request.at_ns)
        usual = _USUAL.get(request.target) if request.method == "POST" and not internal else None
        request.place = place = usual or self._place_of(request, internal=internal)
        if internal or place.path in _ANYBODY:
            return False
        if self.draining:
            raise ShuttingDown("the router is shutting down: try again")
        if len(self._calls) >= self.limits.calls:
            raise Overloaded(f"{self.limits.calls} calls are running ([limits] calls): try again shortly")
        if place.address is None:
            request.place = structs.replace(place, key_id=self._key_of(request, place))
        elif self.runtime.config.server.access_keys:
            key_id = admit(request.headers, place.query, self.runtime.keys)
            request.place = structs.replace(place, key_id=key_id)
        elif request.method != "POST" or not PAGE_HEADERS.isdisjoint(map(_name, request.headers)):
            refuse_page(request.headers, self.runtime.pages)
        return (b"expect", b"100-continue") in request.headers

    def _place_of(self, request: Inbound, *, internal: bool) -> Place:
        """
        Raises:
            NotFound, MethodNotAllowed, BadRequest: As `address_of`.
        """
        path, _, query = request.target.decode("latin-1").partition("?")
        origins = self.runtime.config.server.cors_origins
        asks = bool(origins) and not internal and is_preflight(request.method, request.headers)
        is_ours = internal or path in _OPEN or path.startswith(_CONTROL)
        if asks and not is_ours:
            return Place(_PREFLIGHT, None, "", None)
        return Place(path, None if is_ours else address_of(request.target, request.method)[0], query, None)

    def _key_of(self, request: Inbound, place: Place) -> str | None:
        """The access key with which somebody asks the control process; browsers log in there and show none.

        Raises:
            BadKey: It is no browser that could have logged in, or it shows a key that is none of ours.
        """
        try:
            return admit(request.headers, place.query, self.runtime.keys)
        except BadKey:
            has_cookie = any(name == b"cookie" for name, _ in request.headers)
            if place.path.startswith("/ui") or (has_cookie and credential_of(request.headers, place.query) is None):
                return None
            raise

    def serve(self, request: Inbound, *, internal: bool) -> None:
        """Begin to answer a whole request."""
        place, client = request.place, request.client
        assert isinstance(place, Place)  # noqa: S101 - set with the head
        assert client is not None  # noqa: S101 - set with the request
        request.started_ns = self.runtime.clock.ticks_ns()
        self._deliveries.heard(client.link)
        if internal:
            self._serve_internal(request, client, place.path)
        elif place.address is not None:
            if origins := self.runtime.config.server.cors_origins:
                client.also = cors_headers(request.headers, origins)
            bill = self._bill(request, place, client)
            work = exchange(request, place.address, place.query, client, bill, self.runtime, self._counts, self._lists)
            self._run(work, request, client, bill)
        elif place.path in _ANYBODY:
            self._serve_open(request, client, place.path)
        else:
            known = bool(self.runtime.config.server.access_keys)
            caller = f"key={place.key_id}" if place.key_id else "nobody" if known else "anybody"
            self._run(hand_over(request, client, self._control, caller.encode()), request, client)

    def refuse(self, request: Inbound, error: RouteError) -> None:
        """Answer a request that was not read to its end with an error; a metered one leaves its entry."""
        place, client = request.place, request.client
        assert client is not None  # noqa: S101 - set with the request
        path = request.target.partition(b"?")[0].decode("latin-1")
        api = family_of(path, [name for name, _ in request.headers])
        if isinstance(place, Place) and place.address is not None:
            api = speaks(place.address, request.headers)
            if origins := self.runtime.config.server.cors_origins:
                client.also = cors_headers(request.headers, origins)
            bill = self._bill(request, place, client)
            bill.status = error.status
            bill.settle(error.end_state, error.code)
        if not request.id:
            request.id = new_id("dd_", self.runtime.clock.wall_ns())
        refuse(error, client, api, request.id)

    def abandoned(self, request: Inbound) -> None:
        """The client left before its request was in, or before its turn; or it was us who closed the connection."""
        place, client = request.place, request.client
        if isinstance(place, Place) and place.address is not None and client is not None:
            gone = ShuttingDown if self.draining and client.link.ended else ClientGone
            self._bill(request, place, client).settle(gone.end_state, gone.code)

    def _bill(self, request: Inbound, place: Place, client: Client) -> Bill:
        assert place.address is not None  # noqa: S101 - a metered call has one
        return Bill(
            request, place.address.dialect, place.address.api, place.key_id, client, self.runtime, self._deliveries
        )

    def _run(
        self, work: Coroutine[Any, Any, None], request: Inbound, client: Client, bill: Bill | None = None
    ) -> None:  # fmt: skip
        task = client.worker = self.loop.create_task(work)
        task.add_done_callback(self._ran)
        self._calls[task] = request, client, bill

    def _learn_from(self, bill: Bill) -> None:
        """The call is over: its route may learn from it."""
        outcome, decision = bill.outcome, bill.decision
        if outcome is not None and decision is not None and decision.route is not None:
            call, served, entry, meter = outcome
            self._shadows.look(Over(call, decision, served, entry, meter), self.runtime)

    def _look_at(self, bill: Bill) -> None:
        """The call is over: the auditor may compare its counts, unless what answered only plays a provider."""
        if (outcome := bill.outcome) is None or bill.sent is None:
            return
        _, served, entry, meter = outcome
        line = self.runtime.lines.get(served.provider)
        if line is not None and not line.provider.simulated:
            self.auditor.look(bill.sent, served, entry, meter, self.runtime.config.counting.audits_per_s)

    def _ran(self, task: asyncio.Task[None]) -> None:
        request, client, bill = self._calls[task]
        del self._calls[task]
        try:
            if not client.done:  # whatever failed: nobody is left hanging
                client.link.abort()
            if not task.cancelled() and (error := task.exception()) is not None:
                self.failed(request, error)
            if client.copy is not None and bill is not None and (spoken := bill.spoken) is not None:
                self._bodies.keep(spoken)
            if bill is not None and self.auditor.is_due():
                self._look_at(bill)
            if bill is not None and not self.draining:
                self._learn_from(bill)
        except Exception as fault:  # nobody waits for it
            self.failed(request, fault)

    def failed(self, request: Inbound, error: BaseException) -> None:
        """Report a fault of ours in *request*, or behind it: its text may repeat the caller's credential."""
        with registered(request.credential):
            self.loop.call_exception_handler({"message": "a call failed inside the router", "exception": error})

    # --- our own addresses ------------------------------------------------------------------------------

    def _serve_open(self, request: Inbound, client: Client, path: str) -> None:
        if path == _PREFLIGHT:
            origins = self.runtime.config.server.cors_origins
            client.whole(204, cors_headers(request.headers, origins, preflight=True), b"")
        elif path == "/readyz" and self.draining:
            _json(client, request, 503, {"status": "draining"})
        elif path == "/readyz" and not self.runtime.journal.works():  # calls that cost something are refused
            _json(client, request, 503, {"status": "ledger_unavailable"})
        else:
            _json(client, request, 200, {"status": "ready" if path == "/readyz" else "ok"})

    def _serve_internal(self, request: Inbound, client: Client, path: str) -> None:
        """What the control process asks of a worker, over its unix socket."""
        if path == "/internal/connections":
            pools = {name: line.pool for name, line in self.runtime.lines.items()}
            _json(client, request, 200, {name: {"open": p.open, "in_use": p.in_use} for name, p in pools.items()})
        elif path == "/internal/gauges":
            _json(client, request, 200, {
                "in_flight": len(self._calls), "client_connections": len(self._connections),
                "journal_pending": self.runtime.journal.pending, "journal_errors": self.runtime.journal.errors,
                "journal_lost": self.runtime.journal.lost, "audits_skipped": self.auditor.skipped,
                "bodies_dropped": self._bodies.dropped,
            })  # fmt: skip
        elif path == "/internal/reload" and request.method == "POST":
            self._run(self._serve_reload(request, client), request, client)
        else:
            refuse(NotFound(f"no such internal address: {path[:100]}"), client, "", request.id)

    async def _serve_reload(self, request: Inbound, client: Client) -> None:
        try:
            version = await self._reload()
        except ConfigError as error:
            _json(client, request, 400, {"reloaded": False, "faults": error.faults})
        else:
            _json(client, request, 200, {"reloaded": True, "version": version})

    # --- the end ------------------------------------------------------------------------------------------

    async def drain(self, grace_s: float) -> None:
        """Take no more calls, let the running ones finish for at most *grace_s* seconds, settle the rest."""
        self.draining = True
        for connection in list(self._connections):
            if connection.idle:
                connection.close()
        deadline = self.loop.time() + grace_s
        while (left := deadline - self.loop.time()) > 0:  # also for those whose request comes meanwhile
            if self._calls:
                await asyncio.wait(list(self._calls), timeout=left)
            elif any(connection.receiving for connection in self._connections):
                await asyncio.sleep(min(left, 0.05))
            else:
                break
        cut = list(self._calls.items())
        for task, (_, client, _) in cut:
            client.stopping = True
            task.cancel()
        if cut:
            log("calls_cut", "warning", count=len(cut), reason="the grace period is over")
            await asyncio.wait([task for task, _ in cut], timeout=1.0)
        for connection in list(self._connections):
            connection.stop(ShuttingDown("the router is shutting down: try again"))
        await asyncio.sleep(0)
        for connection in list(self._connections):
            if connection.idle and not connection.unsent:
                connection.abort()
        deadline = self.loop.time() + 1.0
        while (self._connections or len(self._deliveries)) and self.loop.time() < deadline:  # noqa: ASYNC110 - once, at the end of the process
            await asyncio.sleep(0.01)
        await self._shadows.close()
        self._counts.close()
        self._lists.close()
        self._bodies.close()
        self.auditor.close()
        self._deliveries.flush()


def _json(client: Client, request: Inbound, status: int, answer: object) -> None:
    headers = [(b"content-type", b"application/json"), (b"x-dd0c-request-id", request.id.encode())]
    client.whole(status, headers, msgspec.json.encode(answer))
