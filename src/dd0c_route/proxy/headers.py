"""Which headers cross, in which direction (interface.md §3). Names are lower case throughout."""

from __future__ import annotations

from dd0c_route.config import Provider
from dd0c_route.errors import BadKey
from dd0c_route.types import Call, Secret

Headers = list[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding "
    b"upgrade".split()
)
"""Source: RFC 9110 §7.6.1, with the older names of RFC 2616 §13.5.1."""

CREDENTIALS = (b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key")
"""Where callers put their key, in the order in which it is looked for; `?key=` comes last."""

_NOT_UPSTREAM = HOP_BY_HOP | frozenset(
    b"host content-length expect cookie cookie2 forwarded via x-real-ip x-forwarded x-original-host".split()
)
_NOT_TO_CLIENT = HOP_BY_HOP | frozenset(b"content-length set-cookie set-cookie2 alt-svc".split())


def credential_of(headers: Headers, query: str) -> Secret | None:
    """The caller's own key: `Authorization: Bearer`, `x-api-key`, `x-goog-api-key`, `api-key`, `?key=`."""
    found = {name: value for name, value in headers if name in CREDENTIALS}
    for name in CREDENTIALS:
        if name in found:
            text = found[name].decode("latin-1").strip()
            if name == b"authorization":
                scheme, _, rest = text.partition(" ")
                text = rest.strip() if scheme.lower() == "bearer" else text
            if text:
                return Secret(text)
    for pair in query.split("&"):
        if pair.startswith("key="):
            return Secret(pair[4:])
    return None


def connection_named(headers: Headers) -> frozenset[bytes]:
    """Further hop-by-hop headers: those that `Connection` names."""
    for name, value in headers:
        if name == b"connection" and value.lower() not in (b"keep-alive", b"close"):
            break
    else:
        return frozenset()
    return frozenset(
        token.strip().lower() for name, value in headers if name == b"connection" for token in value.split(b",")
    )


def upstream_headers(call: Call, provider: Provider, *, plain: bool = False) -> Headers:
    """The caller's headers as they came, less what must not cross, with the provider's credential.

    Args:
        plain: Ask for an answer without content coding, because its events will be edited.

    Raises:
        BadKey: The provider has no stored key, and the caller's credential is the router's own access key.
    """
    named = connection_named(call.headers)
    own_key = _own_key(call)
    keeps_credential = provider.api_key is None and not _is_access_key(call)
    out = [
        (name, value)
        for name, value in call.headers
        if name not in _NOT_UPSTREAM
        and not name.startswith((b"x-dd0c-", b"x-forwarded-"))
        and (name not in CREDENTIALS or (keeps_credential and not (own_key and own_key in value)))
        and name not in named
    ]
    if plain:
        out = [pair for pair in out if pair[0] != b"accept-encoding"]
        out.append((b"accept-encoding", b"identity"))
    if provider.api_key is not None:
        out.append(_credential(provider, provider.api_key))
    elif _is_access_key(call) and not provider.simulated:  # that one wants no key: ours just stays here
        raise BadKey(
            f"provider '{provider.name}' has no api_key, and the credential of this call is the router's own key: "
            f"send that as x-dd0c-key and the provider's as the credential, or set providers.{provider.name}.api_key"
        )
    return out


def upstream_query(call: Call, provider: Provider) -> str:
    """The query string; a `key=` in it is a credential and goes only where the caller's credential goes."""
    if "key=" not in call.query:
        return call.query
    own_key = _own_key(call).decode("latin-1")
    keeps_credential = provider.api_key is None
    return "&".join(
        pair
        for pair in call.query.split("&")
        if not pair.startswith("key=") or (keeps_credential and not (own_key and own_key in pair))
    )


def client_headers(headers: Headers) -> Headers:
    """The provider's headers, less those of the connection, its cookies, and any that look like ours."""
    named = connection_named(headers)
    return [
        (name, value)
        for name, value in headers
        if name not in _NOT_TO_CLIENT and not name.startswith(b"x-dd0c-") and name not in named
    ]


def _own_key(call: Call) -> bytes:
    """What came as `x-dd0c-key`, which some clients repeat in every header that they know; or empty."""
    return next((value.strip() for name, value in call.headers if name == b"x-dd0c-key"), b"")


def _is_access_key(call: Call) -> bool:
    """Whether the credential of *call* opened the router's own door (then it is nobody else's business)."""
    return call.key_id is not None and not _own_key(call)


def _credential(provider: Provider, key: Secret) -> tuple[bytes, bytes]:
    value = key.reveal().encode()
    return (b"authorization", b"Bearer " + value) if provider.auth == "bearer" else (provider.auth.encode(), value)
