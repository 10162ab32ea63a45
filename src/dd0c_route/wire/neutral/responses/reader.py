"""A stream of OpenAI's Responses API → pieces.

Source: https://platform.openai.com/docs/api-reference/responses-streaming. Others who speak it leave events out: the
deltas, where the whole comes at once, or the items' beginnings.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from dd0c_route.wire.loose import UNREADABLE, dict_of, dicts_of, json_of, str_of, value_of
from dd0c_route.wire.neutral.events import EventReader
from dd0c_route.wire.neutral.form import (
    Begin,
    CallBegin,
    CallDelta,
    CallEnd,
    Done,
    Foreign,
    Piece,
    RefusalDelta,
    Stop,
    TextDelta,
    ThinkingDelta,
    UsageSoFar,
    WholePart,
)
from dd0c_route.wire.neutral.responses import answer, thoughts, usage
from dd0c_route.wire.neutral.responses.errors import read_event
from dd0c_route.wire.neutral.responses.thoughts import BETWEEN, DIALECT

_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_ENDS = ("response.completed", "response.incomplete")
_FAILED = ("error", "response.failed", "response.cancelled")


class _Delta(Struct, gc=False):
    """A `….delta` event: nearly all of them."""

    type: str
    delta: str
    output_index: int = 0
    content_index: int = 0


_DELTA = msgspec.json.Decoder(_Delta)


class Reader(EventReader):
    """The provider's events → pieces. Items of its own tools are told when they are done."""

    def __init__(self) -> None:
        super().__init__()
        self._begun = False
        self._over = False
        self._calls: dict[int, int] = {}  # an item's place in the output → the call's
        self._said_parts: set[tuple[int, int]] = set()  # places of items and of their parts that were told
        self._argued: set[int] = set()  # places of calls of whose arguments a piece came
        self._thought: int | None = None  # place of the thought that is being told

    def event(self, data: bytes, name: bytes, pieces: list[Piece]) -> None:
        if self._over:
            return
        if name.endswith(b".delta") or (not name and b'.delta"' in data):
            try:
                delta = _DELTA.decode(data)
            except UNREADABLE:
                return
            self._delta(delta, pieces)
            return
        event = dict_of(value_of(data))
        kind = str_of(event.get("type")) or name.decode("utf-8", "replace")
        if kind in _FAILED:
            self._over = True
            pieces.append(read_event(event))
            return
        if "response" in event and not self._begun:
            self._begin(dict_of(event["response"]), pieces)
        if kind in _ENDS:
            self._end(dict_of(event.get("response")), pieces)
        elif kind == "response.output_item.added":
            self._added(_place(event), dict_of(event.get("item")), pieces)
        elif kind == "response.output_item.done":
            self._item_done(_place(event), dict_of(event.get("item")), pieces)
        elif kind in ("response.output_text.done", "response.refusal.done"):
            place = _place(event), _place(event, "content_index")
            self._said(place, str_of(event.get("text")), str_of(event.get("refusal")), pieces)
        elif kind == "response.reasoning_summary_part.added" and _place(event) == self._thought:
            pieces.append(ThinkingDelta(BETWEEN, maker=DIALECT))  # another part of the same thought

    def _begin(self, response: dict[str, Any], pieces: list[Piece]) -> None:
        self._begun = True
        pieces.append(Begin(str_of(response.get("id")), str_of(response.get("model")), answer.created(response)))

    def _delta(self, delta: _Delta, pieces: list[Piece]) -> None:
        kind, place = delta.type, delta.output_index
        if kind == "response.output_text.delta":
            self._said_parts.add((place, delta.content_index))
            pieces.append(TextDelta(delta.delta))
        elif kind in ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta"):
            if place in self._calls and delta.delta:
                self._argued.add(place)
                pieces.append(CallDelta(self._calls[place], delta.delta))
        elif kind in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta"):
            self._thought = place
            pieces.append(ThinkingDelta(delta.delta, maker=DIALECT))
        elif kind == "response.refusal.delta":
            self._said_parts.add((place, delta.content_index))
            pieces.append(RefusalDelta(delta.delta))

    def _said(self, place: tuple[int, int], text: str, refusal: str, pieces: list[Piece]) -> None:
        """A part of a message is whole; it counts where it was not told piece by piece."""
        if place in self._said_parts:
            return
        self._said_parts.add(place)
        if text:
            pieces.append(TextDelta(text))
        elif refusal:
            pieces.append(RefusalDelta(refusal))

    def _added(self, place: int, item: dict[str, Any], pieces: list[Piece]) -> None:
        kind = str_of(item.get("type"))
        if kind in _CALLS and place not in self._calls:
            index = self._calls[place] = len(self._calls)
            custom = kind == "custom_tool_call"
            id = str_of(item.get("call_id")) or str_of(item.get("id"))
            space = str_of(item.get("namespace"))
            pieces.append(CallBegin(index, id, str_of(item.get("name")), custom, namespace=space))

    def _item_done(self, place: int, item: dict[str, Any], pieces: list[Piece]) -> None:
        kind = str_of(item.get("type"))
        if kind == "message":
            if all(part[0] != place for part in self._said_parts):
                for index, part in enumerate(dicts_of(item.get("content"))):
                    self._said((place, index), str_of(part.get("text")), str_of(part.get("refusal")), pieces)
        elif kind in _CALLS:
            self._added(place, item, pieces)
            index = self._calls[place]
            if place not in self._argued and (whole := json_of(item.get(_CALLS[kind]))):
                pieces.append(CallDelta(index, whole))
            pieces.append(CallEnd(index))
        elif kind == "reasoning" and (thought := thoughts.read(item)) is not None:
            text = "" if self._thought == place else thought.text
            pieces.append(ThinkingDelta(text, thought.signature, thought.maker, thought.sealed, ends=True))
        elif kind == "reasoning" and self._thought == place:
            pieces.append(ThinkingDelta(maker=DIALECT, ends=True))
        elif kind != "reasoning":
            pieces.append(WholePart(Foreign(DIALECT, kind, msgspec.json.encode(item))))

    def _end(self, response: dict[str, Any], pieces: list[Piece]) -> None:
        self._over = True
        if (found := usage.read(dict_of(response.get("usage")))) is not None:
            pieces.append(UsageSoFar(found))
        pieces += [Stop(answer.reason(response, calls=bool(self._calls))), Done()]


def _place(event: dict[str, Any], name: str = "output_index") -> int:
    """Where an item or a part stands; the first place, as in `_Delta`, where that is not said."""
    place = event.get(name)
    return place if isinstance(place, int) else 0
