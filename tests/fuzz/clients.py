"""What clients send: HTTP, JSON bodies, cookies."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import h11
from starlette.requests import Request

from dd0c_route.access.pages import Pages
from dd0c_route.access.sessions import Sessions, is_csrf
from dd0c_route.config import Limits, Server
from dd0c_route.control.door import COOKIE, SECURE_COOKIE, token_of
from dd0c_route.errors import BadRequest
from dd0c_route.proxy.server import Connection, Inbound
from dd0c_route.wire import body as bodies
from dd0c_route.wire import request, weigh
from tests.fuzz.target import Target, body_of, bounds, chosen, cut, pieces
from tests.proxy.test_server_laws import REQUESTS, House, Wire

Seen = tuple[
    str, bytes, bytes, list[tuple[bytes, bytes]]
]  # method, target, body, fields that are not of the connection
BLANKS = b"  "
HOPS = (b"connection", b"upgrade", b"http2-settings")  # taken out where a wish for another protocol is ignored


class Counting(House):
    """Notes the fields of each request, too."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Seen] = []
        self.faults: list[BaseException] = []

    def serve(self, request: Inbound, *, internal: bool) -> None:
        fields = [(name, value.strip(b" \t")) for name, value in request.headers if name not in HOPS]
        self.seen.append((request.method, request.target, request.body, fields))
        super().serve(request, internal=internal)

    def failed(self, request: Inbound, error: BaseException) -> None:
        self.faults.append(error)


def check_http(data: bytes) -> None:
    """Any cut serves the same requests, and what is served is what h11 reads in the same bytes, framing and all."""
    body = body_of(data)
    whole, in_pieces = _served([body]), _served(list(pieces(data)))
    assert not whole.faults + in_pieces.faults
    assert in_pieces.seen == whole.seen
    assert [type(error) for error in in_pieces.refused] == [type(error) for error in whole.refused]
    independent, is_all = _by_h11(body)
    for ours, theirs in zip(whole.seen, independent, strict=False):
        assert ours == theirs
    assert not is_all or len(whole.seen) <= len(independent), "we serve what h11 does not read as a request"


def _served(chunks: list[bytes]) -> Counting:
    house, wire = Counting(), Wire()
    connection = Connection(house)
    connection.connection_made(wire)  # type: ignore[arg-type]  # a double
    for chunk in chunks:
        connection.data_received(chunk)
    connection.eof_received()
    connection.connection_lost(None)
    assert house.uploads.held == 0, "room that is not given back"
    return house


def _by_h11(data: bytes) -> tuple[list[Seen], bool]:
    """The requests that another reader of HTTP finds, each answered so that the next may follow.

    And whether these are all: it does not read on behind HTTP/1.0, which may keep its connection here, nor pass over
    empty lines before a request or more than one blank in its first line, as llhttp does (RFC 9112 §2.2 and §3 let it).
    """
    reader, found = h11.Connection(h11.SERVER), []
    head, body = h11.Request(method="GET", target="/", headers=[("host", "x")]), b""
    line, end, rest = data.partition(b"\r\n")
    reader.receive_data(re.sub(rb" +", b" ", line) + end + rest)
    try:
        while True:
            event = reader.next_event()
            if isinstance(event, h11.Request):
                head, body = event, b""
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                fields = [(bytes(name), bytes(value)) for name, value in head.headers if name not in HOPS]
                found.append((head.method.decode(), bytes(head.target), body, fields))
                reader.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                reader.send(h11.EndOfMessage())
                if reader.our_state is not h11.DONE:
                    return found, head.http_version != b"1.0"
                reader.start_next_cycle()
            else:
                return found, True
    except h11.RemoteProtocolError as error:
        doubled = BLANKS in data and str(error).startswith("illegal request line")
        return found, not doubled and str(error) != "no request line received"


def _http_seeds() -> list[bytes]:
    return [cut(0, one) for one in REQUESTS] + [cut(0, one + two, 1, 20, 9) for one, two in pairwise(REQUESTS)]


