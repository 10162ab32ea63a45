"""The ledger as JSON: `/api/v1/requests`, one of them, and what a session came to (docs/reference.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, get_args

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dd0c_route.clock import Clock
from dd0c_route.console.addresses import CALLER, Address, Caller
from dd0c_route.console.answers import json_answer, json_error
from dd0c_route.console.reading import Reading
from dd0c_route.ledger.store import Filter, id_at, moment_ns
from dd0c_route.types import EndState

MAX_LIMIT = 1000  # entries of an answer: a few megabytes; `next` leads on
_MAX_VALUE_CHARS = 1000  # of one parameter
_END_STATES = get_args(EndState)


class BadParameter(Exception):
    """A query parameter that cannot be used."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name


def api_routes(reading: Reading, clock: Clock) -> list[Address]:
    """The addresses that list entries and show one."""

    async def requests(request: Request) -> Response:
        try:
            wanted = read_filter(request.query_params.multi_items(), clock.wall_ns())
        except BadParameter as error:
            return json_error(400, "invalid_parameter", str(error), param=error.name)
        page = await reading.entries(wanted)
        return json_answer({"requests": page.entries, "next": page.next})

    async def one_request(request: Request) -> Response:
        entry_id = request.path_params["entry_id"]
        entry = await reading.entry(entry_id)
        if entry is None:
            return json_error(404, "not_found", f"no request {entry_id[:64]!r} in the ledger")
        return json_answer(entry)

    async def bodies(request: Request) -> Response:
        entry_id, caller = request.path_params["entry_id"], request.scope.get(CALLER, Caller("nobody"))
        found = await reading.bodies(entry_id)
        if found is None:
            return json_error(404, "not_found", f"no bodies of {entry_id[:64]!r} are kept: see [ledger] bodies")
        if caller.only_key not in (None, found.key_id):
            return json_error(403, "not_allowed", "that call was made with another access key: its own may read it")
        return json_answer(found)

    async def one_session(request: Request) -> Response:
        return json_answer(await reading.session(request.path_params["session"]))

    return [
        Address("/api/v1/sessions/{session:path}", one_session, method="GET", who="reader"),
        Address("/api/v1/requests", requests, method="GET", who="reader"),
        Address("/api/v1/requests/{entry_id}", one_request, method="GET", who="reader"),
        Address("/api/v1/requests/{entry_id}/bodies", bodies, method="GET", who="reader"),
    ]


def read_filter(parameters: Iterable[tuple[str, str]], now_ns: int) -> Filter:
    """The filter that query *parameters* ask for.

    Raises:
        BadParameter: One is unknown, given twice or not of its kind.
    """
    fields: dict[str, Any] = {}
    tags: list[tuple[str, str]] = []
    for name, value in parameters:
        if len(value) > _MAX_VALUE_CHARS:
            raise BadParameter(name[:50], f"longer than {_MAX_VALUE_CHARS} characters")
        if name == "tag":
            key, _, wanted = value.partition("=")
            if not key:
                raise BadParameter("tag", f"expected name=value or name, got {value!r}")
            tags.append((key, wanted))
        elif name not in _READERS:
            raise BadParameter(name[:50], f"no such parameter (there are {', '.join(_READERS)}, tag)")
        elif name in fields:
            raise BadParameter(name, "given twice")
        else:
            fields[name] = _READERS[name](name, value, now_ns)
    return msgspec.structs.replace(Filter(), **fields, tags=tuple(tags))


def _limit(name: str, value: str, now_ns: int) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value) <= MAX_LIMIT):
        raise BadParameter(name, f"expected 1 to {MAX_LIMIT}, got {value[:50]!r}")
    return int(value)


def _moment(name: str, value: str, now_ns: int) -> str:
    """An id (so that `next` is a `before`), or a time as the lowest id of it."""
    if value.startswith("dd_"):
        return value
    try:
        return id_at(moment_ns(value, now_ns))
    except ValueError as error:
        raise BadParameter(name, str(error)) from None


def _end_state(name: str, value: str, now_ns: int) -> str:
    if value not in _END_STATES:
        raise BadParameter(name, f"expected one of {', '.join(_END_STATES)}, got {value[:50]!r}")
    return value


def _true(name: str, value: str, now_ns: int) -> bool:
    if value != "true":
        raise BadParameter(name, f"expected true, got {value[:50]!r}")
    return True


def _text(name: str, value: str, now_ns: int) -> str:
    if not value:
        raise BadParameter(name, "is empty")
    return value


_READERS: dict[str, Callable[[str, str, int], int | str]] = {
    "limit": _limit,
    "since": _moment,
    "before": _moment,
    "provider": _text,
    "model": _text,
    "end_state": _end_state,
    "session": _text,
    "unpriced": _true,
}
