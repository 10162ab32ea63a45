"""Where a provider lives, and the way there: its base URL taken apart, and the proxy that the environment names."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from dd0c_route.errors import ConfigError
from dd0c_route.types import Secret


class Origin(Struct, frozen=True):
    """A base URL, taken apart.

    Attributes:
        host: Lower case, without brackets.
        path: What stands before each call's own path; no trailing slash, empty for none.
    """

    tls: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """For the `host` header: the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"

    @property
    def host_port(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class ProxyServer(Struct, frozen=True):
    """An HTTP proxy between us and the provider; *credential* is the value of `proxy-authorization`."""

    host: str
    port: int
    credential: Secret | None = None


def origin_of(base_url: str) -> Origin:
    """Take *base_url* apart.

    Raises:
        ConfigError: Not http or https, no host, or with a user, query or fragment. The message does not repeat
            the URL: it might hold a credential.
    """
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError as error:
        raise ConfigError([f"base_url: {error}"]) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(["base_url: write it as https://host/path"])
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(["base_url: no user, query or fragment; a key goes into api_key"])
    tls = parts.scheme == "https"
    return Origin(tls, parts.hostname, port or (443 if tls else 80), parts.path.rstrip("/"))


def proxy_for(origin: Origin, environ: Mapping[str, str]) -> ProxyServer | None:
    """The proxy that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` (or lower case, which wins) ask for.

    As in curl and Go. A provider on loopback is reached directly, as in Go, unless the proxy is on loopback as well:
    another machine's proxy cannot reach it, a proxy beside it was meant to. `ALL_PROXY` is used where the scheme's own
    is missing.

    Raises:
        ConfigError: A proxy that is not plain HTTP.
    """
    own = "https_proxy" if origin.tls else "http_proxy"
    url = _env(environ, own) or _env(environ, "all_proxy")
    if not url or _bypassed(origin, _env(environ, "no_proxy")):
        return None
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if _is_loopback(origin.host) and not _is_loopback(parts.hostname or ""):
        return None
    if parts.scheme != "http" or not parts.hostname:
        raise ConfigError([f"{own}: only http:// proxies are supported, this one is {parts.scheme}://"])
    credential = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        credential = Secret("Basic " + base64.b64encode(pair.encode()).decode())
    return ProxyServer(parts.hostname, parts.port or 80, credential)


def _env(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bypassed(origin: Origin, no_proxy: str) -> bool:
    """Whether an item of *no_proxy* names the origin: `*`, a domain (with its subdomains), an address, a net."""
    return any(_names(item, origin) for item in no_proxy.replace(",", " ").lower().split())


def _names(item: str, origin: Origin) -> bool:
    if item == "*":
        return True
    try:
        return ipaddress.ip_address(origin.host) in ipaddress.ip_network(item.strip("[]"), strict=False)
    except ValueError:
        pass
    name, _, port = item.partition(":")
    name = name.removeprefix("*").lstrip(".")
    return port in ("", str(origin.port)) and (origin.host == name or origin.host.endswith("." + name))
