"""Which headers cross, in which direction. Names are lower case throughout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import compress
from operator import itemgetter
from urllib.parse import unquote, unquote_plus

from msgspec import Struct

from dd0c_route.config import Provider
from dd0c_route.errors import BadKey
from dd0c_route.proxy.credentials import LIKE_A_PLAN, LIKE_ONE, mark_of, may_go_to
from dd0c_route.proxy.peers import KEYS, peer_of
from dd0c_route.types import Call, Secret

Headers = list[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-authentication-info proxy-connection te "
    b"trailer transfer-encoding upgrade http2-settings".split()
)
"""Source: RFC 9110 §7.6.1, §11.7.3, RFC 7540 §3.2.1, with the older names of RFC 2616 §13.5.1."""

CREDENTIALS = (b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key")
"""Where callers put their key, in the order in which it is looked for; `?key=` comes last."""

PRIVATE = (
    frozenset(CREDENTIALS)
    | KEYS
    | frozenset(b"x-amz-date x-amz-security-token x-amz-content-sha256 chatgpt-account-id".split())
    | frozenset((b"ocp-apim-subscription-key",))
)
"""What goes where the caller's credential goes: keys of other gateways, the parts of a signature, whose account.

The last is the key of Azure's gateway: https://learn.microsoft.com/azure/api-management/api-management-subscriptions.
"""

_NOT_UPSTREAM = HOP_BY_HOP | frozenset(
    b"host content-length expect cookie cookie2 forwarded via x-real-ip x-forwarded x-original-host proxy "
    b"x-client-ip x-cluster-client-ip x-original-forwarded-for x-envoy-external-address true-client-ip "
    b"cf-connecting-ip cf-connecting-ipv6 fastly-client-ip".split()
)
"""`proxy` would become a variable of its server's environment: https://httpoxy.org. The rest says who called."""

_NOT_TO_CLIENT = HOP_BY_HOP | frozenset(
    b"content-length set-cookie set-cookie2 alt-svc server via x-powered-by strict-transport-security "
    b"public-key-pins expect-ct clear-site-data nel report-to reporting-endpoints refresh sourcemap "
    b"service-worker-allowed".split()
)
"""What speaks of the provider's server or origin: said by the router, it is wrong, or does harm in a browser."""

_OF_ORIGIN = b"access-control-"  # who may read the router's answers from a web page is not the provider's to say
_LIKE_A_KEY = re.compile(
    rb"(?:.*-)?(?:api-?keys?|(?:master|private|secret|subscription)-key|authorization|secret|password|credentials?|"
    rb"(?:access|auth|authorization|bearer|id|oauth|refresh|security|session)-?tokens?)"
)
_KEYS_OF_QUERIES = re.compile(
    r"\$?(?:(?:x_goog_|x_|anthropic_|openai_)?api_?key|key|(?:access|auth|oauth|bearer|x_amz_security)_?token|authorization|"
    r"(?:ocp_apim_)?subscription_key|x_amz_(?:signature|credential))"
)
_MAY_HOLD_A_KEY = re.compile(r"key|token|auth|x.amz|%", re.IGNORECASE)
_PAIRS = re.compile(r"[^&;]+")
_OF_FRAMING = frozenset(
    (b"host", b"transfer-encoding", b"content-length", b"transfer_encoding", b"content_length", b"expect")
)

_SIGNED = re.compile(r"AWS4-HMAC-SHA256\s+(?:\S+,\s*)*Credential=([^/,\s]+)/")  # AWS Signature Version 4
_name = itemgetter(0)


class Names(Struct, frozen=True, gc=False):
    """What the names of a head's fields tell, whatever the values.

    Attributes:
        upstream: For each field, whether it may go to a provider.
        anonymous: The same without credentials.
        to_client: For each field, whether it may go to the client.
        credentials: Places of the credentials, in the order in which they are looked for.
        repeated: Places of all that may hold one, also of those that stand there once more.
        framing: Places of the fields that say how the request is framed, or imitate one that does.
        connection: Places of the fields that may name further hop-by-hop ones.
        hosts: How many are `host`.
        ours: One of them is ours, `x-dd0c-…`.
        peers: One of them has a meaning in another gateway (`peers.toml`).
    """

    upstream: tuple[bool, ...]
    anonymous: tuple[bool, ...]
    to_client: tuple[bool, ...]
    credentials: tuple[int, ...]
    repeated: tuple[int, ...]
    framing: tuple[int, ...]
    connection: tuple[int, ...]
    hosts: int
    ours: bool
    peers: bool


