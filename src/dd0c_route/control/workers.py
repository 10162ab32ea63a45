"""Asking the workers, over their private sockets: HTTP/1.1, one request a connection, with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

ANSWER_S = 1.0  # a worker that needs longer is reported as missing
RELOAD_S = 10.0  # it builds its whole configuration anew
MAX_ANSWER_BYTES = 1 << 20  # counts of thousands of providers


class Counts(msgspec.Struct, frozen=True):
    """One provider's upstream connections in one worker."""

    open: int
    in_use: int


class Gauges(msgspec.Struct, frozen=True):
    """What a worker says of itself."""

    in_flight: int = 0
    client_connections: int = 0
    journal_pending: int = 0
    journal_errors: int = 0
    journal_lost: int = 0
    audits_skipped: int = 0
    bodies_dropped: int = 0


class Answer(msgspec.Struct, frozen=True):
    """What a worker said."""

    status: int
    body: bytes


class Workers:
    """All workers, by the paths of their sockets."""

    def __init__(self, sockets: Sequence[str]) -> None:
        self._sockets = sockets

    async def ask(self, method: str, path: str, deadline_s: float = ANSWER_S) -> list[Answer | None]:
        """Every worker's answer; None where one did not answer in time."""
        return await asyncio.gather(*(_ask(socket, method, path, deadline_s) for socket in self._sockets))

    async def connections(self) -> dict[str, dict[str, int]]:
        """Upstream connections by provider, summed over the workers that answer."""
        total: dict[str, dict[str, int]] = {}
        for answer in await self.ask("GET", "/internal/connections"):
            if answer is None or answer.status != 200:
                continue
            for provider, counts in msgspec.json.decode(answer.body, type=dict[str, Counts]).items():
                sums = total.setdefault(provider, {"open": 0, "in_use": 0})
                sums["open"] += counts.open
                sums["in_use"] += counts.in_use
        return total

    async def gauges(self) -> list[Gauges | None]:
        """What each worker says of itself; None where one does not answer."""
        answers = await self.ask("GET", "/internal/gauges")
        return [
            msgspec.json.decode(answer.body, type=Gauges) if answer is not None and answer.status == 200 else None
            for answer in answers
        ]


async def _ask(socket: str, method: str, path: str, deadline_s: float) -> Answer | None:
    try:
        async with asyncio.timeout(deadline_s):
            reader, writer = await asyncio.open_unix_connection(socket, limit=MAX_ANSWER_BYTES)
            try:
                head = f"{method} {path} HTTP/1.1\r\nhost: worker\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                writer.write(head.encode())
                return await _answer(reader)
            finally:
                writer.close()
    except (OSError, ValueError, IndexError, EOFError, asyncio.LimitOverrunError):  # TimeoutError is an OSError
        return None


async def _answer(reader: asyncio.StreamReader) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers["content-length"]) if "content-length" in headers else 0
    if length > MAX_ANSWER_BYTES:
        raise ValueError(f"an answer of {length} bytes")
    return Answer(int(status_line.split()[1]), await reader.readexactly(length))