def check_bodies(data: bytes) -> None:
    """A body is an object or refused by name; both ways of taking it apart, and Python's own, agree."""
    body = body_of(data)
    limits = Limits(json_depth=8, json_keys=64)
    fields = _or_refused(lambda: _checked(body, limits))
    with bounds(weigh, SLICE_BYTES=1 + data[1] if len(data) > 1 else 1):
        sliced = _or_refused(lambda: _in_slices(body, limits))
    if fields is not None:
        assert json.loads(body).keys() == fields.keys()
        assert _or_refused(lambda: bodies.split(bodies.join(fields))) == fields
        asked = bodies.with_usage_asked(fields)
        assert asked is None or bodies.with_usage_asked(asked) is None
        _or_refused(lambda: request.essentials("openai.chat", fields))
        if body.count(b":") <= limits.json_keys:
            assert sliced == fields, "refused, or read differently, in slices"
    if sliced is not None and weigh.is_plain(body, limits):
        assert fields == sliced, "refused, or read differently, at once"


def _checked(body: bytes, limits: Limits) -> Any:
    fields = bodies.split(body)
    weigh.check(body, fields, limits)
    return fields


def _in_slices(body: bytes, limits: Limits) -> Any:
    steps = weigh.in_slices(body, limits)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def _or_refused(work: Any) -> Any:
    try:
        return work()
    except BadRequest as error:
        assert error.message.isprintable()  # noqa: PT017 - it may be raised, not must
        return None


def _body_seeds() -> list[bytes]:
    texts = [
        b'{"model":"m","stream":true,"messages":[{"role":"user","content":"\\ud83d\\ude00 \\" \\\\ "}]}',
        b' { "model" : "m" , "mod\\u0065l" : "n", "stream_options": {"include_usage": false}, "x": -1.5e-3 } ',
        b'{"a":[[[[[[[[]]]]]]]],"b":{"c":{"d":{"e":null}}},"dd0c":{"route":"off","tags":{"a":"b"}}}',
        '{"é":"漢😀","model":"m","stream_options":null}'.encode(),
        b"{}",
    ]
    return [cut(size, text, size, 1, 1) for text in texts for size in (1, 16)]


def check_cookies(data: bytes) -> None:
    """No cookie, name of a host or origin is an error; nothing but a session's own token opens it."""
    text = body_of(data).decode("latin-1")
    first, _, second = text.partition("\n")
    sessions = Sessions()
    token = sessions.open("key:a", 0.0)
    cookie = first.replace("TOKEN", token)
    scheme = b"https" if chosen(data) & 1 else b"http"
    raw = [
        (b"cookie", cookie.encode("latin-1")),
        (b"x-forwarded-proto", scheme),
        (b"x-forwarded-host", second.encode()),
    ]
    shown = token_of(Request({"type": "http", "headers": raw}))
    session = sessions.find(shown, {"key:a"}, 1.0)
    assert (session is not None) == (shown == token)
    if session is not None:
        assert token in cookie
        assert not is_csrf(second, session)
    pages = Pages.of(Server())
    if pages.fault(second, f"https://{first}", None) is None:
        assert pages.know(second)
        assert pages.is_own(f"https://{first}", second)
    pages.fault(first, None, second or None)


def _cookie_seeds() -> list[bytes]:
    texts = [
        f"{COOKIE}=TOKEN; a=b\nlocalhost:4000",
        f'a="b\\"; c"; {SECURE_COOKIE}=TOKEN\nrouter.example.test',
        f"{COOKIE}=; {COOKIE}=TOKEN; $Version=1\n[::1]:80",
        "127.0.0.1:4000\n127.0.0.1:4000",
    ]
    return [cut(choice, text.encode()) for choice, text in enumerate(texts)]


HTTP = Target(
    check_http,
    _http_seeds,
    tuple(
        b"Content-Length: |Transfer-Encoding: chunked|Host: x|HTTP/1.1|HTTP/1.0|\r\n|0\r\n\r\n|Connection: close|"
        b"Upgrade: h2c|Connection: Upgrade|Expect: 100-continue|POST |GET |OPTIONS |Keep-Alive|, |;x=y|\t|\x00|%00|#|//"
        b"|Trailer: a".split(b"|")
    ),
)
BODIES = Target(
    check_bodies, _body_seeds, (b'"model"', b'"stream"', b'"mod\\u0065l"', b"\\u006", b"\\ud83d", b'":{"', b"[[")
)
COOKIES = Target(
    check_cookies, _cookie_seeds, (COOKIE.encode(), SECURE_COOKIE.encode(), b"=TOKEN", b"; ", b'"\\', b"[::1]"), 512
)
