"""What a route is called in records that outlive a configuration."""

from __future__ import annotations

import hashlib

import msgspec

from dd0c_route.config.settings import Route

_CHARS = 12  # 48 bits tell apart the routes of one operator


def route_id(route: Route) -> str:
    """The same for the same calls and candidates, wherever the route stands and whatever else it says.

    What is learned of a route is about which calls it gets and which models may answer them. A new floor or mode keeps
    that; another candidate begins anew.
    """
    said = msgspec.json.encode((route.match, route.candidates), order="sorted")
    return hashlib.sha256(said).hexdigest()[:_CHARS]
