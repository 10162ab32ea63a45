"""Bodies for those who switched storing them on: copied while the call runs, redacted and written by a thread.

Nothing here delays or fails a call: what the thread does not keep up with, and what the disk refuses, is left out and
counted. A key that comes in pieces must not be stored in pieces; so of an answer in pieces it is kept what they say
together, and of anything that is cut the end is decided behind the redactor, not before it.
"""

from __future__ import annotations

import codecs
import re
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread

import msgspec
from msgspec import Struct

from dd0c_route.errors import StoreUnavailable
from dd0c_route.ledger.bodies import Bodies, Body, BodyStore
from dd0c_route.proxy.headers import Headers, credential_of
from dd0c_route.proxy.matched import route_of
from dd0c_route.redact import StreamRedactor, registered
from dd0c_route.redact.log import log
from dd0c_route.redact.stream import OVERLAP_CHARS
from dd0c_route.runtime import Runtime
from dd0c_route.types import Call
from dd0c_route.wire.encoding import Decoder, EncodingError
from dd0c_route.wire.meter import Meter

MOST_WAITING = 64  # calls
MOST_WAITING_BYTES = 16 << 20  # of their bodies
SEEN_BEYOND = 4 * OVERLAP_CHARS  # bytes behind the bound that the redactor sees, so that no half of a key is kept
END_S = 2.0  # what waits when the worker stops may take so long

_SPELLED_OUT = re.compile(rb'"(?:top_)?logprobs(?:Result)?"\s*:\s*[^n\s]')  # token by token, keys included
_SEVERAL = re.compile(rb'"(?:n|candidateCount|candidate_count)"\s*:\s*(?:[2-9]|1\d)')
_STREAMS = (b"text/event-stream", b"application/vnd.amazon.eventstream", b"application/x-ndjson")


class Copy:
    """Both sides of one call, as far as they are kept; *most* bytes each."""

    __slots__ = ("_most", "_pieces", "answer_bytes", "cap", "coding", "in_pieces", "kind", "request", "request_bytes")

    def __init__(self, body: bytes, cap: int) -> None:
        self.cap = cap
        self._most = cap + SEEN_BEYOND
        self._pieces = bytearray()
        self.answer_bytes = 0
        self.in_pieces = False
        self.kind = self.coding = b""
        self.asked(body)

    def asked(self, body: bytes) -> None:
        """This goes to the provider, instead of what went before."""
        self.request, self.request_bytes = body[: self._most], len(body)

    def answered(self, headers: Headers, body: bytes | None) -> None:
        """The answer's head, and its body where that comes in one piece."""
        fields = dict(headers)
        self.kind, self.coding = fields.get(b"content-type", b"").lower(), fields.get(b"content-encoding", b"")
        self.in_pieces = body is None
        if body is not None:
            self.piece(body)

    def piece(self, data: bytes) -> None:
        """Of the answer's body."""
        self.answer_bytes += len(data)
        if (room := self._most - len(self._pieces)) > 0:
            self._pieces += data[:room]

    @property
    def answer(self) -> bytes:
        return bytes(self._pieces)

    @property
    def held_bytes(self) -> int:
        return len(self.request) + len(self._pieces)


def copy_of(call: Call, runtime: Runtime) -> Copy | None:
    """What *call* is to be copied into; None where its bodies are not stored."""
    ledger, route = runtime.config.ledger, None
    if any(one.bodies is not None for one in runtime.config.routes):
        route = route_of(call, runtime)
    wanted = route.settings.bodies if route is not None and route.settings.bodies is not None else ledger.bodies
    return Copy(call.body, ledger.body_bytes) if wanted == "on" else None


class Over(Struct, frozen=True):
    """A call that is over; *upto*: bytes of the answer that the client was given, None: all."""

    call: Call
    copy: Copy
    meter: Meter | None
    upto: int | None


