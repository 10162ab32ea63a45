"""A provider that sends its caller elsewhere: nobody goes there.

A call of a known API ends with an error, since an SDK that follows a redirect takes its `x-api-key` along to whatever
host that names (openai-python and anthropic-sdk-python follow by default). Passed through, a redirect is an answer like
any other, such as to a file's place: the client gets it as it came, and the router does not follow it either.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from dd0c_route.config import Provider
from dd0c_route.config.addresses import is_host
from dd0c_route.errors import UpstreamRedirected
from dd0c_route.proxy.headers import Headers

REDIRECTS = frozenset((300, 301, 302, 303, 305, 307, 308))
"""Source: RFC 9110 §15.4; 304 answers a condition, and 306 is not used."""


_LIKE_A_KEY = re.compile(r"(?=[a-z_-]*\d)[a-z0-9_-]{20,}")
"""A label of a name that may be a credential, which is no longer known as one in small letters."""


def redirected(status: int, headers: Headers, provider: Provider) -> UpstreamRedirected:
    """The error that says so. Of the place only the host is told: the rest may hold what its server signed."""
    where = next((value for name, value in headers if name == b"location"), b"").decode("latin-1")
    try:
        host = urlsplit(where).hostname or ""
    except ValueError:
        host = ""
    there = f" to {host[:128]}" if host and is_host(host) and not _LIKE_A_KEY.search(host) else ""
    return UpstreamRedirected(
        f"provider '{provider.name}' answered with a redirect ({status}){there}, which is not followed: correct "
        f"providers.{provider.name}.base_url"
    )
