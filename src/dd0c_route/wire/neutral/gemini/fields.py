"""Google's way with JSON: names in camelCase or snake_case, and one object where a list of objects is meant.

Source: https://protobuf.dev/programming-guides/json/ for the names; recorded requests of several SDKs for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Self

from msgspec import Raw

from dd0c_route.wire.neutral.form import Loss
from dd0c_route.wire.neutral.reading import Fields, decoded

_OF_URLS = re.compile(r"[A-Za-z0-9_-]+={0,2}")
_UNDERSCORE = re.compile(r"_([a-z0-9])")


def camel(name: str) -> str:
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name) if "_" in name else name


class GoogleFields(Fields):
    """As `Fields`; names are asked for in camelCase."""

    __slots__ = ()

    def __init__(self, fields: Mapping[str, Raw], path: str, unread: list[Loss]) -> None:
        super().__init__({camel(name): raw for name, raw in fields.items()}, path, unread)

    def each(self, name: str) -> list[Self]:
        raw = self.raw(name)
        if raw.startswith(b"{"):
            found = [decoded(raw, dict[str, Raw], self.place(name))]
        else:
            found = decoded(raw, list[dict[str, Raw]], self.place(name)) if raw else []
        return [self.below(one, f"{name}[{index}]") for index, one in enumerate(found)]


def standard_base64(text: str) -> str:
    """Google's SDKs write the alphabet of URLs (RFC 4648 §5), others read only the first one (§4)."""
    return text.replace("-", "+").replace("_", "/") if _OF_URLS.fullmatch(text) else text
