"""What providers write, byte for byte: whole answers, halves, refusals; and the table of those providers."""

from __future__ import annotations

from tests.endings.forms import KEY, Form

_WAITS = {"fault": "first_byte_s = 20.0, silence_s = 20.0", "hasty": "first_byte_s = 0.6, silence_s = 0.6"}
_BASES = {"openai": "/v1", "anthropic": "/v1", "gemini": "/v1beta", "bedrock": ""}
_PROVIDER = """
[providers.{family}-{dialect}]
dialect = "{dialect}"
base_url = "http://{place}{base}"
api_key = "{key}"
price_as = "{price}"
timeouts = {{ connect_s = {connect_s}, {waits}, total_s = 60.0 }}
"""


def providers(faultd: int, deaf: int) -> str:
    """One provider of each family and dialect, for the ports of the two that listen."""
    ports = {"fault": faultd, "hasty": faultd, "deaf": deaf, "refused": 1}
    rows = [
        _PROVIDER.format(
            family=family,
            dialect=dialect,
            place=f"127.0.0.1:{port}",
            base=base,
            key=KEY,
            price=dialect,
            connect_s=0.4 if family == "deaf" else 10.0,
            waits=_WAITS.get(family, _WAITS["fault"]),
        )
        for family, port in ports.items()
        for dialect, base in _BASES.items()
    ]
    return "".join(rows) + "\n[retries]\nbudget_share = 1.0\nretry_after_cap_s = 1.0\n"


def head(form: Form, *lines: bytes, status: bytes = b"200 OK", version: bytes = b"1.1") -> bytes:
    """The head of an answer, without its framing unless *lines* say it."""
    fields = [b"HTTP/" + version + b" " + status, b"content-type: " + form.kind.encode(), *lines]
    return b"\r\n".join(fields) + b"\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunked(form: Form, *lines: bytes) -> bytes:
    """A whole answer as it should be."""
    return head(form, b"transfer-encoding: chunked", *lines) + b"".join(map(chunk, form.pieces)) + b"0\r\n\r\n"


def sized(form: Form, body: bytes | None = None, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole answer with its length."""
    body = form.body if body is None else body
    return head(form, b"content-length: %d" % len(body), *lines, status=status) + body


def half(form: Form) -> bytes:
    """Head and half of the body, chunked and never ended: of a stream whole events, of JSON half a text."""
    pieces = form.pieces[: len(form.pieces) // 2] if form.stream else [form.body[: len(form.body) // 2]]
    return head(form, b"transfer-encoding: chunked") + b"".join(map(chunk, pieces))


def refusal(form: Form, status: bytes, *lines: bytes, words: bytes = b"made up") -> bytes:
    """An error answer in the provider's dialect."""
    body = form.answers.error % words
    fields = [b"HTTP/1.1 " + status, b"content-type: application/json", b"content-length: %d" % len(body), *lines]
    return b"\r\n".join(fields) + b"\r\n\r\n" + body


def broken(form: Form, pieces: int) -> bytes:
    """A stream that ends in good order behind its error event; a JSON answer that is an error."""
    if not form.stream:
        return sized(form, form.answers.error % b"made up")
    events = [*form.pieces[:pieces], form.answers.broken]
    return head(form, b"transfer-encoding: chunked") + b"".join(map(chunk, events)) + b"0\r\n\r\n"


POISON = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n"poison"'
