"""What providers answer: usage in every dialect, and translation from each dialect into each."""

from __future__ import annotations

import json
import zlib
from typing import Any

from msgspec import Struct

from dd0c_route.config import Limits
from dd0c_route.errors import BadRequest, UpstreamInvalid
from dd0c_route.types import Usage
from dd0c_route.wire import weigh
from dd0c_route.wire.body import split
from dd0c_route.wire.loose import MAX_TOKENS
from dd0c_route.wire.meter import Meter, meter_for
from dd0c_route.wire.neutral import DIALECTS, Aim, Opening, written
from dd0c_route.wire.neutral.fold import answer_of, pieces_of
from dd0c_route.wire.neutral.form import Answer, Done, Fault, Piece, Text, Thinking, ToolCall
from tests.fuzz import examples
from tests.fuzz.documents import EDIT_BYTES, edited
from tests.fuzz.target import Target, body_of, chosen, cut, pieces, with_body
from tests.wire.examples import AWS, JSON, SSE, reading

APIS = tuple(examples.ANSWERS)
TYPES = (JSON, SSE, AWS, "application/x-ndjson", "text/plain", "")
CODINGS = ("", "gzip", "deflate", "br", "zstd")
EDITED = 128  # an input that begins with more says how an example is changed, not what the body is
OPENING = Opening("opening", "opened", 1_700_000_000)
NAMES = tuple(DIALECTS)
MOST = 8 * MAX_TOKENS  # a sum of counts, each within its bound


