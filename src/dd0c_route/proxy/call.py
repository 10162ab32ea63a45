"""An inbound request becomes a Call: read once, frozen, handed on."""

from __future__ import annotations

import asyncio
import re
from itertools import islice
from time import perf_counter
from urllib.parse import unquote

from msgspec import Raw, Struct

from dd0c_route.brain.sessions import said_session
from dd0c_route.config import Limits
from dd0c_route.errors import BadRequest, MethodNotAllowed, NotFound
from dd0c_route.proxy.headers import Headers, names_of, subscription_of
from dd0c_route.proxy.peers import heard, tags_of
from dd0c_route.proxy.server import Inbound
from dd0c_route.redact import redact_label
from dd0c_route.types import Call, Dialect
from dd0c_route.wire.api import api_of, family_of, model_in
from dd0c_route.wire.body import split
from dd0c_route.wire.request import Essentials, Ours, essentials
from dd0c_route.wire.weigh import check, in_slices


class Address(Struct, frozen=True):
    """What a path means: who speaks, what is called, and the path below the provider's base URL."""

    dialect: Dialect
    api: str
    path: str
    model: str = ""
    provider: str = ""
    reads_body: bool = True


ADDRESSES = {
    "/v1/chat/completions": Address("openai", "openai.chat", "/chat/completions"),
    "/v1/completions": Address("openai", "openai.completions", "/completions"),
    "/v1/embeddings": Address("openai", "openai.embeddings", "/embeddings"),
    "/v1/responses": Address("openai", "openai.responses", "/responses"),
    "/v1/responses/input_tokens": Address("openai", "openai.input_tokens", "/responses/input_tokens"),
    "/v1/messages": Address("anthropic", "anthropic.messages", "/messages"),
    "/v1/messages/count_tokens": Address("anthropic", "anthropic.count_tokens", "/messages/count_tokens"),
}
_GEMINI = re.compile(r"/(?:v1|v1beta|v1alpha)(/models/(.+):(generateContent|streamGenerateContent|countTokens))")
_CONVERSE = re.compile(r"/model/([^/]+)/(?:converse|converse-stream)")
_STREAMS = re.compile(r"[/:-][A-Za-z-]*stream[A-Za-z-]*$", re.IGNORECASE)  # how the paths of APIs end that say so
_MODELS = re.compile(r"/(v1|v1beta|v1alpha)(/models(?:/.+)?)")  # names hold slashes and colons, too
_PASSTHROUGH = "/passthrough/"
_SLASH = r"(?:/|\\|%2f|%5c)"
_STEPS = re.compile(rf"{_SLASH}(?:\.|%2e){{1,2}}(?:{_SLASH}|;|$)", re.IGNORECASE)
"""A step up or nowhere (RFC 3986 §3.3), however a server may read it: it would lead out of the provider's base URL."""
MODEL_CHARS = 512  # the longest that providers have: Bedrock's profiles
_SESSION_CHARS = 256  # these bound what an entry keeps of a caller's words
_TAGS = 64
_KEY_CHARS = 512  # so much more is looked at, since half a key is not known as one
_NO_BODY = ("GET", "HEAD", "DELETE", "OPTIONS")
_NOTHING_SAID = Essentials(model="", stream=False, ours=None)
_NO_OURS = Ours()
_TURN_S = 0.001  # of taking a long body apart, before others have theirs


def address_of(target: bytes, method: str) -> tuple[Address, str]:
    """The address and the query string of a request target.

    Raises:
        NotFound: No such address.
        MethodNotAllowed: The address exists, the method does not.
        BadRequest: The target is not ASCII, or its path holds `.` or `..`.
    """
    try:
        path, _, query = target.decode("ascii").partition("?")
    except UnicodeDecodeError:
        raise BadRequest("the request target holds bytes outside ASCII: percent-encode them") from None
    if _STEPS.search(path) is not None:
        raise BadRequest("the path holds a step '.' or '..': write it without")
    address = ADDRESSES.get(path) or _with_model(path)
    if address is not None:
        if method != "POST":
            raise MethodNotAllowed(f"{path} takes POST, not {method}")
        return address, query
    found, reads = _MODELS.fullmatch(path), method in ("GET", "HEAD")
    if found is not None and (reads or ":" not in path):  # behind a colon stands what one does to a model
        if not reads:
            raise MethodNotAllowed(f"{path} takes GET, not {method}")
        return Address("openai" if found[1] == "v1" else "gemini", "models", found[2], reads_body=False), query
    if path.startswith(_PASSTHROUGH):
        provider, slash, rest = path[len(_PASSTHROUGH) :].partition("/")
        if provider and slash:
            rest = "/" + rest
            return Address(
                "passthrough", api_of(rest), rest, model_in(rest), provider, reads_body=method not in _NO_BODY
            ), query
    raise NotFound(f"no such address: {method} {path[:200]} (see /v1/chat/completions, /v1/messages, /passthrough/…)")


def _with_model(path: str) -> Address | None:
    """Google's and Amazon's paths, in which the model stands."""
    if (found := _GEMINI.fullmatch(path)) is not None:
        api = "gemini.count_tokens" if found[3] == "countTokens" else "gemini.generate"
        return Address("gemini", api, found[1], model=unquote(found[2]))
    found = _CONVERSE.fullmatch(path)
    return None if found is None else Address("bedrock", "bedrock.converse", path, model=unquote(found[1]))


