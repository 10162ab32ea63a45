"""Which pages a browser may send requests from, and under which names it may know the router.

A page of somebody else cannot read our answers, but it can make a browser on this machine send requests: forms,
`no-cors`, beacons. And a page whose name is made to point at this machine (DNS rebinding) is of the same origin as
we are, for the browser; only the name in `Host` gives it away.
"""

from __future__ import annotations

import ipaddress

from msgspec import Struct

from dd0c_route.config import Server

PAGE_HEADERS = frozenset((b"origin", b"sec-fetch-site"))
"""A browser sends one of them with whatever a page makes it post (Fetch §3.1, Fetch Metadata §2.4)."""

LOCAL_SUFFIXES = (".localhost", ".internal", ".svc.cluster.local")
"""Nobody can register names below these: RFC 6761 §6.3; ICANN resolution 2024.07.29.06; names of Kubernetes' services,
whose four labels no multicast DNS answers. `.local` is not among them: whoever is in the same network can answer it."""

_OURS = frozenset(("same-origin", "none"))


class Pages(Struct, frozen=True):
    """What the configuration says of it.

    Attributes:
        public: Names of the router besides addresses and local names; a front server may stand under them.
        host: What it listens on.
        origins: Other pages that may make calls, `scheme://host[:port]`.
    """

    public: frozenset[str]
    host: str
    origins: frozenset[str]

    @classmethod
    def of(cls, server: Server) -> Pages:
        return cls(frozenset(map(str.lower, server.public_hosts)), server.host.lower(), frozenset(server.cors_origins))

    def know(self, host: str) -> bool:
        """Whether *host*, as a `Host` header has it, can only be us.

        An address cannot be made to point elsewhere; no more can a name without a dot, which only this machine or
        its network resolves. HTTP/1.0 without a `Host` is no browser's.
        """
        name = _name_of(host)
        return (
            "." not in name
            or name == self.host
            or name in self.public
            or name.endswith(LOCAL_SUFFIXES)
            or _is_address(name)
        )

    def fault(self, host: str, origin: str | None, site: str | None) -> str | None:
        """Why a call with these headers is refused, with the fix; None where it is no browser's, or of an own page.

        Args:
            site: The header `Sec-Fetch-Site`.
        """
        if not self.know(host):
            return f"{host[:100]!r} is not known as a name of this router: add it to [server] public_hosts"
        if origin is not None:
            if origin in self.origins or self.is_own(origin, host):
                return None
            return (
                f"a page of {origin[:100]!r} may not use this router: list it in [server] cors_origins, "
                "or have access keys"
            )
        if site is not None and site not in _OURS:
            return "a page of another site may not use this router: list its origin in [server] cors_origins"
        return None

    def is_own(self, origin: str, host: str) -> bool:
        """Whether a page of *origin* is one of ours: the same host and port, or a public name without a port.

        The latter is what remains of the address where a server in front of us puts another name into `Host`.
        """
        scheme, _, where = origin.lower().partition("://")
        return scheme in ("http", "https") and where != "" and (where == host.lower() or where in self.public)


def _name_of(host: str) -> str:
    """Without port, brackets and the dot at the end; lower case."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name.lower().removesuffix(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