def names_of(headers: Headers) -> Names:
    """Remembered, since clients and providers send the same names again and again: 5 % of a call's time."""
    return _names(tuple(map(_name, headers)))


@lru_cache(maxsize=256)  # others choose the names, so what is remembered of them is bounded
def _names(names: tuple[bytes, ...]) -> Names:
    # Servers behind CGI and WSGI read `_` as `-`: a name must not cross by its other spelling.
    read = [name.replace(b"_", b"-") for name in names]
    upstream = [n not in _NOT_UPSTREAM and not n.startswith((b"x-dd0c-", b"x-forwarded-")) for n in read]
    last = {name: index for index, name in enumerate(names)}
    return Names(
        upstream=tuple(upstream),
        anonymous=tuple(crosses and not _is_private(n) for crosses, n in zip(upstream, read, strict=True)),
        to_client=tuple(n not in _NOT_TO_CLIENT and not n.startswith((b"x-dd0c-", _OF_ORIGIN)) for n in read),
        credentials=tuple(last[name] for name in CREDENTIALS if name in last),
        repeated=tuple(index for index, name in enumerate(read) if _is_private(name)),
        framing=tuple(index for index, name in enumerate(names) if name in _OF_FRAMING),
        connection=tuple(index for index, name in enumerate(names) if name == b"connection"),
        hosts=names.count(b"host"),
        ours=any(name.startswith(b"x-dd0c-") for name in names),
        peers=any(peer_of(name) is not None for name in names),
    )


def _is_private(name: bytes) -> bool:
    """It is a credential, goes where one goes, or is called as one."""
    return name in PRIVATE or _LIKE_A_KEY.fullmatch(name) is not None


def credential_of(headers: Headers, query: str) -> Secret | None:
    """The caller's own key: `Authorization: Bearer`, `x-api-key`, `x-goog-api-key`, `api-key`, `?key=`.

    A name in the query counts however it is written: `KEY=`, `%6bey=`.
    """
    text = next(_credentials(headers, query), None)
    return None if text is None else Secret(text)


def subscription_of(headers: Headers, query: str, names: Names) -> str | None:
    """Whose subscription the caller's credential stands for, where it shows that; *names*: those of *headers*."""
    places = names.credentials
    if not places or LIKE_A_PLAN.match(headers[places[0]][1]) is None:  # nearly all calls, so it must cost nothing
        return None
    text = next(_credentials(headers, query), None)
    mark = None if text is None else mark_of(text, headers)
    return mark.vendors[0] if mark is not None and mark.subscription else None


def _credentials(headers: Headers, query: str) -> Iterator[str]:
    """All that a caller may have put its key into, in the order in which it is looked for."""
    for index in names_of(headers).credentials:
        if text := _bare(headers[index]):
            yield text
    for pair in _PAIRS.findall(query) if _MAY_HOLD_A_KEY.search(query) is not None else ():
        if _is_key(pair) and (value := unquote_plus(pair.partition("=")[2])):
            yield value


def _is_key(pair: str) -> bool:
    """Whether a *pair* of a query holds a credential: its name however a server may read it, also decoded twice."""
    name = unquote(unquote_plus(pair.partition("=")[0]))
    return _KEYS_OF_QUERIES.fullmatch(name.strip().lower().replace("-", "_")) is not None


def _bare(header: tuple[bytes, bytes]) -> str:
    """The credential in *header*, without `Bearer`; of a request that AWS's SDKs signed, whose key it was."""
    text = header[1].decode("latin-1").strip()
    if header[0] == b"authorization":
        if (signed := _SIGNED.match(text)) is not None:
            return signed[1]
        scheme, _, rest = text.partition(" ")
        return rest.strip() if scheme.lower() == "bearer" else text
    return text


