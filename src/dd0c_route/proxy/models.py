"""The list of models, in the shape of who asks: of all configured providers, and without waiting long for any.

What a provider with a stored key lists itself goes before what the catalogue knows of it. Its list is fetched when
somebody asks, kept for some minutes, and used while a newer one is on its way.

Sources of the shapes: https://platform.openai.com/docs/api-reference/models, https://docs.anthropic.com/en/api/models-list,
https://ai.google.dev/api/models (read 2026-11-24).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, get_args
from urllib.parse import parse_qs, unquote

import msgspec
from msgspec import Struct, structs

from dd0c_route.clock import rfc3339
from dd0c_route.config import Config, Provider
from dd0c_route.decide.foreign import reachable
from dd0c_route.errors import NotFound, RouteError
from dd0c_route.proxy.forward import upstream_target
from dd0c_route.proxy.headers import upstream_headers
from dd0c_route.runtime import Line, Runtime
from dd0c_route.types import Call, Dialect, Target
from dd0c_route.upstream import Marks
from dd0c_route.wire.loose import dict_of, dicts_of, str_of

WAIT_S = 2.0  # for lists that are not there yet; Claude Code waits for three seconds in all
FETCH_S = 10.0  # for one of them, beside the call that asked for it
FRESH_S = 300.0
AGAIN_S = 30.0  # after a fetch that failed
MOST_BYTES = 8 << 20
MOST_MODELS = 10_000
OWN = "dd0c"  # who owns a name that only a route gives a meaning
_QUERIES = {"openai": "", "anthropic": "limit=1000", "gemini": "pageSize=1000"}  # of those that have a list
_HEADERS = {"anthropic": [(b"anthropic-version", b"2023-06-01")]}
_USUAL_API = {"openai": "openai.chat", "anthropic": "anthropic.messages", "gemini": "gemini.generate"}
_GLOB = frozenset("*?[")
_BORN = 0  # the catalogue does not know when a model was made: OpenAI's field is a number, so it is the epoch


class Model(Struct, frozen=True):
    """One name that a caller may ask for."""

    id: str
    owner: str
    context: int | None = None


class Live(Struct, frozen=True):
    """What a provider listed itself; None: it did not."""

    provider: Provider
    until_s: float
    names: tuple[str, ...] | None


class Lists:
    """The providers' own lists, as far as a worker has them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._known: dict[str, Live] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    async def of(self, runtime: Runtime) -> dict[str, tuple[str, ...]]:
        """Names by provider; those that list nothing, or not in time, are missing."""
        wanted = {name: line for name, line in runtime.lines.items() if _is_asked(line.provider)}
        missing = []
        for name, line in wanted.items():
            live = self._known.get(name)
            known = live is not None and live.provider == line.provider
            if live is None or not known or live.until_s <= self._loop.time():
                task = self._fetching(name, line, runtime)
                if not known:
                    missing.append(task)
        if missing:
            await asyncio.wait(missing, timeout=WAIT_S)
        found = {name: self._known[name] for name in wanted if name in self._known}
        return {name: live.names for name, live in found.items() if live.names is not None}

    def close(self) -> None:
        for task in tuple(self._running.values()):
            task.cancel()

    def _fetching(self, name: str, line: Line, runtime: Runtime) -> asyncio.Task[None]:
        """The fetch that is under way, or a new one."""
        if name not in self._running:
            task = self._running[name] = self._loop.create_task(self._fetch(name, line, runtime))
            task.add_done_callback(lambda _: self._running.pop(name, None))
        return self._running[name]

    async def _fetch(self, name: str, line: Line, runtime: Runtime) -> None:
        names: tuple[str, ...] | None = None
        try:
            async with asyncio.timeout(FETCH_S):
                names = names_in(await _body(line, runtime))
        except (RouteError, TimeoutError):
            before = self._known.get(name)
            names = before.names if before is not None and before.provider == line.provider else None
        kept_s = FRESH_S if names is not None else AGAIN_S
        self._known[name] = Live(line.provider, self._loop.time() + kept_s, names)


def _is_asked(provider: Provider) -> bool:
    return provider.dialect in _QUERIES and (provider.has_key or provider.simulated)


async def _body(line: Line, runtime: Runtime) -> bytes:
    """The provider's own list, or nothing where it answers with an error or with too much."""
    provider = line.provider
    asked = Call(
        id="", at_ns=runtime.clock.wall_ns(), started_ns=0, dialect=_dialect(provider), api="models", method="GET",
        path="/models", query=_QUERIES[provider.dialect], headers=_HEADERS.get(provider.dialect, []), body=b"",
        fields={}, model="",
    )  # fmt: skip
    where = upstream_target(asked, provider, line.base_path, Target(provider.name, ""))
    headers = [(b"accept", b"application/json"), *upstream_headers(asked, provider)]
    pieces: list[bytes] = []
    with await line.pool.send("GET", where, headers, b"", Marks()) as reply:

        def keep(piece: bytes) -> None:
            pieces.append(piece)
            if sum(map(len, pieces)) > MOST_BYTES:
                reply.abort()

        reply.attach(keep)
        await reply.ended()
    return b"".join(pieces) if reply.status == 200 else b""


def _dialect(provider: Provider) -> Dialect:
    return next(one for one in get_args(Dialect) if one == provider.dialect)


