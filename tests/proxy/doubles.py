"""A client's connection without a socket, and a kernel that tells what a test says."""

from __future__ import annotations

from typing import Any

from dd0c_route.proxy.client import Client, Link


class Witness:
    """A kernel that has acknowledged *figure* bytes."""

    figure = 0

    def acked(self) -> int:
        return self.figure

    def close(self) -> None:
        pass


class Transport:
    """Keeps what is written; the kernel has taken all but *waiting* of it."""

    def __init__(self) -> None:
        self.data = b""
        self.waiting = 0
        self.ended = ""

    def set_write_buffer_limits(self, high: int) -> None: ...

    def write(self, data: bytes) -> None:
        self.data += data

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def get_extra_info(self, name: str) -> None:
        return None

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = self.ended or "aborted"


def client_on(transport: Transport, link: Link | None = None, **how: Any) -> Client:
    settings: dict[str, Any] = {"http10": False, "keep_alive": True, "head_only": False, "on_done": lambda keep: None}
    return Client(link or Link(transport), **(settings | how))  # type: ignore[arg-type]  # a double
