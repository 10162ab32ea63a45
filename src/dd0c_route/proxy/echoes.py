"""A provider's word on a failure may repeat the credential that it was sent, and more: masked on its way to the client.

Where nothing is to be masked, an error passes byte for byte, as everything else does. Of an answer that is none, only
what names an error is looked at: its events are held until they are whole, and keep their length.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from dd0c_route.proxy.headers import Headers
from dd0c_route.redact import redact_bytes
from dd0c_route.redact.scrub import find
from dd0c_route.wire.encoding import EncodingError, decoded

MAX_ERROR_BYTES = 1 << 20  # of an error that comes whole, decoded: it is looked through in one go, on the loop
MAX_EVENT_BYTES = 64 << 10  # of an error that a stream tells; a longer one is looked at in pieces
_ERROR = re.compile(rb'"error":\s*[{"]|"type":\s*"(?:error|response\.failed)"|event:\s*error')
_EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")

Whole = Callable[[int, bytes], tuple[int, bytes]]


def clean_headers(headers: Headers) -> Headers:
    """*headers* of an answer that is a failure or a redirect, without credentials in their values."""
    return [(name, redact_bytes(value)) for name, value in headers]


class ErrorAnswer:
    """An error that comes whole.

    Attributes:
        headers: What goes to the client of the provider's; settled when `whole` has run.
    """

    def __init__(self, headers: Headers, coding: str, then: Whole | None) -> None:
        self.headers = clean_headers(headers)
        self._coding = coding
        self._then = then  # decodes by itself

    def whole(self, status: int, body: bytes) -> tuple[int, bytes]:
        """
        Raises: as *then*.
        """
        if self._then is not None:
            status, body = self._then(status, body)
            return status, redact_bytes(body)
        if not self._coding:
            return status, redact_bytes(body)
        try:
            said = decoded(self._coding, body, MAX_ERROR_BYTES)
        except EncodingError:
            return status, body  # no client reads it, either
        clean = redact_bytes(said)
        if clean == said:
            return status, body
        self.headers[:] = [pair for pair in self.headers if pair[0] != b"content-encoding"]
        return status, clean


class ErrorEvents:
    """The errors that a stream tells in its midst."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """What can go out by now; nearly always *data* itself."""
        if not self._held and (b"error" not in data or _ERROR.search(data) is None):
            return data
        self._held += data
        if self._held.endswith(_EVENT_ENDS) or len(self._held) > MAX_EVENT_BYTES:
            return self.end()
        return b""

    def end(self) -> bytes:
        """What was held: the stream is over."""
        held, self._held = self._held, b""
        return _same_length(held) if held else held


def _same_length(data: bytes) -> bytes:
    """Masked by stars: the stream's length may have been announced."""
    text = data.decode("latin-1")  # a credential is ASCII, and a character is a byte
    for start, end, _ in find(text):
        text = text[:start] + "*" * (end - start) + text[end:]
    return text.encode("latin-1")
