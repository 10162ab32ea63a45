"""A witness on the wire: hands every byte on to the simulated provider, and keeps those that go there."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from typing import Self

_NO_LINGER = struct.pack("ii", 1, 0)


class Wire:
    """Listens on `port`, and passes each connection on to the port that *to* tells.

    Attributes:
        sent: What went towards the provider since `forget`.
    """

    def __init__(self, to: Callable[[], int]) -> None:
        self._to = to
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listening.getsockname()[1]
        self.sent = bytearray()
        self.all = bytearray()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def forget(self) -> None:
        self.sent.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to()))
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._hand_on, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._hand_on, args=(far, near, False), daemon=True).start()

    def _hand_on(self, source: socket.socket, sink: socket.socket, up: bool) -> None:
        try:
            while data := source.recv(65536):
                if up:
                    self.sent += data
                    self.all += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:  # a reset is handed on as one
            with contextlib.suppress(OSError):
                sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                sink.shutdown(socket.SHUT_RDWR)
        finally:
            if up:
                with contextlib.suppress(OSError):
                    source.shutdown(socket.SHUT_RD)
