"""The neutral form: what every dialect can be read into and written from, so that N dialects need N translations.

It holds meaning, not bytes: the shape of a content list, the order of keys and the like are not kept. Arguments of
tools, schemas and whatever only one dialect has stay JSON text as it came.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from dd0c_route.types import Usage

Json = bytes  # one JSON text, not taken apart
Cache = Literal["", "5m", "1h"]  # what is asked of an explicit cache behind this place

# --- parts ------------------------------------------------------------------------------------------------------


class Text(Struct, frozen=True, gc=False):
    text: str
    cache: Cache = ""


class Image(Struct, frozen=True, gc=False):
    """By its address or by its bytes: *url*, or *data* (base64) of the type *mime*. *detail*: `low`, `high`, `auto`."""

    url: str = ""
    data: str = ""
    mime: str = ""
    detail: str = ""
    cache: Cache = ""


class File(Struct, frozen=True, gc=False):
    """A document, like `Image`. *id*: of a file that the provider keeps, which no other provider can read."""

    url: str = ""
    data: str = ""
    mime: str = ""
    name: str = ""
    id: str = ""
    cache: Cache = ""


class Audio(Struct, frozen=True, gc=False):
    """Base64 *data* of *format* (`wav`, `mp3`, …)."""

    data: str
    format: str


class ToolCall(Struct, frozen=True, gc=False):
    """The model calls a tool.

    Attributes:
        id: As the provider gave it; of a dialect without ids one of `ids.made`.
        arguments: JSON text as the model wrote it, which may be empty or no JSON; free text of a custom tool.
        custom: The tool takes free text.
        signature: What Gemini seals a call with.
        namespace: Of the tool's name, in Responses.
    """

    id: str
    name: str
    arguments: str = ""
    custom: bool = False
    signature: str = ""
    cache: Cache = ""
    namespace: str = ""


class ToolResult(Struct, frozen=True):
    """What a tool gave. *name*: the tool's, where the dialect says it again."""

    id: str
    parts: tuple[Text | Image | File | Foreign, ...] = ()
    is_error: bool = False
    name: str = ""
    custom: bool = False
    cache: Cache = ""


class Thinking(Struct, frozen=True, gc=False):
    """Thoughts of the model.

    Attributes:
        signature: What proves to their maker that they are its own, or the thoughts themselves where they are sealed.
        maker: The dialect in which they were thought; nobody else can check the signature.
        sealed: *signature* is all there is.
    """

    text: str = ""
    signature: str = ""
    maker: str = ""
    sealed: bool = False


class Refusal(Struct, frozen=True, gc=False):
    """The model says that it will not."""

    text: str


class Foreign(Struct, frozen=True, gc=False):
    """A part or a tool that only *dialect* has; *kind* is its name there, *raw* the whole of it."""

    dialect: str
    kind: str
    raw: Json


Part = Text | Image | File | Audio | ToolCall | ToolResult | Thinking | Refusal | Foreign

# --- what is asked ------------------------------------------------------------------------------------------------


class Loss(Struct, frozen=True, gc=False):
    """What cannot be carried over. *field*: an attribute of `Prompt`, or what it is called in the request; *why*: in a
    few words, of what the target or the form lacks.
    """

    field: str
    why: str


class Turn(Struct, frozen=True):
    """One side's say. `system` only in mid-conversation: what stands before the first turn is `Prompt.system`.

    Results of tools stand in a `user` turn, before its other parts.
    """

    role: Literal["user", "assistant", "system"]
    parts: tuple[Part, ...]


class Tool(Struct, frozen=True, gc=False):
    """A tool of the caller. *schema*: of its arguments; of a custom tool, the format of its text. May be empty."""

    name: str
    description: str = ""
    schema: Json = b""
    strict: bool | None = None
    custom: bool = False
    cache: Cache = ""


class Choice(Struct, frozen=True, gc=False):
    """Which tools the model must call: none, any that it likes, at least one, or the one *named*."""

    mode: Literal["none", "auto", "required", "named"]
    name: str = ""


class Shape(Struct, frozen=True, gc=False):
    """The form of answer that is asked for: JSON of any kind where *schema* is empty."""

    schema: Json = b""
    name: str = ""
    description: str = ""
    strict: bool | None = None


class Reasoning(Struct, frozen=True, gc=False):
    """How much the model is to think.

    Attributes:
        effort: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`; empty where it is not said.
        budget: Most tokens of thoughts.
        adaptive: The model is to choose for itself.
        shown: Whether the caller wants to read a summary of the thoughts; None where it is not said.
    """

    effort: str = ""
    budget: int | None = None
    adaptive: bool = False
    shown: bool | None = None


