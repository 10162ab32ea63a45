"""A call that goes to a provider of another dialect: what becomes of it there, and of its answer here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from msgspec import structs

from dd0c_route.brain.capabilities import Capability
from dd0c_route.config import Provider
from dd0c_route.decide.foreign import aim_at, lacking
from dd0c_route.errors import BadRequest, UpstreamError, UpstreamInvalid
from dd0c_route.proxy.headers import PRIVATE, Headers
from dd0c_route.redact import redact_bytes, redact_sensitive
from dd0c_route.types import Call, Dialect, Target
from dd0c_route.wire.body import split
from dd0c_route.wire.encoding import EncodingError, decoded
from dd0c_route.wire.neutral import (
    DIALECTS,
    Fault,
    Opening,
    Piece,
    Prompt,
    StreamReader,
    StreamWriter,
    api_at,
    explained,
    untold,
    written,
)
from dd0c_route.wire.neutral import Dialect as Spoken
from dd0c_route.wire.neutral.customs import Own, Restored, owns_of
from dd0c_route.wire.neutral.faults import kind_by_status
from dd0c_route.wire.neutral.fold import pieces_of
from dd0c_route.wire.neutral.form import Part
from dd0c_route.wire.neutral.placed import PlacedMeter
from dd0c_route.wire.show_cost import ArrayCostWriter, AskCost, CostWriter


class _Place(NamedTuple):
    """Where an API is that foreign calls are sent to, below the base URL.

    Attributes:
        path: Of all calls, or of those for a whole answer.
        stream_path: Of those for a stream, where that is another one; with its query.
        headers: That it wants.
    """

    dialect: Dialect
    path: str
    stream_path: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()


_PLACES = {
    "openai.chat": _Place("openai", "/chat/completions"),
    "openai.responses": _Place("openai", "/responses"),
    "anthropic.messages": _Place("anthropic", "/messages", headers=((b"anthropic-version", b"2023-06-01"),)),
    "gemini.generate": _Place(
        "gemini", "/models/{model}:generateContent", "/models/{model}:streamGenerateContent?alt=sse"
    ),
    "bedrock.converse": _Place("bedrock", "/model/{model}/converse", "/model/{model}/converse-stream"),
}

_OWN_HEADERS = (b"anthropic-", b"openai-", b"x-goog-", b"x-stainless-", b"chatgpt-", b"x-amz", b"amz-sdk-")
"""How headers begin that speak to one provider alone, or to the maker of an SDK."""

_ID_HEADERS = {"anthropic": b"request-id", "bedrock": b"x-amzn-requestid"}
"""Where SDKs look for the id of a request; all others in `x-request-id`."""

DECODED_BYTES = 16 << 20  # of an answer with a content coding: it is read in one go, on the loop

_JSON = b"application/json"
_EVENTS = b"text/event-stream"


class Crossing:
    """One call on its way from one dialect into another and back.

    Attributes:
        sent: The call as the provider gets it.
        dropped: What is not in it, in the caller's words; and before that, as it comes, what of the answer is not told.
        dropping: Gets `dropped` again where it has become more.
        note: Gets all that the caller is told, where its dialect lets it name that again.
    """

    def __init__(
        self, call: Call, sent: Call, ours: Spoken, theirs: Spoken, prompt: Prompt, owns: Mapping[str, Own]
    ) -> None:
        self.sent = sent
        self.dropped: tuple[str, ...] = ()
        self.dropping: Callable[[tuple[str, ...]], None] | None = None
        self.note: Callable[[bytes], None] | None = None
        self._call = call
        self._ours = ours
        self._theirs = theirs
        self._restored = Restored(owns)
        self._opening = Opening(
            call.id,
            sent.model,
            call.at_ns // 1_000_000_000,
            prompt.wants_usage or call.wants_cost,
            as_array=call.dialect == "gemini" and "alt=sse" not in call.query.split("&"),
        )

    def whole(self, status: int, body: bytes) -> tuple[int, bytes]:
        """A body that came whole, as the caller reads it: an answer, or an error with the status its clients know.

        Raises:
            UpstreamInvalid: It is no answer of the provider's dialect.
        """
        if status >= 400 and self._call.dialect == self.sent.dialect:
            return status, body  # all of a provider's APIs have the same errors
        if status >= 400:
            fault = self._theirs.read_error(status, body)
            return self._ours.status(fault), redact_bytes(self._ours.write_error(fault, self._call.id))
        answer = self._restored.answer(self._theirs.read_answer(body))
        self._name_untold(answer.parts)
        if self._call.stream:
            writer = self._ours.writer(self._opening)
            return status, self._noted(writer.feed(pieces_of(answer)) + writer.end())
        opening = self._opening
        answer = structs.replace(
            answer,
            id=answer.id or opening.id,
            model=answer.model or opening.model,
            created=answer.created or opening.created,
        )
        return status, self._noted(self._ours.write_answer(answer))

    def encoded(self, coding: str, status: int, body: bytes) -> tuple[int, bytes]:
        """As `whole`, of a body that came with a content coding although none was asked for.

        Raises:
            UpstreamInvalid: Also where it cannot be decoded.
        """
        try:
            plain = decoded(coding, body, DECODED_BYTES)
        except EncodingError as error:
            raise UpstreamInvalid(f"the provider's answer cannot be read: {error}") from None
        return self.whole(status, plain)

    def _name_untold(self, told: Sequence[Part | Piece]) -> None:
        """What the caller's dialect cannot tell stands before the request's fields: an entry names but a few."""
        names = [name for one in told if (name := untold(one, self._ours.name))]
        if new := [name for name in dict.fromkeys(names) if name not in self.dropped]:
            self.dropped = (*new, *self.dropped)
            if self.dropping is not None:
                self.dropping(self.dropped)

    def _noted(self, told: bytes) -> bytes:
        if self.note is not None:
            self.note(told)
        return told

    def headers(self, theirs: Headers, *, streamed: bool) -> Headers:
        """The provider's headers with the type of what the caller gets; its id is also where the caller's SDK looks."""
        kept = [pair for pair in theirs if pair[0] not in (b"content-type", b"content-encoding", b"content-length")]
        kept.append((b"content-type", self._ours.events if streamed and not self._opening.as_array else _JSON))
        shown = _ID_HEADERS.get(self._call.dialect, b"x-request-id")
        ids = [value for name, value in kept if name in (b"x-request-id", *_ID_HEADERS.values())]
        if ids and not any(name == shown for name, _ in kept):
            kept.append((shown, ids[0]))
        return kept

    def is_stream(self, kind: bytes) -> bool:
        """Whether an answer of the content type *kind* is a stream of the provider's dialect."""
        return kind.partition(b";")[0].strip() == self._theirs.events.partition(b";")[0]

    def stream(self, meter: PlacedMeter, cost: AskCost | None) -> Translator:
        """What translates the answer's stream; *cost*: is shown in it, where the dialect has a place for it."""
        then: CostWriter | ArrayCostWriter | None = None
        if cost is not None and self._ours.events.startswith(_EVENTS):
            then = ArrayCostWriter(cost) if self._opening.as_array else CostWriter(cost)
        writer = self._ours.writer(self._opening)
        return Translator(self._theirs.reader(), self._restored, writer, meter, then, self._noted, self._name_untold)