async def take_apart(request: Inbound, address: Address, limits: Limits) -> None:
    """Split a body that is too long, or of too many names, to be parsed while everybody waits.

    Raises:
        BadRequest: As `read_call`.
    """
    request.fields = {}
    if not _is_read(request, address):
        return
    steps, began = in_slices(request.body, limits), perf_counter()
    try:
        while True:
            next(steps)
            if perf_counter() - began > _TURN_S:
                await asyncio.sleep(0)
                began = perf_counter()
    except StopIteration as end:
        request.fields = end.value
    except BadRequest:
        if _is_refused(request, address):
            raise


def read_call(request: Inbound, address: Address, query: str, key_id: str | None, limits: Limits) -> Call:
    """Parse the body once, if that was not done (`take_apart`), and gather what the router needs.

    Raises:
        BadRequest: The body is not what the address takes; the message names the fault.
    """
    headers = request.headers
    fields, known = _read_body(request, address, limits)
    model, ours = address.model or known.model, known.ours or _NO_OURS
    if len(model) > MODEL_CHARS and address.dialect != "passthrough":
        raise BadRequest(f"`model` is longer than {MODEL_CHARS} characters")
    names = names_of(headers)
    if names.ours or names.peers:
        ours = _with_headers(ours, headers)
    return Call(
        id=request.id,
        at_ns=request.at_ns,
        started_ns=request.started_ns,
        dialect=address.dialect if address.api != "models" else _asker(address, headers),
        api=address.api,
        method=request.method,
        path=address.path,
        query=query,
        headers=headers,
        body=request.body,
        fields=fields,
        model=model[:MODEL_CHARS],
        provider=address.provider,
        stream=_STREAMS.search(address.path) is not None or known.stream,
        key_id=key_id,
        session=_bounded(ours.session, _SESSION_CHARS) if ours.session else None,
        tags=_bounded_tags(ours.tags) if ours.tags else ours.tags,
        policy=ours.policy,
        route_off=ours.route == "off",
        wants_cost=ours.cost,
        may_drop=ours.drop,
        subscription=subscription_of(headers, query, names),
    )


def _is_read(request: Inbound, address: Address) -> bool:
    return address.reads_body and (address.dialect != "passthrough" or request.body[:1] == b"{")


def _read_body(request: Inbound, address: Address, limits: Limits) -> tuple[dict[str, Raw], Essentials]:
    """The body's fields and what they say."""
    if not _is_read(request, address):
        return {}, _NOTHING_SAID
    fields: dict[str, Raw] = {}
    try:
        if request.fields is None:
            given = split(request.body)
            check(request.body, given, limits)
            fields = given
        else:
            fields = request.fields
        return fields, essentials(address.api, fields)
    except BadRequest:
        if _is_refused(request, address):
            raise
        return fields, _NOTHING_SAID


def _is_refused(request: Inbound, address: Address) -> bool:
    """Whether a body that cannot be read is refused: passed through, it may be anything.

    Raises:
        BadRequest: It is in a coding, which says more than what its bytes are not.
    """
    if address.dialect == "passthrough":
        return False
    if any(name == b"content-encoding" for name, _ in request.headers):
        raise BadRequest("the request body has a Content-Encoding: send it without one") from None
    return True


def speaks(address: Address, headers: Headers) -> str:
    """The API in whose shape the caller reads an error."""
    if address.api == "models":
        return f"{_asker(address, headers)}.models"
    return address.api if address.api != "unknown" else family_of(address.path, [name for name, _ in headers])


def _asker(address: Address, headers: Headers) -> Dialect:
    """Who asks for models: clients of all dialects do so at the same path."""
    if address.dialect == "openai":
        names = {name for name, _ in headers}
        if b"anthropic-version" in names:
            return "anthropic"
        if b"x-goog-api-key" in names:
            return "gemini"
    return address.dialect


def _with_headers(ours: Ours, headers: Headers) -> Ours:
    """What the body's `dd0c` object, the `x-dd0c-*` headers (a repeated one joined by commas) and those of other
    gateways ask for.
    """
    said: dict[str, str] = {}
    for name, value in [header for header in headers if header[0].startswith(b"x-dd0c-")]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        said[key] = f"{said[key]},{text}" if key in said else text
    peers = heard(headers)
    return Ours(
        route="off" if said.get("x-dd0c-route", "").lower() == "off" else ours.route,
        tags={**peers.tags, **tags_of(said.get("x-dd0c-tags", "")), **ours.tags},
        session=said.get("x-dd0c-session") or ours.session or peers.session,
        policy=said.get("x-dd0c-policy") or ours.policy,
        cost=ours.cost or said.get("x-dd0c-cost", "").lower() == "on",
        drop=ours.drop or said.get("x-dd0c-drop", "").lower() == "on",
    )


def session_of(call: Call) -> str | None:
    """What the ledger keeps as the call's session: what the caller named, else what its agent names in a header."""
    if call.session is not None:
        return call.session
    said = said_session(call)
    return _bounded(said, _SESSION_CHARS) if said else None


def _bounded_tags(tags: dict[str, str]) -> dict[str, str]:
    return {_bounded(name, 64): _bounded(value, 256) for name, value in islice(tags.items(), _TAGS)}


def _bounded(text: str, chars: int) -> str:
    """What of *text* the ledger keeps: no credential, and not as much as its caller likes."""
    return redact_label(text[: chars + _KEY_CHARS])[:chars]
