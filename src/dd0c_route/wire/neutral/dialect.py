"""What a dialect must bring to be translated from and to: five files of plain functions, gathered in one `Dialect`.

`tests/wire/neutral/contract.py` holds the laws that each must keep.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from msgspec import Raw, Struct

from dd0c_route.wire.neutral.form import Answer, Fault, Loss, Piece, Prompt


class Aim(Struct, frozen=True, gc=False):
    """Whom a request is written for.

    Attributes:
        model: Its name at the provider.
        provider: As its prices are filed, which tells whose rules it keeps.
        max_output: The most tokens that the model can write; None where nobody knows.
        reasons: Whether the model thinks when asked to; None where nobody knows.
        refuses: What the model answers with an error, in the words of `brain/capabilities.toml`.
    """

    model: str
    provider: str = ""
    max_output: int | None = None
    reasons: bool | None = None
    refuses: frozenset[str] = frozenset()


class Written(Struct, frozen=True):
    """A request's body, and what is not in it. Nobody may send it without having said what is lost."""

    body: bytes
    losses: tuple[Loss, ...] = ()


class StreamReader(Protocol):
    """Bytes of one answer's stream, cut anywhere, become pieces."""

    def feed(self, data: bytes) -> list[Piece]: ...

    def end(self) -> list[Piece]:
        """The stream is over, or cut: what was held back."""


class StreamWriter(Protocol):
    """Pieces become the events of one stream, in the order that clients of the dialect rely on."""

    def feed(self, pieces: list[Piece]) -> bytes: ...

    def end(self) -> bytes:
        """The answer came whole: what the dialect ends its streams with. After a fault or a `Done`: nothing more."""


class Opening(Struct, frozen=True, gc=False):
    """What a writer needs to know before the first piece.

    Attributes:
        id, model: Stand in where the provider's own stream names none.
        created: Seconds since 1970, likewise.
        wants_usage: The caller asked for usage in the stream.
        as_array: The caller reads the stream as one JSON array, as Google's clients may.
    """

    id: str
    model: str
    created: int
    wants_usage: bool = True
    as_array: bool = False


class Dialect(NamedTuple):
    """How one API is read and written.

    Attributes:
        name: `chat`, `messages`, `responses`, `gemini`, `converse`.
        read_request: A body's undecoded fields → a prompt. Raises `BadRequest`, which names the field, where it cannot
            be understood: nobody else is going to judge it.
        write_request: Never raises on what `read_request` of any dialect gave.
        read_answer: A whole JSON body. Raises `UpstreamInvalid` where it is none.
        write_answer: The JSON body that stands for it.
        reader, writer: One for each stream.
        read_error: Status and body of an error, whatever stands in it.
        write_error: The JSON body of an error; its last argument is the call's id.
        write_fault: The same as one event of a stream.
        status: The status that clients of this dialect know for a fault.
        words: What attributes of `Prompt` are called in a request of this dialect, where that is another name.
        events: The content type of its streams.
    """

    name: str
    read_request: Callable[[Mapping[str, Raw]], Prompt]
    write_request: Callable[[Prompt, Aim], Written]
    read_answer: Callable[[bytes], Answer]
    write_answer: Callable[[Answer], bytes]
    reader: Callable[[], StreamReader]
    writer: Callable[[Opening], StreamWriter]
    read_error: Callable[[int, bytes], Fault]
    write_error: Callable[[Fault, str], bytes]
    write_fault: Callable[[Fault, str], bytes]
    status: Callable[[Fault], int]
    words: Mapping[str, str]
    events: bytes = b"text/event-stream; charset=utf-8"
