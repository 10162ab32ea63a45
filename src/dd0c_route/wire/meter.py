"""The meter: reads along behind the relay and knows what an answer used, said and was served by.

It is fed with the bytes that went to the client, after they went, and never raises: whatever is wrong with an
answer's bytes is between the provider and the client.
"""

from __future__ import annotations

from msgspec import structs

from dd0c_route.wire import anthropic, bedrock, cohere, gemini, ollama, openai_chat, openai_responses
from dd0c_route.wire.answer import Answer, Dialect, Output, Reported
from dd0c_route.wire.encoding import Decoder, EncodingError
from dd0c_route.wire.eventstream import EventStreamError
from dd0c_route.wire.frames import LOOKED_AT_BYTES, AwsFrames, Frames, JsonFrames, frames_for, is_blank, read_json
from dd0c_route.wire.loose import has_odd_count
from dd0c_route.wire.sse import MAX_EVENT_BYTES

__all__ = ["Meter", "Output", "Reported", "meter_for"]

_DIALECTS: dict[str, Dialect] = {
    "openai.chat": openai_chat.CHAT,
    "openai.completions": openai_chat.CHAT,
    "openai.embeddings": openai_chat.CHAT,
    "openai.responses": openai_responses.RESPONSES,
    "openai.input_tokens": anthropic.COUNT_TOKENS,  # the same field
    "anthropic.messages": anthropic.MESSAGES,
    "anthropic.count_tokens": anthropic.COUNT_TOKENS,
    "gemini.generate": gemini.GENERATE,
    "gemini.count_tokens": gemini.COUNT_TOKENS,
    "bedrock.converse": bedrock.CONVERSE,
    "bedrock.invoke": bedrock.INVOKE,
    "cohere.chat": cohere.CHAT,
    "cohere.embeddings": cohere.CHAT,
    "ollama": ollama.CHAT,
}


_NO_ANSWER = "the body is neither JSON nor events"
_UNKNOWN = openai_chat.CHAT._replace(has_end=False)


def meter_for(api: str, content_type: str, content_encoding: str) -> Meter:
    """A meter for one answer. Usage of an unknown *api* is recognised where it looks like OpenAI's.

    Args:
        api: As `api_of` names it.
        content_type: The answer's header, or empty.
        content_encoding: The answer's header, or empty; gzip, deflate, br and zstd are read.
    """
    return Meter(dialect_of(api), content_type, content_encoding.strip().lower())


def dialect_of(api: str) -> Dialect:
    """How the answers of *api* are read."""
    return _DIALECTS.get(api, _UNKNOWN)


