"""The route that a call's model leads to, before anything is decided: some settings hold whoever answers."""

from __future__ import annotations

from dd0c_route.brain.request import asked
from dd0c_route.decide.router import CompiledRoute
from dd0c_route.errors import BadRequest, NotFound
from dd0c_route.runtime import Runtime
from dd0c_route.types import Call


def route_of(call: Call, runtime: Runtime) -> CompiledRoute | None:
    """The first one that matches, whatever its mode, also where the caller asks for no routing."""
    if not call.model or call.provider:
        return None
    by_kind = any(route.match.kind is not None for route in runtime.config.routes)
    router = runtime.router
    try:
        return router.matching(call, router.resolve(call), asked(call).kind if by_kind else "")
    except (BadRequest, NotFound):  # it will be refused for that
        return None