class Translator:
    """A stream on its way: the provider's bytes in, the caller's events out; whole ones alone."""

    def __init__(
        self, reader: StreamReader, restored: Restored, writer: StreamWriter, meter: PlacedMeter,
        then: CostWriter | ArrayCostWriter | None, noted: Callable[[bytes], bytes],
        name_untold: Callable[[list[Piece]], None],
    ) -> None:  # fmt: skip
        self._reader = reader
        self._restored = restored
        self._writer = writer
        self._meter = meter
        self._then = then
        self._noted = noted
        self._name_untold = name_untold

    def feed(self, data: bytes) -> bytes:
        return self._passed(self._writer.feed(self._read(self._reader.feed(data))))

    def end(self) -> bytes:
        out = self._passed(self._writer.feed(self._read(self._reader.end())) + self._writer.end())
        return out + (self._then.end() if self._then is not None else b"")

    def _read(self, pieces: list[Piece]) -> list[Piece]:
        self._name_untold(pieces)
        pieces = [_clean(piece) if isinstance(piece, Fault) else piece for piece in pieces]
        return self._restored.pieces(pieces)

    def cut(self, error: UpstreamError) -> bytes:
        """What the caller is told where the provider's stream breaks off."""
        kind = kind_by_status(error.status)
        return self._writer.feed([_clean(Fault(error.status, kind, error.message, error.code))])

    def _passed(self, out: bytes) -> bytes:
        out = self._noted(out)
        if self._then is not None:
            out = self._then.feed(out)
        if out:
            self._meter.passed(len(out))
        return out


def _clean(fault: Fault) -> Fault:
    return structs.replace(fault, message=redact_sensitive(fault.message))


def crossing(
    call: Call, target: Target, provider: Provider, able_of: Callable[[Target], Capability], *, may_drop: bool = False
) -> Crossing | None:  # fmt: skip
    """What *call* becomes for *target*; None where its provider is asked in the caller's own words.

    Args:
        able_of: What a target's model can do, as far as that is known.
        may_drop: The call's route allows to leave out what the provider cannot be given.

    Raises:
        BadRequest: The provider cannot be given all of it, and nobody allows to leave that out; or it cannot be read.
    """
    api = api_at(call.api, call.dialect, provider.dialect, lacking(provider, target.model))
    if api is None:
        return None
    ours, theirs = DIALECTS[call.api], DIALECTS[api]
    prompt = structs.replace(ours.read_request(call.fields), stream=call.stream)  # some say it in their path
    aim = aim_at(target, provider.price_as or provider.name, able_of(target))
    body, losses = structs.astuple(written(prompt, api, aim))
    if losses and not (call.may_drop or may_drop or provider.drop):
        raise BadRequest(explained(losses, str(target)[:128], lambda word: ours.words.get(word, word)))
    place = _PLACES[api]
    path = (place.stream_path if call.stream else "") or place.path
    path, _, query = path.format(model=quote(target.model, safe="")).partition("?")
    sent = structs.replace(
        call,
        dialect=place.dialect,
        api=api,
        path=path,
        query=query,
        headers=[*(call.headers if place.dialect == call.dialect else _general(call.headers)), *place.headers],
        body=body,
        fields=split(body),
        model=target.model,
    )
    found = Crossing(call, sent, ours, theirs, prompt, owns_of(prompt, api, aim))
    found.dropped = tuple(ours.words.get(loss.field, loss.field) for loss in losses)
    return found


def _general(headers: Headers) -> Headers:
    """Without the caller's credential, which is for another provider, and without what only that one understands."""
    return [pair for pair in headers if pair[0] not in PRIVATE and not pair[0].startswith(_OWN_HEADERS)]
