"""Pieces → a stream of OpenAI's Responses API.

Source: https://platform.openai.com/docs/api-reference/responses-streaming. Clients rely on the order: created, in
progress, each item added, its parts told and done, the item done, and at the end the response with all of it.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import structs

from dd0c_route.wire.neutral.dialect import Opening
from dd0c_route.wire.neutral.form import (
    Answer,
    Begin,
    CallBegin,
    CallDelta,
    CallEnd,
    Done,
    Fault,
    Piece,
    Refusal,
    RefusalDelta,
    Stop,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolCall,
    UsageSoFar,
)
from dd0c_route.wire.neutral.ids import item as id_of
from dd0c_route.wire.neutral.responses import errors, output, thoughts


class _Open:
    """An item that is being told."""

    def __init__(self, id: str, place: int) -> None:
        self.id = id
        self.place = place
        self.told: list[str] = []  # of the text, the summary or the arguments

    def whole(self) -> str:
        return "".join(self.told)


class _Message(_Open):
    """*parts*: those that are done; *refuses*: what the one is that is being told, None where none is."""

    def __init__(self, id: str, place: int) -> None:
        super().__init__(id, place)
        self.parts: list[dict[str, Any]] = []
        self.refuses: bool | None = None
        self.delta = b""  # the event of a piece of text, up to its number


class _Thought(_Open):
    maker = ""
    signature = ""
    begun = False


class _Call(_Open):
    def __init__(self, id: str, place: int, call: ToolCall) -> None:
        super().__init__(id, place)
        self.call = call


class Writer:
    """A message or a thought is open at a time, or any number of calls."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._answer: Answer | None = None
        self._ended = False
        self._number = 0
        self._items: list[Any] = []  # of the output, None where one is not done yet
        self._open: _Message | _Thought | None = None
        self._calls: dict[int, _Call] = {}

    def feed(self, pieces: list[Piece]) -> bytes:
        out: list[bytes] = []
        for piece in pieces:
            if self._ended:
                break
            if self._answer is None:
                self._answer = self._begin(piece if isinstance(piece, Begin) else Begin(), out)
            if isinstance(piece, TextDelta):
                self._text(piece.text, out)
            else:
                self._other(piece, self._answer, out)
        return b"".join(out)

    def end(self) -> bytes:
        if self._ended or self._answer is None:
            return b""
        self._ended = True
        out: list[bytes] = []
        status = output.ending(self._answer.stop)
        self._close(out, status)
        self._event(f"response.{status}", out, response=output.response(self._answer, status, self._items))
        return b"".join(out)

    def _begin(self, piece: Begin, out: list[bytes]) -> Answer:
        opening = self._opening
        answer = Answer(
            id=piece.id or opening.id, model=piece.model or opening.model, created=piece.created or opening.created
        )
        for kind in ("response.created", "response.in_progress"):
            self._event(kind, out, response=output.response(answer, "in_progress", []))
        return structs.replace(answer, usage=piece.usage)

    def _other(self, piece: Piece, answer: Answer, out: list[bytes]) -> None:
        if isinstance(piece, ThinkingDelta):
            self._thought(piece, out)
        elif isinstance(piece, CallBegin):
            self._call(piece, out)
        elif isinstance(piece, CallDelta):
            self._arguments(piece, out)
        elif isinstance(piece, CallEnd):
            self._end_call(piece.index, out, "completed")
        elif isinstance(piece, RefusalDelta):
            message = self._part(True, out)
            message.told.append(piece.text)
            place = {"item_id": message.id, "output_index": message.place, "content_index": len(message.parts)}
            self._event("response.refusal.delta", out, **place, delta=piece.text)
        elif isinstance(piece, Stop):
            self._answer = structs.replace(answer, stop=piece.reason)
        elif isinstance(piece, UsageSoFar):
            self._answer = structs.replace(answer, usage=piece.usage)
        elif isinstance(piece, Done):
            out.append(self.end())
        elif isinstance(piece, Fault):
            self._fail(piece, answer, out)

    def _fail(self, fault: Fault, answer: Answer, out: list[bytes]) -> None:
        """Two events say it, as some clients look for the one and some for the other."""
        self._ended = True
        out.append(errors.event(fault, self._number))
        self._number += 1
        error = {"code": errors.code_of(fault), "message": fault.message}
        done = [item for item in self._items if item is not None]
        self._event("response.failed", out, response=output.response(answer, "failed", done, error))

    # --- messages ---------------------------------------------------------------------------------------------------

    def _text(self, text: str, out: list[bytes]) -> None:
        message = self._open
        if not isinstance(message, _Message) or message.refuses is not False:
            message = self._part(False, out)
        message.told.append(text)
        out.append(b'%b%d,"delta":%b}\n\n' % (message.delta, self._number, msgspec.json.encode(text)))
        self._number += 1

    def _part(self, refuses: bool, out: list[bytes]) -> _Message:
        """The open message, with a part that takes text or a refusal."""
        message = self._open
        if not isinstance(message, _Message):
            self._close(out)
            message = self._open = _Message(*self._next("msg_"))
            self._added(message, output.message(message.id, [], "in_progress"), out)
        if message.refuses is not refuses:
            self._end_part(message, out)
            message.refuses = refuses
            place = len(message.parts)
            message.delta = (
                b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"%b",'
                b'"output_index":%d,"content_index":%d,"logprobs":[],"sequence_number":'
                % (message.id.encode(), message.place, place)
            )
            part = output.content(Refusal("") if refuses else Text(""))
            self._event("response.content_part.added", out, **self._at(message), content_index=place, part=part)
        return message

    def _end_part(self, message: _Message, out: list[bytes]) -> None:
        if message.refuses is None:
            return
        text = message.whole()
        at = {**self._at(message), "content_index": len(message.parts)}
        if message.refuses:
            self._event("response.refusal.done", out, **at, refusal=text)
        else:
            self._event("response.output_text.done", out, **at, text=text, logprobs=[])
        part = output.content(Refusal(text) if message.refuses else Text(text))
        self._event("response.content_part.done", out, **at, part=part)
        message.parts.append(part)
        message.refuses = None
        message.told.clear()

    # --- thoughts ---------------------------------------------------------------------------------------------------

    def _thought(self, piece: ThinkingDelta, out: list[bytes]) -> None:
        thought = self._open
        if not isinstance(thought, _Thought):
            if not (piece.text or piece.signature):
                return
            self._close(out)
            thought = self._open = _Thought(*self._next("rs_"))
            self._added(thought, {"id": thought.id, "type": "reasoning", "summary": []}, out)
        thought.maker = piece.maker or thought.maker
        thought.signature += piece.signature
        if piece.text:
            at = {**self._at(thought), "summary_index": 0}
            if not thought.told:
                part = {"type": "summary_text", "text": ""}
                self._event("response.reasoning_summary_part.added", out, **at, part=part)
            thought.told.append(piece.text)
            self._event("response.reasoning_summary_text.delta", out, **at, delta=piece.text)
        if piece.ends:
            self._close(out)

    def _end_thought(self, thought: _Thought, out: list[bytes]) -> None:
        text = thought.whole()
        if thought.told:
            at = {**self._at(thought), "summary_index": 0}
            self._event("response.reasoning_summary_text.done", out, **at, text=text)
            part = {"type": "summary_text", "text": text}
            self._event("response.reasoning_summary_part.done", out, **at, part=part)
        self._done(thought, thoughts.written(Thinking(text, thought.signature, thought.maker), thought.id), out)

    # --- calls ------------------------------------------------------------------------------------------------------

    def _call(self, piece: CallBegin, out: list[bytes]) -> None:
        """Pieces of several calls may come mixed: those before it stay open."""
        if self._open is not None:
            self._close(out)
        call = ToolCall(piece.id, piece.name, "", piece.custom, namespace=piece.namespace)
        found = self._calls[piece.index] = _Call(*self._next("ctc_" if piece.custom else "fc_"), call)
        self._added(found, output.call(call, found.id, "in_progress"), out)

    def _arguments(self, piece: CallDelta, out: list[bytes]) -> None:
        found = self._calls.get(piece.index)
        if found is not None:
            found.told.append(piece.arguments)
            self._event(f"{_event_of(found.call)}.delta", out, **self._at(found), delta=piece.arguments)

    def _end_call(self, index: int, out: list[bytes], status: str) -> None:
        found = self._calls.pop(index, None)
        if found is None:
            return
        item = output.call(structs.replace(found.call, arguments=found.whole()), found.id, status)
        name = "input" if found.call.custom else "arguments"
        self._event(f"{_event_of(found.call)}.done", out, **self._at(found), **{name: item[name]})
        self._done(found, item, out)

    # --- items ------------------------------------------------------------------------------------------------------

    def _next(self, prefix: str) -> tuple[str, int]:
        """Id and place of a new item."""
        place = len(self._items)
        self._items.append(None)
        about = self._answer.id if self._answer is not None else ""
        return id_of(prefix, about, place), place

    def _at(self, item: _Open) -> dict[str, Any]:
        return {"item_id": item.id, "output_index": item.place}

    def _added(self, item: _Open, as_begun: dict[str, Any], out: list[bytes]) -> None:
        self._event("response.output_item.added", out, output_index=item.place, item=as_begun)

    def _done(self, item: _Open, as_told: dict[str, Any], out: list[bytes]) -> None:
        self._items[item.place] = as_told
        self._event("response.output_item.done", out, output_index=item.place, item=as_told)

    def _close(self, out: list[bytes], status: str = "completed") -> None:
        """End whatever is open."""
        opened, self._open = self._open, None
        if isinstance(opened, _Message):
            self._end_part(opened, out)
            self._done(opened, output.message(opened.id, opened.parts, status), out)
        elif opened is not None:
            self._end_thought(opened, out)
        for index in list(self._calls):
            self._end_call(index, out, status)

    def _event(self, kind: str, out: list[bytes], **fields: Any) -> None:
        body = {"type": kind, "sequence_number": self._number, **fields}
        out.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(body)))
        self._number += 1


def _event_of(call: ToolCall) -> str:
    return "response.custom_tool_call_input" if call.custom else "response.function_call_arguments"
