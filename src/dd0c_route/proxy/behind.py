"""The console, the API and the metrics: answered by the control process, through the same port."""

from __future__ import annotations

from dd0c_route.errors import ClientGone, Overloaded, RouteError, UpstreamError
from dd0c_route.proxy.client import Client
from dd0c_route.proxy.headers import CREDENTIALS, HOP_BY_HOP, client_headers
from dd0c_route.proxy.refusal import refuse
from dd0c_route.proxy.server import Inbound
from dd0c_route.upstream import Marks, Pool

_NOT_OVER = HOP_BY_HOP | frozenset(CREDENTIALS) | {b"content-length", b"host", b"expect", b"forwarded"}
_OURS = (b"x-dd0c-", b"x-forwarded-")  # what the control process believes is said here, and by nobody else
_TLS = (b"x-forwarded-proto", b"https")


async def hand_over(request: Inbound, client: Client, control: Pool, caller: bytes) -> None:
    """Pass a request to the control process and its answer back; the caller's credential stays here.

    Args:
        caller: Who asks: `key=ID`, `anybody` where no access keys are configured, else `nobody`.
    """
    try:
        with client.present():
            await _hand_over(request, client, control, caller)
    except ClientGone:
        client.cut()
    except UpstreamError:
        error = Overloaded("the control process does not answer: calls are served and journaled; try again shortly")
        refuse(error, client, "", request.id)
    except RouteError as error:
        refuse(error, client, "", request.id)


async def _hand_over(request: Inbound, client: Client, control: Pool, caller: bytes) -> None:
    headers = [(n, value) for n, value in request.headers if n not in _NOT_OVER and not n.startswith(_OURS)]
    headers += [(b"x-forwarded-host", value) for name, value in request.headers if name == b"host"]
    headers += [_TLS] if _TLS in request.headers else []
    headers += [(b"x-dd0c-caller", caller), (b"x-dd0c-peer", _peer(client))]
    target = request.target.decode("latin-1")
    reply = await control.send(request.method, target, headers, request.body, Marks())
    with reply:
        theirs = client_headers(reply.headers)
        theirs += [(name, value) for name, value in reply.headers if name == b"set-cookie"]  # of the console's session
        theirs.append((b"x-dd0c-request-id", request.id.encode()))
        client.start(reply.status, theirs, reply.content_length if reply.has_body else 0)
        client.flow(reply.pause, reply.resume)
        reply.attach(client.send)
        await reply.ended()
        client.still()
        client.finish()


def _peer(client: Client) -> bytes:
    """The address at the other end; nothing where it has none."""
    name = client.link.transport.get_extra_info("peername")
    return name[0].partition("%")[0].encode() if isinstance(name, tuple) else b""
