"""`/api/v1/brain`: the operator's switch."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dd0c_route.console.answers import json_answer, json_error
from dd0c_route.control.origin import refuse_foreign
from dd0c_route.redact.log import log
from dd0c_route.switch import Switch


def brain_routes(switch: Switch) -> list[Route]:
    """Ask, switch on, switch off; every worker follows within half a second."""

    async def state(request: Request) -> Response:
        return json_answer({"on": switch.look()})

    async def turn(request: Request) -> Response:
        refuse_foreign(request, "switch the brain")
        on = request.url.path.endswith("/on")
        try:
            switch.turn(on=on)
        except OSError as error:
            return json_error(503, "ledger_unavailable", f"the switch cannot be written: {error.strerror}")
        log("brain_switched", reason="on" if on else "off")
        return json_answer({"on": switch.is_on})

    return [
        Route("/api/v1/brain", state, methods=["GET"]),
        Route("/api/v1/brain/on", turn, methods=["POST"]),
        Route("/api/v1/brain/off", turn, methods=["POST"]),
    ]
