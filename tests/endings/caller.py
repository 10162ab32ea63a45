"""A client on a bare socket, which leaves when and how it is told to, and knows what it really read."""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Literal, Self

from tests.stand import DEADLINE_S

How = Literal["fin", "rst"]

_EVENT = re.compile(rb"(.*?)(?:\r\n\r\n|\n\n)", re.DOTALL)


class Caller:
    """One connection to the router.

    Args:
        receive_bytes: Size of the kernel's receive buffer, for a client that shall stop reading.
    """

    def __init__(self, port: int, receive_bytes: int | None = None) -> None:
        self._socket = socket.socket()
        if receive_bytes is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._socket.settimeout(DEADLINE_S)
        self._socket.connect(("127.0.0.1", port))
        self.raw = bytearray()  # all that was read
        self.ended: Literal["", "eof", "reset"] = ""
        self.left_at = 0.0  # `time.monotonic` of the hang-up

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read_until(self, enough: Callable[[bytearray], bool], at_most: int = 65536) -> None:
        """Read until *enough* of what was read, or until the router ends the connection."""
        while not enough(self.raw) and not self.ended:
            try:
                data = self._socket.recv(at_most)
            except ConnectionError:
                self.ended = "reset"
                return
            self.raw += data
            if not data:
                self.ended = "eof"

    def read_on(self, size: int) -> None:
        """Read *size* bytes more of a chunked answer, or to its end."""
        wanted = len(self.raw) + size
        self.read_until(lambda raw: len(raw) >= wanted or raw.endswith(b"0\r\n\r\n"))

    def read_answer(self) -> None:
        """Read one answer to its end."""
        self.read_until(lambda raw: body_of(raw)[1])

    def linger(self, seconds: float) -> None:
        """Be there for a random time, without reading; shorter if something comes."""
        select.select([self._socket], [], [], seconds)

    def rest(self, seconds: float) -> None:
        """Do nothing for a random time, whatever comes."""
        select.select([], [], [], seconds)

    def leave(self, how: How) -> None:
        """Hang up.

        Before it, the kernel acknowledges what we have read: it may put that off for 40 ms, and a reset would
        then deny what was delivered.
        """
        with contextlib.suppress(OSError):  # the router may have been faster
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            if how == "rst":
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.left_at = time.monotonic()
        if how == "fin":
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
        self._socket.close()

    @property
    def status(self) -> int:
        """The answer's status; 0 while there is none."""
        return int(self.raw[9:12]) if len(self.raw) >= 12 else 0

    @property
    def headers(self) -> dict[str, str]:
        return headers_of(self.raw)

    @property
    def id(self) -> str:
        return self.headers["x-dd0c-request-id"]

    @property
    def body(self) -> bytes:
        """What came of the body."""
        return body_of(self.raw)[0]

    @property
    def whole(self) -> bool:
        """The answer's framing says that it is complete."""
        return body_of(self.raw)[1]


def post(path: str, body: Any, headers: dict[str, str]) -> bytes:
    """The bytes of a request."""
    content = json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", "host: router", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"content-length: {len(content)}", "", ""]
    return "\r\n".join(lines).encode() + content


def headers_of(raw: bytes | bytearray) -> dict[str, str]:
    """The headers at the beginning of an answer, empty while its head is not whole."""
    head, end, _ = bytes(raw[: 64 << 10]).partition(b"\r\n\r\n")
    if not end:
        return {}
    pairs = (line.partition(": ") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name: value for name, _, value in pairs}


def body_of(raw: bytes | bytearray) -> tuple[bytes, bool]:
    """As much of the body as came, without its framing, and whether it is whole."""
    headers = headers_of(raw)
    if not headers:
        return b"", False
    rest = bytes(raw).partition(b"\r\n\r\n")[2]
    if "content-length" in headers:
        return rest, len(rest) >= int(headers["content-length"])
    body = bytearray()
    at = 0
    while (line_end := rest.find(b"\r\n", at)) >= 0:
        size = int(rest[at:line_end], 16)
        start = line_end + 2
        if size == 0:
            return bytes(body), rest[start : start + 2] == b"\r\n"
        body += rest[start : start + size]
        at = start + size + 2
    return bytes(body), False


def whole_events(body: bytes) -> bytes:
    """The server-sent events that stand wholly in *body*."""
    found = list(_EVENT.finditer(body))
    return body[: found[-1].end()] if found else b""


def text_of(body: bytes) -> str:
    """The answer's text in the whole events of *body*, of whatever dialect."""
    return "".join(map(_text, _EVENT.findall(body)))


def _text(event: bytes) -> str:
    data = b"".join(line[6:] for line in event.splitlines() if line.startswith(b"data: "))
    if not data.startswith(b"{"):
        return ""
    fields = json.loads(data)
    parts = [choice["delta"].get("content") for choice in fields.get("choices", ())]
    parts += [part.get("text") for found in fields.get("candidates", ()) for part in found["content"]["parts"]]
    if fields.get("type") == "content_block_delta":
        parts.append(fields["delta"].get("text"))
    return "".join(part for part in parts if part)
