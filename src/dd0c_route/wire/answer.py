"""What is known of an answer so far: its pieces with their places, and what the provider reported."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import Raw, Struct, field

from dd0c_route.types import NO_TOOLS, TEXT_ONLY, Media, ServerTools, Usage
from dd0c_route.wire.loose import json_of, str_of

_MOST_CALLS = 32  # of an answer, whose ids are kept
_MARKS = 7000  # places remembered for a kind of text: 12 bytes each, 3 kinds, under 256 KiB in all


class Output(Struct, frozen=True):
    """The answer's text by kind. *tools* are tool names and pieces of argument JSON, joined."""

    text: str = ""
    reasoning: str = ""
    tools: str = ""


class Reported(Struct, frozen=True):
    """The provider's own account of the call.

    Attributes:
        usage: Disjoint counts.
        final: Nothing more is to come. Not final: an Anthropic placeholder, a Gemini chunk in mid-answer.
        raw: The report as it was sent.
        cost_usd: The charge, as a decimal string, where the provider says it.
        service_tier: The tier that served, which may not be the one asked for.
        consistent: False where the parts do not make up the total and nothing explains the rest.
        billed: What is invoiced, where the provider says that this is not what it processed (Cohere).
        media: Which of the tokens are audio, images, video.
        server_tools: What the provider's own tools did.
    """

    usage: Usage
    final: bool
    raw: dict[str, Any]
    cost_usd: str | None = None
    service_tier: str | None = None
    consistent: bool = True
    billed: Usage | None = None
    media: Media = TEXT_ONLY
    server_tools: ServerTools = NO_TOOLS


class Track(Struct, eq=False, gc=False):
    """One kind of text, growing, and how long it was behind each event.

    Of an answer with more than `_MARKS` pieces the older half of the places is thinned: there `upto` may give
    an event too little, never one too much.
    """

    _text: bytes | bytearray = b""  # UTF-8: small strings, or an io.StringIO, take ten times the space
    _first: int = 0  # where the first piece's event ended
    # Where each event ended, and the text's length there; made with the second piece: a JSON answer has one.
    _places: tuple[array[int], array[int]] | None = None

    def add(self, end: int, piece: str) -> None:
        """Append *piece*, which stands in the event that ends at *end*."""
        if not piece:
            return
        if self._places is None:
            if not self._text:
                self._text, self._first = piece.encode("utf-8", "replace"), end
                return
            self._places = array("Q", (self._first,)), array("I", (len(self._text),))
            self._text = bytearray(self._text)
        self._text += piece.encode("utf-8", "replace")
        ends, lengths = self._places
        ends.append(end)
        lengths.append(len(self._text))
        if len(ends) > _MARKS:
            half = _MARKS // 2
            del ends[0:half:2]
            del lengths[0:half:2]

    def upto(self, offset: int | None) -> str:
        """The text that stands in events lying wholly in the first *offset* bytes (None: all)."""
        if offset is None:
            return self._text.decode()
        if self._places is None:
            return self._text.decode() if self._first <= offset else ""
        ends, lengths = self._places
        count = bisect_right(ends, offset)
        return self._text[: lengths[count - 1]].decode() if count else ""

    def __bool__(self) -> bool:
        return bool(self._text)


class Answer(Struct, eq=False, gc=False):
    """The record that a dialect's functions fill in as events come.

    Attributes:
        at: Offset just behind the event being read.
        usage: The usage report so far, as sent; None where there was none.
        server_calls: Calls of the provider's own tools that stand in the answer, by field of `types.ServerTools`.
        closed: The dialect said that the answer is over (a finish reason), though more events may follow.
        finished: The dialect's own last event was seen, or a whole JSON body.
        kept_as: Ids by which the provider keeps the answer, for a request that goes on with it.
        call_ids: Of the tool calls in it, by which a later request gives their results.
    """

    at: int = 0
    text: Track = field(default_factory=Track)
    reasoning: Track = field(default_factory=Track)
    tools: Track = field(default_factory=Track)
    usage: dict[str, Any] | None = None
    model: str | None = None
    tier: str | None = None
    error: str | None = None
    server_calls: dict[str, int] | None = None
    closed: bool = False
    finished: bool = False
    kept_as: tuple[str, ...] = ()
    call_ids: tuple[str, ...] = ()

    def served_by(self, model: Any, tier: Any = None) -> None:
        """Note the model (the first one named) and the service tier (the last one)."""
        if not self.model and isinstance(model, str) and model:
            self.model = model
        if isinstance(tier, str) and tier:
            self.tier = tier

    def call(self, name: Any, arguments: Any, id: Any = None) -> None:
        """Note a tool call, or a piece of one; nothing need be there."""
        if isinstance(id, str) and id and id not in self.call_ids and len(self.call_ids) < _MOST_CALLS:
            self.call_ids += (id,)
        self.tools.add(self.at, str_of(name) + json_of(arguments))


class Dialect(NamedTuple):
    """How one API's answers are read; functions that change the `Answer` and never raise on what is in the bytes.

    Attributes:
        event: Read one event of a stream: its data and its name.
        body: Read a JSON body, given as its undecoded fields.
        usual_body: Read a JSON body of the usual kind, undecoded and in one go; False, and nothing is changed,
            where it is not of that kind.
        report: Work out the usage from `Answer.usage`.
        usage_key: Where usage stands, for a body of which only the tail is known.
        has_arrays: A stream may come as a JSON array of events.
        has_end: An answer says itself that it is over. All that was recorded of the known APIs do.
    """

    event: Callable[[Answer, bytes, bytes], None]
    body: Callable[[Answer, dict[str, Raw]], None]
    report: Callable[[Answer], Reported | None]
    usual_body: Callable[[Answer, bytes], bool] = lambda answer, data: False
    usage_key: str = "usage"
    has_arrays: bool = False
    has_end: bool = True
