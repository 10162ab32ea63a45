"""What clients say of their requests in headers, as `clients.toml` has it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct, structs

from dd0c_route.types import Call

_TURN = "x-codex-turn-metadata"
_IN_BODY = "client_metadata"  # where Codex says the same again


class _Session(Struct, frozen=True, forbid_unknown_fields=True):
    headers: tuple[str, ...]
    source: str
    checked: date
    part: tuple[str, ...] = ()


class _Hint(Struct, frozen=True, forbid_unknown_fields=True):
    header: str
    source: str
    checked: date
    values: dict[str, str] = {}
    any: str | None = None


class Wording(Struct, frozen=True, forbid_unknown_fields=True):
    """A row of `clients.toml`, which says what the fields mean; *as_bytes*: the words as they are looked for."""

    kind: str
    words: tuple[str, ...]
    source: str
    checked: date
    with_tools: bool = False
    as_bytes: tuple[bytes, ...] = ()


class Clients(Struct, frozen=True):
    """The table, by header.

    Attributes:
        sessions, parts: Headers that name a conversation, and a part of one, as bytes.
    """

    sessions: frozenset[bytes]
    parts: frozenset[bytes]
    hints: dict[str, _Hint]
    wordings: tuple[Wording, ...]


@cache
def clients() -> Clients:
    table = tomllib.loads(files(__package__).joinpath("clients.toml").read_text("utf-8"))
    sessions = msgspec.convert(tuple(table["sessions"]), tuple[_Session, ...])
    hints = msgspec.convert(tuple(table["hints"]), tuple[_Hint, ...])
    wordings = msgspec.convert(tuple(table["wordings"]), tuple[Wording, ...])
    return Clients(
        frozenset(name.encode() for row in sessions for name in row.headers),
        frozenset(name.encode() for row in sessions for name in row.part),
        {hint.header: hint for hint in hints},
        tuple(structs.replace(row, as_bytes=tuple(map(str.encode, row.words))) for row in wordings),
    )


def kinds_said(call: Call, small: Mapping[str, Any]) -> set[str]:
    """The kinds that headers, and Codex's metadata in the body, speak of; empty where they say nothing."""
    hints = clients().hints
    said = {_kind(hints[name], value) for name, value in _pairs(call, small) if name in hints}
    return {kind for kind in said if kind is not None}


def _pairs(call: Call, small: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for raw_name, raw_value in call.headers:
        if not raw_name.startswith((b"x-", b"openai-")):
            continue
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        yield name, value
        if name == _TURN:
            yield from _fields_of(value)
    body = small.get(_IN_BODY)
    for name, value in body.items() if isinstance(body, dict) else ():
        if isinstance(value, str):
            yield name, value
            if name == _TURN:
                yield from _fields_of(value)


def _fields_of(metadata: str) -> Iterator[tuple[str, str]]:
    try:
        told = msgspec.json.decode(metadata)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return
    for name, value in told.items() if isinstance(told, dict) else ():
        if isinstance(value, str):
            yield f"{_TURN}.{name}", value


def _kind(hint: _Hint, value: str) -> str | None:
    word = value.strip().lower()
    return hint.values.get(word, hint.any) if word else None