def check_usage(data: bytes) -> None:
    """Nothing raises; counts are never negative and bounded; where the bytes are cut, and `whole`, change nothing."""
    if len(data) < 6:
        return
    api = APIS[data[4] % len(APIS)]
    kind, coding = TYPES[data[5] % len(TYPES)], CODINGS[data[5] // 8 % len(CODINGS)]
    body = data[6:]
    if chosen(data) >= EDITED:
        kind, coding, body = JSON, "", _encoded(edited(_pick(examples.ANSWERS[api], data[5]), body))
    elif coding == "deflate":
        body = zlib.compress(body)
    whole, at_once, in_pieces = (meter_for(api, kind, coding) for _ in range(3))
    whole.feed(body)
    whole.end()
    at_once.whole(body)
    for piece in pieces(with_body(data, body)):
        in_pieces.feed(piece)
    in_pieces.end()
    assert reading(at_once) == reading(whole)
    if coding in ("", "deflate"):  # others may hand on what came before a fault, or not
        assert reading(in_pieces) == reading(whole)
    _check_figures(whole, len(body))


def _check_figures(meter: Meter, size: int) -> None:
    if (reported := meter.reported) is not None:
        counts = [
            reported.usage,
            *([reported.billed] if reported.billed else []),
            reported.media,
            reported.server_tools,
        ]
        for struct in counts:
            _check_counts(struct)
    assert len(meter.output_at(0).text) <= len(meter.output_at(size // 2).text) <= len(meter.output_at().text)
    assert meter.served_model is None or isinstance(meter.served_model, str)
    assert meter.error is None or len(meter.error) <= 100


def _check_counts(struct: Struct) -> None:
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        assert value is None or 0 <= value <= MOST, f"{name} is {value}"


def check_request(data: bytes) -> None:
    """A request is read or refused by name; what was read is written in every dialect, and read again."""
    api = NAMES[chosen(data) % len(NAMES)]
    body = body_of(data)
    if chosen(data) >= EDITED:
        body = _encoded(edited(_pick(examples.REQUESTS[api], data[1]) if len(data) > 1 else {}, body))
    try:
        fields = split(body)
        weigh.check(body, fields, Limits())
        prompt = DIALECTS[api].read_request(fields)
    except BadRequest as error:
        assert error.message  # noqa: PT017 - it may be raised, not must
        return
    for other, dialect in DIALECTS.items():
        for provider in ("openai", "other"):
            there = written(prompt, other, Aim("m", provider, 4096, None))
            assert isinstance(json.loads(there.body), dict)
            again = dialect.read_request(split(there.body))
        if other != api:  # what is written is understood, and written again
            written(again, api, Aim("m"))


def check_answer(data: bytes) -> None:
    """An answer is read or refused by name, and written in every dialect; a stream reads the same however it is cut."""
    name = NAMES[chosen(data) % len(NAMES)]
    dialect, body = DIALECTS[name], body_of(data)
    if chosen(data) >= EDITED:
        body = _encoded(edited(_pick(examples.ANSWERS[name], data[1]) if len(data) > 1 else {}, body))
    assert dialect.read_error(500, body).message
    try:
        answer = dialect.read_answer(body)
    except UpstreamInvalid:
        pass
    else:
        for other in DIALECTS.values():
            # What is no UTF-8 is handed on as it came, where it stands in what is not decoded.
            assert isinstance(json.loads(other.write_answer(answer).decode("utf-8", "replace")), dict)
            other.writer(OPENING).feed(pieces_of(answer))
    if chosen(data) >= EDITED:
        body = b"data: " + body + b"\n\n"
    whole, in_pieces = _streamed(name, [body]), _streamed(name, list(pieces(with_body(data, body))))
    assert answer_of(in_pieces) == answer_of(whole)
    for other in DIALECTS.values():
        writer = other.writer(OPENING)
        out = b"".join(writer.feed([piece]) for piece in whole) + writer.end()
        assert isinstance(out, bytes)


def _streamed(name: str, chunks: list[bytes]) -> list[Piece]:
    reader = DIALECTS[name].reader()
    found: list[Piece] = []
    for chunk in chunks:
        found += reader.feed(chunk)
        if found and isinstance(found[-1], Fault | Done):  # nobody reads on
            break
    else:
        found += reader.end()
    return found


def _pick(documents: list[Any], number: int) -> Any:
    return documents[number % len(documents)]


def _encoded(document: Any) -> bytes:
    return json.dumps(document).encode()


def _usage_seeds() -> list[bytes]:
    seeds = []
    for number, (api, documents) in enumerate(examples.ANSWERS.items()):
        for document in documents:
            text = _encoded(document)
            seeds.append(cut(0, bytes((number, 0)) + text))
            seeds.append(cut(0, bytes((number, 1)) + b"data: " + text + b"\n\ndata: [DONE]\n\n", 3, 50, 9))
            seeds.append(cut(0, bytes((number, 0)) + b"[" + text + b"]"))
        seeds.append(cut(EDITED, bytes((number, 0)) + b"\x05\x07\x0b" * 2))
        seeds += [cut(0, bytes((number, 1)) + stream) for stream in examples.STREAMS.get(api, ())]
    return seeds


def _request_seeds() -> list[bytes]:
    seeds = [cut(number, _encoded(one)) for number, name in enumerate(NAMES) for one in examples.REQUESTS[name]]
    first = -(-EDITED // len(NAMES)) * len(NAMES)
    edits = [bytes((where, how, what)) for where, how, what in ((3, 5, 20), (9, 0, 0), (1, 2, 9), (5, 5, 33))]
    for number in range(len(NAMES)):
        seeds += [cut(first + number, b"".join(edits[:many])) for many in range(len(edits) + 1)]
    return seeds


def _answer_seeds() -> list[bytes]:
    said = Answer(
        id="a1",
        model="m",
        parts=(Thinking("hm"), Text("é😀"), ToolCall("c1", "look", '{"a":1}')),
        usage=Usage(3, output=2),
    )
    seeds = []
    first = -(-EDITED // len(NAMES)) * len(NAMES)
    for number, dialect in enumerate(DIALECTS.values()):
        writer = dialect.writer(OPENING)
        seeds.append(cut(number, writer.feed(pieces_of(said)) + writer.end(), 1, 30, 200))
        seeds.append(cut(number, dialect.write_answer(said)))
        seeds.append(cut(number, dialect.write_error(Fault(429, "rate_limit", "slow down"), "dd_1")))
        seeds += [cut(first + number, bytes(range(where, where + 2 * EDIT_BYTES))) for where in (0, 40, 90)]
        seeds += [cut(number, stream) for stream in examples.STREAMS.get(NAMES[number], ())]
    return seeds


_NAMES = (
    "usage prompt_tokens completion_tokens total_tokens input_tokens output_tokens cached_tokens usageMetadata "
    "promptTokenCount thoughtsTokenCount cache_creation choices delta message content type text tool_calls function "
    "arguments finish_reason candidates parts role messages tools tool_choice input system contents toolConfig"
)
_WORDS = (
    *(f'"{name}":'.encode() for name in _NAMES.split()),
    *(b"data: ", b"event: message_delta\n", b"\n\n", b"[DONE]", b"null", b"-1", b"1e30", b"true"),
)
USAGE = Target(check_usage, _usage_seeds, _WORDS)
REQUEST = Target(check_request, _request_seeds, _WORDS)
ANSWER = Target(check_answer, _answer_seeds, _WORDS)
