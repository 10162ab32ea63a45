"""The console, the API and the metrics: answered by the control process, through the same port."""

from __future__ import annotations

from dd0c_route.errors import ClientGone, Overloaded, RouteError, UpstreamError
from dd0c_route.proxy.client import Client
from dd0c_route.proxy.headers import CREDENTIALS, HOP_BY_HOP, client_headers
from dd0c_route.proxy.refusal import refuse
from dd0c_route.proxy.server import Inbound
from dd0c_route.upstream import Marks, Pool

_NOT_OVER = HOP_BY_HOP | frozenset(CREDENTIALS) | {b"content-length", b"host", b"expect", b"x-dd0c-key"}


async def hand_over(request: Inbound, client: Client, control: Pool) -> None:
    """Pass a request to the control process and its answer back; the caller's credential stays here."""
    try:
        with client.present():
            await _hand_over(request, client, control)
    except ClientGone:
        client.cut()
    except UpstreamError:
        error = Overloaded("the control process does not answer: calls are served and journaled; try again shortly")
        refuse(error, client, "", request.id)
    except RouteError as error:
        refuse(error, client, "", request.id)


async def _hand_over(request: Inbound, client: Client, control: Pool) -> None:
    headers = [(name, value) for name, value in request.headers if name not in _NOT_OVER]
    headers += [(b"x-forwarded-host", value) for name, value in request.headers if name == b"host"]
    target = request.target.decode("latin-1")
    reply = await control.send(request.method, target, headers, request.body, Marks())
    with reply:
        theirs = client_headers(reply.headers)
        theirs.append((b"x-dd0c-request-id", request.id.encode()))
        client.start(reply.status, theirs, reply.content_length if reply.has_body else 0)
        client.flow(reply.pause, reply.resume)
        reply.attach(client.send)
        await reply.ended()
        client.still()
        client.finish()
