"""What a request's frame is, and how its fields are read: anything that is not known has no frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Raw, Struct

from dd0c_route.tokens.loose import decoded

Fields = Mapping[str, Raw]


class Frame(Struct, frozen=True):
    """What a request comes to: each text is encoded apart.

    Attributes:
        tokens: Those beside the texts.
        below, above: By how much the provider's count may differ, where it is not consistent itself.
    """

    texts: tuple[str, ...]
    tokens: int = 0
    below: int = 0
    above: int = 0


class Sum:
    """Texts, and tokens with how far they may be off."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.tokens = self.below = self.above = 0

    def add(self, part: tuple[int, int, int], times: int = 1) -> None:
        self.tokens += part[0] * times
        self.below += part[1] * times
        self.above += part[2] * times

    def frame(self) -> Frame:
        return Frame(tuple(self.texts), self.tokens, self.below, self.above)


class Unknown(Exception):
    """The request holds something whose tokens are not known."""


def text(content: Any, kinds: tuple[str, ...]) -> str:
    """A message's content: a text, or parts that the API joins."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = dicts(content)
    if any(part.get("type") not in kinds for part in parts):
        raise Unknown
    return "".join([string(part.get("text")) for part in parts])


def objects(fields: Fields, name: str) -> list[dict[str, Any]]:
    return dicts(decode(fields, name))


def dicts(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Unknown
    return value


def string(value: Any) -> str:
    if not isinstance(value, str):
        raise Unknown
    return value


def decode(fields: Fields, name: str) -> Any:
    if name not in fields:
        raise Unknown
    try:
        return decoded(fields[name])
    except ValueError:
        raise Unknown from None


def refuse(fields: Fields, names: Iterable[str]) -> None:
    if any(given(fields, name) for name in names):
        raise Unknown


def given(fields: Fields, name: str) -> bool:
    return name in fields and bytes(fields[name]) not in (b"null", b"[]", b'""')
