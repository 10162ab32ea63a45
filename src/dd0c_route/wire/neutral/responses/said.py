"""Items that clients of the Responses API were told in translation, kept in memory for a while.

The API keeps what it answers, and some clients name it by its id from then on (the AI SDK does, unless it is told
`store: false`). No provider keeps what was translated; so the router knows the latest of it, and puts it where it is
named.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import msgspec
from msgspec import Raw

from dd0c_route.wire.loose import UNREADABLE, dict_of, dicts_of, str_of, value_of
from dd0c_route.wire.neutral.responses.thoughts import unsealed

MOST_BYTES = 32 << 20  # of one worker: some thousand long answers
_ENTRY_BYTES = 300  # of an id and its place, about
_REFERENCE = b"item_reference"
_DONE = b'data: {"type":"response.output_item.done"'
_ITEMS = msgspec.json.Decoder(list[Raw])


class Said:
    """By id, the latest *most_bytes*; another worker's are not known, nor those of before a restart."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._items: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def note(self, data: bytes) -> None:
        """Keep what *data* tells: a whole response, or events of a stream, none of them in part."""
        if data.startswith(b"{"):
            for item in dicts_of(dict_of(value_of(data)).get("output")):
                self._keep(item)
        elif _DONE in data:
            for line in data.split(b"\n"):
                if line.startswith(_DONE):
                    self._keep(dict_of(dict_of(value_of(line[len(b"data: ") :])).get("item")))

    def _keep(self, item: dict[str, object]) -> None:
        id = str_of(item.pop("id", None))
        if not id:
            return
        if (before := self._items.pop(id, None)) is not None:
            self._bytes -= _ENTRY_BYTES + len(before)
        self._items[id] = told = msgspec.json.encode(item) if _tells(item) else b""
        self._bytes += _ENTRY_BYTES + len(told)
        while self._bytes > self._most_bytes:
            self._bytes -= _ENTRY_BYTES + len(self._items.popitem(last=False)[1])

    def resolved(self, fields: Mapping[str, Raw]) -> dict[str, Raw] | None:
        """A request's *fields* with the items that it names by their ids; None where there is nothing to change."""
        given = fields.get("input")
        if given is None or _REFERENCE not in bytes(given):
            return None
        try:
            items = _ITEMS.decode(given)
        except UNREADABLE:
            return None
        found = [self._of(item) if _REFERENCE in bytes(item) else item for item in items]
        if all(one is item for one, item in zip(found, items, strict=True)):
            return None
        return {**fields, "input": Raw(b"[" + b",".join([bytes(one) for one in found if bytes(one)]) + b"]")}

    def _of(self, item: Raw) -> Raw:
        named = dict_of(value_of(item))
        known = self._items.get(str_of(named.get("id"))) if named.get("type") == "item_reference" else None
        return item if known is None else Raw(known)


def _tells(item: dict[str, object]) -> bool:
    """Thoughts without their maker's signature are for the caller to read alone."""
    return item.get("type") != "reasoning" or bool(unsealed(str_of(item.get("encrypted_content")))[1])
