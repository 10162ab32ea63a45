"""Requests that no honest client sends: malformed ones, and such as two servers read differently.

Made from what RFC 9110 and RFC 9112 forbid, and from the classes of findings that differential testing of servers
collects (HTTP Garden's list of trophies; the CVEs named beside them). All are written here, none is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

PATH = b"/v1/chat/completions"
BODY = b'{"model":"first","messages":[{"role":"user","content":"Hi"}]}'
HOST = b"Host: router.example\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
LAST = b"0\r\n\r\n"
SECOND_BODY = BODY.replace(b"first", b"second")
SECOND = b"POST %b HTTP/1.1\r\n%bConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (
    PATH, HOST, len(SECOND_BODY), SECOND_BODY,
)  # fmt: skip
"""A flawless request, which comes behind each case, or inside of it: if it is served, something was misread."""


class Case(NamedTuple):
    """One request.

    Attributes:
        why: What makes it malformed or ambiguous.
        source: The rule that it breaks, or the kind of finding that it stands for.
    """

    name: str
    data: bytes
    why: str
    source: str


def post(headers: bytes, body: bytes = BODY, *, host: bytes = HOST, line: bytes = b"POST %b HTTP/1.1" % PATH) -> bytes:
    return line + b"\r\n" + host + headers + b"\r\n" + body


def framing() -> Iterator[Case]:
    """Two ways to tell the body's length, or an odd one."""
    smuggled = b"0\r\n\r\n" + SECOND
    both, source = "it has a Content-Length and a Transfer-Encoding", "RFC 9112 §6.1; CL.TE and TE.CL smuggling"
    yield Case("length and chunked", post(LENGTH + CHUNKED, CHUNKS), both, source)
    yield Case("chunked and length", post(CHUNKED + LENGTH, CHUNKS), both, source)
    yield Case("CL.TE", post(b"Content-Length: %d\r\n" % len(smuggled) + CHUNKED, smuggled), both, source)
    yield Case(
        "TE.CL",
        post(CHUNKED + b"Content-Length: 4\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (len(SECOND), SECOND)),
        both,
        source,
    )
    yield Case("length zero and chunked", post(b"Content-Length: 0\r\n" + CHUNKED, CHUNKS), both, source)
    for coding in (
        b",chunked", b"chunked,", b"identity, chunked", b"chunked, identity", b"gzip, chunked", b"chunked, gzip",
        b"chunked, chunked", b"gzip", b"identity", b"xchunked", b"chunkedx", b"chunked;q=1", b"\"chunked\"",
        b"'chunked'", b"", b"chunk", b"x", b"\x0bchunked", b"chunked\x0b", b"\xa0chunked", b"chun\xc4\xb1ed",
        b"chunked\x00", b"[chunked]", b"trailers, chunked", b"deflate,chunked", b"chunked\tx", b"C\xe2\x84\xaa",
    ):  # fmt: skip
        name = coding.decode("latin-1")
        yield Case(
            f"coding {name!r}",
            post(b"Transfer-Encoding: %b\r\n" % coding, CHUNKS),
            "the coding is not exactly 'chunked'",
            "RFC 9112 §7; TE.TE obfuscation",
        )
        if coding in (b"identity", b"xchunked", b"", b"\x0bchunked", b"gzip", b"chunked, identity"):
            data = post(b"Transfer-Encoding: %b\r\n" % coding + LENGTH)
            yield Case(f"coding {name!r} and length", data, both, source)
    yield Case("two codings", post(CHUNKED + CHUNKED, CHUNKS), "two Transfer-Encoding headers", "RFC 9112 §6.1")
    yield Case(
        "coding then identity", post(CHUNKED + b"Transfer-Encoding: identity\r\n", CHUNKS), "two codings", "TE.TE"
    )
    yield Case(
        "identity then coding", post(b"Transfer-Encoding: identity\r\n" + CHUNKED, CHUNKS), "two codings", "TE.TE"
    )
    old = b"POST %b HTTP/1.0" % PATH
    yield Case("chunked in 1.0", post(CHUNKED, CHUNKS, line=old), "HTTP/1.0 knows no codings", "RFC 9112 §6.1")
    yield Case(
        "chunked in kept-alive 1.0",
        post(b"Connection: keep-alive\r\n" + CHUNKED, CHUNKS, line=old),
        "HTTP/1.0 knows no codings",
        "RFC 9112 §6.1",
    )
    size = len(BODY)
    for value in (
        "+%d", "-%d", "%d,", ",%d", "%d, %d", "%d %d", "0x%x", "%d.0", "%de0", "%d_0", "%d;", "'%d'", "\"%d\"",
        "%d\x0b", "%d\x00", "1_0", "\uff11", "", "x", "- %d", "%d\t%d", "99999999999999999999",
        "18446744073709551617", "9223372036854775808",
    ):  # fmt: skip
        text = value.replace("%d", str(size)).replace("%x", f"{size:x}").encode()
        yield Case(
            f"length {value!r}",
            post(b"Content-Length: " + text + b"\r\n"),
            "the length is no plain number that fits",
            "RFC 9110 §8.6",
        )
    yield Case("two lengths", post(LENGTH + b"Content-Length: 5\r\n"), "two lengths", "RFC 9112 §6.3")
    yield Case("two lengths, turned", post(b"Content-Length: 5\r\n" + LENGTH), "two lengths", "RFC 9112 §6.3")
    yield Case("the same length twice", post(LENGTH + LENGTH), "two lengths", "RFC 9112 §6.3")
    for written in (
        b"Content_Length",
        b"content_length",
        b"Content-Length ",
        b"Content-Length\t",
        b" Content-Length",
        b"Content-Length\x0b",
        b"Content\x00-Length",
    ):
        data = post(written + b": %d\r\n" % len(smuggled), smuggled)
        yield Case(
            f"length as {written.decode('latin-1')!r}",
            data,
            "a name that some read as Content-Length",
            "underscores; blanks",
        )
    for written in (
        b"Transfer_Encoding",
        b"Transfer-Encoding ",
        b"Transfer-Encoding\t",
        b"Transfer-Encoding\x0b",
        b" Transfer-Encoding",
    ):
        data = post(LENGTH + written + b": chunked\r\n")
        yield Case(
            f"coding as {written.decode('latin-1')!r}",
            data,
            "a name that some read as Transfer-Encoding",
            "TE obfuscation",
        )
    yield Case("length folded", post(b"Content-Length:\r\n %d\r\n" % size), "a folded line", "RFC 9112 §5.2")
    yield Case("coding folded", post(b"Transfer-Encoding:\r\n chunked\r\n", CHUNKS), "a folded line", "RFC 9112 §5.2")
    yield Case(
        "coding hidden in a fold",
        post(LENGTH + b"X: y\r\n Transfer-Encoding: chunked\r\n"),
        "a folded line",
        "RFC 9112 §5.2",
    )


def chunks() -> Iterator[Case]:
    """Chunks that are none, or end where others do not see it."""
    size, source = b"%x" % len(BODY), "RFC 9112 §7.1; `int()` and `strtol` for chunk sizes"
    for text in (
        b"0x" + size, b"+" + size, b"-" + size, b" " + size, b"\t" + size, size + b" ", size + b"\t", b"3_d",
        b"_" + size, size + b"_", b"", b"g", b"\xff", b"0X" + size, b"ffffffffffffffff", b"10000000000000000",
        b"fffffffffffffffff", b"100000000%b" % size, size + b"\x00", size + b"\x0b", b"\"" + size + b"\"",
        size + b"h", size + b".", b"8000000000000000", b"\xef\xbc\x93d",
    ):  # fmt: skip
        body = text + b"\r\n" + BODY + b"\r\n" + LAST
        yield Case(
            f"chunk size {text.decode('latin-1')!r}",
            post(CHUNKED, body),
            "the size of a chunk is no plain hex number",
            source,
        )
    source = "RFC 9112 §7.1; HTTP Garden: line ends inside of chunks"
    for name, body in {
        "LF behind the size": size + b"\n" + BODY + b"\r\n" + LAST,
        "CR behind the size": size + b"\r" + BODY + b"\r\n" + LAST,
        "CR CR LF behind the size": size + b"\r\r\n" + BODY + b"\r\n" + LAST,
        "LF CR behind the size": size + b"\n\r" + BODY + b"\r\n" + LAST,
        "LF behind the chunk": size + b"\r\n" + BODY + b"\n" + LAST,
        "CR behind the chunk": size + b"\r\n" + BODY + b"\r" + LAST,
        "nothing behind the chunk": size + b"\r\n" + BODY + LAST,
        "two bytes behind the chunk": size + b"\r\n" + BODY + b"XX" + LAST,
        "blank behind the chunk": size + b"\r\n" + BODY + b" \r\n" + LAST,
        "a longer chunk": b"%x\r\n%b\r\n" % (len(BODY) - 3, BODY) + LAST,
        "LF in an extension": size + b";a\nb\r\n" + BODY + b"\r\n" + LAST,
        "CR in an extension": size + b";a\rb\r\n" + BODY + b"\r\n" + LAST,
        "NUL in an extension": size + b";a\0b\r\n" + BODY + b"\r\n" + LAST,
        "LF ends an extension": size + b";a\n" + BODY + b"\r\n" + LAST,
        "half quoted extension": size + b';a="b\r\n' + BODY + b"\r\n" + LAST,
        "quoted line end in an extension": size + b';a="\r\n"\r\n' + BODY + b"\r\n" + LAST,
        "LF behind the last chunk": size + b"\r\n" + BODY + b"\r\n0\n\n",
        "CR behind the last chunk": size + b"\r\n" + BODY + b"\r\n0\r\r\n",
        "LF behind the trailers": size + b"\r\n" + BODY + b"\r\n0\r\nX: y\n\n",
        "endless extension": size + b";" + b"a" * 700_000 + b"\r\n" + BODY + b"\r\n" + LAST,
        "extensions without end": b"".join(b"1;%b\r\n%c\r\n" % (b"a" * 14_000, c) for c in BODY) + LAST,
    }.items():
        yield Case(f"chunks: {name}", post(CHUNKED, body), "a chunk does not end as it must", source)
    last, source = size + b"\r\n" + BODY + b"\r\n0\r\n", "RFC 9110 §6.5.1; CVE-2025-53643: fields behind the body"
    for trailer in (
        b"X A: y", b"X", b": y", b" X: y", b"X : y", b"X: y\r\n z", b"X: \0", b"X\0: y", b"X: y\rz", b"(X): y",
        b"X: y\r\n\tz",
    ):  # fmt: skip
        yield Case(
            f"trailer {trailer.decode('latin-1')!r}",
            post(CHUNKED, last + trailer + b"\r\n\r\n"),
            "a malformed trailer",
            source,
        )
    for trailer in (
        b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Host: other.example",
        b"Authorization: Bearer synthetic", b"Content-Encoding: gzip", b"Connection: keep-alive", b"Cookie: a=b",
        b"X-Api-Key: synthetic", b"Content_Length: 5", b"x-dd0c-route: off", b"Trailer: X",
        b"Content-Type: text/plain", b"Te: trailers", b"Expect: 100-continue",
    ):  # fmt: skip
        yield Case(
            f"trailer {trailer.decode()!r}",
            post(CHUNKED, last + trailer + b"\r\n\r\n"),
            "a trailer that says how to read, route or whom to trust",
            source,
        )
    yield Case(
        "many trailers", post(CHUNKED, last + b"X: y\r\n" * 500 + b"\r\n"), "more trailers than headers may be", source
    )
    yield Case(
        "a giant trailer",
        post(CHUNKED, last + b"X: " + b"y" * 700_000 + b"\r\n\r\n"),
        "a trailer longer than a head may be",
        source,
    )


def bytes_in_the_head() -> Iterator[Case]:
    """A byte in each place of the head where it must not be."""
    places = {
        "before the method": b"%bPOST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-A: b\r\n",
        "in the method": b"PO%bST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-A: b\r\n",
        "behind the method": b"POST%b /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-A: b\r\n",
        "before the target": b"POST %b/v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-A: b\r\n",
        "in the target": b"POST /v1/chat%b/completions HTTP/1.1\r\nHost: a\r\nX-A: b\r\n",
        "in the query": b"POST /v1/chat/completions?a=%bb HTTP/1.1\r\nHost: a\r\nX-A: b\r\n",
        "before the version": b"POST /v1/chat/completions %bHTTP/1.1\r\nHost: a\r\nX-A: b\r\n",
        "in the version": b"POST /v1/chat/completions HTTP/%b1.1\r\nHost: a\r\nX-A: b\r\n",
        "behind the version": b"POST /v1/chat/completions HTTP/1.1%b\r\nHost: a\r\nX-A: b\r\n",
        "before a name": b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n%bX-A: b\r\n",
        "in a name": b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-%bA: b\r\n",
        "behind a name": b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-A%b: b\r\n",
        "in a value": b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-A: b%bc\r\n",
        "in Host": b"POST /v1/chat/completions HTTP/1.1\r\nHost: a%bb\r\nX-A: b\r\n",
        "behind a value": b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-A: b%b\r\n",
        "before the blank line": b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nX-A: b\r\n%LENGTH%%b",
    }
    for char in (b"\r", b"\n", b"\0", b"\x0b", b"\x0c", b"\x1b", b"\x7f", b"\t", b" "):
        for place, head in places.items():
            if char in b"\t " and place in ("in a value", "behind a value", "before the version", "before the target"):
                continue  # that is how values may be written; and llhttp skips such blanks in the first line
            before, _, behind = head.partition(b"%b")
            before = before.replace(b"%LENGTH%", LENGTH)
            length = b"" if LENGTH in before else LENGTH
            yield Case(
                f"{char!r} {place}",
                before + char + behind + length + b"\r\n" + BODY,
                f"{char!r} stands {place}",
                "RFC 9110 §5.5, RFC 9112 §2.2: control characters and bare line ends",
            )
    for mark in '()<>@,;\\"/[]?={}é':
        name = f"X{mark}A".encode()
        yield Case(
            f"name with {mark!r}", post(name + b": b\r\n" + LENGTH), "a field name is no token", "RFC 9110 §5.6.2"
        )
    yield Case("no name", post(b": b\r\n" + LENGTH), "a field without a name", "RFC 9110 §5.6.2")
    yield Case("no colon", post(b"X-A\r\n" + LENGTH), "a field without a colon", "RFC 9112 §5")
    yield Case("folded line", post(b"X-A: b\r\n c\r\n" + LENGTH), "a folded line", "RFC 9112 §5.2")
    yield Case("folded by tab", post(b"X-A: b\r\n\tc\r\n" + LENGTH), "a folded line", "RFC 9112 §5.2")
    yield Case("folded first line", post(LENGTH, host=b" " + HOST), "a folded line before any", "RFC 9112 §2.2")
    yield Case("lines of LF", post(LENGTH).replace(b"\r\n", b"\n"), "lines end with a bare LF", "RFC 9112 §2.2")
    yield Case("lines of CR", post(LENGTH).replace(b"\r\n", b"\r"), "lines end with a bare CR", "RFC 9112 §2.2")
    yield Case(
        "LF ends the head", post(LENGTH).replace(b"\r\n\r\n", b"\n\n"), "the head ends with bare LFs", "RFC 9112 §2.2"
    )
    yield Case(
        "LF CR LF ends the head",
        post(LENGTH).replace(b"\r\n\r\n", b"\n\r\n"),
        "the head ends with a bare LF",
        "RFC 9112 §2.2",
    )
    yield Case(
        "CR LF LF ends the head",
        post(LENGTH).replace(b"\r\n\r\n", b"\r\n\n"),
        "the head ends with a bare LF",
        "RFC 9112 §2.2",
    )


def hosts_and_targets() -> Iterator[Case]:
    """Whom and what it asks for, in words that two servers understand differently."""
    source = "RFC 9112 §3.2, RFC 3986 §3.2.2; CVE-2026-48710 (BadHost)"
    yield Case("no Host", post(LENGTH, host=b""), "HTTP/1.1 without Host", source)
    yield Case("two Hosts", post(HOST + LENGTH), "two Host headers", source)
    yield Case("two Hosts that differ", post(b"Host: other.example\r\n" + LENGTH), "two Host headers", source)
    yield Case("two Hosts in 1.0", post(HOST + LENGTH, line=b"POST %b HTTP/1.0" % PATH), "two Host headers", source)
    for host in (
        b"a/admin?", b"a/", b"a@b", b"user:pass@b", b"a#b", b"a?b", b"a b", b"a,b", b"a\\b", b"[::1", b"::1",
        b"[::1]x", b"a:b", b"a:80:80", b"a:-1", b"http://a", b"//a", b"a\x80", b"%zz", b"%2", b"a\"b", b"<a>", b"[a]",
        b"a:+1", b"a|b", b"{a}", b"a^b", b"[v1.x]", b"a:80/",
    ):  # fmt: skip
        yield Case(
            f"Host {host.decode('latin-1')!r}",
            post(LENGTH, host=b"Host: %b\r\n" % host),
            "Host is no host and port",
            source,
        )
    source = "RFC 9112 §3.2; request targets that reach another address or path"
    for target in (
        b"http://router.example/v1/chat/completions", b"https://other.example/v1/chat/completions",
        b"HTTP://a/v1/chat/completions", b"other.example:443", b"*", b"@google.com", b"v1/chat/completions", b"",
        b"?a", b"#a", b"/v1/chat/completions#a", b"/v1/chat/completions?a#b", b"\\v1\\chat\\completions",
        b"//other.example/v1/chat/completions", b"/v1//chat/completions", b"/v1/chat/../chat/completions",
        b"/v1/./chat/completions", b"/../v1/chat/completions", b"/v1/chat/completions/..",
        b"/%2e%2e/v1/chat/completions", b"/v1/%2e%2e/chat/completions", b"/v1/chat%2fcompletions",
        b"/v1/chat%2Fcompletions", b"/v1/chat\\completions", b"/v1/chat%5ccompletions", b"/v1/chat/completions%00",
        b"/v1/chat/completions%0d%0a", b"/V1/chat/completions", b"/v1/chat/completions;a=b", b"/v1/chat/completions/",
        b"/v1/ch%61t/completions", b"/v1/chat/completions%20", b"/v1/chat/\xc3\xa9", b"/v1/chat/completions\xff",
        b"/passthrough/sim/../../v1/chat/completions", b"/passthrough/sim/..%2fv1/chat/completions",
        b"/passthrough/sim/v1/..;/chat/completions", b"/passthrough/sim/.%2e/x", b"/passthrough/sim/%2e/x",
        b"/passthrough//x", b"/passthrough/..", b"/passthrough/sim/a\\..\\b", b"/passthrough/sim/%5c..%5cb",
    ):  # fmt: skip
        yield Case(
            f"target {target.decode('latin-1')!r}",
            post(LENGTH, line=b"POST " + target + b" HTTP/1.1"),
            "the target is no plain path of ours",
            source,
        )


def methods_and_versions() -> Iterator[Case]:
    source = "RFC 9110 §9; methods that lead elsewhere or are none"
    for method in (
        b"CONNECT", b"TRACE", b"post", b"Post", b"PRI", b"BREW", b"PROPFIND", b"SEARCH", b"LOCK", b"PURGE", b"LINK",
        b"M-SEARCH", b"QUERY", b"SOURCE", b"GET ", b"P", b"POSTT", b"(POST)", b"PO/ST", b"REPORT", b"MKCOL",
        b"DESCRIBE", b"\x16\x03\x01", b"X" * 5000, b"", b"GET", b"DELETE", b"PUT", b"HEAD", b"PATCH", b"OPTIONS",
    ):  # fmt: skip
        name = method.decode("latin-1")[:20]
        yield Case(
            f"method {name!r}", post(LENGTH, line=method + b" %b HTTP/1.1" % PATH), "the method is not for this", source
        )
    yield Case(
        "CONNECT to an authority", post(b"", b"", line=b"CONNECT other.example:443 HTTP/1.1"), "a tunnel", source
    )
    source = "RFC 9112 §2.3"
    for version in (
        b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/2", b"HTTP/3.0", b"HTTP/1", b"HTTP/1.", b"HTTP/1.10",
        b"HTTP/01.1", b"HTTP/1.1.1", b"http/1.1", b"HTTP/11", b"HTTP 1.1", b"HTTP/1,1", b"HTTPS/1.1", b"ICE/1.0",
        b"RTSP/1.0", b"HTTP/-1.1", b"HTTP/1.x", b"HTTP/1.1 x", b"HTTP/9.9", b"HTTP", b"XTTP/1.1", b"HTTP/1.\xb9",
    ):  # fmt: skip
        yield Case(
            f"version {version.decode('latin-1')!r}",
            post(LENGTH, line=b"POST %b " % PATH + version),
            "the version is not 1.1 or 1.0",
            source,
        )
    yield Case("no version", b"POST %b\r\n\r\n" % PATH, "HTTP/0.9", source)
    yield Case("no version, with fields", post(LENGTH, line=b"POST %b" % PATH), "HTTP/0.9 with fields", source)
    yield Case("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2 by prior knowledge", "RFC 9113 §3.4")
    yield Case(
        "TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), "a TLS handshake in the clear", "RFC 8446"
    )
    yield Case(
        "PROXY protocol",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + post(LENGTH),
        "a proxy's preface that nobody asked for",
        "haproxy",
    )
    yield Case("SOCKS", b"\x05\x01\x00" + post(LENGTH), "a SOCKS greeting", "RFC 1928")
    yield Case("SSH", b"SSH-2.0-x\r\n" + post(LENGTH), "another protocol", "RFC 4253")
    yield Case("SMTP", b"EHLO x\r\n" + post(LENGTH), "another protocol", "cross-protocol requests")
    yield Case(
        "a response",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "a response instead of a request",
        "response smuggling",
    )
    wish = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    wish += b"Sec-WebSocket-Key: c3ludGhldGljIGtleSEhIQ==\r\n"
    yield Case("WebSocket", post(wish + LENGTH), "a WebSocket", "CVE-2026-2833: what follows an Upgrade")
    yield Case("WebSocket by GET", post(wish, b"", line=b"GET %b HTTP/1.1" % PATH), "a WebSocket", "CVE-2026-2833")
    yield Case(
        "odd expectation",
        post(b"Expect: 200-ok\r\n" + LENGTH),
        "an expectation that nobody can meet",
        "RFC 9110 §10.1.1: 417",
    )
    yield Case(
        "two expectations",
        post(b"Expect: 100-continue, x\r\n" + LENGTH),
        "an expectation that nobody can meet",
        "RFC 9110 §10.1.1: 417",
    )


def too_much() -> Iterator[Case]:
    source = "limits of the head: memory and time by headers"
    yield Case(
        "101 fields",
        post(b"".join(b"X-%d: y\r\n" % n for n in range(99)) + LENGTH),
        "more fields than `header_count`",
        source,
    )
    yield Case(
        "5,000 fields",
        post(b"".join(b"X%d:y\r\n" % n for n in range(5000)) + LENGTH),
        "more fields than `header_count`",
        source,
    )
    yield Case("5,000 times one field", post(b"X:y\r\n" * 5000 + LENGTH), "more fields than `header_count`", source)
    yield Case("a giant field", post(b"X: " + b"y" * 400_000 + b"\r\n" + LENGTH), "a field longer than a head", source)
    yield Case(
        "a long field", post(b"X: " + b"y" * 17_000 + b"\r\n" + LENGTH), "a field longer than `header_bytes`", source
    )
    yield Case("a giant name", post(b"X" * 40_000 + b": y\r\n" + LENGTH), "a name longer than a head", source)
    yield Case(
        "a giant target",
        post(LENGTH, line=b"POST /" + b"a" * 40_000 + b" HTTP/1.1"),
        "a target longer than a head",
        source,
    )
    yield Case(
        "a long query",
        post(LENGTH, line=b"POST %b?" % PATH + b"a" * 17_000 + b" HTTP/1.1"),
        "a target longer than `header_bytes`",
        source,
    )
    yield Case(
        "a giant cookie", post(b"Cookie: " + b"a=b; " * 10_000 + b"\r\n" + LENGTH), "a field longer than a head", source
    )
    yield Case(
        "a body announced too long", post(b"Content-Length: 33554433\r\n"), "a body longer than `body_bytes`", "413"
    )
    for coding in (b"gzip", b"br", b"gzip, gzip, gzip", b"identity, gzip", b"zstd", b"x"):
        data = post(b"Content-Encoding: %b\r\n" % coding + b"Content-Length: 20\r\n", b"\x1f\x8b\x08" + b"\0" * 17)
        yield Case(
            f"body in {coding.decode()!r}", data, "a body in a coding", "decompression bombs: nothing is decoded"
        )


CASES = [*framing(), *chunks(), *bytes_in_the_head(), *hosts_and_targets(), *methods_and_versions(), *too_much()]

HARMLESS = {
    "b'\\r' before the method": "bytes of an empty line before a request are skipped (RFC 9112 §2.2)",
    "b'\\n' before the method": "bytes of an empty line before a request are skipped (RFC 9112 §2.2)",
    "b' ' behind the method": "the target is the same with one blank and with two",
    "version 'RTSP/1.0'": "read as HTTP/1.0: no chunks, one request, and the connection closes",
}
"""Cases that are served all the same, and why that is safe."""
