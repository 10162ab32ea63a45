"""Secrets that were pasted into a prompt: masked, warned of or refused before anything leaves, as the route says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal, NamedTuple

from msgspec import structs

from dd0c_route.errors import SecretInPrompt
from dd0c_route.proxy.client import Client
from dd0c_route.proxy.matched import route_of
from dd0c_route.redact.log import log
from dd0c_route.redact.prompts import Found, secrets_in
from dd0c_route.runtime import Runtime
from dd0c_route.types import Call
from dd0c_route.wire.body import split

Action = Literal["off", "warn", "mask", "refuse"]
_AT_ONCE_BYTES = 4 << 10  # about a millisecond; what is longer is searched in a thread
_DONE: dict[Action, Literal["warned", "masked", "refused"]] = {"warn": "warned", "mask": "masked", "refuse": "refused"}


class Pasted(NamedTuple):
    """What the entry and the answer's header say of a request's secrets.

    Attributes:
        done: `warned`, `masked` or `refused`.
        rules: How many by which rule.
    """

    done: Literal["warned", "masked", "refused"]
    rules: dict[str, int]

    def header(self) -> bytes:
        return f"{self.done}; {', '.join(f'{name}={count}' for name, count in self.rules.items())}".encode()


async def looked_at(call: Call, client: Client, runtime: Runtime) -> tuple[Call, Pasted | None, SecretInPrompt | None]:
    """*call* as it may leave, what was found in it, and the refusal that follows from that.

    A caller cannot avoid it: it holds also where the call is not to be routed.
    """
    action, where = _action(call, runtime)
    if action == "off" or not call.fields:
        return call, None, None
    found = await _found(call.body, client)
    if found is None:
        return call, None, None
    pasted = Pasted(_DONE[action], found.rules)
    if action == "refuse":
        return call, pasted, SecretInPrompt(_refusal(found, where))
    if action == "warn":
        log(
            "prompt_secrets", "warning", message=f"the prompt of call {call.id} holds secrets", source=where,
            count=sum(found.rules.values()), reason=_counted(found.rules),
        )  # fmt: skip
        return call, pasted, None
    body = found.masked()
    return structs.replace(call, body=body, fields=split(body)), pasted, None


async def _found(body: bytes, client: Client) -> Found | None:
    if len(body) <= _AT_ONCE_BYTES:
        return secrets_in(body)
    with client.present():
        return await asyncio.to_thread(secrets_in, body)


def _action(call: Call, runtime: Runtime) -> tuple[Action, str]:
    """What to do, and the setting that says so: the route's that matches, else the server's."""
    config = runtime.config
    if any(route.prompt_secrets is not None for route in config.routes):
        route = route_of(call, runtime)
        if route is not None and route.settings.prompt_secrets is not None:
            return route.settings.prompt_secrets, f"routes[{route.number}].prompt_secrets"
    return config.server.prompt_secrets, "server.prompt_secrets"


def _refusal(found: Found, where: str) -> str:
    return (
        f"the request holds what looks like a secret ({_counted(found.rules)}; the first at {found.first}), and "
        f"{where} of this router refuses that: remove it from the prompt"
    )


def _counted(rules: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in rules.items())