class BodyWriter:
    """One worker's."""

    def __init__(self, path: Path) -> None:
        self._store = BodyStore(path)
        self._line: SimpleQueue[Over | None] = SimpleQueue()
        # Each number has one writer, the loop or the thread: no lock is needed.
        self._taken = self._taken_bytes = self._refused = 0
        self._done = self._done_bytes = self._failed = 0
        self._thread: Thread | None = None
        self._failing = False
        self._stopping = Event()

    @property
    def dropped(self) -> int:
        """Calls whose bodies were left out: too many at once, or the disk refused them."""
        return self._refused + self._failed

    def keep(self, over: Over) -> None:
        """Have it written, if there is room in the line."""
        size = over.copy.held_bytes
        waiting, waiting_bytes = self._taken - self._done, self._taken_bytes - self._done_bytes
        if waiting >= MOST_WAITING or waiting_bytes + size > MOST_WAITING_BYTES or self._stopping.is_set():
            self._refused += 1
            return
        if self._thread is None:
            self._thread = Thread(target=self._work, name="bodies", daemon=True)
            self._thread.start()
        self._taken += 1
        self._taken_bytes += size
        self._line.put(over)

    def close(self) -> None:
        """Write what waits, for as long as that may take; the rest is left out."""
        self._line.put(None)
        if self._thread is not None:
            self._thread.join(END_S)
        self._stopping.set()
        self._refused += self._taken - self._done

    def _work(self) -> None:
        while (over := self._line.get()) is not None and not self._stopping.is_set():
            try:
                self._store.put([bodies_of(over)])
                self._failing = False
            except Exception as error:  # whatever it was: the next call's bodies must not be lost with these
                self._failed += 1
                if not self._failing:  # said once, and not for each call meanwhile
                    reason = error.message if isinstance(error, StoreUnavailable) else type(error).__name__
                    log("bodies_failing", "warning", reason=reason, fix="calls go on; their bodies are not stored")
                self._failing = True
            self._done += 1
            self._done_bytes += over.copy.held_bytes
            del over  # its bodies may be large, and the next one late
        self._store.close()


def bodies_of(over: Over) -> Bodies:
    """What is kept of a call, without secrets: those of its own caller, too."""
    call, copy = over.call, over.copy
    with registered(partial(credential_of, call.headers, call.query)):
        request = cleaned(copy.request, copy.request_bytes, copy.cap)
        return Bodies(call.id, call.key_id, request, _answer(over))


def cleaned(raw: bytes, size: int, cap: int) -> Body:
    """Up to *cap* bytes of the text in *raw*, without secrets.

    Args:
        raw: The beginning of a body; where it is not all, there are `SEEN_BEYOND` bytes more than are kept.
        size: Of the whole body.
    """
    whole = len(raw) >= size
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(raw, final=whole)
    except UnicodeDecodeError:
        return Body(None, size, left_out="it is no text")
    redactor = StreamRedactor()
    clean = "".join(redactor.feed(text[at : at + OVERLAP_CHARS]) for at in range(0, len(text), OVERLAP_CHARS))
    if whole:
        clean += redactor.end()
    kept = clean.encode()[:cap].decode("utf-8", "ignore")
    return Body(kept, size, cut=not whole or len(kept) < len(clean))


def _answer(over: Over) -> Body:
    copy, size = over.copy, over.copy.answer_bytes
    is_stream = copy.in_pieces and (over.call.stream or copy.kind.startswith(_STREAMS))
    if is_stream or _SPELLED_OUT.search(copy.answer):
        return _output(over)
    if not copy.coding:
        return cleaned(copy.answer, size, copy.cap)
    try:
        plain = b"".join(Decoder(copy.coding.decode("latin-1").strip().lower()).feed(copy.answer))
    except EncodingError:
        return Body(None, size, left_out="its content coding cannot be read")
    if _SPELLED_OUT.search(plain):
        return _output(over)
    most = copy.cap + SEEN_BEYOND
    whole = len(copy.answer) >= size and len(plain) <= most
    kept = cleaned(plain[:most], len(plain) if whole else len(plain) + 1, copy.cap)
    return msgspec.structs.replace(kept, bytes=size)


def _output(over: Over) -> Body:
    """What the pieces say together."""
    copy, size = over.copy, over.copy.answer_bytes
    if _SEVERAL.search(over.call.body):
        return Body(None, size, left_out="several answers in one stream")
    output = over.meter.output_at(over.upto) if over.meter is not None else None
    said = {name: text for name, text in msgspec.structs.asdict(output).items() if text} if output is not None else {}
    if not said:
        return Body(None, size, left_out="nothing in it can be read as an answer" if size else None)
    raw = msgspec.json.encode(said)
    kept = cleaned(raw[: copy.cap + SEEN_BEYOND], len(raw), copy.cap)
    return msgspec.structs.replace(kept, bytes=size, form="output")
