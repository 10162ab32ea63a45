"""What the simulator says: an Ask becomes Content (words), Content becomes an Answer (bytes in a dialect).

A simulated token is one piece of text, and each piece travels in one event of a stream, so that what a
provider reports and what stands in its events can be compared exactly.
"""

from __future__ import annotations

import random
import re
from itertools import accumulate
from typing import Any

import msgspec
from msgspec import Raw, Struct

from dd0c_route.upstream.simulator.script import Scene

DEFAULT_TOKENS = 16  # length of an answer where neither `chunks` nor `text` says otherwise
CREATED = 1_760_000_000  # seconds since 1970; constant, so that equal requests get equal bytes
_MAX_TOKENS = 200_000  # of one invented answer: longer than any model writes
# Each is one token, with and without a space before it, for every tokenizer of `tokens/` that counts exactly: what the
# simulator reports is what a count of its text gives.
_WORDS = re.findall(
    r"\w+",
    """
    black book building card church city color community country course court door east education family father
    field film food football game green group head health history home house human image king land language level
    library life light line love market master material media million model money month music name network news
    night north number office page park path people person place player point port power present price process
    project question race range record region report research river road role room root round route school science
    score search season second series service single site size small social song source south space species square
    star state station step store story street student study style success system table team test text time title
    token town track train union user value version video view water week west white width window word work world
    year young
    """,
)
# Words in a random order, the same every time; an answer is a stretch of them, chosen by the prompt.
_RING = [f" {word}" for word in random.Random(0).choices(_WORDS, k=8192)]  # noqa: S311 - words, not keys
_TOKEN = re.compile(r"\s*\S+|\s+$")


class Ask(Struct, frozen=True):
    """One request, as far as the simulator understands it.

    Attributes:
        api: Name of the call, as the recordings are named.
        seed: Checksum of the prompt's JSON: equal prompts get equal answers, whatever the model, streamed or not.
        input_tokens: Words of the prompt's JSON: the stretches between its spaces.
        limit: Most output tokens, or None.
        wants_usage: A stream shall end with a usage chunk (`stream_options.include_usage`).
        as_array: A Gemini stream as one JSON array instead of server-sent events.
        tool: Name of the first tool offered, or empty.
        calls: The tool that the scene calls is offered, and none was called before.
        inputs: Embeddings: the texts, one vector each.
    """

    api: str
    model: str
    seed: int = 0
    input_tokens: int = 1
    stream: bool = False
    limit: int | None = None
    wants_usage: bool = False
    as_array: bool = False
    tool: str = ""
    calls: bool = False
    inputs: int = 1
    dimensions: int = 8
    as_base64: bool = False


class Content(Struct, frozen=True):
    """The words of an answer, cut into tokens. *tool* is a name, or empty; *finish* is stop, length or tool."""

    text: list[str]
    reasoning: list[str]
    tool: str
    arguments: list[str]
    finish: str
    input_tokens: int
    usage: dict[str, Raw] | None = None  # reported instead of the true one
    reports_usage: bool = True

    @property
    def called_with(self) -> dict[str, Any]:
        """The arguments as an object; of such as the limit cut, the query as far as it came."""
        try:
            found: dict[str, Any] = msgspec.json.decode("".join(self.arguments), type=dict)
            return found
        except msgspec.DecodeError:
            return {"query": "".join(self.arguments[1:-1])}

    @property
    def output_tokens(self) -> int:
        return len(self.text) + len(self.reasoning) + len(self.arguments)

    @property
    def characters(self) -> int:
        return sum(map(len, self.text)) + sum(map(len, self.reasoning)) + sum(map(len, self.arguments))


class Piece(Struct, frozen=True, gc=False):
    """A stretch of body that a provider writes at once, and how much answer stands in it."""

    data: bytes
    chars: int = 0
    tokens: int = 0


class Answer(Struct, frozen=True):
    """A whole answer. *broken* is what the dialect sends when a stream fails midway."""

    status: int
    content_type: bytes
    pieces: tuple[Piece, ...]
    headers: tuple[tuple[bytes, bytes], ...] = ()
    streams: bool = False
    broken: bytes = b""
    model: str = ""
    recording: str | None = None
    id_header: bytes = b"x-request-id"

    def through(self, body_bytes: int) -> tuple[int, int, int]:
        """Pieces, characters and tokens that stand wholly within the first *body_bytes*."""
        ends = accumulate(len(piece.data) for piece in self.pieces)
        whole = [piece for piece, end in zip(self.pieces, ends, strict=True) if end <= body_bytes]
        return len(whole), sum(piece.chars for piece in whole), sum(piece.tokens for piece in whole)


def content(ask: Ask, scene: Scene, text: str | None = None) -> Content:
    """Invent the words for *ask*; *text* overrules the scene's own."""
    text = scene.text if text is None else text
    count = min(DEFAULT_TOKENS if scene.chunks is None else scene.chunks, _MAX_TOKENS)
    words = _words(ask.seed, count, scene.chunk_bytes) if text is None else _TOKEN.findall(text)
    tool, arguments = "", list[str]()
    called = scene.called() if ask.calls else None
    if called is not None:
        tool, words, arguments = called.name, [], _TOKEN.findall(bytes(called.arguments).decode())
    elif scene.tool:
        tool, words = ask.tool or "sim_tool", []
        query = "".join(_words(ask.seed, count, None))
        arguments = ['{"query": "', *_TOKEN.findall(query), '"}']
    reasoning = _words(ask.seed + 1, min(scene.reasoning, _MAX_TOKENS), None)
    finish = "tool" if tool else "stop"
    wanted = len(reasoning) + len(words) + len(arguments)
    if ask.limit is not None and ask.limit < wanted:
        finish = "length"
        reasoning = reasoning[: ask.limit]
        words = words[: ask.limit - len(reasoning)]
        arguments = arguments[: ask.limit - len(reasoning)]
    return Content(
        text=words,
        reasoning=reasoning,
        tool=tool,
        arguments=arguments,
        finish=finish,
        input_tokens=ask.input_tokens,
        usage=scene.usage_object(),
        reports_usage=scene.usage != "none",
    )


def _words(seed: int, count: int, size: int | None) -> list[str]:
    """*count* pieces of text, each of *size* bytes where that is given; the same for the same seed."""
    if not count:
        return []
    pieces = [_RING[(seed + index) % len(_RING)] for index in range(count)]
    if size is not None:
        return [(piece * (size // len(piece) + 1))[:size] for piece in pieces]
    return [pieces[0].lstrip(), *pieces[1:]]
