"""Reading a request that is to be translated: every field is looked at, and none is overlooked.

A body that goes on as it is, is the provider's to judge; one that is translated must be understood here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any, Self, TypeVar

import msgspec
from msgspec import Raw

from dd0c_route.errors import BadRequest
from dd0c_route.wire.loose import UNREADABLE
from dd0c_route.wire.neutral.form import Json, Loss

T = TypeVar("T")
_NOTHING = (b"false", b'""', b"[]", b"{}")


@cache  # a dozen types
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decoded(raw: Raw | Json, kind: type[T], where: str) -> T:
    """*raw* as *kind*.

    Raises:
        BadRequest: It is something else; the message names *where*, never what stood there.
    """
    decoder: msgspec.json.Decoder[T] = _decoder(kind)  # type: ignore[arg-type]
    # Every type can be hashed; mypy's protocol for that says otherwise of `type[T]`.
    try:
        value = decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise BadRequest(f"`{where}` cannot be used: {error}") from None
    except UNREADABLE:
        raise BadRequest(f"`{where}` is not valid JSON") from None
    return value


class Fields:
    """The fields of one JSON object in a request, taken one by one.

    Args:
        path: Where the object stands (`messages[2].content[0]`), empty for the body itself.
        unread: Gets what `done` finds left over.
    """

    __slots__ = ("_left", "_unread", "path")

    def __init__(self, fields: Mapping[str, Raw], path: str, unread: list[Loss]) -> None:
        self._left = dict(fields)
        self._unread = unread
        self.path = path

    def take(self, name: str, kind: type[T]) -> T | None:
        """The field as *kind*; None where it is absent or null. Raises as `decoded`."""
        raw = self._left.pop(name, None)
        if raw is None or bytes(raw) == b"null":
            return None
        return decoded(raw, kind, self.place(name))

    def raw(self, name: str) -> Json:
        """The field's JSON as it came, or nothing."""
        raw = self._left.pop(name, None)
        text = b"" if raw is None else bytes(raw).strip()
        return b"" if text == b"null" else text

    def text(self, name: str) -> str:
        return self.take(name, str) or ""

    def inner(self, name: str) -> Self | None:
        """The object that the field holds."""
        found = self.take(name, dict[str, Raw])
        return None if found is None else self.below(found, name)

    def each(self, name: str) -> list[Self]:
        """The objects of the list that the field holds."""
        found = self.take(name, list[dict[str, Raw]]) or []
        return [self.below(one, f"{name}[{index}]") for index, one in enumerate(found)]

    def has(self, name: str) -> bool:
        return name in self._left

    def below(self, fields: Mapping[str, Raw], name: str) -> Self:
        """An object that was found in the field *name*."""
        return type(self)(fields, self.place(name), self._unread)

    def rest(self) -> dict[str, Json]:
        """What is left, by name, less nulls; nothing is left after that."""
        left, self._left = self._left, {}
        return {name: bytes(raw) for name, raw in left.items() if bytes(raw) != b"null"}

    def whole(self, kind: str) -> Json:
        """All that is left, as the part or tool of that *kind* that it is; nothing is left after that."""
        return msgspec.json.encode({"type": kind, **{name: Raw(raw) for name, raw in self.rest().items()}})

    def done(self, without_effect: Collection[str] = ()) -> None:
        """What is left has no place in the form, and is noted; but for fields *without_effect* on the answer, and for
        what is switched off or empty.
        """
        for name, raw in self.rest().items():
            if name not in without_effect and raw not in _NOTHING:
                self.lose(name)

    def lose(self, name: str) -> None:
        """The field *name* has no place in the form."""
        self._unread.append(Loss(self.place(name), "only the caller's own dialect has it"))

    def place(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name
