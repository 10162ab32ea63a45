"""The fault matrix, provider's side, as data: what goes wrong, what the client sees, and what the entry says.

The rules behind all rows: a cut is never shown as a clean end; what was not sent, what a kept connection lost before
its first byte and what was refused is tried again, and nothing else; every try is in the entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from tests.endings.faultd import Fin, Flood, Hold, Pause, Play, Rst, Step
from tests.endings.forms import KEY, Form
from tests.endings.written import POISON, broken, chunk, chunked, half, head, refusal, sized

Tries = tuple[tuple[int | None, str | None], ...]
THEIRS = "the provider's own word"  # stands for any error that is not one of the router's


class Seen(Struct, frozen=True):
    """What is to be seen of a fault.

    Attributes:
        status: That the client gets.
        whole: The answer ends in good order. One that does not was a 200 that has begun.
        state: The entry's `end_state`.
        tries: The entry's attempts: status and error, of which several may do (`a|b`).
        usage: The entry's `usage_source`, one of these.
    """

    status: int
    whole: bool
    state: str
    tries: Tries
    usage: tuple[str, ...]


class Fault(Struct, frozen=True):
    """One row.

    Attributes:
        rule: The row of the plan for tests that it belongs to.
        play: What the provider does, call by call.
        json: What is to be seen where a JSON answer was asked for.
        stream: The same of a stream; None: the same as of JSON.
        translated: The same of a call that is translated, where that differs: of JSON, of a stream.
        family: Which providers are asked.
    """

    rule: str
    name: str
    play: Callable[[Form], list[Play]]
    json: Seen
    stream: Seen | None = None
    translated: tuple[Seen | None, Seen | None] = (None, None)
    family: Literal["fault", "hasty", "refused", "deaf"] = "fault"

    def seen(self, form: Form) -> Seen:
        if form.translated and (other := self.translated[form.stream]) is not None:
            return other
        return self.stream if form.stream and self.stream is not None else self.json


LOCAL = ("local_estimated", "local_exact")
PARTLY = (*LOCAL, "provider_partial")
OK = Seen(200, True, "complete", ((200, None),), ("provider_final",))


def _told(
    status: int, error: str, state: str = "upstream_failed", tries: int = 1, usage: tuple[str, ...] = ("none",),
    answered: int | None = None,
) -> Seen:  # fmt: skip
    """The client gets an error in good order; *answered*: with which status the provider did."""
    return Seen(status, True, state, ((answered, error),) * tries, usage)


def _cut(error: str, state: str = "upstream_failed") -> Seen:
    """A stream that has begun and does not end."""
    return Seen(200, False, state, ((200, error),), PARTLY)


UNHEARD = _told(502, "upstream_cut", usage=LOCAL)
NOT_HTTP = _told(502, "upstream_invalid", usage=LOCAL)
NO_ANSWER = _told(502, "upstream_cut|upstream_invalid", usage=LOCAL, answered=200)
CUT, INVALID = _cut("upstream_cut"), _cut("upstream_invalid")
STALLED = _cut("upstream_timeout", "timed_out")
HALF = _told(502, "upstream_cut", usage=PARTLY, answered=200)
HALF_INVALID = _told(502, "upstream_invalid", usage=PARTLY, answered=200)
HALF_STALLED = _told(504, "upstream_timeout", "timed_out", usage=PARTLY, answered=200)
FAILED = _told(502, THEIRS, tries=2, answered=200)  # with 200, which is not what the client gets


def _same(*steps: Callable[[Form], Step] | Step) -> Callable[[Form], list[Play]]:
    """The same play for every call."""
    return lambda form: [[step(form) if callable(step) else step for step in steps]]


def _head(*lines: bytes, status: bytes = b"200 OK", version: bytes = b"1.1") -> Callable[[Form], bytes]:
    return lambda form: head(form, *lines, status=status, version=version)


def _length(form: Form) -> bytes:
    return b"content-length: %d" % len(form.body)


def _short(form: Form) -> bytes:
    """All but the stream's last event, or the last bytes of a JSON text; its length says otherwise."""
    return sized(form)[: -len(form.pieces[-1])] if form.stream else sized(form)[:-3]


def _body(form: Form) -> bytes:
    return form.body