def names_in(body: bytes) -> tuple[str, ...] | None:
    """The names in a provider's list, of whichever shape; None where it is none."""
    try:
        told = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    rows = told if isinstance(told, list) else dict_of(told).get("data") or dict_of(told).get("models")
    names = [str_of(row.get("id")) or str_of(row.get("name")).removeprefix("models/") for row in dicts_of(rows)]
    return tuple(dict.fromkeys(name for name in names if name))[:MOST_MODELS] or None


# --- what is listed -------------------------------------------------------------------------------------


def passes_on(call: Call, config: Config) -> bool:
    """Whether the one provider that the caller can mean answers itself: its list says more than ours would."""
    mine = [provider for provider in config.providers.values() if provider.dialect == call.dialect]
    if len(mine) != 1 or any(_aliases(config)):
        return False
    return len(config.providers) == 1 or not (mine[0].has_key or mine[0].simulated)


def _aliases(config: Config) -> Iterable[str]:
    """Names to which only a route gives a meaning, or another one."""
    for route in config.routes:
        if route.match.model is not None and not _GLOB & set(route.match.model):
            yield route.match.model


def models_of(runtime: Runtime, live: dict[str, tuple[str, ...]], asking: Call) -> list[Model]:
    """Every model that who asks can call, in its own dialect or translated, by the name under which it reaches it: bare
    where that means this provider, else `provider/model`. Takes up to a second for many providers that list nothing
    themselves: not for the loop.
    """
    router, catalog, at_ns = runtime.router, runtime.catalog, asking.at_ns
    usual = structs.replace(asking, api=_USUAL_API[asking.dialect])
    found = {name: Model(name, OWN) for name in _aliases(runtime.config)}
    for provider, dialect in router.dialects.items():
        if not reachable(usual, dialect):
            continue
        names: Iterable[str] = live.get(provider) or sorted(
            {price.model for price in catalog.listing(at_ns, provider) if not _GLOB & set(price.model)}
        )
        for name in names:
            is_bare = router.resolve(structs.replace(usual, model=name)) == Target(provider, name)
            reached = name if is_bare else f"{provider}/{name}"
            found.setdefault(reached, Model(reached, provider, catalog.context(provider, name)))
    return list(found.values())[:MOST_MODELS]


async def answer_of(call: Call, runtime: Runtime, lists: Lists) -> bytes:
    """The body of the answer.

    Raises:
        NotFound: It asks for one model, and there is none of that name.
    """
    live = await lists.of(runtime)
    models = await asyncio.to_thread(models_of, runtime, live, call)
    wanted = unquote(call.path.removeprefix("/models").removeprefix("/"))
    if not wanted:
        return msgspec.json.encode(_list(models, call))
    for model in models:
        if wanted in (model.id, f"{model.owner}/{model.id}"):
            return msgspec.json.encode(_ONE[call.dialect](structs.replace(model, id=wanted)))
    raise NotFound(f"no model '{wanted[:200]}' is known here: GET the path without a name for those that are")


# --- the shapes ----------------------------------------------------------------------------------------


def _openai(model: Model) -> dict[str, Any]:
    more = {} if model.context is None else {"context_length": model.context}  # OpenRouter's name for it
    return {"id": model.id, "object": "model", "created": _BORN, "owned_by": model.owner, **more}


def _anthropic(model: Model) -> dict[str, Any]:
    more = {} if model.context is None else {"max_input_tokens": model.context}
    return {"type": "model", "id": model.id, "display_name": model.id, "created_at": rfc3339(_BORN), **more}


def _gemini(model: Model) -> dict[str, Any]:
    methods = ["generateContent", "streamGenerateContent", "countTokens"]
    more = {} if model.context is None else {"inputTokenLimit": model.context}
    name = {"name": f"models/{model.id}", "displayName": model.id}
    return {**name, "supportedGenerationMethods": methods, **more}


_ONE = {"openai": _openai, "anthropic": _anthropic, "gemini": _gemini}


def _list(models: Sequence[Model], call: Call) -> dict[str, Any]:
    asked = parse_qs(call.query)
    if call.dialect == "openai":
        return {"object": "list", "data": [_openai(model) for model in models]}
    if call.dialect == "anthropic":
        return _anthropic_page(models, asked)
    size, begin = _number(asked, "pageSize", 50, 1000), _number(asked, "pageToken", 0, MOST_MODELS)
    page = models[begin : begin + size]
    more = {"nextPageToken": str(begin + size)} if begin + size < len(models) else {}
    return {"models": [_gemini(model) for model in page], **more}


def _anthropic_page(models: Sequence[Model], asked: dict[str, list[str]]) -> dict[str, Any]:
    """`limit` models behind `after_id`, or the last ones before `before_id`."""
    size, ids = _number(asked, "limit", 20, 1000), [model.id for model in models]
    after, before = asked.get("after_id", [""])[0], asked.get("before_id", [""])[0]
    begin, end = ids.index(after) + 1 if after in ids else 0, ids.index(before) if before in ids else len(ids)
    rest = models[begin:end]
    page = rest[-size:] if before in ids and after not in ids else rest[:size]
    first, last = (page[0].id, page[-1].id) if page else (None, None)
    data = [_anthropic(model) for model in page]
    return {"data": data, "has_more": len(page) < len(rest), "first_id": first, "last_id": last}


def _number(asked: dict[str, list[str]], name: str, usual: int, most: int) -> int:
    text = asked.get(name, [""])[0]
    return min(int(text), most) if text.isascii() and text.isdecimal() and len(text) < 9 and int(text) else usual
