"""`/api/v1/brain`: the operator's switch."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dd0c_route.console.addresses import Address
from dd0c_route.console.answers import json_answer, json_error
from dd0c_route.redact.log import log
from dd0c_route.switch import Switch


def brain_routes(switch: Switch) -> list[Address]:
    """Ask, switch on, switch off; every worker follows within half a second."""

    async def state(request: Request) -> Response:
        return json_answer({"on": switch.look()})

    async def turn(request: Request) -> Response:
        on = request.url.path.endswith("/on")
        try:
            switch.turn(on=on)
        except OSError as error:
            return json_error(503, "ledger_unavailable", f"the switch cannot be written: {error.strerror}")
        log("brain_switched", reason="on" if on else "off")
        return json_answer({"on": switch.is_on})

    return [
        Address("/api/v1/brain", state, method="GET", who="reader"),
        Address("/api/v1/brain/on", turn, method="POST", who="writer"),
        Address("/api/v1/brain/off", turn, method="POST", who="writer"),
    ]