def _first_half(form: Form) -> bytes:
    return form.body[: len(form.body) // 2]


def _refused(status: bytes, *, again: bool, words: bytes = b"made up") -> Fault:
    """A row of an error answer, which passes on as it came, but for our key."""
    code = int(status[:3])
    rule, name = ("U-14", "refuses our key with") if code in (401, 403) else ("U-13", "fails with")
    return Fault(
        rule,
        f"{name} {code}",
        lambda form: [[refusal(form, status, words=words)]],
        _told(code, f"status_{code}", tries=2 if again else 1, answered=code),
    )


_FLOOD = b"x: " + b"y" * 1000 + b"\r\n"

FAULTS = [
    Fault("U-0", "nothing", _same(chunked), OK),
    Fault("U-1", "refuses the connection", _same(Fin()), _told(502, "upstream_unreachable", tries=2), family="refused"),
    Fault(
        "U-2",
        "takes no connection and refuses none",
        _same(Fin()),
        _told(504, "upstream_connect_timeout", "timed_out", 2),
        family="deaf",
    ),
    Fault("U-5", "late with the first byte, but in time", _same(Pause(0.2), chunked), OK),
    Fault(
        "U-5",
        "late with the body, but in time",
        _same(_head(b"transfer-encoding: chunked"), Pause(0.4), lambda form: chunk(form.body) + b"0\r\n\r\n"),
        OK,
    ),
    Fault(
        "U-6",
        "takes the request and never answers",
        _same(Hold()),
        _told(504, "upstream_timeout", "timed_out", usage=LOCAL),
        family="hasty",
    ),
    Fault(
        "U-6",
        "sends a head and no more",
        _same(_head(b"transfer-encoding: chunked"), Hold()),
        HALF_STALLED,
        STALLED,
        family="hasty",
    ),
    Fault("U-7", "stalls midway", _same(half, Hold()), STALLED, translated=(HALF_STALLED, None), family="hasty"),
    Fault("U-8", "closes without a byte", _same(Fin()), UNHEARD),
    Fault("U-8", "resets without a byte", _same(Rst()), UNHEARD),
    Fault("U-8", "closes within the head", _same(b"HTTP/1.1 200 OK\r\ncontent-ty", Fin()), UNHEARD),
    Fault("U-8", "closes midway", _same(half, Fin()), HALF, CUT),
    Fault("U-8", "resets midway", _same(half, Pause(0.02), Rst()), HALF, CUT),
    Fault("U-9", "closes within a chunk's size", _same(half, b"2f", Fin()), HALF, CUT),
    Fault("U-9", "closes within a chunk", _same(half, b"2ff\r\n", Fin()), HALF, CUT),
    Fault("U-9", "gives a chunk no size", _same(half, b"zz\r\nxx\r\n"), HALF_INVALID, INVALID),
    Fault("U-9", "gives a chunk a negative size", _same(half, b"-5\r\nxx\r\n"), HALF_INVALID, INVALID),
    Fault(
        "U-9", "gives a chunk a size beyond all numbers", _same(half, b"f" * 40 + b"\r\nxx\r\n"), HALF_INVALID, INVALID
    ),
    Fault("U-9", "writes more than the chunk's size", _same(half, b"1\r\nxyz\r\n"), HALF_INVALID, INVALID),
    Fault("U-9", "announces more than it sends", lambda form: [[_short(form), Fin()]], HALF, CUT),
    Fault(
        "U-11",
        "breaks before anything was said",
        lambda form: [[broken(form, 0)]],
        FAILED,
        Seen(200, True, "upstream_failed", ((200, THEIRS),) * 2, ("none",)),
    ),
    Fault(
        "U-11",
        "breaks before anything was said, once",
        lambda form: [[broken(form, 0)], [chunked(form)]],
        Seen(200, True, "complete", ((200, THEIRS), (200, None)), ("provider_final",)),
    ),
    Fault(
        "U-11",
        "breaks midway",
        lambda form: [[broken(form, 4)]],
        FAILED,
        Seen(200, True, "upstream_failed", ((200, THEIRS),), PARTLY),
    ),
    *[
        _refused(status, again=True)
        for status in (b"502 Bad Gateway", b"503 Away", b"529 Overloaded", b"429 Slow Down")
    ],
    *[_refused(status, again=False) for status in (b"500 Oops", b"504 Late", b"408 Slow", b"400 What", b"404 Where")],
    *[_refused(status, again=False, words=b"no such key: " + KEY.encode()) for status in (b"401 Who", b"403 No")],
    Fault("U-15", "calls an error a success", lambda form: [[refusal(form, b"200 OK")]], FAILED),
    Fault(
        "U-15",
        "answers with a page",
        lambda form: [
            [b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 21\r\n\r\n<html>Welcome!</html>"]
        ],
        NO_ANSWER,
    ),
    Fault("U-15", "answers with nothing", lambda form: [[sized(form, b"")]], NO_ANSWER, translated=(None, CUT)),
    Fault(
        "U-15",
        "answers with no chunk",
        lambda form: [[head(form, b"transfer-encoding: chunked") + b"0\r\n\r\n"]],
        NO_ANSWER,
        translated=(None, CUT),
    ),
    Fault(
        "U-15",
        "answers with 204",
        _same(b"HTTP/1.1 204 No Content\r\n\r\n"),
        _told(502, "upstream_cut", usage=LOCAL, answered=204),
    ),
    Fault(
        "U-15",
        "answers with half a body of the right length",
        lambda form: [[sized(form, _first_half(form))]],
        HALF,
        CUT,
    ),
    Fault(
        "U-15",
        "answers with what is not JSON",
        lambda form: [[sized(form, b"{'it': never rains}")]],
        NO_ANSWER,
        _cut("upstream_cut|upstream_invalid"),
    ),
    Fault(
        "U-16",
        "sends elsewhere",
        lambda form: [[refusal(form, b"307 Elsewhere", b"location: http://127.0.0.1:9/")]],
        _told(502, "upstream_redirect", answered=307),
    ),
    Fault(
        "U-17",
        "has a head of 100 KB",
        _same(_head(b"content-length: 0", *[b"x-%d: %b" % (n, b"y" * 1000) for n in range(100)])),
        NOT_HTTP,
    ),
    Fault("U-17", "has a head line of 100 KB", _same(_head(b"content-length: 0", b"x: " + b"y" * 100_000)), NOT_HTTP),
    Fault("U-17", "has 5,000 header fields", _same(_head(b"content-length: 0", *[b"x: y"] * 5000)), NOT_HTTP),
    Fault("U-17", "has a head without end", _same(b"HTTP/1.1 200 OK\r\n", Flood(_FLOOD, 20_000)), NOT_HTTP),
    Fault(
        "U-17", "says 'please wait' without end", _same(Flood(b"HTTP/1.1 103 Early Hints\r\n\r\n", 20_000)), NOT_HTTP
    ),
    Fault(
        "U-17",
        "switches protocols",
        _same(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
        NOT_HTTP,
    ),
    Fault(
        "U-17",
        "has chunk extensions without end",
        _same(half, b"5;", Flood(b"x" * 1000, 20_000)),
        HALF_INVALID,
        INVALID,
    ),
    Fault("U-17", "has trailers without end", _same(half, b"0\r\n", Flood(_FLOOD, 20_000)), HALF_INVALID, INVALID),
    Fault("U-21", "speaks HTTP/1.0 and closes", _same(_head(version=b"1.0"), _body, Fin()), OK),
    Fault(
        "U-21",
        "speaks HTTP/1.0 with a length",
        lambda form: [[head(form, _length(form), version=b"1.0"), form.body, Fin()]],
        OK,
    ),
    Fault("U-21", "closes behind its answer", lambda form: [[chunked(form, b"connection: close"), Fin()]], OK),
    Fault("U-21", "ends its answer by closing", _same(_head(), _body, Fin()), OK),
    Fault("U-21", "ends half an answer by closing", _same(_head(), _first_half, Fin()), HALF, CUT),
    Fault("U-22", "gives two lengths", _same(_head(b"content-length: 5", b"content-length: 6"), b"12345"), NOT_HTTP),
    Fault(
        "U-22",
        "gives the same length twice",
        _same(_head(b"content-length: 5", b"content-length: 5"), b"12345"),
        NOT_HTTP,
    ),
    Fault(
        "U-22",
        "gives length and chunks",
        _same(_head(b"content-length: 5", b"transfer-encoding: chunked"), b"0\r\n\r\n"),
        NOT_HTTP,
    ),
    Fault("U-22", "gives a length that is none", _same(_head(b"content-length: +5"), b"12345"), NOT_HTTP),
    Fault(
        "U-22", "gives a length beyond all numbers", _same(_head(b"content-length: " + b"9" * 30), b"12345"), NOT_HTTP
    ),
    Fault(
        "U-22",
        "names another transfer coding",
        _same(_head(b"transfer-encoding: gzip, chunked"), b"0\r\n\r\n"),
        NOT_HTTP,
    ),
    Fault(
        "U-22",
        "sends chunks in HTTP/1.0",
        _same(_head(b"transfer-encoding: chunked", version=b"1.0"), b"0\r\n\r\n"),
        NOT_HTTP,
    ),
    Fault("U-22", "writes on behind its answer", lambda form: [[chunked(form) + POISON]], OK),
    Fault("U-22", "speaks something else", _same(b"SSH-2.0-OpenSSH_9.2\r\n"), NOT_HTTP),
    Fault("U-22", "speaks HTTP/2", _same(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x64\0\4\0\0\xff\xff", Hold()), NOT_HTTP),
    Fault("U-22", "has a bare line feed in a head", _same(b"HTTP/1.1 200 OK\ncontent-length: 0\n\n"), NOT_HTTP),
    Fault(
        "U-22", "folds a header line", _same(b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n"), NOT_HTTP
    ),
    Fault("U-22", "has NUL in a head", _same(b"HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n"), NOT_HTTP),
    Fault(
        "U-22", "has a status beyond three digits", _same(b"HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n"), NOT_HTTP
    ),
    Fault("U-22", "has a status that is none", _same(b"HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n"), NOT_HTTP),
]
