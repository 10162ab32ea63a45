"""Whose a caller's credential is, and to whom it may go."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from datetime import date
from importlib import resources
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from dd0c_route.config import Provider
from dd0c_route.upstream.providers import known


class Mark(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `credentials.toml`."""

    begins: str
    vendors: tuple[str, ...]
    source: str
    checked: date
    subscription: bool = False
    dialect: str = ""
    header: str = ""


_TEXT = resources.files("dd0c_route.proxy").joinpath("credentials.toml").read_text("utf-8")
MARKS = msgspec.convert(tomllib.loads(_TEXT)["credential"], tuple[Mark, ...])


def _like(marks: Sequence[Mark]) -> re.Pattern[bytes]:
    """A pattern for raw values: it lets pass whatever white space is stripped before a mark is looked for."""
    begins = b"|".join(re.escape(mark.begins.encode()) for mark in marks)
    return re.compile(rb"[^!-~]*(?:bearer[^!-~]+)?(?:%b)" % begins, re.IGNORECASE)


LIKE_A_PLAN = _like([mark for mark in MARKS if mark.subscription])
"""How a header's value begins that may hold a subscription's token."""
LIKE_ONE = _like(MARKS)
"""How a header's value begins that may show whose it is."""

_BEGINS = tuple({mark.begins for mark in MARKS})


def mark_of(credential: str, headers: Sequence[tuple[bytes, bytes]]) -> Mark | None:
    """Whose *credential* is, where it shows, also by what stands among *headers*; the first row that fits."""
    if not credential.startswith(_BEGINS):
        return None
    fits = (mark for mark in MARKS if credential.startswith(mark.begins))
    return next((mark for mark in fits if not mark.header or _has(headers, mark.header.encode())), None)


def _has(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> bool:
    return any(one == name for one, _ in headers)


def may_go_to(mark: Mark, provider: Provider) -> bool:
    """Whether *provider* may get a credential that carries *mark*.

    A subscription's token goes to its vendor alone: a provider with its name (also `anthropic-eu`), its prices or
    its address, or one that speaks a dialect which is the vendor's own. Any other key is only kept from providers that
    are known to be somebody else: one with a name of the operator's own may be anything.
    """
    if any(_is(vendor, provider) for vendor in mark.vendors):
        return True
    if provider.name in known() or provider.price_as is not None:
        return False
    return not mark.subscription or mark.dialect == provider.dialect


def _is(vendor: str, provider: Provider) -> bool:
    words = f"{provider.name}-{provider.price_as or ''}".lower().replace("_", "-").split("-")
    return vendor in words or urlsplit(provider.base_url).hostname == urlsplit(known()[vendor]["base_url"]).hostname
