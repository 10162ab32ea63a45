"""A provider that keeps every byte it is sent, and answers what a test tells it to; with TLS too."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from typing import NamedTuple, Self

from tests.stand import DEADLINE_S

JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Request(NamedTuple):
    """One request as it came."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    def all(self, name: str) -> list[str]:
        return [value for one, value in self.headers if one == name]


class Recorder:
    """A listener.

    Args:
        host: Where it listens.
        port: Likewise; 0 for any.
        tls: Its side of TLS.
        greeting: What it says before it is asked.

    Attributes:
        answer: What each request gets.
        connections: How many were accepted.
        raw: All that came, decrypted.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None, greeting: bytes = b""
    ) -> None:
        self._listener = socket.create_server((host, port))
        self._tls = tls
        self._greeting = greeting
        self.port: int = self._listener.getsockname()[1]
        self.answer = JSON
        self.connections = 0
        self.raw = bytearray()
        self.requests: list[Request] = []
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in tuple(self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._thread.join(DEADLINE_S)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        self._open.add(sock)
        try:
            with sock, contextlib.suppress(OSError):
                if self._tls is not None:
                    sock.settimeout(DEADLINE_S)
                    with self._tls.wrap_socket(sock, server_side=True) as secured:
                        self._talk(secured)
                else:
                    self._talk(sock)
        finally:
            self._open.discard(sock)

    def _talk(self, sock: socket.socket) -> None:
        held = b""
        sock.sendall(self._greeting)
        while data := sock.recv(1 << 16):
            self.raw += data
            held += data
            while b"\r\n\r\n" in held:
                head, _, rest = held.partition(b"\r\n\r\n")
                found = _LENGTH.search(head)
                size = int(found[1]) if found else 0
                if len(rest) < size:
                    break
                held = rest[size:]
                line, *fields = head.decode("latin-1").split("\r\n")
                pairs = [(name.lower(), value.strip()) for name, _, value in (one.partition(":") for one in fields)]
                self.requests.append(Request(line, pairs, rest[:size]))
                sock.sendall(self.answer)


def answer(status: str, *fields: str, body: bytes = b"{}", first: bytes = b"") -> bytes:
    """An answer with these header lines; *first* goes before it, such as an interim answer."""
    lines = "".join(f"{field}\r\n" for field in fields)
    return first + f"HTTP/1.1 {status}\r\n{lines}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body