def upstream_headers(call: Call, provider: Provider, *, plain: bool = False) -> Headers:
    """The caller's headers as they came, less what must not cross. A stored key is not among them: the pool adds it.

    Args:
        plain: Ask for an answer without content coding, because its events will be edited.

    Raises:
        BadKey: The provider has no stored key, and the caller's credential is the router's own access key, or shows
            that it is somebody else's.
    """
    names = names_of(call.headers)
    own_key = _own_key(call, names) if names.ours else b""
    is_access_key = call.key_id is not None and not own_key  # then it is nobody else's business
    has_key = provider.has_key
    if has_key or is_access_key or provider.simulated:
        out = list(compress(call.headers, names.anonymous))
    else:
        _check(call, provider, names)
        out = list(compress(call.headers, names.upstream))
        if own_key:
            out = [pair for pair in out if own_key not in pair[1]]
    if names.connection:
        out = _less_named(out, call.headers, names)
    if plain:
        out = [pair for pair in out if pair[0] != b"accept-encoding"]
        out.append((b"accept-encoding", b"identity"))
    if is_access_key and not has_key and not provider.simulated:  # that one wants no key: ours just stays here
        raise BadKey(
            f"provider '{provider.name}' has no api_key, and the credential of this call is the router's own key: "
            f"send that as x-dd0c-key and the provider's as the credential, or set providers.{provider.name}.api_key"
        )
    return out


def _check(call: Call, provider: Provider, names: Names) -> None:
    """Let no credential through that shows that it is not this provider's, also where it stands beside another."""
    headers = call.headers
    may_show = [headers[index] for index in names.repeated if LIKE_ONE.match(headers[index][1]) is not None]
    if not (may_show or call.query):  # nearly all calls
        return
    for text in [*map(_bare, may_show), *_credentials([], call.query)]:
        mark = mark_of(text, call.headers)
        if mark is not None and not may_go_to(mark, provider):
            what = "a subscription's token" if mark.subscription else "a key"
            raise BadKey(
                f"the credential of this call is {what} of '{mark.vendors[0]}', and provider '{provider.name}' is not "
                f"known to be that: it is not sent there; set providers.{provider.name}.api_key, or send its own key"
            )


def upstream_query(call: Call, provider: Provider) -> str:
    """The query string; a `key=` in it is a credential and goes only where the caller's credential goes."""
    query = call.query
    if not query:  # nearly all calls
        return query
    own_key = _own_key(call, names_of(call.headers)).decode("latin-1")
    if not own_key and _MAY_HOLD_A_KEY.search(query) is None:
        return query
    is_access_key = call.key_id is not None and not own_key
    keeps_credential = not (provider.has_key or provider.simulated or is_access_key)
    gone = [
        pair for pair in _PAIRS.findall(query)
        if (_is_key(pair) and not keeps_credential) or (own_key and own_key in unquote_plus(pair))
    ]  # fmt: skip
    if not gone:
        return query
    return "&".join(pair for pair in _PAIRS.findall(query) if pair not in gone)


def client_headers(headers: Headers) -> Headers:
    """The provider's headers, less those of the connection, its cookies, and any that look like ours."""
    names = names_of(headers)
    out = list(compress(headers, names.to_client))
    return _less_named(out, headers, names) if names.connection else out


def _less_named(out: Headers, headers: Headers, names: Names) -> Headers:
    """*out* less further hop-by-hop headers: those that a `Connection` among *headers* names."""
    for index in names.connection:
        value = headers[index][1].lower()
        if value not in (b"keep-alive", b"close"):
            named = {token.strip() for token in value.split(b",")}
            out = [pair for pair in out if pair[0] not in named]
    return out


def _own_key(call: Call, names: Names) -> bytes:
    """What came as `x-dd0c-key`, which some clients repeat in every header that they know; or empty."""
    return next((value.strip() for name, value in call.headers if name == b"x-dd0c-key"), b"") if names.ours else b""