class Meter:
    """What is known of one answer so far.

    Attributes:
        fault: Why the rest of the body is not metered (no such content coding, damaged, a bomb), or None.
    """

    __slots__ = (
        "_answer",
        "_content_type",
        "_decoded",
        "_decoder",
        "_dialect",
        "_fed",
        "_frames",
        "_head",
        "_reported",
        "fault",
    )

    def __init__(self, dialect: Dialect, content_type: str, coding: str) -> None:
        self.fault: str | None = None
        self._dialect = dialect
        self._content_type = content_type
        self._answer = Answer()
        self._frames: Frames | None = None
        self._head = b""  # blank bytes, before the first that shows how to cut
        self._fed = 0  # body bytes
        self._decoded = 0  # the same without content coding
        self._decoder: Decoder | None = None
        self._reported: Reported | None = None  # worked out since the last byte
        if coding not in ("", "identity"):
            try:
                self._decoder = Decoder(coding)
            except EncodingError as error:
                self.fault = str(error)

    def feed(self, data: bytes) -> None:
        """Read on. Any cuts will do."""
        self._reported = None
        self._fed += len(data)
        if self.fault is not None:
            return
        try:
            if self._decoder is None:
                self._read(data)
            else:
                for piece in self._decoder.feed(data):
                    self._read(piece)
                    if self.fault is not None:
                        return  # a bomb is not undone for nobody to read
        except (EncodingError, EventStreamError) as error:
            self.fault = str(error)

    def end(self) -> None:
        """The body is complete, or cut: what is only clear now is read now."""
        self._reported = None
        if self._frames is not None:
            self._frames.end()

    def whole(self, body: bytes) -> None:
        """The whole body at once: the same as `feed` and `end`, at half the cost for JSON."""
        kind = self._content_type
        plain_json = kind.startswith("application/json") and kind[16:17] in ("", ";") and body[:1] == b"{"
        if plain_json and self._decoder is None and self.fault is None and len(body) <= MAX_EVENT_BYTES:
            self._fed = self._decoded = len(body)
            read_json(self._answer, self._dialect, body)
        else:
            self.feed(body)
            self.end()

    def _read(self, data: bytes) -> None:
        self._decoded += len(data)
        frames = self._frames
        if frames is None:
            data = self._head + data
            if len(data) < LOOKED_AT_BYTES and is_blank(data):
                self._head = data
                return
            frames = self._frames = frames_for(self._content_type, data, self._answer, self._dialect)
            if frames is None:
                self.fault = _NO_ANSWER
                return
        frames.feed(data)

    @property
    def finished(self) -> bool:
        """The dialect's own last event was seen, or a whole JSON body was read. Gemini's streams have no such event."""
        return self._answer.finished

    @property
    def cut_short(self) -> bool:
        """What came is nothing, or the beginning of an answer: half a JSON body, a stream without a word of its end."""
        answer = self._answer
        if self.fault is not None or answer.error is not None or answer.finished or answer.closed:
            return False
        return self._dialect.has_end or isinstance(self._frames, JsonFrames)

    @property
    def is_no_answer(self) -> bool:
        """What came is nothing that any API answers: a page, a sentence, frames that are none."""
        return self.fault is _NO_ANSWER or (self.fault is not None and isinstance(self._frames, AwsFrames))

    @property
    def reported(self) -> Reported | None:
        """The best usage report so far; one with a count that is no number is not final, or none."""
        if self._reported is None:
            reported = self._dialect.report(self._answer)
            if reported is not None and not (reported.usage.output_total and reported.usage.input_total):
                reported = _trusted(reported, has_output=self.has_output)
            self._reported = reported
        return self._reported

    @property
    def served_model(self) -> str | None:
        return self._answer.model

    @property
    def kept_as(self) -> tuple[str, ...]:
        """Ids by which the provider keeps the answer."""
        return self._answer.kept_as

    @property
    def call_ids(self) -> tuple[str, ...]:
        """Ids of the tool calls that the provider asks for."""
        return self._answer.call_ids

    @property
    def error(self) -> str | None:
        """The provider's error type, in a stream or in a body; a word, never its message."""
        return self._answer.error

    @property
    def has_output(self) -> bool:
        """Some answer text, tool or reasoning piece was seen."""
        return bool(self._answer.text or self._answer.reasoning or self._answer.tools)

    def output_at(self, body_bytes: int | None = None) -> Output:
        """What stands in the events that lie wholly in the first *body_bytes* bytes (None: in all).

        Bytes count as the provider sent them. Of a body with a content coding the place is interpolated, as if
        it were equally dense everywhere; a JSON body is one event, a JSON array one for each element.
        """
        if body_bytes is not None and self._decoder is not None:
            body_bytes = self._decoded * body_bytes // self._fed if body_bytes < self._fed else None
        return self._output_upto(body_bytes)

    def _output_upto(self, decoded: int | None) -> Output:
        answer = self._answer
        return Output(
            text=answer.text.upto(decoded),
            reasoning=answer.reasoning.upto(decoded),
            tools=answer.tools.upto(decoded),
        )


def _trusted(reported: Reported, *, has_output: bool) -> Reported | None:
    """*reported*, where zero does not only mean that a count could not be read: an answer is never free by a fault."""
    if has_odd_count(reported.raw):
        return structs.replace(reported, final=False, consistent=False) if reported.usage.input_total else None
    if has_output and reported.final and not reported.usage.output_total:  # it was said, and nobody counted it
        return structs.replace(reported, consistent=False) if reported.usage.input_total else None
    return reported
