"""What a request's head may look like, beyond what llhttp sees to. Pure, and run for every request.

llhttp refuses bare CR and LF, NUL, folded lines, names that are no tokens, and two ways of telling a body's length.
It accepts what is refused here: nothing of it comes from an honest client, and some of it is read differently by
different servers, which is how requests are smuggled.
"""

from __future__ import annotations

import re
from itertools import chain

from dd0c_route.config import Limits
from dd0c_route.errors import BadRequest, HeadTooLarge, MethodNotAllowed
from dd0c_route.proxy.headers import CREDENTIALS, HOP_BY_HOP, Headers, names_of

_NO_TRAILERS = (
    HOP_BY_HOP
    | frozenset(CREDENTIALS)
    | frozenset(
        b"host content-length content_length transfer_encoding content-encoding content-type content-range cookie "
        b"expect max-forwards cache-control range".split()
    )
)
"""Source: RFC 9110 §6.5.1: fields of framing, routing, authentication, modifiers and content format."""

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_HOST = re.compile(
    rb"(?:\[(?=[^\]]*:[^\]]*:)[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+;=-]++|%[0-9A-Fa-f]{2})*+)(?::[0-9]*)?"
)
"""Source: RFC 3986 §3.2.2 (without IPvFuture and the comma), RFC 9110 §7.2: no user, no path."""


def check(method: str, version: str, target: bytes, headers: Headers, limits: Limits) -> int:
    """Let the head of a request pass, or say what is wrong with it; the length of its body as announced, or 0.

    Args:
        version: As llhttp gives it, `1.1`.
        headers: Lower-case names.

    Raises:
        BadRequest, MethodNotAllowed: It is no plain HTTP/1.1 request.
        HeadTooLarge: It is too long.
    """
    if version not in ("1.1", "1.0"):
        raise BadRequest("only HTTP/1.1 and HTTP/1.0 are spoken here")
    if method not in METHODS:
        raise MethodNotAllowed(f"the method {method} is not taken: use one of {', '.join(sorted(METHODS))}")
    if target[:1] != b"/" or b"#" in target:
        raise BadRequest("the request target must be a path that begins with '/', without a fragment")
    names, body_bytes = names_of(headers), 0
    for index in names.framing:
        name, value = headers[index]
        if name == b"host":
            if _HOST.fullmatch(value) is None:
                raise BadRequest("the header Host is not a host name with an optional port")
        elif name == b"content-length":
            body_bytes = int(value)  # llhttp lets only digits pass
        elif name == b"transfer-encoding":
            if value.lower() != b"chunked" or version == "1.0":
                raise BadRequest("Transfer-Encoding may only be 'chunked', and only in HTTP/1.1")
        elif name == b"expect":
            if value.lower() != b"100-continue":
                raise BadRequest("the only expectation that can be met is 100-continue")
        else:
            raise BadRequest("a header name with '_' in it imitates one that frames the request")
    if names.hosts != 1 and (names.hosts or version == "1.1"):
        raise BadRequest("the request must have one header Host")
    if len(target) > limits.header_bytes:
        raise HeadTooLarge(f"request target over {limits.header_bytes} bytes ([limits] header_bytes)")
    head_bytes = len(target) + 4 * len(headers) + sum(map(len, chain.from_iterable(headers)))
    if head_bytes > limits.head_bytes:
        raise HeadTooLarge(f"request head over {limits.head_bytes} bytes ([limits] head_bytes)")
    if head_bytes > limits.header_bytes and any(len(n) + len(v) > limits.header_bytes for n, v in headers):
        raise HeadTooLarge(f"a request header over {limits.header_bytes} bytes ([limits] header_bytes)")
    return body_bytes


def check_trailer(name: bytes, value: bytes, number: int, limits: Limits) -> None:
    """Refuse a field behind a chunked body that would have to stand before it, or is one too many.

    Args:
        name: In lower case.
        number: The how-manieth trailer it is.

    Raises:
        BadRequest, HeadTooLarge: As `check`.
    """
    if name in _NO_TRAILERS or name.startswith(b"x-dd0c-"):
        raise BadRequest("a trailer that says how to read or route the request, or who sends it: send it as a header")
    if number > limits.header_count or len(name) + len(value) > limits.header_bytes:
        raise HeadTooLarge("more or longer trailers than headers may be ([limits] header_count, header_bytes)")


def without_upgrade(method: str, version: str, target: bytes, headers: Headers) -> bytes:
    """The head of the same request for a server that does not upgrade: it may ignore the wish (RFC 9110 §7.8).

    Java's HTTP client wishes for HTTP/2 in the first request of each connection.
    """
    closes = any(name == b"connection" and b"close" in value.lower() for name, value in headers)
    kept = [pair for pair in headers if pair[0] not in (b"connection", b"upgrade", b"http2-settings")]
    lines = [b"%b %b HTTP/%b" % (method.encode(), target, version.encode())]
    lines += [name + b": " + value for name, value in kept]
    return b"\r\n".join([*lines, b"connection: close", b"", b""] if closes else [*lines, b"", b""])
