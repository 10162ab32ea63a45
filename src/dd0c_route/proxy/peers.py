"""Headers that other gateways read, and what they say to this one: the rows of `peers.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
from msgspec import Struct

from dd0c_route.redact.log import log

Means = Literal["session", "tags", "metadata", "tag", "key", "nothing"]


class Peer(Struct, frozen=True, forbid_unknown_fields=True):
    """One row."""

    name: str
    means: Means
    source: str
    tag: str = ""


class Heard(Struct, frozen=True):
    """What a request's headers of other gateways say."""

    session: str | None
    tags: dict[str, str]


_TEXT = resources.files("dd0c_route.proxy").joinpath("peers.toml").read_text("utf-8")
PEERS = msgspec.convert(tomllib.loads(_TEXT)["header"], tuple[Peer, ...])
KEYS = frozenset(peer.name.encode() for peer in PEERS if peer.means == "key")
_NAMED = {peer.name.encode(): peer for peer in PEERS if not peer.name.endswith("*")}
_BEGUN = tuple((peer.name[:-1].encode(), peer) for peer in PEERS if peer.name.endswith("*"))


def peer_of(name: bytes) -> Peer | None:
    """What the header *name* means, which has a meaning only elsewhere."""
    return _NAMED.get(name) or next((peer for begin, peer in _BEGUN if name.startswith(begin)), None)


def heard(headers: Iterable[tuple[bytes, bytes]]) -> Heard:
    """What *headers* say: of two sessions the first, of two tags of one name the last. The unreadable says nothing."""
    session: str | None = None
    tags: dict[str, str] = {}
    for name, value in headers:
        peer, text = peer_of(name), value.decode("latin-1").strip()
        if peer is None or not text:
            continue
        if peer.means == "session":
            session = session or text
        elif peer.means == "tags":
            tags |= tags_of(text)
        elif peer.means == "metadata":
            tags |= _metadata(text)
        elif peer.means == "tag":
            tags[peer.tag or name[len(peer.name) - 1 :].decode("latin-1")] = text
        elif peer.means == "nothing":
            _say_once(peer.name)
    return Heard(session, tags)


def tags_of(text: str) -> dict[str, str]:
    """`team=core,feature=search` → a dictionary; a name without a value is kept with an empty one."""
    tags: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name.strip():
            tags[name.strip()] = value.strip()
    return tags


def _metadata(text: str) -> dict[str, str]:
    try:
        told = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {
        name.lstrip("_"): value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in told.items()
        if name.lstrip("_") and isinstance(value, str | int | float)
    }


@cache  # one line a name and process
def _say_once(name: str) -> None:
    log("header_without_meaning", "info", reason=f"{name} acts in another gateway, and not here")