class Prompt(Struct, frozen=True, kw_only=True):
    """A request.

    Attributes:
        dialect: The one in which it was asked; *extras* are that one's.
        max_output: Tokens, thoughts included.
        parallel_tools: Whether several tools may be called at once; None where it is not said.
        logprobs: How many alternatives to each token; 0: only the token's own; None: none at all.
        user: Who the caller's user is, for the provider's own use.
        extras: Fields that the form has no name for, as they came.
        unread: What stands deeper in the request and has no place in the form.
    """

    dialect: str = ""
    model: str = ""
    system: tuple[Text, ...] = ()
    turns: tuple[Turn, ...] = ()
    tools: tuple[Tool | Foreign, ...] = ()
    tool_choice: Choice | None = None
    parallel_tools: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    n: int = 1
    logprobs: int | None = None
    max_output: int | None = None
    shape: Shape | None = None
    reasoning: Reasoning | None = None
    stream: bool = False
    wants_usage: bool = False
    user: str = ""
    extras: dict[str, Json] = {}
    unread: tuple[Loss, ...] = ()


# --- what is answered -----------------------------------------------------------------------------------------------

StopReason = Literal["stop", "sequence", "length", "tools", "filter", "refusal", "pause", "context", "broken", "other"]
"""`sequence`: a stop sequence came; `filter`: withheld by the provider; `refusal`: by the model; `pause`: go on by
sending it back; `context`: the window is full; `broken`: what the model wrote was not fit to be an answer, and is not
all here; `other`: it is not said."""


class Answer(Struct, frozen=True, kw_only=True):
    """A whole answer. *created*: seconds since 1970, or 0 where the dialect does not say."""

    id: str = ""
    model: str = ""
    parts: tuple[Part, ...] = ()
    stop: StopReason = "stop"
    sequence: str = ""
    usage: Usage | None = None
    created: int = 0


# --- the same, piece by piece -----------------------------------------------------------------------------------------


class Begin(Struct, frozen=True, gc=False):
    """The first piece, once. *usage*: of the prompt, where the dialect tells it this early."""

    id: str = ""
    model: str = ""
    created: int = 0
    usage: Usage | None = None


class TextDelta(Struct, frozen=True, gc=False):
    text: str


class RefusalDelta(Struct, frozen=True, gc=False):
    text: str


class ThinkingDelta(Struct, frozen=True, gc=False):
    """More of a thought: of its text or of its signature. *ends*: what comes next is another thought."""

    text: str = ""
    signature: str = ""
    maker: str = ""
    sealed: bool = False
    ends: bool = False


class CallBegin(Struct, frozen=True, gc=False):
    """A tool's call begins; *index* counts the calls of the answer from 0."""

    index: int
    id: str
    name: str
    custom: bool = False
    signature: str = ""
    namespace: str = ""


class CallDelta(Struct, frozen=True, gc=False):
    """More of the arguments of call *index*; pieces of several calls may be mixed."""

    index: int
    arguments: str


class CallEnd(Struct, frozen=True, gc=False):
    """Call *index* has all its arguments. Dialects that do not say so leave it out."""

    index: int


class WholePart(Struct, frozen=True):
    """A part that comes at once: none of those that the other pieces tell of."""

    part: Image | File | Audio | Foreign


class UsageSoFar(Struct, frozen=True, gc=False):
    """Of the whole answer until now; the last one counts."""

    usage: Usage


class Stop(Struct, frozen=True, gc=False):
    """The model has said all it will. Usage may still follow."""

    reason: StopReason
    sequence: str = ""


class Done(Struct, frozen=True, gc=False):
    """The dialect's own last event was seen; not all of them have one."""


class Fault(Struct, frozen=True, gc=False):
    """An error that a provider reports; as a piece it ends the stream.

    Attributes:
        status: HTTP's.
        kind: What sort it is, in one vocabulary.
        code: The provider's own word for it, or empty.
        param: The field that is wrong, or empty.
    """

    status: int
    kind: FaultKind
    message: str
    code: str = ""
    param: str = ""


FaultKind = Literal[
    "invalid", "authentication", "permission", "billing", "not_found", "too_large", "rate_limit", "quota",
    "overloaded", "timeout", "server",
]  # fmt: skip

Piece = (
    Begin
    | TextDelta
    | RefusalDelta
    | ThinkingDelta
    | CallBegin
    | CallDelta
    | CallEnd
    | WholePart
    | UsageSoFar
    | Stop
    | Done
    | Fault
)
